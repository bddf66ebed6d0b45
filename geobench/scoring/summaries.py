"""Summaries of scores: from columns per photo to the numbers of a table, with their intervals."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench import statistics
from geobench.data import Truth
from geobench.geo import Floats
from geobench.metrics import (
    Against,
    Columns,
    Curve,
    Function,
    Mean,
    Quantile,
    Share,
    Statistic,
    Summary,
)
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicate_weights import ReplicateWeights
from geobench.statistics.replicates import Replicates
from geobench.statistics.units import AnyUnits, Units

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
    replicates = replicate(summary, columns, truth=truth, units=known, other=other)
    match summary:
        case Share():
            estimates = [statistics.estimate_share_replicates(replicates[0], known)]
        case Quantile(column=name, q=q):
            estimates = [statistics.estimate_quantile(columns[name], known, q=q)]
        case _:
            estimates = [statistics.estimate_replicates(each, known) for each in replicates]
    if isinstance(summary, Statistic) and np.isin(replicates[0].seed_values, summary.ends).any():
        estimates = [replace(estimates[0], low=math.nan, high=math.nan, note=AT_AN_END)]
    if isinstance(summary, Statistic | Curve) and summary.unit == "share":
        estimates = [replace(e, low=_a_share(e.low), high=_a_share(e.high)) for e in estimates]
    return [Summarised(*pair) for pair in zip(estimates, replicates, strict=True)]


def _a_share(limit: float) -> float:
    return min(max(limit, 0.0), 1.0) if math.isfinite(limit) else limit


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
    scores: ArrayLike, units: AnyUnits, classes: ArrayLike, *, share: bool = False
) -> Summarised:
    """The mean over classes (continents, cells) of the means of their photos.

    Leaving out a unit takes its photos from the means of their classes; a class of which nothing
    is left does not count then. Effective units weigh each photo as the mean does.

    Args:
        scores: (S, N).
        units: what intervals resample, (N,).
        classes: the class of each photo, (N,), integers or strings.
        share: whether scores are 0 or 1: an interval made for proportions.
    """
    table = np.asarray(scores, dtype=np.float64)
    known, code = Units.of(units), statistics.unit_codes(classes)
    unit = known.codes
    sizes = np.bincount(code)
    per_seed = np.array([np.bincount(code, row) / sizes for row in table])
    means, count = per_seed.mean(axis=0), int(unit.max()) + 1
    # Every pair of a unit and a class that meet: what is left of the class without the unit.
    pairs, pair = np.unique(unit * len(sizes) + code, return_inverse=True)
    of_unit, of_class = np.divmod(pairs, len(sizes))
    left = sizes[of_class] - np.bincount(pair)
    rest = means[of_class] * sizes[of_class] - np.bincount(pair, table.mean(axis=0))
    change = np.where(left > 0, rest / np.maximum(left, 1), 0.0) - means[of_class]
    classes_left = len(sizes) - np.bincount(of_unit, left == 0, minlength=count)
    sums = means.sum() + np.bincount(of_unit, change, minlength=count)
    without = np.divide(sums, classes_left, out=np.full(count, np.nan), where=classes_left > 0)
    deviations = without - means.mean() if count > 1 else np.zeros(1)
    replicates = Replicates(float(means.mean()), deviations, per_seed.mean(axis=1))
    effective = statistics.effective_units(known, weights=1 / sizes[code])
    estimate = statistics.estimate_share_replicates if share else statistics.estimate_replicates
    return Summarised(estimate(replicates, known, effective=effective), replicates)
