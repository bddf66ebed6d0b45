"""Adaptive S2: the six faces of a cube around the sphere, split into four where photos are dense.

The geometry is that of Google's S2 library: a face's coordinates u, v in [-1, 1] are the central
projection's, and s, t in [0, 1] a quadratic function of them, so that cells of one level are of
similar area. Cells are numbered along a Z-order curve per face (S2's own ids follow a Hilbert
curve): the key of a cell is `face << 60 | interleaved bits of (i, j)` of its first leaf cell, and
every cell covers an interval of keys.
"""

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

Integers = NDArray[np.int64]

DEEPEST = 30
"""The level of S2's leaf cells, about 1 cm wide."""

_LEAVES = 1 << DEEPEST  # leaf cells along the edge of a face
_BLOCK = 1 << 15  # points are worked on in blocks that stay in the processor's cache
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
_GATHER = (
    (1, 0x3333333333333333),
    (2, 0x0F0F0F0F0F0F0F0F),
    (4, 0x00FF00FF00FF00FF),
    (8, 0x0000FFFF0000FFFF),
    (16, 0x00000000FFFFFFFF),
)


@final
@dataclass(frozen=True, slots=True)
class LeafCells:
    """S2 leaf cells: face in 0..5, and column i and row j in [0, 2^30), all of one shape."""

    face: Integers
    i: Integers
    j: Integers

    @property
    def keys(self) -> Integers:
        """Positions along the Z-order curve, in [0, 6 * 2^60)."""
        return (self.face << (2 * DEEPEST)) | (_spread(self.i) << 1) | _spread(self.j)

    @classmethod
    def of_keys(cls, keys: Integers) -> "LeafCells":
        """The leaf cells at these keys."""
        inside = keys & ((1 << (2 * DEEPEST)) - 1)
        return cls(keys >> (2 * DEEPEST), _gather(inside >> 1), _gather(inside))

    @classmethod
    def of_points(cls, points: ArrayLike) -> "LeafCells":
        """The leaf cell that each of points (..., 2) lies in."""
        x, y, z = np.moveaxis(geo.unit_vectors(points), -1, 0)
        ax, ay, az = np.abs(x), np.abs(y), np.abs(z)
        axis = np.where(ax > ay, np.where(ax > az, 0, 2), np.where(ay > az, 1, 2))
        largest = np.choose(axis, [x, y, z])
        face = axis + 3 * (largest < 0)
        u = np.choose(face, [y, -x, -x, z, z, -y]) / largest
        v = np.choose(face, [z, z, -y, y, -x, -x]) / largest
        return cls(face, _leaf(u), _leaf(v))


def _spread(bits: Integers) -> Integers:
    """Bit k to bit 2k."""
    for shift, mask in _SPREAD:
        bits = (bits | (bits << shift)) & mask
    return bits


def _gather(bits: Integers) -> Integers:
    """Bit 2k to bit k, the others dropped."""
    bits = bits & 0x5555555555555555
    for shift, mask in _GATHER:
        bits = (bits | (bits >> shift)) & mask
    return bits


def _leaf(u: geo.Floats) -> Integers:
    root = np.sqrt(1 + 3 * np.abs(u)) / 2
    s = np.where(u >= 0, root, 1 - root)
    return np.asarray(np.clip(np.floor(s * _LEAVES), 0, _LEAVES - 1), dtype=np.int64)


def _u_of_s(s: geo.Floats) -> geo.Floats:
    return np.where(s >= 0.5, 4 * s * s - 1, 1 - 4 * (1 - s) ** 2) / 3


def _vectors(face: Integers, u: geo.Floats, v: geo.Floats) -> geo.Floats:
    """Vectors (..., 3), not of unit length, of face coordinates (...,)."""
    one = np.ones_like(u)
    x = np.choose(face, [one, -u, -u, -one, v, v])
    y = np.choose(face, [u, one, -v, -v, -one, u])
    z = np.choose(face, [v, v, one, -u, -u, -one])
    return np.stack([x, y, z], axis=-1)


@final
class AdaptiveS2(KeptPartition):
    """S2 cells, each split while it held more than so many training photos (PlaNet, ECCV 2016).

    Args:
        starts: the first key of each cell, (C,), ascending.
        levels: the level of each cell, (C,), from 0 (a face) to 30 (a leaf cell).
        parents: each cell's parent in the next coarser partition, (C,), or None.

    Raises:
        DataError: the cells do not cover the sphere exactly once.
    """

    kind = "s2"

    def __init__(
        self, starts: ArrayLike, levels: ArrayLike, parents: ArrayLike | None = None
    ) -> None:
        self.starts = np.asarray(starts, dtype=np.int64)
        self.levels = np.asarray(levels, dtype=np.int64)
        self._parents = None if parents is None else np.asarray(parents, dtype=np.intp)
        ends = self.starts + _sizes(self.levels)
        if not np.array_equal(np.append(0, ends), np.append(self.starts, 6 << (2 * DEEPEST))):
            raise DataError(
                f"{len(self.starts)} S2 cells do not cover the sphere exactly once",
                remedy="Make the partition by AdaptiveS2.fit, or from the arrays of one.",
            )

    @classmethod
    def fit(cls, points: ArrayLike, *, max_photos: int, max_level: int = DEEPEST) -> Self:
        """Split each cell while it holds more than `max_photos` of points (N, 2), down to
        `max_level` at most."""
        return cls.fit_levels(points, [max_photos], max_level=max_level)[0]

    @classmethod
    def fit_levels(
        cls, points: ArrayLike, max_photos: Sequence[int], *, max_level: int = DEEPEST
    ) -> list[Self]:
        """Nested partitions, coarse to fine; from the second on, each has parents in the one
        before it.

        Args:
            points: where the training photos were taken, (N, 2); N may be 0.
            max_photos: the most photos of a cell, falling from partition to partition.
            max_level: no cell is split beyond this level, 0 to 30.
        """
        most = list(max_photos)
        if not most or min(most) < 1 or any(a <= b for a, b in pairwise(most)):
            raise ConfigError(
                f"max_photos are {most}", remedy="Give numbers of at least 1 that fall."
            )
        if not 0 <= max_level <= DEEPEST:
            raise ConfigError(
                f"max_level is {max_level}", remedy=f"S2 has the levels 0 to {DEEPEST}."
            )
        keys = np.sort(_keys(np.asarray(points, dtype=np.float64).reshape(-1, 2)))
        cells = np.stack([np.arange(6, dtype=np.int64) << (2 * DEEPEST), np.zeros(6, np.int64)])
        partitions: list[Self] = []
        for limit in most:
            cells = _split(cells, keys, limit, max_level)
            cells = cells[:, np.argsort(cells[0])]
            parents = partitions[-1]._of_keys(cells[0]) if partitions else None
            partitions.append(cls(cells[0], cells[1], parents))
        return partitions

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(arrays["starts"], arrays["levels"], arrays.get("parents"))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {
            "starts": self.starts,
            "levels": self.levels.astype(np.int8),
        }
        return arrays if self._parents is None else {**arrays, "parents": self._parents}

    @cached_property
    def areas(self) -> geo.Floats:
        """Area of each cell in steradians, shape (C,): the spherical excess of its corners.

        By van Oosterom and Strackee (IEEE Trans. Biomed. Eng. 1983) on two triangles. The
        triple product of corners (1, u, v) is exactly the product of the sides, so small cells
        lose no digits.
        """
        west, south, width, height = self._sides
        east, north = west + width, south + height
        halves = _excess(width * height, [(west, south), (east, south), (east, north)])
        return halves + _excess(width * height, [(west, south), (east, north), (west, north)])

    @cached_property
    def centres(self) -> Points:
        """The middle of each cell in (s, t), as in S2, shape (C, 2)."""
        first, half = LeafCells.of_keys(self.starts), np.sqrt(_sizes(self.levels)) / 2
        u, v = _u_of_s((first.i + half) / _LEAVES), _u_of_s((first.j + half) / _LEAVES)
        return geo.from_vectors(_vectors(first.face, u, v))

    @property
    def parents(self) -> NDArray[np.intp] | None:
        return self._parents

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the cells' keys and levels, in hex."""
        state = hashlib.sha256(b"adaptive-s2")
        state.update(self.starts.astype("<i8").tobytes())
        state.update(self.levels.astype("<i8").tobytes())
        return state.hexdigest()

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        places = np.asarray(points, dtype=np.float64)
        keys = _keys(places.reshape(-1, 2))
        return self._of_keys(keys).reshape(places.shape[:-1])

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        # Uniform on the sphere is (1 + u^2 + v^2)^(-3/2) on a face: rejection keeps at least
        # half of what is drawn uniformly in (u, v), more the smaller the cell.
        index = np.asarray(cells, dtype=np.intp)
        face = (self.starts >> (2 * DEEPEST))[index.ravel()]
        west, south, width, height = self._sides[:, index.ravel()]
        u, v = np.empty_like(west), np.empty_like(west)
        peak = 1 + _least_square(west, west + width) + _least_square(south, south + height)
        open_ = np.arange(len(west))
        while len(open_):
            across, up, level = rng.random((3, len(open_)))
            u[open_] = west[open_] + across * width[open_]
            v[open_] = south[open_] + up * height[open_]
            density = (peak[open_] / (1 + u[open_] ** 2 + v[open_] ** 2)) ** 1.5
            open_ = open_[level >= density]
        return geo.from_vectors(_vectors(face, u, v)).reshape(*index.shape, 2)

    def _of_keys(self, keys: Integers) -> NDArray[np.intp]:
        return np.asarray(np.searchsorted(self.starts, keys, side="right") - 1)

    @cached_property
    def _sides(self) -> geo.Floats:
        """Least u, least v, width and height of each cell in (u, v), shape (4, C)."""
        first = LeafCells.of_keys(self.starts)
        step = np.sqrt(_sizes(self.levels))
        sides = []
        for low in (first.i / _LEAVES, first.j / _LEAVES):
            high = low + step / _LEAVES
            # The difference of two u, by its factors: exact for the smallest cells, too.
            slope = np.where(low >= 0.5, low + high, 2 - low - high)
            wide = np.where(self.levels == 0, 2.0, 4 / 3 * (high - low) * slope)
            sides.append((_u_of_s(low), wide))
        (west, width), (south, height) = sides
        return np.stack([west, south, width, height])


def _sizes(levels: Integers) -> Integers:
    """How many leaf cells a cell of each level holds."""
    return np.int64(1) << (2 * (DEEPEST - levels))


def _split(cells: Integers, keys: Integers, limit: int, max_level: int) -> Integers:
    """Starts and levels (2, C) of cells split until none holds more than `limit` of the sorted
    keys or could be split further; in no order."""
    starts, levels = cells
    photos = np.diff(np.searchsorted(keys, [starts, starts + _sizes(levels)]), axis=0)[0]
    full = (photos > limit) & (levels < max_level)
    if not full.any():
        return cells
    deeper = levels[full] + 1
    quarters = starts[full, None] + _sizes(deeper)[:, None] * np.arange(4)
    children = np.stack([quarters.ravel(), np.repeat(deeper, 4)])
    return np.concatenate([cells[:, ~full], _split(children, keys, limit, max_level)], axis=1)


def _keys(points: Points) -> Integers:
    keys = np.empty(len(points), np.int64)
    for start in range(0, len(points), _BLOCK):
        rows = slice(start, start + _BLOCK)
        keys[rows] = LeafCells.of_points(unique_coordinates(points[rows])).keys
    return keys


def _excess(triple: geo.Floats, corners: Sequence[tuple[geo.Floats, geo.Floats]]) -> geo.Floats:
    a, b, c = (np.stack([np.ones_like(u), u, v], axis=-1) for u, v in corners)
    la, lb, lc = (np.linalg.norm(corner, axis=-1) for corner in (a, b, c))
    dots = (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.asarray(2 * np.arctan2(triple, la * lb * lc + dots))


def _least_square(low: geo.Floats, high: geo.Floats) -> geo.Floats:
    """The smallest square of a number between low and high."""
    return np.maximum(np.maximum(low, -high), 0) ** 2
