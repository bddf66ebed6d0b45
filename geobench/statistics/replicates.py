"""Replicates: a summary, and what becomes of it without each unit; the spread that this tells.

Photos of one unit (a block, a country, an uploader) depend on each other: every variance is a
jackknife that leaves out whole units. Intervals and the tests of `ranking` come from these. Shapes:
S trainings (seeds), N photos, U units. Misfits raise ValueError.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench.geo import Floats
from geobench.statistics.replicate_weights import ReplicateWeights, sums_by_code
from geobench.statistics.units import AnyUnits, Units

Weighted: TypeAlias = Callable[[ReplicateWeights], ArrayLike]
"""A statistic of photo weights: one number, or K, for each of R replicates."""

TAIL = 0.025
"""The share on each side of a 95 % interval."""

_FEWEST_SEEDS = 3  # below, an interval holds for the trained models at hand

_ROUNDING = 1e-12  # of the values: trainings that differ by less say the same


@dataclass(frozen=True, eq=False)
class Replicates:
    """One summary of one method: what an interval and a paired test need to know of it.

    `value` is the mean over seeds of `seed_values` (S,). `deviations` (U,) are the value without a
    unit minus the value; 0 if there is but one unit.
    """

    value: float
    deviations: Floats
    seed_values: Floats

    @cached_property
    def variance(self) -> float:
        """The jackknife's: (U - 1)/U times the sum of squared deviations (Tukey 1958)."""
        return float((1 - 1 / self.deviations.size) * np.square(self.deviations).sum())

    @cached_property
    def seed_sd(self) -> float:
        """The standard deviation over seeds, 0 where they differ by rounding; NaN with one seed."""
        return float(deviations_of_seeds([self.seed_values])[0])


@final
class Spread(NamedTuple):
    """The variances of M numbers, (M,), and the degrees of freedom of the t of each, (M,)."""

    variance: Floats
    degrees: Floats

    @classmethod
    def of(cls, deviations: Floats, *, effective: Floats | float) -> "Spread":
        """That of units, from the deviations of replicates (M, U), without that of seeds.

        Degrees of freedom are as many as the `effective` units, (M,) or one for all, minus 1.
        """
        count = deviations.shape[1]
        variance = (1 - 1 / count) * np.square(deviations).sum(axis=1)
        degrees = np.maximum(np.minimum(effective, count) - 1, 1.0)
        return cls(variance, np.broadcast_to(degrees, variance.shape))

    @classmethod
    def of_seeds(cls, values: Sequence[Floats]) -> "Spread":
        """s^2/S of the values (S,) of three seeds or more of each; of fewer nothing is known."""
        return cls.of_deviations(deviations_of_seeds(values), [each.size for each in values])

    @classmethod
    def of_deviations(cls, deviations: Floats, seeds: ArrayLike) -> "Spread":
        """The same, of the standard deviations of their values (M,), and how many these are."""
        counts = np.asarray(seeds)
        enough = counts >= _FEWEST_SEEDS
        variance = np.where(enough, np.square(deviations) / counts, 0.0)
        return cls(variance, np.where(enough, counts - 1.0, 1.0))

    @classmethod
    def sum(cls, *terms: "Spread") -> "Spread":
        """Variances added, with the degrees of freedom of Satterthwaite (1946)."""
        total = np.asarray(sum(variance for variance, _ in terms))
        with np.errstate(divide="ignore", invalid="ignore"):  # where nothing varies
            inverse = sum((variance / total) ** 2 / degrees for variance, degrees in terms)
            return cls(total, np.where(total > 0, 1 / np.asarray(inverse), terms[0].degrees))

    @property
    def half_widths(self) -> Floats:
        """Half the widths of the 95 % intervals, (M,)."""
        from scipy.special import stdtrit

        return np.asarray(stdtrit(self.degrees, 1 - TAIL) * np.sqrt(self.variance))


def deviations_of_seeds(values: Sequence[Floats]) -> Floats:
    """The standard deviations over seeds of the values (S,) of each of M numbers, (M,): 0 where
    they differ by rounding, NaN of one seed."""
    sizes, found = [each.size for each in values], np.full(len(values), np.nan)
    for size in set(sizes) - {1}:
        table = np.array([each for each in values if each.size == size])
        low, high = table.min(axis=1), table.max(axis=1)
        # The mean of three equal numbers need not be that number.
        same = high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))
        # As `table.std(axis=1, ddof=1)` computes it, which takes several times as long to begin.
        away = table - (np.add.reduce(table, axis=1) / size)[:, None]
        deviations = np.sqrt(np.add.reduce(away * away, axis=1) / (size - 1))
        found[np.equal(sizes, size)] = np.where(same, 0.0, deviations)
    return found


@final
class SeedScores(NamedTuple):
    """The scores of all trainings of M methods, and the units of their photos.

    Args:
        table: (T, N), those of one method after those of another.
        counts: how many trainings each method has, (M,), T in all.
        units: of the N photos.
    """

    table: Floats
    counts: tuple[int, ...]
    units: Units

    @property
    def averages(self) -> Floats:
        """The mean of the trainings of each method, (M, N)."""
        return over_seeds(self.table, self.counts)


def over_seeds(table: Floats, counts: Sequence[int]) -> Floats:
    """The mean of each method's rows, (M, N), of a table (T, N) that has so many of each, (M,)."""
    if len(counts) == 1:
        return np.asarray(table.mean(axis=0)[None])
    ends, found = np.cumsum(counts), np.empty((len(counts), table.shape[1]))
    for count in set(counts):
        alike = np.flatnonzero(np.equal(counts, count))
        found[alike] = table[ends[alike, None] - np.arange(count, 0, -1)].mean(axis=1)
    return found


def check_scores(
    scores: ArrayLike, units: AnyUnits, *, counts: Sequence[int] | None = None
) -> SeedScores:
    """Scores as a table of finite numbers, with their units; ValueError if they misfit.

    Args:
        scores: (T, N).
        units: of the N photos.
        counts: how many of the rows each method has, one method after the other; all are of one,
            if None.
    """
    table, known = np.asarray(scores, np.float64), Units.of(units)
    count = known.codes.size
    if table.ndim != 2 or len(table) == 0 or table.shape[1] != count:
        raise ValueError(f"scores have shape {table.shape}; for these units give (S, {count})")
    if not np.isfinite(table).all():
        seed, photo = np.argwhere(~np.isfinite(table))[0]
        found = f"photo {photo} (seed row {seed}) is {table[seed, photo]}"
        raise ValueError(f"the score of {found}; leave that photo out for every method, or fail")
    return SeedScores(table, (len(table),) if counts is None else tuple(counts), known)


def replicate_mean(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a mean or a share, leaving out a unit at a time (Efron 1982); `scores` (S, N)."""
    return replicate_means(check_scores(scores, units))[0]


def replicate_share(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a share as the mean that it is; `scores` (S, N), 0 or 1."""
    return replicate_shares(check_scores(scores, units))[0]


def replicate_means(scores: SeedScores) -> list[Replicates]:
    """What `replicate_mean` makes of the scores of each method."""
    averages = scores.averages
    means, seeds = averages.mean(axis=1), scores.table.mean(axis=1)
    return each_method(scores.counts, means, mean_deviations(averages, scores.units), seeds)


def replicate_shares(scores: SeedScores) -> list[Replicates]:
    """What `replicate_share` makes of the scores of each method."""
    if not ((scores.table == 0) | (scores.table == 1)).all():
        raise ValueError("scores of a share are 0 or 1; estimate other scores by their mean")
    return replicate_means(scores)


def each_method(
    counts: Sequence[int], values: Floats, deviations: Floats, seeds: Floats
) -> list[Replicates]:
    """The replicates of M methods of so many trainings, from (M,), (M, U) and (T,)."""
    start, found = 0, []
    for value, own, count in zip(values.tolist(), deviations, counts, strict=True):
        found.append(Replicates(value, own, seeds[start : start + count]))
        start += count
    return found


def mean_deviations(values: Floats, units: Units) -> Floats:
    """What becomes of means of values (M, N) without each unit, minus these means, (M, U)."""
    residuals = values - values.mean(axis=1)[:, None]
    sums = sums_by_code(residuals, units.codes, count=units.sizes.size)
    return np.asarray(-sums / np.maximum(units.codes.size - units.sizes, 1), np.float64)


def replicate_statistic(functions: Sequence[Weighted], units: AnyUnits) -> list[Replicates]:
    """Replicate any statistics of photo weights, leaving out a group of units at a time.

    Each of the S `functions` turns `ReplicateWeights` of R replicates into one number for each,
    (R,), or (R, K), such as the points of a curve; the list holds one item for each of the K. Only
    ratios of weights may matter; NaN says undefined. Groups are single units up to 200; more units
    are dealt at random to 200 groups (Kott 2001) that depend on the units alone, so that all
    methods on the same photos share them.
    """
    weights = Units.of(units).replicates
    rows = [np.asarray(function(weights), np.float64) for function in functions]
    shapes = {row.shape for row in rows}
    if len(shapes) != 1 or (shape := shapes.pop())[:1] != (len(weights),) or len(shape) > 2:
        raise ValueError(
            "give one function per seed, that all return one number, or all K, per replicate: "
            f"({len(weights)},) or ({len(weights)}, K)"
        )
    values = np.stack(rows).reshape(len(functions), len(weights), -1)
    values[~np.isfinite(values)] = np.nan
    means, seeds = values.mean(axis=0).T, values[:, 0].T
    return [Replicates(float(m[0]), m[1:] - m[0], v) for m, v in zip(means, seeds, strict=True)]
