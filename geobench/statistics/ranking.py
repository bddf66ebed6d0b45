"""Which of two numbers is better, and the ranks of many: tests of replicated summaries."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, starmap
from typing import Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench.geo import Floats
from geobench.statistics.replicates import TAIL, Replicates, Spread

Better = Literal["higher", "lower"]

_ROUNDING = 1e-12  # of a value: a smaller standard error is none
_BLOCK = 1 << 18  # numbers of a block: what a processor's own cache holds


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference a - b with its 95 % interval, and the two-sided p-value of no difference."""

    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class RankRange:
    """From 1 + the methods significantly better to M - those significantly worse, of M methods."""

    low: int
    high: int


@final
class SeedPool(NamedTuple):
    """How much methods that are compared vary over seeds, all taken together.

    Three seeds tell little of one method: among many pairs some have an s^2 that is far too small
    by chance. A method therefore counts as varying as much as all do on average, or as itself where
    that is more, both with the degrees of freedom of all. The pooled variance is that of the
    analysis of variance; the larger of the two keeps a method that varies more than others from
    being told apart by their steadiness. One whose seeds all say the same draws nothing: it is
    left out of the pool, and has no variance.

    Args:
        variance: the mean of s^2, each method's by its degrees of freedom.
        degrees: of freedom, the sum of those of the methods; 1 where there are none.
    """

    variance: float
    degrees: float

    @classmethod
    def of(cls, methods: Sequence[Replicates]) -> "SeedPool":
        """That of these methods; those of fewer than three seeds tell nothing."""
        return _Trainings.of(methods).pool

    def added(self, method: Replicates) -> float:
        """What its seeds add to the variance of a difference to this method."""
        return float(_Trainings.of([method]).added(self)[0])


@final
class _Trainings(NamedTuple):
    """The seeds of M methods: how many there are of each, (M,), and their spread."""

    counts: NDArray[np.intp]
    spread: Spread

    @classmethod
    def of(cls, methods: Sequence[Replicates]) -> "_Trainings":
        values = [each.seed_values for each in methods]
        return cls(np.array([each.size for each in values]), Spread.of_seeds(values))

    @property
    def pool(self) -> SeedPool:
        """That of all of them."""
        varies = self.spread.variance > 0
        known = self.spread.degrees[varies]
        if not (degrees := float(known.sum())):
            return SeedPool(0.0, 1.0)
        total = (self.spread.variance[varies] * self.counts[varies] * known).sum()
        return SeedPool(float(total) / degrees, degrees)

    def added(self, pool: SeedPool) -> Floats:
        """What the seeds of each add to the variance of a difference to it, (M,)."""
        own = self.spread.variance
        return np.where(own > 0, np.maximum(own, pool.variance / self.counts), 0.0)


def compare(
    a: Replicates, b: Replicates, *, effective_units: float, seeds: Spread | None = None
) -> Comparison:
    """Compare two methods on the same photos by a paired jackknife-t test of a - b.

    To the variance that of `seeds` is added: by the `SeedPool` of all methods that are ranked
    together, or else of these two. Degrees of freedom are those of Satterthwaite (1946). Where
    there is no interval (see `Estimate`) p is 1. Without any variance there is no t: p is 1 if the
    values are equal, else 2^(1 - E), E being the whole effective units. That is the exact test of
    Fisher (1935) and Pitman (1937): if the methods were equal each unit's difference could as well
    have the other sign, and of all 2^E signs two give a difference as large.
    """
    units = _paired_spreads([a, b], effective_units)
    return _tested(a, b, Spread.sum(units, seeds or _seeds_of(a, b)), effective_units)


def _seeds_of(a: Replicates, b: Replicates) -> Spread:
    """What the seeds of two methods alone add to the variance of their difference."""
    trainings = _Trainings.of([a, b])
    pool = trainings.pool
    return Spread(trainings.added(pool).sum(keepdims=True), np.array([pool.degrees]))


def resolution(
    a: Replicates, b: Replicates, *, effective_units: float, power: float = 0.8
) -> float:
    """The smallest true difference that `compare` would find at 5 % with this probability.

    Were two methods to differ by it on such photos, with the standard error that a - b has, the
    statistic of the test followed a noncentral t (Owen, Technometrics 1968, 10, 445-478). It is
    the noncentrality at which that exceeds the 97.5 % point of t with the chance `power`, times
    the standard error; NaN where `compare` has no t.
    """
    return float(resolutions([a, b], effective_units=effective_units, power=power)[0])


def resolutions(
    replicates: Sequence[Replicates], *, effective_units: float, power: float = 0.8
) -> Floats:
    """The `resolution` of every pair of M methods, in the order of `compare_all`, (P,)."""
    from scipy.special import nctdtrinc, stdtrit

    pairs = list(combinations(replicates, 2))
    if not pairs:
        return np.empty(0)
    seeds = (np.concatenate(each) for each in zip(*starmap(_seeds_of, pairs), strict=True))
    spread = Spread.sum(_paired_spreads(replicates, effective_units), Spread(*seeds))
    least = np.array([_least(a, b) for a, b in pairs])
    varies = (least**2 < spread.variance) & (spread.variance < math.inf)
    critical = stdtrit(spread.degrees, 1 - TAIL)
    found = nctdtrinc(spread.degrees, 1 - power, critical) * np.sqrt(spread.variance)
    return np.where(varies & (effective_units >= 2), found, np.nan)


def compare_independent(
    a: Replicates,
    b: Replicates,
    *,
    effective_units: tuple[float, float],
    same_trainings: bool = False,
) -> Comparison:
    """Compare values of different photos, such as those of two parts: a - b by Welch's t test.

    Variances add, with the degrees of freedom of Satterthwaite (1946); `effective_units` are those
    of a's and of b's photos. Where the same trainings answered both, the s^2/S that is added is
    that of their differences. p-value and limits are as in `compare`; without any variance E is
    the smaller one, which is cautious: of all ways to deal the units of both to a and b, at most
    two in 2^E give a difference as large.
    """
    terms = [
        Spread.of(each.deviations[None], effective=size)
        for each, size in zip((a, b), effective_units, strict=True)
    ]
    if same_trainings:
        terms.append(Spread.of_seeds([a.seed_values - b.seed_values]))
    else:
        terms = [
            Spread.sum(units, Spread.of_seeds([each.seed_values]))
            for units, each in zip(terms, (a, b), strict=True)
        ]
    return _tested(a, b, Spread.sum(*terms), min(effective_units))


def ranks(
    replicates: Sequence[Replicates], *, better: Better, effective_units: float, level: float = 0.05
) -> list[RankRange]:
    """Rank M methods, 1 the best, by comparing all pairs, with Holm's (1979) correction.

    All pairs share one `SeedPool`.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"better is {better!r}; give 'higher' or 'lower'")
    low, high = [1] * len(replicates), [len(replicates)] * len(replicates)
    pairs = compare_all(replicates, effective_units=effective_units)
    first_wins = (pairs.differences > 0) == (better == "higher")
    order = np.argsort(pairs.p_values, kind="stable")
    for step, pair in enumerate(order.tolist()):
        if pairs.p_values[pair] * (len(order) - step) > level:
            break
        ends = int(pairs.first[pair]), int(pairs.second[pair])
        winner, loser = ends if first_wins[pair] else ends[::-1]
        low[loser] += 1
        high[winner] -= 1
    return [RankRange(*limits) for limits in zip(low, high, strict=True)]


@final
class Pairs(NamedTuple):
    """All P pairs of M methods: which two, a - b, and the two-sided p-value of no difference.

    Args:
        first, second: positions of a and of b, first < second, (P,).
        differences: in the unit of the summary, (P,).
        p_values: of each comparison by itself, (P,).
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    differences: Floats
    p_values: Floats


def compare_all(replicates: Sequence[Replicates], *, effective_units: float) -> Pairs:
    """Compare every pair of methods as `compare` does, with one `SeedPool` of them all.

    Of 60 methods there are 1,770 pairs in each view of each summary: tests one by one would take
    most of the time of a large board's tables.
    """
    first, second = np.triu_indices(len(replicates), 1)
    trainings = _Trainings.of(replicates)
    pool = trainings.pool
    added = trainings.added(pool)
    values = np.array([each.value for each in replicates])
    seeds = added[first] + added[second]
    spread = Spread.sum(
        _paired_spreads(replicates, effective_units),
        Spread(seeds, np.broadcast_to(pool.degrees, seeds.shape)),
    )
    differences, variances = values[first] - values[second], spread.variance
    least = _ROUNDING * np.maximum(np.abs(values[first]), np.abs(values[second]))
    none = variances <= least**2
    with np.errstate(divide="ignore", invalid="ignore"):  # where there is no t
        p_values = _two_sided(differences / np.sqrt(variances), spread.degrees)
    signs = 2.0 ** (1 - math.floor(effective_units)) if effective_units >= 2 else 1.0
    p_values[none] = np.where(np.abs(differences) <= least, 1.0, signs)[none]
    p_values[~np.isfinite(differences + variances) | (effective_units < 2)] = 1.0
    return Pairs(first, second, differences, p_values)


def _paired_spreads(replicates: Sequence[Replicates], effective: float) -> Spread:
    """That of a - b on the same photos of every pair, in the order of `compare_all`, (P,)."""
    counts = sorted({each.deviations.size for each in replicates})
    if len(counts) > 1:
        raise ValueError(f"replicates of {counts} units; compare methods on the same photos only")
    deviations = np.array([each.deviations for each in replicates])
    first, second = np.triu_indices(len(replicates), 1)
    # A few pairs at a time: all at once, 20,000 units of 60 methods would fill 280 MB.
    step = max(1, _BLOCK // counts[0]) if counts else 1
    starts = range(0, len(first), step)
    found = [
        Spread.of(deviations[a] - deviations[b], effective=effective)
        for a, b in ((first[at : at + step], second[at : at + step]) for at in starts)
    ]
    if not found:
        return Spread(np.empty(0), np.empty(0))
    return Spread(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _two_sided(t: Floats, degrees: Floats) -> Floats:
    """The two-sided p-values of t statistics, (P,)."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(degrees, -np.abs(t)), np.float64)


def _least(a: Replicates, b: Replicates) -> float:
    """The smallest standard error of a - b that is none of rounding."""
    return _ROUNDING * max(abs(a.value), abs(b.value))


def _tested(a: Replicates, b: Replicates, spread: Spread, effective: float) -> Comparison:
    from scipy.special import stdtr

    difference, least = a.value - b.value, _least(a, b)
    (variance,), (degrees,), (half,) = spread.variance, spread.degrees, spread.half_widths
    if effective < 2 or not np.isfinite(difference + variance):
        return Comparison(difference, float("nan"), float("nan"), 1.0)
    if variance <= least**2:
        p_value = 1.0 if abs(difference) <= least else 2.0 ** (1 - math.floor(effective))
        return Comparison(difference, difference, difference, p_value)
    p_value = float(2 * stdtr(degrees, -abs(difference) / np.sqrt(variance)))
    return Comparison(difference, difference - float(half), difference + float(half), p_value)
