"""Simulated leaderboards of many methods with few seeds: a table of perf/intervals.py.

All methods are equal, and each training moves the score of all photos, so that a share of the
variance of a method's mean is due to its seeds. Units hold one photo each; the scores of two
methods on a unit correlate by 0.5. Family-wise error (errs): how often any two methods are told
apart. Told apart: of the pairs of such methods once they stand 1.5 standard errors of a difference
apart from each other, like the rungs of a ladder (of M methods in one leaderboard of M / 2, since
their pairs are many). Both by the rule of geobench, where a method's seeds count as varying like
those of all methods on average or like its own, whichever is more; by s^2 of each method alone; and
by the average s^2 alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from geobench import statistics
from geobench.geo import Floats
from geobench.statistics import ranking
from geobench.statistics.replicates import Replicates

UNITS = 60
STEP = 1.5  # standard errors of a difference, between two rungs
UNEQUAL = 1.0  # standard deviation of the logarithms of unequal spreads over seeds
FARTHER = 5.0  # how many times as far as the others one method spreads


@dataclass(frozen=True)
class Crowd:
    """One kind of leaderboard; `share` is that of the variance due to seeds, over all methods."""

    methods: int
    seeds: int
    share: float
    spread: str = "alike"
    group: str = "many"

    def spreads(self, rng: np.random.Generator) -> Floats:
        """The variance over seeds of each method (M,), in that which gives the share; mean 1."""
        match self.spread:
            case "unequal":
                drawn = np.exp(2 * UNEQUAL * rng.standard_normal(self.methods))
                return np.asarray(drawn / math.exp(2 * UNEQUAL**2))
            case "one more":
                found = np.ones(self.methods)
                found[0] = FARTHER**2
            case "half none":
                found = np.repeat([0.0, 1.0], [self.methods // 2, self.methods - self.methods // 2])
            case _:
                found = np.ones(self.methods)
        return np.asarray(found / found.mean())


def crowds() -> list[Crowd]:
    """Those that are simulated: methods alike in how they spread, then some that are not."""
    sizes, shares = (2, 4, 10, 20), (0.5, 0.8)
    alike = [Crowd(*each) for each in product(sizes, (3, 5), (0.0, *shares))]
    kinds = ("half none", "unequal", "one more")
    unlike = [Crowd(m, 3, share, kind) for kind, m, share in product(kinds, sizes, shares)]
    return alike + unlike


def simulate(crowd: Crowd, *, trials: int, rng: np.random.Generator) -> dict[str, float]:
    """How often equal methods are told apart, and different ones, in per cent, by three rules."""
    pairs = crowd.methods * (crowd.methods - 1) / 2
    equal, ladder = [], []
    for trial in range(trials):
        methods, error = _drawn(crowd, rng)
        equal.append(_told_apart(methods))
        if trial % (crowd.methods // 2) == 0:
            rungs = [_moved(each, k * STEP * error) for k, each in enumerate(methods)]
            ladder.append(_told_apart(rungs))
    errs = 100 * (np.array(equal) > 0).mean(axis=0)
    told = 100 * np.array(ladder).mean(axis=0) / pairs
    rules = ("", ", own s", ", average s")
    return {f"errs{rule} %": float(x) for rule, x in zip(rules, errs, strict=True)} | {
        f"told apart{rule} %": float(x) for rule, x in zip(rules, told, strict=True)
    }


def _drawn(crowd: Crowd, rng: np.random.Generator) -> tuple[list[Replicates], float]:
    """Equal methods, and the standard error of the difference of two that spread alike."""
    own = rng.standard_normal((crowd.methods, UNITS)) + rng.standard_normal(UNITS)
    photos = 0.5 / UNITS  # the variance of a method's mean, without what all have in common
    seeds = photos * crowd.share / (1 - crowd.share)
    sd = np.sqrt(crowd.seeds * seeds * crowd.spreads(rng))
    moves = sd[:, None] * rng.standard_normal((crowd.methods, crowd.seeds))
    scores = math.sqrt(0.5) * own[:, None] + moves[:, :, None]
    units = np.arange(UNITS)
    found = [statistics.replicate_mean(table, units) for table in scores]
    return found, math.sqrt(2 * (photos + seeds))


def _moved(method: Replicates, by: float) -> Replicates:
    return Replicates(method.value + by, method.deviations, method.seed_values + by)


def _told_apart(methods: Sequence[Replicates]) -> list[int]:
    """How many pairs are told apart: by geobench, by each method's s^2, by the average s^2."""
    ranges = ranking.ranks(methods, better="higher", effective_units=UNITS)
    lost = sum(each.low - 1 for each in ranges)  # a pair that is told apart has one loser
    i, j = np.triu_indices(len(methods), k=1)
    deviations = np.array([method.deviations for method in methods])
    photos = (1 - 1 / UNITS) * np.square(deviations[i] - deviations[j]).sum(axis=1)
    values = np.array([method.seed_values for method in methods])
    added, degrees = values.var(axis=1, ddof=1) / values.shape[1], values.shape[1] - 1
    apart = np.array([method.value for method in methods])
    difference = np.abs(apart[i] - apart[j])
    each = (np.square(added[i]) + np.square(added[j])) / degrees
    drawn = added[added > 1e-24]  # the others differ by rounding
    average = np.where(added > 1e-24, drawn.mean() if drawn.size else 0.0, 0.0)
    pooled = np.square(average[i] + average[j]) / max(degrees * drawn.size, 1)
    rules = ((added, each), (average, pooled))
    return [lost, *(_by_holm(difference, photos, s[i] + s[j], over) for s, over in rules)]


def _by_holm(
    difference: Floats, photos: Floats, seeds: Floats, over_degrees: NDArray[np.float64]
) -> int:
    """How many pairs differ by t, with Satterthwaite's degrees of freedom, after Holm."""
    total = photos + seeds
    degrees = np.square(total) / (np.square(photos) / (UNITS - 1) + over_degrees)
    p_values = np.sort(2 * stdtr(degrees, -difference / np.sqrt(total)))
    passed = p_values * np.arange(len(p_values), 0, -1) <= 0.05
    return int(np.argmin([*passed, False]))
