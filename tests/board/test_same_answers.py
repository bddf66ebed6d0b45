"""Rows that are one are named: labels that answer nearly all photos alike."""

import numpy as np
import pytest

from geobench import geo
from geobench.board.part_records import Entry
from geobench.board.same_answers import same_answers

PHOTOS = 100
HOME = geo.uniform(PHOTOS, np.random.default_rng(0))


def entry(label, *answers, seeds=None, status="ok"):
    known = tuple(range(len(answers))) if seeds is None else seeds
    return Entry(label, label, status, "", (), known, answers)


def moved(count, distance_km):
    """The answers of HOME, so many of them moved so far."""
    found = HOME.copy()
    found[:count] = geo.destination(HOME[:count], 45.0, distance_km)
    return found


@pytest.mark.parametrize(
    ("count", "distance_km", "shares"),
    [(0, 0, [1.0]), (100, 0.999, [1.0]), (4, 1.001, [0.96]), (5, 1.001, []), (100, 1.001, [])],
)
def test_two_are_one_where_over_nineteen_of_twenty_answers_lie_within_a_kilometre(
    count, distance_km, shares
):
    found = list(same_answers("x/y", [entry("a", HOME), entry("b", moved(count, distance_km))]))
    assert [(each.part, each.a, each.b) for each in found] == [("x/y", "a", "b")] * len(shares)
    assert [each.share for each in found] == pytest.approx(shares)


def test_trainings_are_paired_by_seed_and_a_single_one_stands_against_each():
    one, other = moved(0, 0), moved(100, 50)
    pairs = list(same_answers("x/y", [entry("a", one, other), entry("b", one, other)]))
    assert [each.share for each in pairs] == [1]
    crossed = [entry("a", one, other), entry("b", other, one)]
    single = [entry("a", one, other), entry("b", one)]
    unlike = [entry("a", one, one), entry("b", one, one, seeds=(0, 7))]
    for entries in (crossed, single, unlike):
        assert list(same_answers("x/y", entries)) == []
    alike = [entry("a", one, moved(6, 50)), entry("b", one)]
    assert [each.share for each in same_answers("x/y", alike)] == [0.97]


def test_the_ceiling_and_what_did_not_answer_are_no_rows_of_it():
    others = [entry("b", HOME, status="ceiling"), entry("c", status="failed")]
    assert list(same_answers("x/y", [entry("a", HOME), *others])) == []


def test_the_page_names_them_with_their_parts_in_one_sentence(board):
    page = (board.folder / "README.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("The same answer")]
    parts = ", ".join(f"{part} 100.0 %" for part in board.manifest["parts"])
    assert line == (
        "The same answer, within 1 km, to over 95.0 % of photos: "
        f"`weights` and `elsewhere` ({parts})."
    )
