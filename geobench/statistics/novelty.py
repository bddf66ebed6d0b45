"""Novelty curves: scores as functions of the distance to the nearest training photo."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from geobench.geo import Floats
from geobench.statistics import intervals
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicate_weights import sums_by_code
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
        return self._by_unit(self.weights)

    def _by_unit(self, weighted: Floats) -> Floats:
        return sums_by_code(weighted, self.units.codes, count=self.units.sizes.size)

    def means(self, scores: ArrayLike) -> list[NoveltyPoint]:
        """The weighted mean of scores (S, N) at each novelty, with a unit left out at a time."""
        if not len(self.centres_km):
            return []
        table = np.asarray(scores, dtype=np.float64)
        weighted, masses = self.weights * table.mean(axis=0), self.masses
        total, mass = (each.sum(axis=1)[:, None] for each in (weighted, self.weights))
        left = mass - masses
        undefined, known = np.full(masses.shape, np.nan), left > 1e-9 * mass
        without = np.divide(total - self._by_unit(weighted), left, out=undefined, where=known)
        values = total / mass
        deviations = without - values if masses.shape[1] > 1 else np.zeros((len(values), 1))
        seeds = [table @ weights for weights in self.weights] / mass
        replicates = [
            Replicates(*each) for each in zip(values[:, 0].tolist(), deviations, seeds, strict=True)
        ]
        effective = mass[:, 0] ** 2 / np.square(masses).sum(axis=1)
        estimates = intervals.estimate_all(replicates, self.units, effective=effective)
        points = zip(self.centres_km.tolist(), estimates, strict=True)
        return [NoveltyPoint(centre, estimate) for centre, estimate in points]


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
