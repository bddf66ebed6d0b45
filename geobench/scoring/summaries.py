"""Summaries of scores: from columns per photo to the numbers of a table, with their intervals."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench import statistics
from geobench.data import Indices, Truth
from geobench.geo import Floats
from geobench.statistics.intervals import Estimate, estimate_reach
from geobench.statistics.replicate_weights import Codes, ReplicateWeights
from geobench.statistics.replicates import Replicates
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
"""Scores of the scored photos by column name, (S, N) each: S trainings (seeds), N photos."""

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
    if isinstance(summary, Quantile):
        number, found = estimate_reach(columns[summary.column], known, q=summary.q)
        return [Summarised(cut(number, summary.range), found)]
    replicates = replicate(summary, columns, truth=truth, units=known, other=other)
    match summary:
        case Share():
            estimates = [statistics.estimate_share_replicates(replicates[0], known)]
        case _:
            estimates = [statistics.estimate_replicates(each, known) for each in replicates]
    if isinstance(summary, Statistic) and np.isin(replicates[0].seed_values, summary.ends).any():
        estimates = [replace(estimates[0], low=math.nan, high=math.nan, note=AT_AN_END)]
    estimates = [cut(estimate, summary.range) for estimate in estimates]
    return [Summarised(*pair) for pair in zip(estimates, replicates, strict=True)]


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


def macro_mean(
    scores: ArrayLike,
    units: AnyUnits,
    classes: ArrayLike,
    *,
    scored: Indices | None = None,
    share: bool = False,
) -> Summarised:
    """The mean over classes (continents, cells) of the means of their photos.

    Where only some photos are scored, each of these weighs as it would if all were, by one over
    the photos of its class (Hajek 1971): class means of a sample would leave out the classes that
    it misses, more of them the smaller it is.

    Leaving out a unit takes its photos, scored or not, from their classes; a class of which
    nothing is left does not count then. Effective units weigh each photo as the mean does.

    Args:
        scores: (S, K).
        units: what intervals resample, of all photos, (N,).
        classes: the class of all photos, (N,), integers or strings.
        scored: positions of the K scored ones; all, if None.
        share: whether scores are 0 or 1: an interval made for proportions.
    """
    known, code = Units.of(units), statistics.unit_codes(classes)
    chosen = np.arange(len(code)) if scored is None else scored
    sizes, own = np.bincount(code), code[chosen]

    def total(parts: Floats) -> float:
        return float((np.bincount(own, parts, minlength=len(sizes)) / sizes).sum())

    # Sums of the same order throughout, so that a share of hits alone is 1 to the last digit.
    table, ones = np.asarray(scores, dtype=np.float64), np.ones(len(chosen))
    per_seed = np.array([total(row) / total(ones) for row in table])
    there = Units.of(known.codes[chosen])
    deviations = np.zeros(1)
    if (count := len(known.sizes)) > 1:
        sums, weights = _without_units(known.codes, code, chosen, [table.mean(axis=0), ones])
        remain = np.bincount(known.codes[chosen], minlength=count) < len(chosen)
        undefined = np.full(count, np.nan)
        deviations = np.divide(sums, weights, out=undefined, where=remain) - per_seed.mean()
    replicates = Replicates(float(per_seed.mean()), deviations, per_seed)
    effective = statistics.effective_units(there, weights=1 / sizes[own])
    estimate = statistics.estimate_share_replicates if share else statistics.estimate_replicates
    return Summarised(estimate(replicates, there, effective=effective), replicates)


def _without_units(
    units: Codes, classes: Codes, scored: Indices, parts: Sequence[Floats]
) -> Iterator[Floats]:
    """Sums over classes of a part (K,) of the scored photos over the photos of the class, without
    each unit, (U,), for each of the parts."""
    count, sizes = int(units.max()) + 1, np.bincount(classes)
    # Every pair of a unit and a class that meet: what is left of the class without the unit.
    pairs, pair = np.unique(units * len(sizes) + classes, return_inverse=True)
    of_unit, of_class = np.divmod(pairs, len(sizes))
    left = sizes[of_class] - np.bincount(pair)
    for part in parts:
        whole = np.bincount(classes[scored], part, minlength=len(sizes))
        rest = whole[of_class] - np.bincount(pair[scored], part, minlength=len(pairs))
        change = np.where(left > 0, rest / np.maximum(left, 1), 0.0) - (whole / sizes)[of_class]
        yield (whole / sizes).sum() + np.bincount(of_unit, change, minlength=count)
