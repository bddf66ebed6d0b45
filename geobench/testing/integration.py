"""One photo's density, looked at by importance sampling: its integral, and exact draws from it."""

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.mixtures import VonMisesFisherMixture
from geobench.predictions import Density, Floored
from geobench.testing.check import ensure

POINTS = 4000
"""Points at first: half by the uniform distribution, half by kernels."""
MOST_POINTS = 16_000
LARGEST_ERROR = 0.01
"""The number of points is doubled until the integral's standard error is no larger, or there are
MOST_POINTS. Mixtures of three modes from 1 km to 1,000 km wide have 0.0065 to 0.0078 at once; one
of hundreds of narrow modes, of which many get fewer than ten samples, needs more."""

_NEIGHBOUR = 10  # a kernel is as wide as its sample's distance to this nearest other sample


@final
@dataclass(frozen=True)
class Probe:
    """Points all over the sphere, and what one photo's density is there.

    Half are uniform, half are the prediction's own samples, each moved by a von Mises-Fisher
    kernel as wide as the distance to its own tenth nearest sample. Both halves are weighted by
    the balance heuristic (Veach and Guibas, "Optimally combining sampling techniques for Monte
    Carlo rendering", SIGGRAPH 1995): density over the mean of the two proposals.

    Args:
        points: (n, 2), the uniform half first.
        weights: density over proposal density, (n,); their mean is the integral.
    """

    points: Points
    weights: Floats

    @classmethod
    def of(cls, density: Density, rng: np.random.Generator) -> Self:
        """Look at the density of the first photo, as closely as LARGEST_ERROR asks.

        Raises:
            Failure: its samples repeat, so that they cannot be of a density.
        """
        count = POINTS
        probe = cls.with_points(density, count, rng)
        while probe.error > LARGEST_ERROR and count < MOST_POINTS:
            count *= 2
            probe = cls.with_points(density, count, rng)
        return probe

    @classmethod
    def with_points(cls, density: Density, count: int, rng: np.random.Generator) -> Self:
        """Look at the density of the first photo at `count` points."""
        half = count // 2
        samples = density.sample(half, rng)[0]
        width = _neighbour_distance(samples)
        repeated = int((width == 0).sum())
        ensure(
            not repeated,
            f"{repeated} of {half:,} samples of one photo repeat more than {_NEIGHBOUR} times",
            "A density's samples never repeat: a prediction of single places is geobench.Atoms.",
        )
        kernels = VonMisesFisherMixture(samples[None], 1 / width[None] ** 2)
        moved = VonMisesFisherMixture(samples[:, None], 1 / width[:, None] ** 2).sample(1, rng)
        points = np.concatenate([geo.uniform(half, rng), moved[:, 0]])
        log_proposal = Floored.mix(kernels.log_prob(points[None])[0], 0.5)
        return cls(points, np.exp(density.log_prob(points[None])[0] - log_proposal))

    @property
    def integral(self) -> float:
        """The density's integral over the sphere."""
        return float(self.weights.mean())

    @property
    def error(self) -> float:
        """Standard error of the integral, stratified by proposal."""
        halves = np.split(self.weights, 2)
        return float(np.sqrt(sum(half.var(ddof=1) / (4 * len(half)) for half in halves)))

    def draws(self, most: int, rng: np.random.Generator) -> Points:
        """Independent draws from the density, by rejection: some hundreds, at most `most`."""
        kept = rng.random(len(self.weights)) * self.weights.max() < self.weights
        return np.asarray(self.points[rng.permutation(np.flatnonzero(kept))[:most]])


def _neighbour_distance(points: Points) -> Floats:
    """Distance of each point to its tenth nearest other point, in radians, (N,)."""
    from scipy.spatial import KDTree

    vectors = geo.unit_vectors(points)
    chord = np.asarray(KDTree(vectors).query(vectors, k=_NEIGHBOUR + 1)[0])[:, -1]
    return np.asarray(2 * np.arcsin(np.minimum(1, chord / 2)))


def energy_p_value(a: Points, b: Points, rng: np.random.Generator) -> float:
    """P-value of the hypothesis that two samples are of one distribution on the sphere.

    The statistic is the energy distance of chords (Szekely and Rizzo, "Energy statistics: a
    class of statistics based on distances", 2013), its distribution that of 999 permutations.

    Args:
        a: (n, 2), degrees.
        b: (m, 2), degrees.
        rng: draws the permutations.
    """
    vectors = geo.unit_vectors(np.concatenate([a, b]))
    chords = np.sqrt(np.maximum(0, 2 - 2 * vectors @ vectors.T))
    signs = np.concatenate([np.full(len(a), 1 / len(a)), np.full(len(b), -1 / len(b))])
    shuffled = np.stack([signs, *(rng.permutation(signs) for _ in range(999))])
    energy = -((shuffled @ chords) * shuffled).sum(axis=1)
    return float((energy >= energy[0] - 1e-12).mean())


def heights_p_value(a: Floats, b: Floats) -> float:
    """P-value of the hypothesis that two samples of numbers are of one continuous distribution: the
    test of Kolmogorov and Smirnov, two-sided as twice one-sided, which is exact where it is small.

    Args:
        a: (n,).
        b: (m,).
    """
    from scipy.special import smirnov  # scipy.stats takes a second to import

    values = np.concatenate([a, b])
    below_a, below_b = (np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (a, b))
    apart = np.abs(below_a - below_b).max()
    both = round(len(a) * len(b) / (len(a) + len(b)))
    return min(1.0, 2 * float(smirnov(both, apart)))
