"""Pictures: what is drawn is what table.csv, curves.csv, costs.csv and the stored arrays say."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas
import pytest
from geopy.distance import great_circle
from matplotlib import image
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from skimage.color import rgb2lab
from typer.testing import CliRunner

from geobench import cli, config, figures, records
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.figures.accuracy import draw_accuracy
from geobench.figures.cost import draw_cost
from geobench.figures.curves import GROUPS, draw_curves
from geobench.figures.maps import LEFT_OUT, ROLES, draw_split, error_colours, role_colours
from geobench.figures.names import spread
from geobench.figures.nearer import SIDES
from geobench.figures.slopes import draw_slopes, seen_pairs
from geobench.figures.style import draw_intervals, house_style, looks, sheet
from geobench.figures.world import land
from geobench.geo import EARTH_RADIUS_KM
from geobench.names import CEILING
from geobench.pages import report
from geobench.pages.verification import verify
from geobench.run import execution, runner

YAML = """
benchmarks:
  - name: toy-pictures
    dataset: {name: toy-planet, photos: 400}
    splits: [random, unseen-cells]
    methods: [uniform, {name: prior, label: the prior}]
    metrics: [distance, {name: accuracy, radii_km: [200, 750, 2500]}, geoscore]
    seeds: [0, 1]
"""
LABELS = {"uniform", "the prior", CEILING}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    (root / "b.yaml").write_text(YAML)
    (benchmark,) = config.read(root / "b.yaml", installed())
    options = execution.Options()
    outcome = runner.run(
        benchmark, records.Workspace(root), options=options, reporter=execution.Reporter()
    )
    assert outcome.failures == []
    return outcome.board


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "board")


def drawn(folder, name):
    """The figure object of a picture, drawn from a leaderboard's files."""
    board = Leaderboard(folder, installed())
    planned = {picture.name: picture for picture in figures.planned(board, tables.read(folder))}
    return planned[name].draw()


def panels(figure):
    return {axes.get_title(loc="left") or axes.get_title(): axes for axes in figure.axes}


def numbers(folder, name):
    """A table; of table.csv the rows about all photos, each of which counts once."""
    table = pandas.read_csv(folder / name, keep_default_na=False, na_values=[""])
    if name == "table.csv":
        table = table[(table["slice"] == "all") & (table.average == "photo")]
        table = table[~table.summary.str.endswith(("gap", "part-difference"))]
    return table


def lines(axes):
    return {line.get_label(): line for line in axes.lines if line.get_label() in LABELS}


def slopes(read, *, stamp):
    return draw_slopes(read, seen_pairs(read), title="Slopes", stamp=stamp)


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


def test_maps_of_errors_have_a_dot_per_photo_in_the_colour_of_its_error(folder):
    part = "unseen-cells/unseen"
    manifest = json.loads((folder / "benchmark.json").read_text())
    truth = np.load(folder / "runs" / manifest["parts"][part]["folder"] / "part.npz")["truth"]
    table = numbers(folder, "table.csv")
    found = panels(drawn(folder, "errors-unseen-cells-unseen"))
    for label in ("uniform", "the prior"):
        median = table[(table.part == part) & (table.label == label)]
        median = median[median.summary == "distance.median"].value.item()
        (title,) = (title for title in found if title.startswith(label))
        assert float(title.split("median ")[1].removesuffix(" km").replace(",", "")) == (
            pytest.approx(median, rel=1e-3)
        )
        folders = [
            row["folder"]
            for row in manifest["rows"]
            if (row["part"], row["label"]) == (part, label)
        ]
        away = np.mean(
            [
                [
                    great_circle(a, b, radius=EARTH_RADIUS_KM).km
                    for a, b in zip(
                        truth, np.load(folder / "runs" / each / "answer.npz")["answer"], strict=True
                    )
                ]
                for each in folders
            ],
            axis=0,
        )
        dots = next(c for c in found[title].collections if c.get_label() == label)
        shown = sorted(zip(*dots.get_offsets().T, dots.get_array(), strict=True))
        wanted = sorted(zip(*np.radians(truth[:, ::-1]).T, away, strict=True))
        np.testing.assert_allclose(shown, wanted, rtol=1e-6, atol=1e-9)


def test_the_map_of_a_split_shows_every_photo_in_its_role(folder):
    (path,) = folder.glob("runs/unseen-cells-*.npz")
    arrays = np.load(path)
    figure = drawn(folder, "split-unseen-cells")
    roles, counts = np.unique(arrays["role"], return_counts=True)
    assert {"train", "val", "set-aside", "seen", "unseen"} <= set(roles.tolist())
    shown = {c.get_label(): c.get_offsets() for c in figure.axes[0].collections}
    assert set(shown) == {f"{r} ({n:,})" for r, n in zip(roles, counts, strict=True)}
    for role, count in zip(roles, counts, strict=True):
        places = np.radians(arrays["points"][arrays["role"] == role][:, ::-1])
        np.testing.assert_allclose(shown[f"{role} ({count:,})"], places)


def maps_of(figure):
    """The panels of a figure that are maps: in the projection, or without pictures in degrees."""
    return [
        axes
        for axes in figure.axes
        if axes.name == "mollweide" or axes.get_label().startswith("map-")
    ]


def lands_on(axes):
    """The land of the Earth on a map, as it is drawn."""
    drawn = [c for c in axes.collections if isinstance(c, QuadMesh)] + list(axes.images)
    return [each for each in drawn if each.get_array().shape == land().shape]


def every_map(folder, monkeypatch, tmp_path):
    """Every map that a board and its dataset are shown on, by what draws it."""
    found = {
        name: drawn(folder, name)
        for name in ("errors-unseen-cells-unseen", "errors-random-test", "split-unseen-cells")
    }
    made = []

    def rendered(draw, file_format):
        made.append(draw())
        return b""

    monkeypatch.setattr(figures, "rendered", rendered)
    board = str(folder)
    for words in (
        ("worst", board, "-m", "uniform", "--part", "random/test"),
        ("compare", board, "uniform", "the prior", "--part", "random/test"),
        ("data", "toy-planet", "--config", "photos=400", "--split", "random"),
    ):
        done = CliRunner().invoke(cli.app, [*words, "--output", str(tmp_path)])
        assert done.exit_code == 0, done.output
        found |= {f"{words[0]}-{number}": figure for number, figure in enumerate(made)}
        made.clear()
    return {name: maps_of(figure) for name, figure in found.items()}


def test_a_planet_that_is_not_the_earth_has_no_land_on_any_map(folder, monkeypatch, tmp_path):
    found = every_map(folder, monkeypatch, tmp_path)
    assert [name for name in found if name.startswith(("worst", "compare", "data"))] == [
        *("worst-0", "compare-0", "data-0", "data-1"),
    ]
    for name, maps in found.items():
        assert maps, name
        assert not [axes for axes in maps if lands_on(axes)], name


def test_every_map_of_the_earth_has_its_land(folder, monkeypatch, tmp_path):
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    for dataset in (manifest["dataset"], *(part["dataset"] for part in manifest["parts"].values())):
        dataset["on_earth"] = True
    path.write_text(json.dumps(manifest))
    monkeypatch.setattr(type(installed().find("dataset", "toy-planet")()), "on_earth", True)
    for name, maps in every_map(folder, monkeypatch, tmp_path).items():
        assert all(len(lands_on(axes)) == 1 for axes in maps), name


def test_every_axis_has_a_name_with_its_unit(folder):
    for name in ("accuracy", "seen-unseen", "cost"):
        for axes in drawn(folder, name).axes:
            units = ("(km)", "(%)", "(s)", "(points, ", "(km, ")
            assert any(unit in axes.get_ylabel() for unit in units), axes.get_ylabel()
            words = [text.get_text() for text in axes.get_xticklabels()]
            assert words == ["seen", "unseen"] or any(u in axes.get_xlabel() for u in units)
    bar = drawn(folder, "errors-random-test").axes[-1]
    assert bar.get_xlabel() == "distance of the answer from the truth (km)"


def test_every_picture_says_whose_it_is_and_fits_a_readme(folder):
    manifest = json.loads((folder / "benchmark.json").read_text())
    shown = [entry["file"] for entry in manifest["figures"]]
    assert len(shown) == 4 + 2 + 3
    page = (folder / "README.md").read_text()
    for file in shown:
        assert f"]({file})" in page
        assert image.imread(folder / file).shape[1] == round(8.5 * 144)
        name = file.removeprefix("figures/").removesuffix(".png")
        words = [text.get_text() for text in drawn(folder, name).texts]
        assert f"toy-pictures, digest {manifest['digest'][:12]}" in words


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


def test_the_pictures_are_found_stale_when_they_are_not_of_these_numbers(folder):
    assert verify(folder, installed()) == []
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    manifest["figures"][0]["source"] = "0" * 64
    path.write_text(json.dumps(manifest))
    (problem,) = verify(folder, installed())
    assert "seen-unseen.png was drawn from other numbers" in problem
    assert report.rewrite(folder, installed()) == []
    assert verify(folder, installed()) == []
    (folder / "figures/cost.png").write_bytes(b"another")
    (folder / "figures/accuracy.png").unlink()
    problems = verify(folder, installed())
    assert len(problems) == 2
    assert "accuracy.png is missing" in problems[0]
    assert "cost.png is not the picture that benchmark.json names" in problems[1]
    assert report.rewrite(folder, installed()) == []
    assert verify(folder, installed()) == []


def test_drawing_again_gives_the_same_bytes_and_fresh_pictures_are_left_alone(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("figures/*")}
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("figures/*")} == times
    for path in folder.glob("figures/*"):
        path.unlink()
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before


def test_svg_takes_the_place_of_png_until_png_is_asked_for(folder):
    assert report.rewrite(folder, installed(), file_format="svg") == []
    names = sorted(path.name for path in folder.glob("figures/*"))
    assert len(names) == 9
    assert all(name.endswith(".svg") for name in names)
    assert "](figures/accuracy.svg)" in (folder / "README.md").read_text()
    assert "answers within it (%)" in (folder / "figures/accuracy.svg").read_text()
    assert verify(folder, installed()) == []
    before = (folder / "figures/accuracy.svg").read_bytes()
    (folder / "figures/accuracy.svg").unlink()
    assert report.rewrite(folder, installed()) == []
    assert (folder / "figures/accuracy.svg").read_bytes() == before
    assert report.rewrite(folder, installed(), file_format="png") == []
    assert {path.suffix for path in folder.glob("figures/*")} == {".png"}


def test_a_run_without_pictures_leaves_none_that_are_stale(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML.replace(", unseen-cells]", "]"))

    def run(methods, **options):
        text = (tmp_path / "b.yaml").read_text()
        (tmp_path / "c.yaml").write_text(text.replace("[uniform, ", methods))
        (benchmark,) = config.read(tmp_path / "c.yaml", installed())
        return runner.run(
            benchmark,
            records.Workspace(tmp_path),
            options=execution.Options(**options),
            reporter=execution.Reporter(),
        ).board

    board = run("[uniform, ")
    assert len(list(board.glob("figures/*"))) == 5
    run("[uniform, ", figures=False)
    assert len(list(board.glob("figures/*"))) == 5
    run("[", figures=False)
    assert list(board.glob("figures/*")) == []
    assert "](figures/" not in (board / "README.md").read_text()
    assert verify(board, installed()) == []


def test_a_dataset_that_publishes_scores_only_has_no_maps(tmp_path):
    from geobench.toy_planet import ToyPlanet

    (tmp_path / "b.yaml").write_text(YAML)
    (benchmark,) = config.read(tmp_path / "b.yaml", installed())

    class Secret(ToyPlanet):
        publishes = "scores"

    asked = benchmark.model_copy(
        update={
            "dataset": benchmark.dataset.model_copy(
                update={"plugin": Secret(benchmark.dataset.plugin.config)}
            )
        }
    )
    board = runner.run(
        asked,
        records.Workspace(tmp_path),
        options=execution.Options(),
        reporter=execution.Reporter(),
    ).board
    names = sorted(path.stem for path in board.glob("figures/*"))
    assert names == ["accuracy", "cost", "novelty", "seen-unseen"]


def test_labels_that_differ_in_signs_only_have_pictures_of_their_own(tmp_path):
    labels = "[{name: random, label: a b}, {name: random, label: a-b, seed: 1}]"
    (tmp_path / "b.yaml").write_text(YAML.replace("[random, unseen-cells]", labels))
    (benchmark,) = config.read(tmp_path / "b.yaml", installed())
    board = runner.run(
        benchmark,
        records.Workspace(tmp_path),
        options=execution.Options(),
        reporter=execution.Reporter(),
    ).board
    entries = json.loads((board / "benchmark.json").read_text())["figures"]
    assert {entry["file"] for entry in entries if "split-" in entry["file"]} == {
        "figures/split-a-b.png",
        "figures/split-a-b-2.png",
    }
    assert len({entry["sha256"] for entry in entries}) == len(entries)


def test_a_picture_that_cannot_be_drawn_is_a_problem_and_loses_no_other(folder, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("no ink")

    monkeypatch.setattr("geobench.figures.album.draw_cost", broken)
    shutil.rmtree(folder / "figures")
    (problem,) = report.rewrite(folder, installed())
    assert problem.endswith("cost.png: ValueError: no ink")
    assert len(list(folder.glob("figures/*"))) == 8
    assert "figures/cost.png" not in (folder / "README.md").read_text()
    monkeypatch.undo()
    (problem,) = verify(folder, installed())
    assert problem.endswith("figures/cost: this picture was never drawn")
    kept = (folder / "figures/accuracy.png").stat().st_mtime_ns
    assert report.rewrite(folder, installed()) == []
    assert (folder / "figures/accuracy.png").stat().st_mtime_ns == kept
    assert len(list(folder.glob("figures/*"))) == 9
    assert verify(folder, installed()) == []


def listed(folder, change):
    """benchmark.json with its list of pictures changed."""
    path = folder / "benchmark.json"
    manifest = json.loads(path.read_text())
    change(manifest["figures"])
    path.write_text(json.dumps(manifest))


def entry_of(folder, name, **changed):
    """An entry of benchmark.json for a file that no leaderboard of these numbers has."""
    sha256 = hashlib.sha256((folder / "figures" / name).read_bytes()).hexdigest()
    about = {"title": "", "caption": "", "part": "", "source": "0" * 64, "sha256": sha256}
    return {"file": f"figures/{name}", **about, **changed}


def test_what_lies_among_the_pictures_and_is_none_is_named_and_left_alone(folder):
    mine = folder / "figures"
    (mine / "older.svg").write_text("<svg/>")
    (mine / "drafts").mkdir()
    (mine / "drafts/thesis.png").write_text("years of work")
    (mine / ".gitkeep").write_text("")
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    assert verify(folder, installed()) == []
    for file_format in ("svg", "png"):
        assert report.rewrite(folder, installed(), file_format=file_format) == []
    assert verify(folder, installed()) == []
    board = Leaderboard(folder, installed())
    assert figures.unknown(board) == [mine / "drafts", mine / "older.svg"]
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("is_folder", [False, True], ids=["a file", "a folder"])
def test_what_has_the_name_of_a_picture_and_was_never_named_is_left_alone(folder, is_folder):
    place = folder / "figures/cost.png"
    drawn = place.read_bytes()
    mine = place / "mine.png" if is_folder else place
    listed(folder, lambda found: found.remove(next(e for e in found if "cost" in e["file"])))
    place.unlink()
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"retouched")
    for _ in range(2):
        (problem,) = report.rewrite(folder, installed())
        assert f"{place}: has the name of a picture, and benchmark.json does not name" in problem
        assert "Move it elsewhere, then run `geobench report` again." in problem
        assert mine.read_bytes() == b"retouched"
        assert "figures/cost.png" not in (folder / "README.md").read_text()
        (problem,) = verify(folder, installed())
        assert problem.endswith("figures/cost: this picture was never drawn")
    place.rename(folder / "mine")
    assert report.rewrite(folder, installed()) == []
    assert place.read_bytes() == drawn
    assert verify(folder, installed()) == []


def test_what_a_killed_run_has_drawn_is_named_by_the_next(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    listed(folder, lambda found: found.clear())
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def test_a_picture_is_removed_if_it_was_named_and_is_as_it_was_written(folder):
    mine = folder / "figures"
    for name in ("old.png", "changed.png", "folder.png", "old.pdf"):
        (mine / name).write_text(name)
    entries = [entry_of(folder, name) for name in ("old.pdf", "old.png", "changed.png")]
    entries.append(entry_of(folder, "old.png", file="figures/folder.png"))
    listed(folder, lambda found: found.extend(entries))
    (mine / "changed.png").write_text("retouched")
    (mine / "folder.png").unlink()
    (mine / "folder.png").mkdir()
    assert any("folder.png is missing" in problem for problem in verify(folder, installed()))
    assert report.rewrite(folder, installed()) == []
    assert not (mine / "old.png").exists()
    assert not (mine / "old.pdf").exists()
    assert (mine / "changed.png").read_text() == "retouched"
    assert (mine / "folder.png").is_dir()
    assert len(list(mine.glob("*.png"))) == 9 + 2
    assert verify(folder, installed()) == []


@pytest.mark.parametrize(
    "file",
    ["table.csv", "figures/../mine.png", "figures/sub/mine.png", "/{folder}/mine.png", "figures/"]
    + [
        "figures/..",
        "figures/.hidden.png",
        "figures\\mine.png",
        "../{name}/mine.png",
        "x/mine.png",
    ],
)
def test_a_benchmark_json_of_a_stranger_names_no_file_elsewhere(folder, file):
    named = file.format(folder=folder, name=folder.name)
    for place in ("mine.png", "figures/sub/mine.png", "figures/.hidden.png", "x/mine.png"):
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / place).write_text("mine")
    (folder / "figures/mine.png").write_text("mine")
    sha256 = hashlib.sha256(b"mine").hexdigest()
    listed(folder, lambda found: found.append(found[0] | {"file": named, "sha256": sha256}))
    before = {path: path.read_bytes() for path in folder.rglob("*.png")}
    assert any("what is no picture" in problem for problem in verify(folder, installed()))
    assert report.rewrite(folder, installed()) == []
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == before
    assert (folder / "table.csv").exists()
    assert verify(folder, installed()) == []


@pytest.mark.parametrize("entry", [None, "figures/cost.png", {"file": "figures/cost.png"}, {}])
def test_an_entry_that_names_no_picture_is_a_problem_that_report_mends(folder, entry):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}
    listed(folder, lambda found: found.insert(0, entry))
    (problem,) = verify(folder, installed())
    assert "what is no picture" in problem
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def test_pictures_of_another_format_do_not_decide_the_format(folder):
    before = {path.name: path.read_bytes() for path in folder.glob("figures/*")}

    def other(entries):
        for entry in entries:
            entry["file"] = entry["file"].replace(".png", ".pdf")

    listed(folder, other)
    assert report.rewrite(folder, installed()) == []
    assert {path.name: path.read_bytes() for path in folder.glob("figures/*")} == before
    assert verify(folder, installed()) == []


def crowded(folder, count, length):
    """The tables of the leaderboard, with `count` methods of names of `length` letters."""
    read = tables.read(folder)

    def crowd(rows):
        return [
            replace(row, label=f"{n}-{'x' * (length - len(str(n)) - 1)}")
            for row in rows
            if row.label == "uniform"
            for n in range(count)
        ]

    return tables.Tables(crowd(read.rows), crowd(read.curves), crowd(read.costs), [])


@pytest.mark.parametrize(("count", "length"), [(2, 5), (12, 20), (24, 60)])
@pytest.mark.parametrize("name", ["accuracy", "seen-unseen", "cost"])
def test_names_lie_within_the_picture_and_not_upon_each_other(folder, name, count, length):
    many = crowded(folder, count, length)
    draw = {"accuracy": draw_accuracy, "seen-unseen": slopes, "cost": draw_cost}[name]
    figure = draw(many, stamp="")
    figure.draw_without_rendering()
    heads = [Text.get_window_extent(axes.title).y0 for axes in figure.axes]
    for axes, head in zip(figure.axes, heads, strict=True):
        extents = [Text.get_window_extent(text) for text in axes.texts]
        assert len(extents) == count
        boxes = sorted((extent.y0, extent.y1) for extent in extents)
        assert all(low[1] <= high[0] + 1 for low, high in pairwise(boxes))
        assert all(extent.x1 <= figure.bbox.x1 for extent in extents)
        assert boxes[0][0] >= axes.bbox.y0 - 3
        assert boxes[-1][1] <= max(axes.bbox.y1, head) + 3
        assert axes.bbox.width > 100


def test_every_axis_has_numbers_that_do_not_overlap(folder):
    pictures = [drawn(folder, name) for name in ("accuracy", "seen-unseen", "cost")]
    read = tables.read(folder)
    for scale in (0.4, 1.0, 30.0):  # costs from milliseconds to hours
        costs = [replace(c, value=c.value * scale**c.seed * scale) for c in read.costs]
        pictures.append(draw_cost(tables.Tables(read.rows, [], costs, []), stamp=""))
    narrow = [replace(r, value=3000 + r.value / 10, low=2900.0, high=4100.0) for r in read.rows]
    pictures.append(slopes(tables.Tables(narrow, [], [], []), stamp=""))
    pictures.append(draw_accuracy(crowded(folder, 24, 60), stamp=""))
    for figure in pictures:
        figure.draw_without_rendering()
        for axes in figure.axes:
            for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
                places = [place for place in axis.get_ticklocs() if limits[0] <= place <= limits[1]]
                labels = [text for text in axis.get_ticklabels() if text.get_text()]
                assert len(places) >= 2
                assert len(labels) >= 2
                assert not [text for text in axis.get_ticklabels(minor=True) if text.get_text()]
                boxes = [text.get_window_extent() for text in labels]
                assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("seed", range(20))
def test_positions_are_spread_as_little_as_possible(seed):
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    wanted, sizes = np.sort(rng.uniform(0, 1, 6)), rng.uniform(0.05, 0.15, 6)
    gaps = (sizes[1:] + sizes[:-1]) / 2
    found = spread(wanted, sizes)
    assert (np.diff(found) >= gaps - 1e-9).all()
    assert found[0] >= sizes[0] / 2 - 1e-9
    assert found[-1] <= 1 - sizes[-1] / 2 + 1e-9
    limits = [
        {"type": "ineq", "fun": lambda x: np.diff(x) - gaps},
        {"type": "ineq", "fun": lambda x: x[0] - sizes[0] / 2},
        {"type": "ineq", "fun": lambda x: 1 - sizes[-1] / 2 - x[-1]},
    ]
    best = minimize(lambda x: ((x - wanted) ** 2).sum(), found, constraints=limits, tol=1e-12)
    assert ((found - wanted) ** 2).sum() <= best.fun + 1e-9


# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB.
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def seen_by(colours, deficiency):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


PALETTES = {
    "methods": [look.colour for look in looks([f"m{n}" for n in range(7)]).values()],
    "roles": [*ROLES.values(), *LEFT_OUT.values(), "#e3e3e0"],
    "errors": [*error_colours().colors, "#e3e3e0"],
    "nearer": [*SIDES.values(), "#e3e3e0"],
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("name", PALETTES)
def test_readers_with_a_colour_deficiency_tell_colours_apart(name, deficiency):
    assert least_difference(PALETTES[name], deficiency) > 8  # 2.3 is just noticeable


def least_difference(colours, deficiency):
    lab = rgb2lab(seen_by(np.array([to_rgb(colour) for colour in colours]), deficiency)[None])[0]
    return np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(lab), 1)].min()


def splits_in(folder):
    """Every split that is installed, as small as it comes, twins included, all with train_share."""
    for registered in installed().of_kind("split"):
        plugin = registered.plugin
        tiny = plugin.tiny(folder)
        settings = {"train_share": 0.5}
        yield plugin(tiny.model_copy(update=settings))
        if "surroundings" in plugin.Config.model_fields:
            yield plugin(tiny.model_copy(update={**settings, "surroundings": "train"}))


# What only datasets with gaps have left out.
GAPS = {"official": ["no part"], "temporal": ["no date", "unreadable date"]}


def test_no_two_roles_of_a_split_have_one_colour_and_none_is_like_another(tmp_path):
    toy, marble = (installed().find("dataset", name)() for name in ("toy-planet", "blue-marble"))
    met = set()
    for split in splits_in(tmp_path):
        assignment = split.assign(toy if split.name == "temporal" else marble)
        left_out = {*assignment.left_out, *GAPS.get(split.name, [])}
        tested = [part.name for part in assignment.parts]
        roles = ["train", "val", *tested, *left_out]
        colours = role_colours(roles, tested=tested)
        assert sorted(colours) == sorted(set(roles))
        assert list(colours)[:2] == ["train", "val"]
        for deficiency in DEFICIENCIES:
            apart = least_difference([*colours.values(), "#e3e3e0"], deficiency)
            assert apart > 8, (split.name, colours)
        bright = [rgb2lab(to_rgb(colours[role]))[0] for role in left_out - {"set-aside"}]
        assert min(bright) > 60, colours
        met |= left_out
    assert met >= {*LEFT_OUT, *(reason for gaps in GAPS.values() for reason in gaps)}


def test_colours_that_are_handed_out_are_not_in_use():
    found = role_colours(["train", "b", "unseen", "a", "why", "seen"], tested=["b", "unseen", "a"])
    assert len(set(found.values())) == 6
    assert (found["unseen"], found["seen"]) == (ROLES["unseen"], LEFT_OUT["seen"])
    tested = role_colours(["unseen", "seen"], tested=["unseen", "seen"])
    assert tested["seen"] == ROLES["seen"] != LEFT_OUT["seen"]


def test_photos_that_are_left_out_lie_beneath_the_others():
    role = np.array(["unseen", "seen", "train", "val", "surplus"])
    figure = draw_split(
        np.zeros((5, 2)), role, tested=["unseen"], split="s", stamp="", whole=True, on_earth=False
    )
    heights = {c.get_label().split()[0]: c.get_zorder() for c in figure.axes[0].collections}
    assert max(heights["seen"], heights["surplus"]) < min(heights[r] for r in role if r[0] in "tuv")


def test_the_caption_of_a_split_says_what_each_role_is_that_is_there(folder):
    board = Leaderboard(folder, installed())
    planned = {picture.name: picture for picture in figures.planned(board, tables.read(folder))}
    (path,) = folder.glob("runs/unseen-cells-*.npz")
    there = set(np.load(path)["role"].tolist()) & set(LEFT_OUT) - {"seen"}
    assert "set-aside" in there
    caption = planned["split-unseen-cells"].caption
    assert {role for role in LEFT_OUT if f"`{role}` (" in caption} == there
    assert "Left out" not in planned["split-random"].caption
    assert planned["split-unseen-cells"].part == "unseen-cells/seen"


def test_the_map_of_a_twin_has_pale_dots_where_seen_is_left_out(tmp_path):
    import small_board

    board = small_board.make(tmp_path)
    figure = drawn(board.folder, "split-seen-cells")
    shown = {c.get_label().split()[0]: c for c in figure.axes[0].collections}
    for role in ("seen", "surplus"):
        np.testing.assert_allclose(shown[role].get_facecolor()[0, :3], to_rgb(LEFT_OUT[role]))
    planned = figures.planned(Leaderboard(board.folder, installed()), tables.read(board.folder))
    captions = {picture.name: picture.caption for picture in planned}
    assert "`surplus` (" in captions["split-seen-cells"]
    assert "`seen` (" in captions["split-seen-cells"]
    assert "`seen` (" not in captions["split-unseen-cells"]
    for name in ("gap", "seen-unseen", "accuracy"):
        assert "Dashed is the training place nearest to the truth" in captions[name]


def test_labels_beyond_the_palette_differ_in_their_dashes_and_markers():
    found = [
        look for label, look in looks([f"m{n}" for n in range(28)]).items() if label != CEILING
    ]
    assert len({(look.colour, str(look.dashes)) for look in found}) == 28
    assert len({(look.colour, look.marker) for look in found}) == 28


def test_a_board_on_which_methods_fail_has_pictures_of_the_others(tmp_path):
    import small_board

    board = small_board.make(tmp_path)
    names = {entry["file"] for entry in board.manifest()["figures"]}
    assert "figures/accuracy.png" in names
    assert "figures/errors-unseen-cells-unseen.png" in names
    figure = drawn(board.folder, "errors-unseen-cells-unseen")
    titles = {axes.get_title().split(":")[0] for axes in figure.axes} - {""}
    assert titles == {"uniform", "prior", "toy-oracle", "im2gps"}
