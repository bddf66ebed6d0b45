"""Pictures of curves and gaps: drawn from curves.csv and table.csv, a line and a band each."""

import numpy as np
import pandas
import pytest

import small_run
from drawn_pictures import drawn
from geobench import readable
from geobench.names import CEILING

YAML = """
benchmarks:
  - name: toy-curves
    dataset: {name: toy-planet, photos: 900}
    encoder: given
    splits: [unseen-cells, {name: unseen-cells, label: seen-cells, surroundings: train}]
    methods: [uniform, prior, toy-oracle]
    metrics: [distance, geoscore, nll, calibration, risk-coverage]
    samples: 8
"""
PARTS = ["unseen-cells/seen", "unseen-cells/unseen", "seen-cells/unseen"]
METHODS = {"uniform", "prior", "toy-oracle"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_run.board(tmp_path_factory.mktemp("curves"), YAML)


def numbers(folder, name):
    return pandas.read_csv(folder / name, keep_default_na=False, na_values=[""])


@pytest.mark.parametrize(
    ("name", "curves", "scale_x", "scale_y"),
    [
        ("novelty", ["distance.mean.novelty", "nll.novelty"], 1, 1),
        ("calibration", ["calibration"], 100, 100),
        ("risk-coverage", ["risk-coverage"], 100, 1),
    ],
)
def test_a_line_and_a_band_are_the_points_of_the_curve(folder, name, curves, scale_x, scale_y):
    found = numbers(folder, "curves.csv")
    figure = drawn(folder, name)
    wanted = [(part, curve) for part in PARTS for curve in curves]
    assert len(figure.axes) == len(wanted)
    for axes, (part, curve) in zip(figure.axes, wanted, strict=True):
        kind = {"distance.mean.novelty": ": error", "nll.novelty": ": nll"}.get(curve, "")
        assert axes.get_title(loc="left") == part + kind
        rows = found[(found.part == part) & (found.curve == curve)]
        lines = {
            line.get_label(): line for line in axes.lines if line.get_label() in set(rows.label)
        }
        bands = {band.get_label(): band for band in axes.collections}
        assert set(lines) == set(bands) == set(rows.label) >= METHODS
        for label, line in lines.items():
            mine = rows[rows.label == label]
            np.testing.assert_allclose(line.get_xdata(orig=False), scale_x * mine.x)
            np.testing.assert_allclose(line.get_ydata(orig=False), scale_y * mine.value)
            (path,) = bands[label].get_paths()
            corners = {(round(a, 6), round(b, 6)) for a, b in path.vertices.tolist()}
            known = mine[mine.low.notna()]
            low = zip((scale_x * known.x).round(6), (scale_y * known.low).round(6), strict=True)
            assert set(low) <= corners
        assert "(" in axes.get_xlabel()
        assert "(" in axes.get_ylabel()


def test_the_dots_of_novelty_are_the_bins_and_the_ceiling_is_there(folder):
    found = numbers(folder, "curves.csv")
    axes = drawn(folder, "novelty").axes[2]
    assert axes.get_title(loc="left") == "unseen-cells/unseen: error"
    rows = found[(found.part == "unseen-cells/unseen")]
    bins = rows[rows.curve == "distance.mean.novelty-bins"]
    dots = sorted(
        point
        for line in axes.lines
        if line.get_marker() == "."
        for point in line.get_xydata().tolist()
    )
    np.testing.assert_allclose(dots, sorted(zip(bins.x, bins.value, strict=True)))
    assert CEILING in set(bins.label)


def test_calibration_shows_where_it_should_be(folder):
    for axes in drawn(folder, "calibration").axes:
        (line,) = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert line.get_xydata().tolist() == [[0, 0], [100, 100]]


def test_the_picture_of_gaps_goes_from_the_twin_to_the_part(folder):
    table = numbers(folder, "table.csv")
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    rows = table[table.summary == "geoscore"].set_index(["part", "label"]).value
    axes = drawn(folder, "gap").axes[0]
    assert axes.get_title(loc="left") == "unseen-cells/unseen: geoscore"
    lines = {line.get_label(): line for line in axes.lines}
    for label in METHODS | {CEILING}:
        ends = [rows["seen-cells/unseen", label], rows["unseen-cells/unseen", label]]
        np.testing.assert_allclose(lines[label].get_ydata(orig=False), ends)
        gap = table[(table.summary == "geoscore.gap") & (table.label == label)].value.item()
        assert gap == pytest.approx(ends[0] - ends[1], abs=0.02)
    below = [text.get_text() for text in axes.get_xticklabels()]
    assert below == ["trained on the\nsurroundings, too", "trained elsewhere\nonly"]


def test_the_page_shows_gaps_with_their_levels_and_slices(folder):
    page = (folder / "README.md").read_text()
    table = numbers(folder, "table.csv")
    row = table[(table.part == "seen-cells/unseen") & (table.summary == "geoscore")]
    level = row[(row.label == "prior") & (row["slice"] == "all") & (row.average == "photo")]
    assert "### Generalisation gap" in page
    assert f"from {readable.number(level.value.item())}" in page
    assert "### Difference of the parts" not in page
    assert "geoscore by slice" in page
    assert "each cell once" in page
    assert "hemisphere=north" in page
