"""Pictures: what is drawn is what table.csv, curves.csv, costs.csv and the stored arrays say."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from drawn_pictures import LABELS, crowded, drawn, lines, numbers, panels
from geobench import figures
from geobench.board import tables
from geobench.figures.accuracy import draw_accuracy
from geobench.figures.cost import draw_cost
from geobench.figures.curves import GROUPS, draw_curves
from geobench.figures.style import draw_intervals, house_style, looks, sheet
from geobench.names import CEILING


def change(folder, name, row_filter, column, value):
    """Change one number of a table on disk."""
    with (folder / name).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    hits = [row for row in rows if row_filter(row)]
    assert hits
    hits[0][column] = value
    with (folder / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_accuracy_has_a_line_and_a_band_per_method_as_curves_csv_says(folder):
    curves, table = numbers(folder, "curves.csv"), numbers(folder, "table.csv")
    curves = curves[curves.curve == "accuracy"]
    found = panels(drawn(folder, "accuracy"))
    assert set(found) == {"random/test", "unseen-cells/seen", "unseen-cells/unseen"}
    for part, axes in found.items():
        assert set(lines(axes)) == LABELS
        bands = {b.get_label(): b for b in axes.collections if b.get_label() in LABELS}
        assert set(bands) == LABELS
        for label in LABELS:
            rows = curves[(curves.part == part) & (curves.label == label) & (curves.x <= 5000)]
            # The line goes through the points of the curve and through the table's dots.
            named = table[(table.part == part) & (table.label == label)]
            named = named[named.summary.str.startswith("accuracy@")]
            wanted = sorted(
                [*zip(rows.x, 100 * rows.value, strict=True)]
                + [*zip([200, 750, 2500], 100 * named.value, strict=True)]
            )
            np.testing.assert_allclose(lines(axes)[label].get_xydata(), wanted)
            (path,) = bands[label].get_paths()
            corners = {(round(a, 6), round(b, 6)) for a, b in path.vertices.tolist()}
            for low_or_high in (rows.low, rows.high):
                wanted = zip(rows.x.round(6), (100 * low_or_high).round(6), strict=True)
                assert set(wanted) <= corners


def test_the_dots_on_the_lines_are_the_rows_of_table_csv(folder):
    table = numbers(folder, "table.csv")
    for part, axes in panels(drawn(folder, "accuracy")).items():
        dots = [line for line in axes.lines if line.get_marker() == "."]
        colours = {to_rgb(line.get_color()): label for label, line in lines(axes).items()}
        assert {colours[to_rgb(dot.get_color())] for dot in dots} == LABELS
        for dot in dots:
            label = colours[to_rgb(dot.get_color())]
            rows = table[(table.part == part) & (table.label == label)]
            rows = rows[rows.summary.str.startswith("accuracy@")]
            np.testing.assert_allclose(dot.get_xdata(orig=False), [200, 750, 2500])
            np.testing.assert_allclose(dot.get_ydata(orig=False), 100 * rows.value)
            (bars,) = [
                bar.get_segments()
                for bar in axes.collections
                if bar.get_label() not in LABELS
                and to_rgb(bar.get_color()[0]) == to_rgb(dot.get_color())
            ]
            for bar, row in zip(bars, rows.itertuples(), strict=True):
                np.testing.assert_allclose(bar[:, 1], [100 * row.low, 100 * row.high], atol=1e-9)


@pytest.mark.parametrize("count", [1, 5, 24])
def test_bars_of_one_radius_stand_beside_each_other_and_near_it(folder, count):
    figure = draw_accuracy(crowded(folder, count, 5), stamp="")
    for axes in figure.axes:
        bars = [c for c in axes.collections if isinstance(c, LineCollection)]
        places = np.array([[bar[0, 0] for bar in each.get_segments()] for each in bars])
        assert places.shape == (count, 3)
        assert len(np.unique(places)) == 3 * count
        assert (np.abs(np.log10(places / [200, 750, 2500])) <= 0.1001).all()
        # At the smallest radius that is shown they have room, too.
        assert axes.get_xlim()[0] <= 10**-0.0999


@pytest.mark.parametrize(
    ("note", "pale"),
    [
        ("", False),
        ("gallery: training places", False),
        ("fewer than 10 effective units", True),
        ("gallery: training places; fewer than 10 effective units", True),
    ],
)
def test_the_bar_of_a_weak_interval_is_pale_and_no_other(folder, note, pale):
    row = next(row for row in tables.read(folder).rows if row.overall and np.isfinite(row.low))
    rows = [replace(row, note=""), replace(row, note=note)]
    with house_style():
        (axes,) = sheet(1, title="", stamp="", height=2.0).panels
        draw_intervals(axes, [0, 1], rows, looks(["a"])["a"])
    (bars,) = axes.collections
    solid, noted = bars.get_alpha()
    assert solid == 1
    assert noted == (0.4 if pale else 1)


def page_texts(axes):
    return [text.get_text() for text in axes.texts]


def test_slopes_and_their_bars_are_the_rows_of_seen_and_unseen(folder):
    table = numbers(folder, "table.csv")
    found = panels(drawn(folder, "seen-unseen"))
    assert set(found) == {"unseen-cells: geoscore", "unseen-cells: distance.median"}
    for title, axes in found.items():
        rows = table[table.summary == title.split(": ")[1]].set_index(["part", "label"])
        bars = {to_rgb(bar.get_color()[0]): bar for bar in axes.collections}
        assert set(lines(axes)) == LABELS
        assert page_texts(axes)
        for label, line in lines(axes).items():
            (text,) = [text for text in page_texts(axes) if text.startswith(label)]
            shown = [float(word.replace(",", "")) for word in text.split() if word[0].isdigit()]
            np.testing.assert_allclose(shown, line.get_ydata(orig=False), rtol=1e-3)
            assert text.split()[-2] == "\N{RIGHTWARDS ARROW}"
            segments = bars[to_rgb(line.get_color())]
            ends = [rows.loc[f"unseen-cells/{part}", label] for part in ("seen", "unseen")]
            np.testing.assert_allclose(line.get_ydata(orig=False), [row.value for row in ends])
            for segment, row in zip(segments.get_segments(), ends, strict=True):
                np.testing.assert_allclose(segment[:, 1], [row.low, row.high], rtol=1e-9)
        assert lines(axes)[CEILING].get_linestyle() == "--"


def test_what_cannot_be_negative_has_no_axis_below_zero_and_what_can_has(folder):
    read = tables.read(folder)
    (novelty, _, risk) = GROUPS

    def points(curve, value, low):
        first = next(point for point in read.curves if point.slice == "all")
        return [
            replace(first, curve=curve, x=x, value=value, low=low, high=2 * abs(value))
            for x in (0.1, 0.5, 1.0)
        ]

    def limits(group, found):
        figure = draw_curves(replace(read, curves=found), group, stamp="")
        return [axes.get_ylim() for axes in figure.axes]

    assert limits(risk, points("risk-coverage", 500.0, -1000.0)) == [(0.0, pytest.approx(1080.0))]
    ((low, _),) = limits(risk, points("risk-coverage", 500.0, 400.0))
    assert 300 < low < 400
    ((low, _),) = limits(novelty, points("nll.novelty", -3.0, -4.0))
    assert low < -4


def test_panels_of_one_part_have_titles_that_differ(folder):
    titles = list(panels(drawn(folder, "novelty")))
    parts = ["random/test", "unseen-cells/seen", "unseen-cells/unseen"]
    assert sorted(titles) == sorted(f"{part}: error" for part in parts)
    assert len(drawn(folder, "novelty").axes) == len(titles)
    read = tables.read(folder)
    far = [point for point in read.curves if point.curve == "distance.mean.novelty"]
    both = replace(read, curves=[*far, *(replace(p, curve="nll.novelty") for p in far)])
    titles = [axes.get_title(loc="left") for axes in draw_curves(both, GROUPS[0], stamp="").axes]
    assert sorted(titles) == sorted(
        f"{part}: {kind}" for part in parts for kind in ("error", "nll")
    )


def test_cost_shows_seconds_of_costs_csv_against_scores_of_table_csv(folder):
    table, costs = numbers(folder, "table.csv"), numbers(folder, "costs.csv")
    for part, axes in panels(drawn(folder, "cost")).items():
        bars = {to_rgb(bar.get_color()[0]): bar for bar in axes.collections}
        assert set(lines(axes)) == LABELS
        for label in LABELS - {CEILING}:
            dot = lines(axes)[label]
            mine = costs[(costs.part == part) & (costs.label == label)]
            mine = mine[mine.quantity.isin(["fit_seconds", "predict_seconds"])]
            seconds = mine.groupby("seed").value.sum().mean()
            rows = table[(table.part == part) & (table.label == label)]
            score = rows[rows.summary == "geoscore"].iloc[0]
            np.testing.assert_allclose(dot.get_xdata(orig=False), [max(seconds, 1e-3)])
            np.testing.assert_allclose(dot.get_ydata(orig=False), [score.value])
            (segment,) = bars[to_rgb(dot.get_color())].get_segments()
            np.testing.assert_allclose(segment[:, 1], [score.low, score.high])
        ceiling = table[(table.part == part) & (table.label == CEILING)]
        ceiling = ceiling[ceiling.summary == "geoscore"].value.item()
        np.testing.assert_allclose(lines(axes)[CEILING].get_ydata(orig=False), ceiling)


def test_cost_is_drawn_where_no_method_took_a_millisecond(folder):
    found = tables.read(folder)
    costs = [replace(cost, value=1e-5) for cost in found.costs]
    figure = draw_cost(tables.Tables(found.rows, [], costs, []), stamp="")
    for axes in panels(figure).values():
        low, high = axes.get_xlim()
        assert 0 < low < 1e-3 < high < 1
        dots = [line.get_xdata(orig=False) for name, line in lines(axes).items() if name != CEILING]
        np.testing.assert_allclose(dots, 1e-3)


def test_every_axis_has_a_name_with_its_unit(folder):
    for name in ("accuracy", "seen-unseen", "cost"):
        for axes in drawn(folder, name).axes:
            units = ("(km)", "(%)", "(s)", "(points, ", "(km, ")
            assert any(unit in axes.get_ylabel() for unit in units), axes.get_ylabel()
            words = [text.get_text() for text in axes.get_xticklabels()]
            assert words == ["seen", "unseen"] or any(u in axes.get_xlabel() for u in units)
    bar = drawn(folder, "errors-random-test").axes[-1]
    assert bar.get_xlabel() == "distance of the answer from the truth (km)"


@pytest.mark.parametrize(
    ("name", "file", "column", "value"),
    [
        ("accuracy", "curves.csv", "value", "0.123"),
        ("accuracy", "curves.csv", "high", "0.987"),
        ("accuracy", "table.csv", "value", "0.321"),
        ("seen-unseen", "table.csv", "value", "4321"),
        ("cost", "costs.csv", "value", "99"),
    ],
)
def test_changing_a_number_changes_the_picture(folder, name, file, column, value):
    def hit(row):
        wanted = {
            "curves.csv": lambda: row["curve"] == "accuracy" and 100 < float(row["x"]) < 5000,
            "costs.csv": lambda: row["quantity"] == "fit_seconds",
            "table.csv": lambda: (
                row["part"] == "unseen-cells/seen"
                and row["summary"] == ("accuracy@750km" if name == "accuracy" else "geoscore")
            ),
        }
        return wanted[file]()

    before = figures.rendered(lambda: drawn(folder, name), "png")
    assert figures.rendered(lambda: drawn(folder, name), "png") == before
    change(folder, file, hit, column, value)
    assert figures.rendered(lambda: drawn(folder, name), "png") != before
