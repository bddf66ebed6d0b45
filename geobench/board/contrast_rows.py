"""Rows that contrast two parts: gaps between trainings on the same photos, differences of parts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np

from geobench.board.part_rows import PartNumber, filled
from geobench.board.part_scores import KeptWhileSame
from geobench.board.part_tables import PartTables
from geobench.board.tables import OUT_OF_REACH, TRAINED, Row, joined, remarks
from geobench.scoring.summaries import Summarised
from geobench.statistics import ranking
from geobench.statistics.intervals import Estimate, estimate_replicates
from geobench.statistics.ranking import Comparison
from geobench.statistics.replicates import TAIL, Replicates
from geobench.statistics.units import AnyUnits, Units

OTHER_PHOTOS = "of other photos: the difference holds the difficulty of the places, too"
NO_VARIANCE = "without any variance: limits of the single intervals"
"""The note of a difference of shares that is the same in every unit, and not 0."""
NO_DIFFERENCE = "without any variance: limits by the rule of three"
"""The note of a difference of shares on the same photos that is 0 in every unit."""

_ROUNDING = 1e-12  # of a share


@final
class Limits(NamedTuple):
    """The ends of an interval of a difference, and why it has none, or nothing."""

    low: float
    high: float
    note: str = ""


def limits_of(
    found: Estimate | Comparison, a: PartNumber, b: PartNumber, *, paired: bool
) -> Limits:
    """The limits that may be shown of a difference a - b of two numbers: possible ones alone.

    Two shares that differ alike in every unit have no variance, which says nothing of how sure
    their difference is. Limits then come from their single intervals, which are exact (Newcombe,
    Statistics in Medicine 1998, method 10, for two independent shares): with l and u the limits of
    each, a - b - sqrt((a - l_a)^2 + (u_b - b)^2) and a - b + sqrt((u_a - a)^2 + (b - l_b)^2). Of
    the same photos (`paired`) that is too wide rather than too narrow. If the difference is 0 in
    each of E effective units of these, the share of units where it is not is at most
    1 - 0.025^(1/E), nearly 3.7 / E, by the exact interval (Clopper and Pearson 1934), and so is
    the difference: what the rule of three (Hanley and Lippman-Hand, JAMA 1983) says of one side.
    Such limits are given where they are narrower.
    """
    one, other, possible = a.row, b.row, a.range.of_differences
    low, high, note = found.low, found.high, ""
    if a.exact and abs(high - low) < _ROUNDING:
        difference, note = one.value - other.value, NO_VARIANCE
        low = difference - math.hypot(one.value - one.low, other.high - other.value)
        high = difference + math.hypot(one.high - one.value, other.value - other.low)
        most = 1 - TAIL ** (1 / min(one.effective_units, other.effective_units))
        if paired and abs(difference) < _ROUNDING and most < high + _ROUNDING:
            low, high, note = -most, most, NO_DIFFERENCE
    low, high = np.clip([low, high], *possible).tolist()
    return Limits(low, high, note)


def gaps(here: PartTables, twin: PartTables, *, remarks: Sequence[str] = ()) -> Iterator[Row]:
    """The rows `<summary>.gap`: the twin's value on the same photos minus the one here.

    Args:
        here: the part.
        twin: the part of the twin, likewise.
        remarks: for the notes of all gaps.
    """
    units_of = KeptWhileSame(lambda photos: Units.of(here.units[photos]))
    for key, own in here.numbers.items():
        if own.row.status not in TRAINED or not own.row.better:
            continue  # what describes is neither lost nor gained
        there = twin.numbers.get(key)
        lost = "" if there is not None else f"the twin {twin.label} has no number"
        if there is not None and there.seeds != own.seeds:
            lost = f"the twin {twin.label} was trained with other seeds"
        if there is not None and not np.array_equal(own.photos, there.photos):
            lost = f"other photos of the twin {twin.label} could be scored"
        if there is None or lost:
            yield replace(_contrast("gap", "", own.row, own.row), note=lost)
            continue
        gap = paired_gap(there.replicates, own.replicates, units_of(own.photos)).estimate
        level = f"the twin {twin.label} has {there.replicates.value:.6g}"
        head = _contrast("gap", joined(level, *remarks), own.row, there.row)
        yield _limited(filled(head, gap), gap, there, own, paired=True)


def part_differences(here: PartTables, seen: PartTables) -> Iterator[Row]:
    """The rows `<summary>.part-difference`: the value on seen photos minus the one here."""
    for key, own in here.numbers.items():
        there = seen.numbers.get(key)
        if there is None or not own.row.better:
            continue
        found = ranking.compare_independent(
            there.replicates,
            own.replicates,
            effective_units=(there.row.effective_units, own.row.effective_units),
            same_trainings=there.seeds == own.seeds,
        )
        level = f"{OTHER_PHOTOS}; {seen.label} has {there.replicates.value:.6g}"
        row = _contrast("part-difference", level, own.row, there.row)
        row = replace(row, value=found.difference)
        yield _limited(row, found, there, own, paired=False)


def _contrast(name: str, note: str, row: Row, other: Row) -> Row:
    """A row for a contrast of a summary with another part, its note with what weakens either.

    What is out of reach on one part may be lost or gained all the same.

    Of a contrast less is better where of the summary more is: it is what is lost. It is not
    ranked, since who has learned nothing loses nothing.
    """
    return replace(
        row,
        summary=f"{row.summary}.{name}",
        better="lower" if row.better == "higher" else "higher",
        note=joined(note, *(n for n in remarks(joined(other.note, row.note)) if n != OUT_OF_REACH)),
        value=float("nan"),
        low=float("nan"),
        high=float("nan"),
        seed_sd=float("nan"),
        rank_low=None,
        rank_high=None,
    )


def _limited(
    row: Row,
    found: Estimate | Comparison,
    there: PartNumber,
    here: PartNumber,
    *,
    paired: bool,
) -> Row:
    low, high, why = limits_of(found, there, here, paired=paired)
    return replace(row, low=low, high=high, note=joined(row.note, why))


def paired_gap(twin: Replicates, here: Replicates, units: AnyUnits) -> Summarised:
    """The gap of a method: its value with the surroundings of the photos, minus that without.

    Both are of the same photos in the same order, so that the difficulty of the places is in
    neither. Three trainings of each give the spread over trainings, of the differences by seed.

    Args:
        twin: trained on the surroundings, too.
        here: not trained on them; of as many seeds.
        units: of the photos, (N,).
    """
    differences = twin.seed_values - here.seed_values
    found = Replicates(twin.value - here.value, twin.deviations - here.deviations, differences)
    return Summarised(estimate_replicates(found, units), found)
