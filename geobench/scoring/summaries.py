"""Summaries of scores: from columns per photo to the numbers of a table, with their intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench import statistics
from geobench.data import Truth
from geobench.geo import Floats
from geobench.metrics import Against, Curve, Mean, Quantile, Range, Share, Statistic, Summary
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicates import Replicates
from geobench.statistics.units import AnyUnits, Units

SeedColumns: TypeAlias = Mapping[str, Floats]
"""Scores of the scored photos by column name, (S, N) each: S trainings (seeds), N photos."""


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
    estimates = [cut(estimate, summary.range) for estimate in estimates]
    return [Summarised(*pair) for pair in zip(estimates, replicates, strict=True)]


def cut(estimate: Estimate, possible: Range) -> Estimate:
    """An estimate whose limits are possible values; a value beyond these stays in its interval."""
    low, high = np.clip([estimate.low, estimate.high], *possible).tolist()
    if not math.isnan(low):
        low, high = min(low, estimate.value), max(high, estimate.value)
    return replace(estimate, low=low, high=high)


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
        case Against(column=name):
            scores = columns[name] if other is None else columns[name] - other[name]
            return [statistics.replicate_mean(scores, units)]
        case Quantile(column=name, q=q):
            return [statistics.replicate_quantile(columns[name], units, q=q)]
        case Statistic() | Curve():
            count = len(next(iter(columns.values())))
            seeds = [{name: c[seed] for name, c in columns.items()} for seed in range(count)]
            functions = [partial(summary.function, each, truth) for each in seeds]
            return statistics.replicate_statistic(functions, units)
    raise TypeError(f"summary {summary.name} is of an unknown type")


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
