"""Summaries of scores: from columns per photo to the numbers of a table, with their intervals."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias, final

import numpy as np

from geobench import statistics
from geobench.data import Truth
from geobench.geo import Floats
from geobench.statistics.intervals import Estimate, estimate_reaches
from geobench.statistics.replicate_weights import ReplicateWeights
from geobench.statistics.replicates import (
    Replicates,
    check_scores,
    replicate_means,
    replicate_shares,
)
from geobench.statistics.units import AnyUnits, Units
from geobench.summaries import (
    Against,
    Columns,
    Curve,
    Function,
    Mean,
    Quantile,
    Range,
    Share,
    Statistic,
    Summary,
)

SeedColumns: TypeAlias = Mapping[str, Floats]
"""Scores of the scored photos by column name, (S, N) each: S trainings (seeds), N photos.

Of M labels together (T, N): the trainings of one after those of another, T in all."""

AT_AN_END = "at an end of its range: no interval"
"""The note of a fitted number that stands where leaving units out says nothing of its spread."""


@final
@dataclass(frozen=True, slots=True)
class Summarised:
    """A number of a table with its interval, and what ranks compare it by."""

    estimate: Estimate
    replicates: Replicates


def summarise(
    summary: Summary,
    columns: SeedColumns,
    *,
    truth: Truth,
    units: AnyUnits,
    other: SeedColumns | None = None,
) -> list[Summarised]:
    """Turn scores into the one number of a summary, or into a curve's, in the order of its x.

    Args:
        summary: of these columns.
        columns: the scores.
        truth: of the same photos.
        units: what intervals resample, of the same photos.
        other: the scores of the row that Against compares with; it is subtracted.

    Raises:
        ValueError: scores that are not finite, those of a Share other than 0 and 1, or a
            function whose results differ in shape.
    """
    known = Units.of(units)
    if not isinstance(summary, Curve):
        counts = [len(next(iter(columns.values())))]
        return summarise_all(summary, columns, counts=counts, truth=truth, units=known, other=other)
    replicates = replicate(summary, columns, truth=truth, units=known)
    return _cut_all(statistics.estimate_all(replicates, known), replicates, summary.range)


def summarise_all(
    summary: Summary,
    columns: SeedColumns,
    *,
    counts: Sequence[int],
    truth: Truth,
    units: Units,
    other: SeedColumns | None = None,
) -> list[Summarised]:
    """Turn the scores of M labels on the same photos into the number of a summary of each.

    Args:
        summary: of these columns, any but a curve.
        columns: the scores, (T, N) each.
        counts: how many of the T trainings are of each label, (M,).
        truth, units, other: as of `summarise`.

    Raises:
        ValueError: as `summarise`, if it does of one of the labels.
    """
    if isinstance(summary, Quantile):
        checked = check_scores(columns[summary.column], units, counts=counts)
        return [
            Summarised(cut(estimate, summary.range), replicates)
            for estimate, replicates in estimate_reaches(checked, q=summary.q)
        ]
    shares = isinstance(summary, Share)
    if isinstance(summary, Mean | Share):
        checked = check_scores(columns[summary.column], units, counts=counts)
        found = replicate_shares(checked) if shares else replicate_means(checked)
    else:
        found = [
            replicate(summary, own, truth=truth, units=units, other=other)[0]
            for own in _by_label(columns, counts)
        ]
    estimates = statistics.estimate_all(found, units, shares=shares)
    if isinstance(summary, Statistic):
        estimates = [
            replace(estimate, low=math.nan, high=math.nan, note=AT_AN_END)
            if np.isin(each.seed_values, summary.ends).any()
            else estimate
            for estimate, each in zip(estimates, found, strict=True)
        ]
    return _cut_all(estimates, found, summary.range)


def _cut_all(
    estimates: Sequence[Estimate], replicates: Sequence[Replicates], possible: Range
) -> list[Summarised]:
    pairs = zip(estimates, replicates, strict=True)
    return [Summarised(cut(estimate, possible), found) for estimate, found in pairs]


def cut(estimate: Estimate, possible: Range) -> Estimate:
    """An estimate whose limits are possible values; a value beyond these stays in its interval."""
    low, high = (_within(limit, possible) for limit in (estimate.low, estimate.high))
    if not math.isnan(low):
        low, high = min(low, estimate.value), max(high, estimate.value)
    if (low, high) == (estimate.low, estimate.high):  # as of most
        return estimate
    return replace(estimate, low=low, high=high)


def _within(limit: float, possible: Range) -> float:
    """The possible value that is nearest to a limit; NaN of NaN."""
    low, high = possible
    above = limit if math.isnan(limit) or limit > low else low
    return above if math.isnan(above) or above < high else high


def replicate(
    summary: Summary,
    columns: SeedColumns,
    *,
    truth: Truth,
    units: AnyUnits,
    other: SeedColumns | None = None,
) -> list[Replicates]:
    """Replicate what `summarise` summarises, without intervals; the arguments are the same."""
    match summary:
        case Mean(column=name):
            return [statistics.replicate_mean(columns[name], units)]
        case Share(column=name):
            return [statistics.replicate_share(columns[name], units)]
        case Against(function=function) if function is not None:
            return statistics.replicate_statistic(
                [partial(_less, function, truth, *pair) for pair in _pairs(columns, other)], units
            )
        case Against(column=name):
            scores = columns[name] if other is None else columns[name] - other[name]
            return [statistics.replicate_mean(scores, units)]
        case Quantile(column=name, q=q):
            return [statistics.replicate_quantile(columns[name], units, q=q)]
        case Statistic() | Curve():
            functions = [partial(summary.function, each, truth) for each in _by_seed(columns)]
            return statistics.replicate_statistic(functions, units)
    raise TypeError(f"summary {summary.name} is of an unknown type")


def _by_label(columns: SeedColumns, counts: Sequence[int]) -> Iterator[SeedColumns]:
    """The columns of each label, of which there are so many trainings."""
    for first, last in pairwise(np.cumsum([0, *counts]).tolist()):
        yield {name: column[first:last] for name, column in columns.items()}


def _by_seed(columns: SeedColumns) -> list[dict[str, Floats]]:
    count = len(next(iter(columns.values())))
    return [{name: c[seed] for name, c in columns.items()} for seed in range(count)]


def _pairs(
    columns: SeedColumns, other: SeedColumns | None
) -> Iterator[tuple[Columns, Columns | None]]:
    """Of each seed the columns, and those they are compared with; one training serves all seeds."""
    own = _by_seed(columns)
    others = [None] if other is None else _by_seed(other)
    for seed in range(max(len(own), len(others))):
        yield own[seed % len(own)], others[seed % len(others)]


def _less(
    function: Function,
    truth: Truth,
    own: Columns,
    other: Columns | None,
    weights: ReplicateWeights,
) -> Floats:
    """What a function is of one's own columns, less what it is of the other's."""
    value = function(own, truth, weights)
    return value if other is None else value - function(other, truth, weights)
