"""Novelty curves: scores as functions of the distance to the nearest training photo."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from geobench.geo import Floats
from geobench.statistics import intervals
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicates import Replicates
from geobench.statistics.units import AnyUnits, Units

_POINTS = 25  # of a smoothed curve
_BINS = 8  # of a binned curve, of equal numbers of photos
_FEWEST_PHOTOS = 20  # in a bin, and of which a curve is drawn at all


@final
@dataclass(frozen=True, slots=True)
class NoveltyPoint:
    """One point of a curve: at which novelty, in km, and the mean score there."""

    novelty_km: float
    estimate: Estimate


@final
@dataclass(frozen=True, eq=False)
class Windows:
    """How much each of N photos counts at each of K novelties; the same for all methods.

    Args:
        centres_km: the novelties, (K,); none where there are too few photos.
        weights: (K, N).
        units: what intervals resample, of the N photos.
    """

    centres_km: Floats
    weights: Floats
    units: Units

    @cached_property
    def masses(self) -> Floats:
        """How much each unit counts at each novelty, (K, U)."""
        return np.array([self._by_unit(weights) for weights in self.weights])

    def _by_unit(self, weighted: Floats) -> Floats:
        return np.asarray(np.bincount(self.units.codes, weighted), np.float64)

    def means(self, scores: ArrayLike) -> list[NoveltyPoint]:
        """The weighted mean of scores (S, N) at each novelty, with a unit left out at a time."""
        table = np.asarray(scores, dtype=np.float64)
        average, points = table.mean(axis=0), []
        for k, centre in enumerate(self.centres_km.tolist()):
            weights, masses = self.weights[k], self.masses[k]
            weighted, count = weights * average, len(masses)
            total, mass = weighted.sum(), weights.sum()
            sums = self._by_unit(weighted)
            left = mass - masses
            known = left > 1e-9 * mass
            without = np.divide(total - sums, left, out=np.full(count, np.nan), where=known)
            deviations = without - total / mass if count > 1 else np.zeros(1)
            seeds = table @ weights / mass
            found = Replicates(float(total / mass), deviations, seeds)
            effective = float(mass**2 / np.square(masses).sum())
            estimate = intervals.estimate_replicates(found, self.units, effective=effective)
            points.append(NoveltyPoint(centre, estimate))
        return points


def smoothing(novelty_km: Floats, units: AnyUnits) -> Windows:
    """Kernels over the logarithm of novelty: the mean score at a novelty as a smooth function.

    The estimate is that of Nadaraya and Watson (1964) with a Gaussian kernel of Silverman's
    bandwidth (1986), at 25 novelties from the 2.5th to the 97.5th percentile.

    Args:
        novelty_km: (N,), of which 1 km is the least that is told apart.
        units: what intervals resample, (N,).
    """
    if len(novelty_km) < _FEWEST_PHOTOS:
        return _NOWHERE
    logs = np.log(np.maximum(novelty_km, 1.0))
    spread = min(logs.std(), np.subtract(*np.quantile(logs, [0.75, 0.25])) / 1.349) or logs.std()
    if not spread > 0:
        return _NOWHERE
    width = 0.9 * spread * len(logs) ** -0.2
    first, last = np.quantile(logs, [0.025, 0.975]).tolist()
    places = np.linspace(first, last, _POINTS)
    weights = np.exp(-0.5 * ((places[:, None] - logs) / width) ** 2)
    return Windows(np.exp(places), weights, Units.of(units))


def bins(novelty_km: Floats, units: AnyUnits) -> Windows:
    """Bins of equal numbers of photos, at most eight of at least 20, each at its median novelty.

    Args:
        novelty_km: (N,); equal ones are in one bin.
        units: what intervals resample, (N,).
    """
    count = min(_BINS, len(novelty_km) // _FEWEST_PHOTOS)
    if count == 0:
        return _NOWHERE
    limits = np.unique(np.quantile(novelty_km, np.linspace(0, 1, count + 1)[1:-1]))
    code = np.searchsorted(limits, novelty_km, side="left")
    there = np.unique(code)
    centres = np.array([np.median(novelty_km[code == each]) for each in there])
    weights = (code == there[:, None]).astype(np.float64)
    return Windows(centres, weights, Units.of(units))


_NOWHERE = Windows(np.empty(0), np.empty((0, 0)), Units(np.empty(0, np.int64)))
