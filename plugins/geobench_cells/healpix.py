"""HEALPix: cells of equal area, by twelve squares that are halved along both sides (Gorski et
al., ApJ 2005)."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import ConfigError, Points, geo
from geobench_cells.kept import KeptPartition
from geobench_cells.unique_coordinates import unique_coordinates

DEEPEST = 12
"""The deepest partition: 200 million cells, about 1.6 km wide."""

# The southern corner of each of the twelve squares: rows from the north pole, and eighths of a
# turn (jrll and jpll of the official library).
_ROWS = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
_EIGHTHS = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])


@final
class Healpix(KeptPartition):
    """The 12 * 4^depth HEALPix cells of one depth, in nested numbering; needs `healpix-geo`.

    Args:
        depth: how often the twelve base cells are split into four, 0 to 12.
        parents_depth: depth of the next coarser partition, below `depth`, or None.

    Raises:
        ConfigError: depths that there are not.
    """

    kind = "healpix"

    def __init__(self, depth: int, parents_depth: int | None = None) -> None:
        depths = [depth] if parents_depth is None else [parents_depth, depth]
        if not 0 <= depths[0] <= depths[-1] <= DEEPEST or len(set(depths)) < len(depths):
            raise ConfigError(
                f"depths are {depths}", remedy=f"Give numbers that rise, from 0 to {DEEPEST}."
            )
        self.depth = depth
        self.parents_depth = parents_depth

    @classmethod
    def fit(cls, points: ArrayLike, *, depth: int) -> Self:
        """The cells of one depth, wherever the photos at points (N, 2) lie."""
        return cls.fit_levels(points, [depth])[0]

    @classmethod
    def fit_levels(cls, points: ArrayLike, depths: Sequence[int]) -> list[Self]:
        """Nested partitions of these depths, which rise; from the second on, each has parents in
        the one before it. The photos at points (N, 2) do not matter."""
        if not depths:
            raise ConfigError("there are no depths", remedy="Give at least one.")
        return [cls(depths[0]), *(cls(fine, coarse) for coarse, fine in pairwise(depths))]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        return cls(*(int(depth) for depth in arrays["depths"]))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        depths = [self.depth] if self.parents_depth is None else [self.depth, self.parents_depth]
        return {"depths": np.array(depths, dtype=np.int64)}

    @cached_property
    def areas(self) -> geo.Floats:
        return np.full(12 << (2 * self.depth), geo.SPHERE_AREA / (12 << (2 * self.depth)))

    @cached_property
    def centres(self) -> Points:
        cells = np.arange(len(self))
        return self._projected(cells, np.full((2, len(cells)), 0.5))

    @cached_property
    def parents(self) -> NDArray[np.intp] | None:
        if self.parents_depth is None:
            return None
        return np.arange(len(self)) >> (2 * (self.depth - self.parents_depth))

    @property
    def digest(self) -> str:
        """SHA-256 of the depth, in hex."""
        return hashlib.sha256(f"healpix {self.depth}".encode()).hexdigest()

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        from healpix_geo import nested

        array = np.asarray(points, dtype=np.float64)
        lat, lon = unique_coordinates(array.reshape(-1, 2)).T
        cells = nested.lonlat_to_healpix(lon, lat, self.depth, ellipsoid="sphere")
        return np.asarray(cells).astype(np.intp).reshape(array.shape[:-1])

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        # The projection keeps areas: uniform in a cell's square is uniform on the sphere.
        index = np.asarray(cells, dtype=np.intp)
        shares = rng.random((2, index.size))
        return self._projected(index.ravel(), shares).reshape(*index.shape, 2)

    def _projected(self, cells: NDArray[np.intp], shares: geo.Floats) -> Points:
        """The points (N, 2) at these shares (2, N) of the sides of cells (N,).

        By Calabretta and Roukema (MNRAS 2007): equal-area cylindrical between the latitudes of
        sine 2/3, collignon beyond them.
        """
        from healpix_geo import nested

        face, *corner = nested.healpix_to_base_cell_coordinates(cells, self.depth)
        side = 1 << self.depth
        x, y = ((np.asarray(at) + share) / side for at, share in zip(corner, shares, strict=True))
        row = _ROWS[face] - x - y  # 0 at the north pole, 4 at the south pole
        width = np.minimum(np.minimum(row, 4 - row), 1)  # of the row, as a share of the equator's
        cap = width**2 / 3  # 1 - |sine of the latitude| beyond the two latitudes
        sine = np.where(row < 1, 1 - cap, np.where(row > 3, cap - 1, (2 - row) * 2 / 3))
        cosine = np.sqrt(np.where(width < 1, cap * (2 - cap), 1 - sine**2))
        eighths = np.mod(_EIGHTHS[face] * width + x - y, 8 * width)
        lon = 45 * eighths / width
        return np.stack([np.rad2deg(np.arctan2(sine, cosine)), _wrapped(lon)], axis=-1)


def _wrapped(lon: geo.Floats) -> geo.Floats:
    """Longitudes from [0, 360] in [-180, 180)."""
    return np.where(lon >= 180, lon - 360, lon)
