"""Mixtures of von Mises-Fisher distributions: the density of kernels on the sphere."""

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from geobench import geo
from geobench.data import Indices
from geobench.errors import PredictionError
from geobench.geo import Floats, Points
from geobench.predictions import (
    Density,
    checked_answers,
    checked_places,
    checked_queries,
    choose,
    normalised,
    photo_count,
    rows_of,
)

_PAIRS = 1 << 16  # (photo, point, component) triples at once: what stays in a core's cache


@final
class VonMisesFisherMixture(Density):
    """Mixture of von Mises-Fisher distributions, exact for concentrations from 1e-6 to 1e6.

    The density of one is kappa / (2 pi (1 - exp(-2 kappa))) exp(kappa (cos angle - 1)) per
    steradian (Mardia and Jupp, "Directional Statistics", 9.3; rearranged so that nothing
    overflows), 1 / 4 pi in the limit of kappa = 0.

    Args:
        means: (N or 1, K, 2), degrees.
        concentrations: kappa, broadcastable to (N or 1, K), at least 0.
        weights: (N or 1, K), not negative; equal if left out.
        point: the answers (N or 1, 2); by default the densest of the means.
        count: number of photos where all arrays are shared.
    """

    def __init__(
        self,
        means: ArrayLike,
        concentrations: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        point: ArrayLike | None = None,
        count: int | None = None,
    ) -> None:
        self.means = checked_places(means, name="means")
        places = self.means.shape[1]
        kappa = np.asarray(concentrations, dtype=np.float64)
        if not np.isfinite(kappa).all() or (kappa < 0).any():
            raise PredictionError("concentrations must be finite and not negative")
        if kappa.ndim > 2 or kappa.shape[-1:] not in ((), (1,), (places,)):
            raise PredictionError(f"concentrations are {kappa.shape}, not (N or 1, {places})")
        self.concentrations = np.broadcast_to(kappa, np.broadcast_shapes(kappa.shape, (1, 1)))
        self.weights = normalised(
            np.ones((1, places)) if weights is None else weights, places, what="mixture weights"
        )
        self._point = None if point is None else checked_answers(point)
        self._count = photo_count(count, self.means, self.concentrations, self.weights, self._point)

    def __len__(self) -> int:
        return self._count

    def point(self) -> Points:
        best = self._point
        if best is None:
            best = self._densest_mean()
        return np.array(np.broadcast_to(best, (self._count, 2)))

    def _densest_mean(self) -> Points:
        arrays = (self.means, self.concentrations, self.weights)
        rows = 1 if all(len(array) == 1 for array in arrays) else self._count
        reduced = VonMisesFisherMixture(
            self.means, self.concentrations, self.weights, point=np.zeros((1, 2)), count=rows
        )
        best = reduced.log_prob(self.means).argmax(axis=-1)
        row = np.arange(rows) if len(self.means) != 1 else np.zeros(rows, np.intp)
        return np.asarray(self.means[row, best])

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        chosen = choose(self.weights, self._count, n, rng)
        rows = np.arange(self._count)[:, None]
        shape = (len(self.concentrations), self.means.shape[1])
        kappa = np.broadcast_to(self.concentrations, shape)
        kappa = kappa[rows if len(kappa) != 1 else 0, chosen]
        means = self.means[rows if len(self.means) != 1 else 0, chosen]
        return _sample_von_mises_fisher(means, kappa, rng)

    def log_prob(self, points: ArrayLike) -> Floats:
        queries = checked_queries(points, self._count)
        out = np.empty((self._count, queries.shape[1]))
        centres = geo.unit_vectors(self.means)
        kappa = self.concentrations
        scale = np.where(kappa > 0, kappa / -np.expm1(-2 * np.where(kappa > 0, kappa, 1)), 0.5)
        with np.errstate(divide="ignore"):
            heights = np.log(self.weights) + np.log(scale / (2 * np.pi))
        wide = max(1, min(queries.shape[1], _PAIRS // self.means.shape[1]))
        step = max(1, _PAIRS // (wide * self.means.shape[1]))
        for start in range(0, self._count, step):
            rows = np.arange(start, min(start + step, self._count))
            axes = np.swapaxes(rows_of(centres, rows), -1, -2)
            for first in range(0, queries.shape[1], wide):
                columns = slice(first, first + wide)
                cosine = geo.unit_vectors(rows_of(queries, rows)[:, columns]) @ axes  # (., m, K)
                # In place where it can be: most of the time goes to the memory of these arrays.
                cosine -= 1
                np.minimum(cosine, 0, out=cosine)
                exponent = rows_of(kappa, rows)[:, None] * cosine + rows_of(heights, rows)[:, None]
                peak = exponent.max(axis=-1, keepdims=True)
                exponent -= peak
                np.exp(exponent, out=exponent)
                out[rows, columns] = peak[..., 0] + np.log(exponent.sum(axis=-1))
        return out

    def take(self, indices: Indices) -> "VonMisesFisherMixture":
        return VonMisesFisherMixture(
            rows_of(self.means, indices),
            rows_of(self.concentrations, indices),
            rows_of(self.weights, indices),
            point=None if self._point is None else rows_of(self._point, indices),
            count=len(indices),
        )


def _sample_von_mises_fisher(means: Points, kappa: Floats, rng: np.random.Generator) -> Points:
    """One draw around each mean (..., 2) by inverting the distribution of the cosine
    (Jakob, "Numerically stable sampling of the von Mises-Fisher distribution on S2", 2012)."""
    u = rng.random(kappa.shape)
    small = np.maximum(kappa, 1e-12)
    # drop = 1 - cos(angle); the two forms agree, each is exact where the other cancels.
    with np.errstate(divide="ignore"):
        soft = -np.log1p((1 - u) * np.expm1(-2 * small)) / small
        sharp = -np.log(u + (1 - u) * np.exp(-2 * small)) / small
    drop = np.clip(np.where(small < 1, soft, sharp), 0, 2)
    drop = np.where(kappa > 1e-12, drop, 2 * u)
    sine = np.sqrt(drop * (2 - drop))
    turn = 2 * np.pi * rng.random(kappa.shape)
    centre = geo.unit_vectors(means)
    first, second = geo.tangent_frames(centre)
    side = np.cos(turn)[..., None] * first + np.sin(turn)[..., None] * second
    return geo.from_vectors((1 - drop)[..., None] * centre + sine[..., None] * side)
