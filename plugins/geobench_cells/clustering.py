"""Spherical k-means: places into clusters whose means, of unit length, are the nearest ones."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import geo
from geobench_cells.siblings import Siblings
from geobench_cells.unique_coordinates import unique_coordinates

_DIGITS = 6
"""Photos nearer to each other than about 1e-6 radians, 6 m, are of one place."""

_STEPS = 100
_STEPS_ON_ALL = 10  # after those on the sample, which leave little to move


@final
@dataclass(frozen=True, slots=True)
class DistinctPlaces:
    """Unit vectors (M, 3) of the places where photos were taken, each once, and how many photos
    are of each, (M,)."""

    vectors: geo.Floats
    photos: geo.Floats

    @classmethod
    def of(cls, points: ArrayLike) -> "DistinctPlaces":
        """The places of points (N, 2)."""
        vectors = geo.unit_vectors(
            unique_coordinates(np.asarray(points, dtype=np.float64).reshape(-1, 2))
        )
        rounded = np.round(vectors, _DIGITS) + 0.0  # of -0 and 0 one number
        places, photos = np.unique(rounded, axis=0, return_counts=True)
        return cls(_unit(places), photos.astype(np.float64))

    def __len__(self) -> int:
        return len(self.photos)

    def taken(self, which: NDArray[np.intp]) -> "DistinctPlaces":
        """Those of these indices."""
        return DistinctPlaces(self.vectors[which], self.photos[which])


def means(places: DistinctPlaces, count: int, rng: np.random.Generator) -> geo.Floats:
    """Unit vectors (K, 3) of the means of `count` clusters of at least as many places.

    Spherical k-means (Dhillon and Modha, Machine Learning 2001), from seeds by k-means++ (Arthur
    and Vassilvitskii, SODA 2007). Each mean is distinct, and is in every convex region that holds
    all places: it is a sum of them, or one of them.
    """
    sample = places
    # Clusters are first found on a sample: 64 places for each, fewer where clusters are many.
    size = max(2048, min(64 * count, 1 << 16), 4 * count)
    if len(places) > size:
        sample = places.taken(np.sort(rng.choice(len(places), size, replace=False)))
    found = _moved(sample, _seeds(sample, count, rng), _STEPS)
    return found if sample is places else _moved(places, found, _STEPS_ON_ALL)


def shares(photos: geo.Floats, most: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    """Into how many children each of P cells is divided, in proportion to its photos (P,), at
    least one and at most `most` (P,); at most `total` together, unless P is more."""
    low, high = 0.0, total + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        few = _at_rate(photos, most, middle).sum() <= total
        low, high = (middle, high) if few else (low, middle)
    return _at_rate(photos, most, low)


def _at_rate(photos: geo.Floats, most: NDArray[np.intp], rate: float) -> NDArray[np.intp]:
    return np.maximum(np.minimum(np.floor(photos * rate), most), 1).astype(np.intp)


def _seeds(places: DistinctPlaces, count: int, rng: np.random.Generator) -> geo.Floats:
    """Distinct places, each drawn in proportion to its photos and to the squared distance from
    the nearest of those before it."""
    x, y, z = np.ascontiguousarray(places.vectors.T)
    gap = np.full(len(places), 4.0)
    chosen = np.empty(count, np.intp)
    for k in range(count):
        mass = np.cumsum(places.photos * gap)
        level = min(rng.random() * mass[-1], np.nextafter(mass[-1], 0))
        own = chosen[k] = np.searchsorted(mass, level, side="right")
        np.minimum(gap, 2 - 2 * (x * x[own] + y * y[own] + z * z[own]), out=gap)
        gap[own] = 0  # where rounding leaves a little
    return places.vectors[chosen]


def _moved(places: DistinctPlaces, seeds: geo.Floats, steps: int) -> geo.Floats:
    """Lloyd's steps from distinct seeds until no place changes its cluster, `steps` at most."""
    alone = np.zeros(len(places), np.intp), np.zeros(len(seeds), np.intp)
    weighted = (places.vectors * places.photos[:, None]).T
    before, centres = np.full(len(places), -1), seeds
    for _ in range(steps):
        cluster = Siblings(centres, alone[1]).nearest(places.vectors, alone[0])
        if np.array_equal(cluster, before):
            break
        before = cluster
        photos = np.bincount(cluster, places.photos, len(seeds))
        totals = np.stack([np.bincount(cluster, axis, len(seeds)) for axis in weighted], axis=-1)
        # Where there are no places, or they cancel out, there is no mean: the centre stays.
        defined = np.linalg.norm(totals, axis=-1) > 1e-6 * photos
        centres = _unit(np.where(defined[:, None], totals, centres))
    return centres if len(np.unique(centres, axis=0)) == len(centres) else seeds


def _unit(vectors: geo.Floats) -> geo.Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
