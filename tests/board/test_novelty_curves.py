"""Novelty curves: the error by the distance to training, in curves.csv and on the page."""

import re
from dataclasses import replace

import numpy as np
import pandas
import pytest

from geobench.board import tables
from geobench.board.part_rows import constant_on
from geobench.board.tables import CONSTANT
from geobench.names import CEILING
from geobench.pages.markdown_tables import novelty_table
from geobench.readable import number as as_shown
from twin_boards import UNSEEN, away_km


@pytest.mark.parametrize("label", ["nearest", CEILING])
def test_a_novelty_curve_is_the_error_by_distance_to_training(board, label):
    part = board.arrays(UNSEEN)
    assert part["novelty"] == pytest.approx(away_km(part["nearest"], part["truth"]))
    errors = pandas.Series(board.errors(UNSEEN, label).mean(axis=0))
    count = min(8, len(errors) // 20)
    group = pandas.qcut(part["novelty"], count, labels=False)
    kept = (board.curves.part == UNSEEN) & (board.curves.label == label)
    bins = board.curves[kept & (board.curves.curve == "distance.mean.novelty-bins")]
    novelty = pandas.Series(part["novelty"]).groupby(group).median()
    assert bins.x.to_numpy() == pytest.approx(novelty.to_numpy(), rel=1e-5)
    assert bins.value.to_numpy() == pytest.approx(errors.groupby(group).mean(), rel=1e-5)
    smooth = board.curves[kept & (board.curves.curve == "distance.mean.novelty")]
    assert len(smooth) == 25
    assert smooth.x.is_monotonic_increasing
    inside = np.quantile(part["novelty"], [0.025, 0.975])
    assert smooth.x.iloc[[0, -1]].to_numpy() == pytest.approx(inside, rel=1e-2)
    assert smooth.value.between(errors.min(), errors.max()).all()
    assert (smooth.low <= smooth.value).all()
    assert (smooth.value <= smooth.high).all()


def test_the_page_shows_error_and_likelihood_by_novelty_as_curves_csv_has_them(board):
    page = (board.folder / "README.md").read_text()
    section = page.split(f"## {UNSEEN}\n")[1].split("\n## ")[0]
    shown = section.split("By the distance to the nearest training photo")[1].split("</details>")[0]
    header, _, *lines = [line.split("|") for line in shown.splitlines() if line.startswith("|")]
    labels = [re.search("`(.+)`", cell)[1] for cell in header[2:-1]]
    of_bins = board.curves.curve.isin(["distance.mean.novelty-bins", "nll.novelty-bins"])
    points = board.curves[of_bins & (board.curves.part == UNSEEN)]
    assert set(labels) == set(points.label)
    cells = {}
    for line in lines:
        summary, novelty = line[1].split(",")[0].strip(), line[1].split()[-3]
        for label, cell in zip(labels, line[2:], strict=False):
            numbers = [float(each.replace(",", "")) for each in re.findall(r"-?\d[\d.,]*", cell)]
            cells[summary, novelty, label] = numbers
    assert sum(map(bool, cells.values())) == len(points) > 20
    for _, point in points.iterrows():
        summary = point.curve.removesuffix(".novelty-bins")
        found = cells[summary, as_shown(point.x), point.label]
        limits = [each for each in (point.value, point.low, point.high) if np.isfinite(each)]
        np.testing.assert_allclose(found, limits, rtol=1e-3, atol=5e-4)


def test_a_likelihood_that_is_mostly_a_constant_is_marked_by_novelty_too(board):
    found = tables.read(board.folder)
    mine = [row for row in found.rows if row.part == UNSEEN]
    points = [each for each in found.curves if each.part == UNSEEN]
    assert CONSTANT not in novelty_table(points, mine)
    mine = [
        replace(row, note=constant_on(0.6)) if (row.summary, row.label) == ("nll", "prior") else row
        for row in mine
    ]
    header, _, *lines = [line.split("|") for line in novelty_table(points, mine).splitlines()]
    place = next(n for n, cell in enumerate(header) if "`prior`" in cell)
    marked = {line[1].split(",")[0].strip(): CONSTANT in line[place] for line in lines}
    assert marked == {"distance.mean": False, "nll": True}
    assert not any(CONSTANT in cell for line in lines for cell in line[:place])


def test_means_alone_have_novelty_curves(board):
    found = set(board.curves.curve)
    means = {"distance.mean", "nll", "information-gain", "northern"}
    assert {name for name in found if name.endswith(".novelty")} <= {f"{m}.novelty" for m in means}
    assert {"distance.mean.novelty", "nll.novelty"} <= found
