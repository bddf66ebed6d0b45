"""The density of many photos, each looked at with a few points: is it that of its own samples?"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.mixtures import VonMisesFisherMixture
from geobench.predictions import Density, Floored
from geobench.testing.untouched import calls_of

_BASE = 64  # samples of each photo that the other distribution is made of
_POINTS = 24  # points of each of the two distributions at which the density is looked at
_MORE = 24  # times as many where the density is cheap
_CHEAP = 3000  # calls of functions for a few points, below which it is
_NEIGHBOUR = 4  # a kernel is as wide as its sample's distance to this nearest other one
_UNIFORM = 0.25  # share of the uniform in the other distribution
_NARROWEST = 1e-5  # radians: samples that repeat, too, get a kernel


@final
@dataclass(frozen=True, slots=True)
class Bridge:
    """How far each photo's density is from being that of its samples, by a bridge between both.

    With q the density that is claimed, p that of the samples, and g any other normalised density,

        E_g[q / (q + g)] - E_p[g / (q + g)] = integral of (q - p) g / (q + g),

    which is zero if q is p (Meng and Wong, "Simulating ratios of normalizing constants via a
    simple identity", Statistica Sinica 1996). Here g is made of kernels around some of a photo's
    samples, and of the uniform; the other samples, and draws from g, are what the means are taken
    over. Both lie in [0, 1] whatever the density is like, so that two dozen points each do for
    Welch's test, where importance weights would have no variance. A scale, a temperature, a shift
    and another photo's density all move it, because g lies where p does.

    Args:
        scores: standard normal under the hypothesis, one per photo, (N,).
    """

    scores: Floats

    @classmethod
    def of(cls, density: Density, rng: np.random.Generator) -> Self:
        """Look at the density of every photo at 48 points, or at 1,152 where they are cheap."""
        from scipy.special import ndtri, stdtr

        count = _POINTS * (_MORE if _is_cheap(density) else 1)
        samples = density.sample(_BASE + count, rng)
        base, own = samples[:, :_BASE], samples[:, _BASE:]
        width = np.maximum(_neighbour_distance(base), _NARROWEST)
        kernels = VonMisesFisherMixture(base, 1 / width**2)
        drawn = kernels.sample(count, rng)
        elsewhere = rng.random(drawn.shape[:-1]) < _UNIFORM
        drawn[elsewhere] = geo.uniform(int(elsewhere.sum()), rng)
        points = np.concatenate([own, drawn], axis=1)
        log_other = Floored.mix(kernels.log_prob(points), _UNIFORM)
        # q / (q + g), with q = 0 allowed.
        share = np.exp(-np.logaddexp(0, log_other - density.log_prob(points)))
        ours, theirs = 1 - share[:, :count], share[:, count:]
        error = np.sqrt((ours.var(axis=1, ddof=1) + theirs.var(axis=1, ddof=1)) / count)
        away = theirs.mean(axis=1) - ours.mean(axis=1)
        student = -np.abs(away) / np.maximum(error, np.finfo(float).tiny)
        # Beyond eight standard deviations nothing is told apart.
        scores = -ndtri(np.maximum(stdtr(2 * count - 2, student), 1e-15))
        return cls(np.sign(away) * np.where(away == 0, 0, scores))

    @property
    def p_value(self) -> float:
        """Of the hypothesis that every photo's density is that of its samples."""
        from scipy.special import chdtrc

        return float(chdtrc(len(self.scores), (self.scores**2).sum()))

    @property
    def worst(self) -> int:
        """The photo whose density is the farthest from that of its samples."""
        return int(np.abs(self.scores).argmax())


def _is_cheap(density: Density) -> bool:
    """Whether a few points cost little: by the functions called, not by a clock."""
    few = density.take(np.arange(min(2, len(density))))
    return calls_of(lambda: few.log_prob(np.zeros((1, 2, 2)))) < _CHEAP


def _neighbour_distance(points: Points) -> Floats:
    """Distance of each point to a near other one of its photo, in radians, (N, n)."""
    vectors = geo.unit_vectors(points)
    chords = np.sqrt(np.maximum(0, 2 - 2 * vectors @ vectors.swapaxes(1, 2)))
    near = np.partition(chords, _NEIGHBOUR, axis=-1)[..., _NEIGHBOUR]
    return np.asarray(2 * np.arcsin(np.minimum(1, near / 2)))
