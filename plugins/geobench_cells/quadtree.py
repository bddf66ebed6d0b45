"""Quadtree: latitude-longitude rectangles, split at the medians of the photos that they hold."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import ConfigError, DataError, Points, geo
from geobench_cells.kept import KeptPartition
from geobench_cells.unique_coordinates import unique_coordinates

_BLOCK = 1 << 15  # points are worked on in blocks that stay in the processor's cache
_WHOLE = np.array([[-90.0, -180.0, 90.0, 180.0]])
_AT_THE_POLE = 90 - 1e-9  # degrees: what lies nearer, a tenth of a millimetre, is at the pole


@final
@dataclass(frozen=True, slots=True)
class _Nodes:
    """The cells of a tree from the root on, level after level, cells that were split included.

    Args:
        splits: latitude and longitude at which each cell is split, NaN on an axis on which it is
            not, (V, 2).
        first: the first child of each cell, itself where it has none, (V,).
        bounds: south, west, north and east edge of each cell, (V, 4).
        depth: how many levels there are below the root.
    """

    splits: geo.Floats
    first: NDArray[np.intp]
    bounds: geo.Floats
    depth: int

    @property
    def leaves(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.isnan(self.splits).all(axis=-1))

    @classmethod
    def of(cls, splits: geo.Floats) -> "_Nodes":
        """The tree of these splits.

        Raises:
            DataError: a cell is split outside itself, or cells are missing or left over.
        """
        splits = np.asarray(splits, dtype=np.float64).reshape(-1, 2)
        children = _children(splits)
        first = np.where(children == 1, 0, children)
        first = np.where(children == 1, np.arange(len(splits)), 1 + np.cumsum(first) - first)
        level, start = _WHOLE, 0
        levels = [level]
        while start + len(level) < len(splits) and (children[start : start + len(level)] > 1).any():
            inside = _divided(splits[start : start + len(level)], level)
            start, level = start + len(level), inside
            levels.append(level)
        nodes = cls(splits, first, np.concatenate(levels), len(levels) - 1)
        whole = len(nodes.bounds) == len(splits) == 1 + children[children > 1].sum()
        if not whole or not _strictly_inside(splits, nodes.bounds):
            raise DataError(
                f"{len(splits)} pairs of splits are not those of a quadtree",
                remedy="Make the partition by Quadtree.fit, or from the arrays of one.",
            )
        return nodes


@final
class Quadtree(KeptPartition):
    """Latitude-longitude rectangles, each split into four at the medians of both coordinates
    of its training photos while it held more than so many (OSV-5M, Astruc et al., CVPR 2024).

    An axis is split strictly inside the cell only: where most photos lie on the cell's southern
    or western edge, the split is at the next photo's coordinate; where all do, there is none.

    Args:
        splits: of every cell from the whole sphere on, level after level, the latitude and the
            longitude at which it is split, NaN on an axis on which it is not, (V, 2).
        parents: each cell's parent in the next coarser partition, (C,), or None.

    Raises:
        DataError: the splits are not those of a tree.
    """

    kind = "quadtree"

    def __init__(self, splits: ArrayLike, parents: ArrayLike | None = None) -> None:
        self._nodes = _Nodes.of(np.asarray(splits, dtype=np.float64))
        self._leaves = self._nodes.leaves
        self._parents = None if parents is None else np.asarray(parents, dtype=np.intp)

    @classmethod
    def fit(cls, points: ArrayLike, *, max_photos: int, max_level: int = 13) -> Self:
        """Split each cell while it holds more than `max_photos` of points (N, 2), down to
        `max_level` at most; the whole sphere is level 0."""
        return cls.fit_levels(points, [max_photos], max_level=max_level)[0]

    @classmethod
    def fit_levels(
        cls, points: ArrayLike, max_photos: Sequence[int], *, max_level: int = 13
    ) -> list[Self]:
        """Nested partitions, coarse to fine; from the second on, each has parents in the one
        before it.

        Args:
            points: where the training photos were taken, (N, 2); N may be 0.
            max_photos: the most photos of a cell, falling from partition to partition.
            max_level: no cell is split beyond this level, at least 0.
        """
        most = list(max_photos)
        if not most or min(most) < 1 or any(a <= b for a, b in pairwise(most)):
            raise ConfigError(
                f"max_photos are {most}", remedy="Give numbers of at least 1 that fall."
            )
        if max_level < 0:
            raise ConfigError(f"max_level is {max_level}", remedy="Give at least 0.")
        places = _coordinates(np.asarray(points, dtype=np.float64).reshape(-1, 2))
        partitions: list[Self] = []
        for limit in most:
            # A cell's splits depend on its own photos only: a coarser tree is the finer one's top.
            one = cls(_grown(places, limit, max_level))
            if partitions:
                one._parents = partitions[-1].assign(one.centres)
            partitions.append(one)
        return partitions

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(arrays["splits"], arrays.get("parents"))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"splits": self._nodes.splits}
        return arrays if self._parents is None else {**arrays, "parents": self._parents}

    @property
    def bounds(self) -> geo.Floats:
        """South, west, north and east edge of each cell in degrees, shape (C, 4)."""
        return self._nodes.bounds[self._leaves]

    @property
    def half_widths(self) -> geo.Floats:
        """Half the extent of each cell in latitude and in longitude, in degrees, shape (C, 2)."""
        bounds = self.bounds
        return (bounds[:, 2:] - bounds[:, :2]) / 2

    @cached_property
    def areas(self) -> geo.Floats:
        """Area of each cell in steradians, shape (C,): the difference of the sines of its
        latitudes, by its factors so that small cells lose no digits, times its width."""
        bounds = np.deg2rad(self.bounds)
        half = np.deg2rad(self.half_widths[:, 0])
        middle = _cosine((self.bounds[:, 0] + self.bounds[:, 2]) / 2)
        return np.asarray(2 * middle * np.sin(half) * (bounds[:, 3] - bounds[:, 1]))

    @cached_property
    def centres(self) -> Points:
        """The middle of each cell in latitude and longitude, shape (C, 2)."""
        bounds = self.bounds
        # Between two neighbouring numbers there is no middle: the lower one is inside.
        return _inside((bounds[:, :2] + bounds[:, 2:]) / 2, bounds)

    @property
    def parents(self) -> NDArray[np.intp] | None:
        return self._parents

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tree's splits, in hex."""
        return hashlib.sha256(b"quadtree" + self._nodes.splits.astype("<f8").tobytes()).hexdigest()

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        array = np.asarray(points, dtype=np.float64)
        places = array.reshape(-1, 2)
        number = np.zeros(len(self._nodes.splits), np.intp)
        number[self._leaves] = np.arange(len(self._leaves))
        split_lat, split_lon = self._nodes.splits.T.copy()
        step = np.where(np.isnan(split_lon), 1, 2)
        cells = np.empty(len(places), np.intp)
        for start in range(0, len(places), _BLOCK):
            lat, lon = _coordinates(places[start : start + _BLOCK]).T
            node = np.zeros(len(lat), np.intp)
            for _ in range(self._nodes.depth):
                # Nothing is as large as NaN, so that a cell that is not split leads to itself.
                north, east = lat >= split_lat[node], lon >= split_lon[node]
                node = self._nodes.first[node] + north * step[node] + east
            cells[start : start + _BLOCK] = number[node]
        return cells.reshape(array.shape[:-1])

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        # Uniform on the sphere is cos(lat) in latitude and longitude: rejection keeps at least
        # half of what is drawn uniformly, and loses no digits in small cells as an arcsine would.
        index = np.asarray(cells, dtype=np.intp)
        bounds = self.bounds[index.ravel()]
        low, extent = bounds[:, :2], bounds[:, 2:] - bounds[:, :2]
        peak = _cosine(np.clip(0, bounds[:, 0], bounds[:, 2]))
        drawn = np.empty_like(low)
        open_ = np.arange(len(low))
        while len(open_):
            shares = rng.random((len(open_), 3))
            drawn[open_] = low[open_] + shares[:, :2] * extent[open_]
            kept = shares[:, 2] * peak[open_] < _cosine(drawn[open_, 0])
            open_ = open_[~kept]
        return _inside(drawn, bounds).reshape(*index.shape, 2)


def _coordinates(points: Points) -> Points:
    """Unique coordinates of points (N, 2), with the north pole just below the edge of its cells: so
    every cell is half-open, and none has no area."""
    lat, lon = unique_coordinates(points).T
    lat = np.where(lat < -_AT_THE_POLE, -90, np.minimum(lat, _AT_THE_POLE))
    return np.stack([lat, lon], axis=-1)


def _inside(points: Points, bounds: geo.Floats) -> Points:
    """Points (N, 2) with what rounding put on a northern or eastern edge drawn back inside."""
    return np.maximum(np.minimum(points, np.nextafter(bounds[:, 2:], -np.inf)), bounds[:, :2])


def _cosine(lat: geo.Floats) -> geo.Floats:
    """The cosine of latitudes in degrees, with all its digits near the poles, too."""
    return np.asarray(np.sin(np.deg2rad(90 - np.abs(lat))))


def _children(splits: geo.Floats) -> NDArray[np.intp]:
    """Into how many each cell is divided: 1, 2 or 4."""
    return np.asarray(1 << (~np.isnan(splits)).sum(axis=-1))


def _strictly_inside(splits: geo.Floats, bounds: geo.Floats) -> bool:
    outside = (splits <= bounds[:, :2]) | (splits >= bounds[:, 2:])
    return not bool(outside.any())


def _divided(splits: geo.Floats, bounds: geo.Floats) -> geo.Floats:
    """Bounds of the children of cells with these bounds, (C, 4), the cells that are not split left
    out; south before north, west before east."""
    children = bounds[:, None].repeat(4, axis=1)
    present = np.repeat(_children(splits)[:, None] > 1, 4, axis=1)
    for axis, lower, upper in ((0, [0, 1], [2, 3]), (1, [0, 2], [1, 3])):
        at = splits[:, axis, None]
        undivided = np.isnan(at)
        children[:, upper, axis] = np.where(undivided, children[:, upper, axis], at)
        children[:, lower, axis + 2] = np.where(undivided, children[:, lower, axis + 2], at)
        present[:, upper] &= ~undivided
    return np.asarray(children[present])


def _grown(places: Points, limit: int, max_level: int) -> geo.Floats:
    """Splits (V, 2) of the tree whose cells hold at most `limit` of places (N, 2), if they can be
    split so far."""
    bounds = _WHOLE
    cell = np.zeros(len(places), np.intp)
    tree = []
    for level in range(max_level + 1):
        photos = np.bincount(cell, minlength=len(bounds))
        full = (photos > limit) & (level < max_level)
        splits = np.full((len(bounds), 2), np.nan)
        places, cell = places[full[cell]], cell[full[cell]]
        for axis in (0, 1):
            splits[full, axis] = _medians(places[:, axis], cell, bounds[:, axis])[full]
        tree.append(splits)
        children = _children(splits)
        divided = children > 1
        if not divided.any():
            break
        places, cell = places[divided[cell]], cell[divided[cell]]
        first = np.cumsum(np.where(divided, children, 0)) - children
        step = np.where(np.isnan(splits[:, 1]), 1, 2)
        north, east = (places >= splits[cell]).T
        bounds = _divided(splits, bounds)
        cell = first[cell] + north * step[cell] + east
    return np.concatenate(tree)


def _medians(values: geo.Floats, cell: NDArray[np.intp], low: geo.Floats) -> geo.Floats:
    """The median of each cell's values (N,), or the next value above its lower edge where that is
    the median; NaN where all values lie on the edge, shape (C,)."""
    ordered = values[np.lexsort((values, cell))]
    count = np.bincount(cell, minlength=len(low))
    start = np.cumsum(count) - count
    on_edge = np.bincount(cell[values <= low[cell]], minlength=len(low))
    last = max(len(ordered) - 1, 0)
    ordered = ordered if len(ordered) else np.full(1, np.nan)
    lower, upper = (
        ordered[np.minimum(start + place, last)] for place in ((count - 1) // 2, count // 2)
    )
    median = (lower + upper) / 2
    above = ordered[np.minimum(start + on_edge, last)]
    return np.where(on_edge == count, np.nan, np.where(median > low, median, above))
