"""Replicates: a summary, and what becomes of it without each unit; the spread that this tells.

Photos of one unit (a block, a country, an uploader) depend on each other: every variance is a
jackknife that leaves out whole units. Intervals and the tests of `ranking` come from these. Shapes:
S trainings (seeds), N photos, U units. Misfits raise ValueError.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench.geo import Floats
from geobench.statistics.replicate_weights import ReplicateWeights
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

    @property
    def third_moment(self) -> float:
        """The jackknife's estimate, of a mean of U equal units skewness x variance^1.5 / U^2."""
        return -float((self.deviations**3).sum())

    @cached_property
    def seed_sd(self) -> float:
        """The standard deviation over seeds, 0 where they differ by rounding; NaN with one seed."""
        return _deviation(self.seed_values) if self.seed_values.size > 1 else float("nan")

    @cached_property
    def seed_spread(self) -> "Spread":
        """What seeds add: that of `Spread.of_seeds`."""
        return Spread.of_deviation(self.seed_sd, self.seed_values.size)


@final
class Spread(NamedTuple):
    """A variance, and the degrees of freedom of the t that goes with it."""

    variance: float
    degrees: float

    @classmethod
    def of(cls, replicates: Replicates, *, effective: float, seeds: bool = True) -> "Spread":
        """That of units, with as many degrees of freedom as effective units, and that of seeds."""
        degrees = max(min(effective, replicates.deviations.size) - 1, 1.0)
        units = cls(replicates.variance, degrees)
        return cls.sum(units, replicates.seed_spread) if seeds else units

    @classmethod
    def of_seeds(cls, values: Floats) -> "Spread":
        """s^2/S of the values (S,) of three seeds or more; of fewer nothing is known."""
        if values.size < _FEWEST_SEEDS:
            return cls(0.0, 1.0)
        return cls.of_deviation(_deviation(values), values.size)

    @classmethod
    def of_deviation(cls, deviation: float, seeds: int) -> "Spread":
        """The same, of the standard deviation of their values."""
        if seeds < _FEWEST_SEEDS:
            return cls(0.0, 1.0)
        return cls(deviation**2 / seeds, seeds - 1.0)

    @classmethod
    def sum(cls, *terms: "Spread") -> "Spread":
        """Variances added, with the degrees of freedom of Satterthwaite (1946)."""
        total = inverse = 0.0
        for variance, _ in terms:
            total += variance
        if not total > 0:
            return cls(total, terms[0].degrees)
        for variance, degrees in terms:
            inverse += (variance / total) ** 2 / degrees
        return cls(total, 1 / inverse)

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval."""
        from scipy.special import stdtrit

        return float(stdtrit(self.degrees, 1 - TAIL) * np.sqrt(self.variance))


def _deviation(values: Floats) -> float:
    low, high = float(values.min()), float(values.max())
    # The mean of three equal numbers need not be that number.
    if high - low <= _ROUNDING * max(abs(low), abs(high)):
        return 0.0
    # As `values.std(ddof=1)` computes it, which takes several times as long to begin.
    away = values - np.add.reduce(values) / values.size
    return math.sqrt(np.add.reduce(away * away) / (values.size - 1))


@final
class SeedScores(NamedTuple):
    """The scores (S, N) of all trainings, and the units of their photos."""

    table: Floats
    units: Units


def check_scores(scores: ArrayLike, units: AnyUnits) -> SeedScores:
    """Scores as a table (S, N) of finite numbers, with their units; ValueError if they misfit."""
    table, known = np.asarray(scores, np.float64), Units.of(units)
    count = known.codes.size
    if table.ndim != 2 or len(table) == 0 or table.shape[1] != count:
        raise ValueError(f"scores have shape {table.shape}; for these units give (S, {count})")
    if not np.isfinite(table).all():
        seed, photo = np.argwhere(~np.isfinite(table))[0]
        found = f"photo {photo} (seed row {seed}) is {table[seed, photo]}"
        raise ValueError(f"the score of {found}; leave that photo out for every method, or fail")
    return SeedScores(table, known)


def replicate_mean(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a mean or a share, leaving out a unit at a time (Efron 1982); `scores` (S, N)."""
    return _replicated_mean(check_scores(scores, units))


def _replicated_mean(scores: SeedScores) -> Replicates:
    table, known = scores
    average = table[0] if len(table) == 1 else table.mean(axis=0)
    value = average.mean()
    seeds = value[None] if len(table) == 1 else table.mean(axis=1)
    return Replicates(float(value), _mean_deviations(average, known, mean=value), seeds)


def replicate_share(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a share as the mean that it is; `scores` (S, N), 0 or 1."""
    checked = check_scores(scores, units)
    if not ((checked.table == 0) | (checked.table == 1)).all():
        raise ValueError("scores of a share are 0 or 1; estimate other scores by their mean")
    return _replicated_mean(checked)


def replicate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Replicates:
    """Replicate a quantile, 0 < q < 1, as the mean of its linearised scores; `scores` (S, N).

    The jackknife of a quantile itself is inconsistent (Efron 1982, section 3.4), unlike that of
    `value + (q - 1[x <= Q]) / f(Q)`, whose mean the quantile follows (Bahadur 1966). The density
    f(Q) is the share that Woodruff's interval spans over its width (Francisco and Fuller 1991).
    """
    return woodruff(check_scores(scores, units), q=q).replicates


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


def _mean_deviations(values: Floats, units: Units, *, mean: float) -> Floats:
    residuals = np.bincount(units.codes, weights=values - mean)
    return np.asarray(-residuals / np.maximum(units.codes.size - units.sizes, 1), np.float64)


@final
class Reach(NamedTuple):
    """A quantile's replicates, and how far its interval reaches below and above it."""

    replicates: Replicates
    below: float
    above: float


def woodruff(scores: SeedScores, *, q: float) -> Reach:
    """The replicates of a quantile, linearised, and Woodruff's interval around it."""
    table, units = scores
    if not 0 < q < 1:
        raise ValueError(f"q is {q}; give a number between 0 and 1, such as 0.5 for the median")
    values = np.quantile(table, q, axis=1)
    centre = values[0] if len(table) == 1 else np.quantile(table, q)
    below, tied = table < centre, table == centre
    # Of scores tied with the quantile, that part counts as below which makes the share below q.
    part = np.clip((q - below.mean()) / tied.mean(), 0, 1) if tied.any() else 0.0
    counted = (below + part * tied).mean(axis=0)
    share = Replicates(q, _mean_deviations(counted, units, mean=counted.mean()), values[:1])
    half = Spread.of(share, effective=units.effective, seeds=False).half_width
    bounds = np.clip([q - half, q + half], 0, 1)
    low, high = np.quantile(table, bounds)
    slope = (high - low) / (bounds[1] - bounds[0]) if half > 0 else 0.0
    if slope == 0:
        slope = _slope_to_others(table, centre, q)
    replicates = Replicates(float(values.mean()), -slope * share.deviations, values)
    return Reach(replicates, float(centre - low), float(high - centre))


def _slope_to_others(table: Floats, centre: float, q: float) -> float:
    # Where the whole interval of shares falls on one score: how fast the quantile moves on the way
    # to the next different one, on the side that is steeper; 0 if there is no other.
    below, above = table[table < centre], table[table > centre]
    slopes = [0.0]
    if below.size:
        slopes.append((centre - below.max()) / max(q - below.size / table.size, 1 / table.size))
    if above.size:
        reached = 1 - above.size / table.size
        slopes.append((above.min() - centre) / max(reached - q, 1 / table.size))
    return float(max(slopes))
