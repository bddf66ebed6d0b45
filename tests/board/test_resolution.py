"""What a part can tell apart: resolution.csv, the page and `compare` say what scipy computes."""

import csv
import re
from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, stats

import command_line
from geobench.board import comparison
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.readable import number
from twin_boards import SEEN, TWINS, UNSEEN

LOOKING = ("nearest", "late", "weights", "elsewhere")
"""They read features, or were made elsewhere; `uniform` and `prior` look at no photo."""


def detectable(a, b, units):
    """The true difference that a paired test of scores (S, N) finds in four of five cases."""
    differences = a.mean(axis=0) - b.mean(axis=0)
    names, counts = np.unique(units, return_counts=True)
    without = np.array([differences[units != name].mean() for name in names])
    variance = (1 - 1 / len(names)) * ((without - differences.mean()) ** 2).sum()
    degrees = counts.sum() ** 2 / (counts**2).sum() - 1
    critical = stats.t.ppf(0.975, degrees)

    def lacking(noncentrality):
        return stats.nct.sf(critical, degrees, noncentrality) - 0.8

    return optimize.brentq(lacking, 0.5, 6) * np.sqrt(variance)


def resolutions(board):
    with (board.folder / "resolution.csv").open(newline="") as stream:
        return {(row["part"], row["summary"]): row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("part", [UNSEEN, SEEN, TWINS])
def test_it_is_the_median_over_pairs_of_methods_that_look_at_photos(board, part):
    units = board.arrays(part)["unit"]
    row = resolutions(board)[part, "distance.mean"]
    errors = {label: board.errors(part, label) for label in LOOKING}
    values = [
        detectable(errors[a], errors[b], units)
        for a, b in combinations(LOOKING, 2)
        if (a, b) != ("weights", "elsewhere")  # the same answers: no variance
    ]
    assert float(row["value"]) == pytest.approx(np.median(values), rel=1e-4)
    assert (row["pairs"], row["unit"], row["photos"]) == ("5", "km", str(len(units)))
    value = board.row(part, "distance.mean", "nearest").effective_units
    assert float(row["effective_units"]) == value


def test_where_no_two_that_look_at_photos_have_a_number_there_is_none(board):
    known = resolutions(board)
    assert all((part, "nll") not in known for part in (UNSEEN, SEEN, TWINS))
    rows = board.rows(UNSEEN, "nll", status="ok")
    assert set(rows.label) == {"uniform", "prior"}


def test_the_page_says_it_beside_the_summary(board):
    page = (board.folder / "README.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| distance.mean, km ↓<br>")]
    expected = [
        number(float(resolutions(board)[part, "distance.mean"]["value"]), "km")
        for part in board.manifest["parts"]
    ]
    assert [re.search(r"resolves ([\d,.]+) ", line)[1] for line in lines] == expected
    assert not re.search(r"^\| nll, .*resolves", page, re.MULTILINE)


def test_compare_says_it_whichever_two_are_compared(board, tmp_path):
    expected = float(resolutions(board)[UNSEEN, "distance.mean"]["value"])
    (found,) = comparison.differences(
        Leaderboard(board.folder, installed()),
        "uniform",
        "prior",
        part=UNSEEN,
        summary="distance.mean",
    )
    assert found.resolution == pytest.approx(expected, rel=1e-5)
    words = ["--part", UNSEEN, "--summary", "distance.mean", "--output", tmp_path]
    done = command_line.ask("compare", board.folder, "uniform", "prior", *words)
    said = " ".join(done.output.split())
    assert f"{UNSEEN} resolves distance.mean {number(expected, 'km')}" in said
    assert "with a chance of 80 %" in said
