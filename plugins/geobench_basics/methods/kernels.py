"""Kernels of several widths around known places, and how much each width weighs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import EqualAreaGrid, Points, VonMisesFisherMixture, geo

_PAIRS = 1 << 20  # (photo, place) pairs at once
_LEAST = 1e-9  # no density is smaller than this share of the uniform's while weights are fitted
_TOLERANCE = 1e-5  # nats per photo by which fitted weights may be worse than the best ones


class Merged(NamedTuple):
    means: Points  # (M, 2)
    weights: geo.Floats  # (M,), of sum 1


@final
@dataclass(frozen=True)
class Kernels:
    """Von Mises-Fisher kernels of one width around places, all of them together one distribution.

    Args:
        places: where they stand, (K, 2).
        bandwidth_km: standard deviation of a kernel per axis.
        cells_once: each inhabited cell, half as wide as a kernel, counts once, however many places
            it holds; else each place does.
    """

    places: Points
    bandwidth_km: float
    cells_once: bool

    @cached_property
    def _cells(self) -> NDArray[np.intp]:
        """Which of the inhabited cells each place lies in, numbered from 0, (K,)."""
        rows = math.ceil(math.pi * geo.EARTH_RADIUS_KM / (self.bandwidth_km / 2))
        cells = EqualAreaGrid(max(2, rows)).assign(self.places)
        return np.asarray(np.unique(cells, return_inverse=True)[1].ravel())

    @cached_property
    def weights(self) -> geo.Floats:
        """How much each place counts, (K,)."""
        if not self.cells_once:
            return np.ones(len(self.places))
        return np.asarray(1 / np.bincount(self._cells)[self._cells])

    @property
    def concentration(self) -> float:
        return float(geo.concentration_of(self.bandwidth_km))

    def merged(self) -> Merged:
        """One kernel per inhabited cell, at the mean of its places: within 1 % as wide."""
        vectors = geo.unit_vectors(self.places)
        sums = [np.bincount(self._cells, vectors[:, axis]) for axis in range(3)]
        weights = np.bincount(self._cells, self.weights)
        return Merged(geo.from_vectors(np.stack(sums, axis=-1)), weights / weights.sum())


@final
@dataclass(frozen=True)
class Counted:
    """Densities at photos as multiples of the uniform's, one column per width, (N, W) each.

    Args:
        near: under kernels around all places.
        away: under those around places that are not near.
    """

    near: geo.Floats
    away: geo.Floats


def counted(photos: Points, widths: Sequence[Kernels], *, away_km: float) -> Iterator[Counted]:
    """The densities of photos (N, 2), block by block, under kernels of every width around the same
    places: of all, and of those at least `away_km` from the photo, or of the farther half of all
    places if that is more."""
    places = widths[0].places
    axes = geo.unit_vectors(places).T
    for start in range(0, len(photos), max(1, _PAIRS // len(places))):
        some = photos[start : start + max(1, _PAIRS // len(places))]
        drop = np.minimum(geo.unit_vectors(some) @ axes - 1, 0)  # cosine - 1, (n, K)
        away = 1 - np.cos(min(away_km / geo.EARTH_RADIUS_KM, np.pi))
        far = drop <= np.maximum(-away, np.median(drop, axis=-1, keepdims=True))
        near_columns, away_columns = [], []
        for kernels in widths:
            kappa = kernels.concentration
            heights = kernels.weights * (2 * kappa / -np.expm1(-2 * kappa))
            density = np.exp(kappa * drop)
            near_columns.append(density @ heights / kernels.weights.sum())
            away_columns.append((density * far) @ heights / (far @ kernels.weights))
        yield Counted(np.stack(near_columns, axis=-1), np.stack(away_columns, axis=-1))


def fit_weights(ratios: geo.Floats, *, least: float) -> geo.Floats:
    """The weights of the uniform and of W other distributions under which photos are likeliest.

    The log-likelihood of a mixture is concave in its weights, and expectation maximisation climbs
    it (Dempster, Laird and Rubin, JRSS B 1977). It stops where the gradient says that no other
    weights have a mean log-likelihood more than 1e-5 nats higher (Lindsay, Ann. Stat. 1983).

    Args:
        ratios: densities at N photos as multiples of the uniform's, (N, W); N, W at least 1.
        least: the least weight of the uniform, at most 1/2, and of all others together.

    Returns:
        The uniform's weight, then the others', (1 + W,), of sum 1.
    """
    # Where no kernel reaches a photo, each is as good as any other: no division by zero.
    others = np.maximum(ratios, _LEAST)
    everything = np.concatenate([np.ones((len(others), 1)), others], axis=1)
    weights = _within(np.ones(everything.shape[1]), least)
    while True:
        gain = (everything / (everything @ weights)[:, None]).mean(axis=0)
        best = gain[1:].max()
        ends = [share * gain[0] + (1 - share) * best for share in (least, 1 - least)]
        if max(ends) - 1 < _TOLERANCE:
            return weights
        weights = _within(weights * gain, least)


def _within(weights: geo.Floats, least: float) -> geo.Floats:
    """Weights of sum 1, the first of them from `least` to 1 - `least`, in proportion otherwise."""
    first = float(np.clip(weights[0] / weights.sum(), least, 1 - least))
    return np.concatenate([[first], weights[1:] * ((1 - first) / weights[1:].sum())])


def mixture(
    widths: Sequence[Kernels], weights: geo.Floats, *, point: Points | None = None
) -> VonMisesFisherMixture:
    """The mixture of kernels of every width, for one photo.

    Args:
        widths: the kernels.
        weights: of each width, (W,); where 0, its kernels are left out.
        point: the answer, (2,); by default the densest mean.
    """
    kept = [(kernels, weight) for kernels, weight in zip(widths, weights, strict=True) if weight]
    parts = [kernels.merged() for kernels, _ in kept]
    return VonMisesFisherMixture(
        np.concatenate([part.means for part in parts])[None],
        np.repeat([k.concentration for k, _ in kept], [len(part.means) for part in parts])[None],
        np.concatenate([w * part.weights for (_, w), part in zip(kept, parts, strict=True)])[None],
        point=None if point is None else point[None],
    )
