"""Spherical k-means cells: of every place the cell is that of the nearest mean of photos."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import ConfigError, DataError, Points, geo
from geobench_cells.clustering import DistinctPlaces, means, shares
from geobench_cells.kept import KeptPartition
from geobench_cells.polygons import Polygons, Triangles
from geobench_cells.siblings import Siblings
from geobench_cells.unique_coordinates import unique_coordinates


@final
class SphericalKMeans(KeptPartition):
    """Spherical Voronoi cells of the means of photos, each divided among the means of its own
    photos by the next level.

    A cell is what of its parent's region lies nearest to its mean: an intersection of
    half-spheres, held as convex polygons, whose areas are exact. The mean of photos in such a
    region lies in it, too, since the region is a convex cone from the Earth's centre.

    Args:
        means: unit vectors of the levels' means, from the coarsest level on, (M, 3).
        above: the place of each mean's parent in the level before, 0 in the first, (M,).
        sizes: how many means each level has, (L,).

    Raises:
        DataError: the levels do not divide one another.
    """

    kind = "k-means"

    def __init__(self, means: ArrayLike, above: ArrayLike, sizes: ArrayLike) -> None:
        self._means = np.asarray(means, dtype=np.float64)
        self._above = np.asarray(above, dtype=np.intp)
        self._sizes = np.asarray(sizes, dtype=np.intp)
        ends = np.cumsum(self._sizes)
        parts = [slice(end - size, end) for end, size in zip(ends, self._sizes, strict=True)]
        before = [1, *self._sizes[:-1]]
        known = len(parts) > 0 and len(self._means) == len(self._above) == ends[-1]
        if not known or any(
            not np.array_equal(np.unique(self._above[part]), np.arange(count))
            for part, count in zip(parts, before, strict=True)
        ):
            raise DataError(
                f"{len(self._means)} means in {len(parts)} levels do not divide one another",
                remedy="Make the partition by SphericalKMeans.fit, or from the arrays of one.",
            )
        self._levels = [Siblings(self._means[part], self._above[part]) for part in parts]

    @classmethod
    def fit(cls, points: ArrayLike, *, cells: int, seed: int = 0) -> Self:
        """As many `cells` as asked, or one for each place at which points (N, 2) lie if there are
        fewer of them."""
        return cls.fit_levels(points, [cells], seed=seed)[0]

    @classmethod
    def fit_levels(cls, points: ArrayLike, cells: Sequence[int], *, seed: int = 0) -> list[Self]:
        """Nested partitions, coarse to fine; from the second on, each has parents in the one
        before it.

        Args:
            points: where the training photos were taken, (N, 2); N may be 0.
            cells: about how many cells, rising from partition to partition. A cell is divided in
                proportion to its photos, into one for each of their places at most.
            seed: of the draws that k-means starts with.
        """
        counts = list(cells)
        if not counts or min(counts) < 1 or any(a >= b for a, b in pairwise(counts)):
            raise ConfigError(f"cells are {counts}", remedy="Give numbers of at least 1 that rise.")
        rng = np.random.default_rng(seed)
        places = DistinctPlaces.of(points)
        if not len(places):
            places = DistinctPlaces(geo.unit_vectors([[0.0, 0.0]]), np.ones(1))
        cell = np.zeros(len(places), np.intp)
        level = Siblings(places.vectors[:1], np.zeros(1, np.intp))  # the whole sphere
        levels: list[Siblings] = []
        partitions: list[Self] = []
        for total in counts:
            level = _refined(level, places, cell, total, rng)
            cell = level.nearest(places.vectors, cell)
            levels.append(level)
            partitions.append(
                cls(
                    np.concatenate([each.centres for each in levels]),
                    np.concatenate([each.parents for each in levels]),
                    [len(each.centres) for each in levels],
                )
            )
        return partitions

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(arrays["means"], arrays["above"], arrays["sizes"])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        return {"means": self._means, "above": self._above, "sizes": self._sizes}

    @cached_property
    def areas(self) -> geo.Floats:
        """Area of each cell in steradians, shape (C,): the sum over its triangles."""
        triangles = self._triangles
        areas = np.bincount(triangles.cells, triangles.areas(), self._sizes[-1])
        return np.asarray(areas, dtype=np.float64)

    @cached_property
    def centres(self) -> Points:
        """The mean of each cell's photos, shape (C, 2); the middle of the cell's largest triangle
        where the mean lies on an edge, so that rounding puts it into the cell beside."""
        centres = geo.from_vectors(self._levels[-1].centres)
        lost = self.assign(centres) != np.arange(len(centres))
        if lost.any():
            triangles = self._triangles
            order = np.lexsort((triangles.areas(), triangles.cells))
            last = np.searchsorted(triangles.cells[order], np.flatnonzero(lost), side="right") - 1
            centres[lost] = geo.from_vectors(triangles.corners[order[last]].sum(axis=1))
        return centres

    @property
    def parents(self) -> NDArray[np.intp] | None:
        return self._levels[-1].parents if len(self._levels) > 1 else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the levels' means and of which divides which, in hex."""
        state = hashlib.sha256(b"spherical-k-means")
        state.update(self._means.astype("<f8").tobytes())
        state.update(self._above.astype("<i8").tobytes())
        state.update(self._sizes.astype("<i8").tobytes())
        return state.hexdigest()

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        array = np.asarray(points, dtype=np.float64)
        vectors = geo.unit_vectors(unique_coordinates(array.reshape(-1, 2)))
        cells = np.zeros(len(vectors), np.intp)
        for level in self._levels:
            cells = level.nearest(vectors, cells)
        return cells.reshape(array.shape[:-1])

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        index = np.asarray(cells, dtype=np.intp)
        triangles, wanted = self._triangles, index.ravel()
        # A triangle by its share of the cell's area: cell k has [k, k + 1) of all shares.
        shares = np.cumsum(triangles.areas() / self.areas[triangles.cells])
        drawn = np.searchsorted(shares, wanted + rng.random(len(wanted)), side="right")
        first = np.searchsorted(triangles.cells, wanted)
        last = np.searchsorted(triangles.cells, wanted, side="right") - 1
        chosen = np.clip(drawn, first, last)
        inside = Triangles(triangles.corners[chosen], wanted).sample(rng)
        return geo.from_vectors(inside).reshape(*index.shape, 2)

    @cached_property
    def polygons(self) -> Polygons:
        """The cells' polygons, none of them larger than an eighth of the sphere."""
        regions = Polygons.octants()
        for level in self._levels:
            regions = level.divided(regions)
        return regions

    @cached_property
    def _triangles(self) -> Triangles:
        return self.polygons.triangles()


def _refined(
    level: Siblings,
    places: DistinctPlaces,
    cell: NDArray[np.intp],
    total: int,
    rng: np.random.Generator,
) -> Siblings:
    """The next level: each of the level's cells divided by k-means of its own places, of which
    `cell` (M,) says where each lies."""
    count = len(level.centres)
    photos = np.asarray(np.bincount(cell, places.photos, count), dtype=np.float64)
    distinct = np.bincount(cell, minlength=count)
    children = shares(photos, distinct, total)
    order = np.argsort(cell, kind="stable")
    groups = np.split(order, np.cumsum(distinct)[:-1])
    found = [
        means(places.taken(group), number, rng) if len(group) else level.centres[[k]]
        for k, (group, number) in enumerate(zip(groups, children, strict=True))
    ]
    return Siblings(np.concatenate(found), np.repeat(np.arange(count), children))
