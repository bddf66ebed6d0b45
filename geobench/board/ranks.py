"""The rank ranges of one summary: among the numbers that compete on the same photos."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from geobench.board.part_rows import NumberOrRow, PartNumber, row_of
from geobench.board.tables import RANKED, Row, joined
from geobench.statistics import ranking
from geobench.statistics.intervals import FEWEST_UNITS
from geobench.summaries import Direction

UNRANKED = "not ranked: scored on other photos than most"
FEW_UNITS = f"not ranked: the part has fewer than {FEWEST_UNITS} effective units"


def rank(found: Sequence[NumberOrRow], *, better: Direction) -> list[Row]:
    """The rows of one summary in one view, with the rank ranges of the labels that compete.

    A summary that describes ranks nobody, nor is a number ranked that is mostly a constant.

    Which photos a metric scores is the truth's and the protocol's to say, the same for all
    labels; should stored scores disagree, most of them decide, and the others are not ranked.
    """
    rows = [row_of(each) for each in found]
    places = competing(found)
    if not places or better is None:
        return rows
    ranges = ranking.ranks(
        [each.replicates for each in places.values()],
        better=better,
        effective_units=rows[min(places)].effective_units,
    )
    for place, limits in zip(places, ranges, strict=True):
        rows[place] = replace(rows[place], rank_low=limits.low, rank_high=limits.high)
    for place, each in enumerate(found):
        if _competes(each) and place not in places:
            rows[place] = replace(rows[place], note=joined(rows[place].note, UNRANKED))
    return rows


def competing(found: Sequence[NumberOrRow]) -> dict[int, PartNumber]:
    """Place among `found` -> the number, of those that compete on the same photos."""
    able = {place: each for place, each in enumerate(found) if _competes(each)}
    kinds: list[list[int]] = []  # places of equal photos
    for place, number in able.items():
        for kind in kinds:
            if np.array_equal(able[kind[0]].photos, number.photos):
                kind.append(place)
                break
        else:
            kinds.append([place])
    return {place: able[place] for place in max(kinds, key=len, default=[])}


def unranked(found: Sequence[NumberOrRow], why: str) -> list[Row]:
    """The rows with a note, on those that would have a rank, why they have none."""
    rows = [row_of(each) for each in found]
    return [
        replace(row, note=joined(row.note, why)) if _competes(each) else row
        for each, row in zip(found, rows, strict=True)
    ]


def _competes(found: NumberOrRow) -> TypeGuard[PartNumber]:
    """Whether it is a number of a method that is ranked."""
    return (
        isinstance(found, PartNumber)
        and found.row.status in RANKED
        and found.tested
        # What is undefined (a slope through one point) competes with nobody.
        and math.isfinite(found.replicates.value)
    )
