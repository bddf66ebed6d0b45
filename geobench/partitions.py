"""Partitions: the sphere cut into cells; EqualAreaGrid is the one that the core uses itself."""

import hashlib
from abc import ABC, abstractmethod
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.geo import SPHERE_AREA, Floats, Points


class Partition(ABC):
    """Cells that cover the whole sphere without overlap, numbered from 0."""

    @property
    @abstractmethod
    def areas(self) -> Floats:
        """Area of each cell in steradians, shape (C,); they sum to 4 pi."""

    @property
    @abstractmethod
    def centres(self) -> Points:
        """A point inside each cell, shape (C, 2)."""

    @property
    def parents(self) -> NDArray[np.intp] | None:
        """For a nested partition, each cell's parent in the next coarser one, shape (C,)."""
        return None

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of what defines the cells, in hex."""

    @abstractmethod
    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        """The cell that each of points (..., 2) lies in, shape (...,)."""

    @abstractmethod
    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        """One point drawn uniformly by area inside each of `cells` (...,), shape (..., 2)."""

    def __len__(self) -> int:
        return len(self.areas)


@final
class EqualAreaGrid(Partition):
    """Latitude bands cut into cells of exactly the same area.

    A band at latitude phi gets about 2 rows cos(phi) cells, and the edges of the bands are then
    placed so that each holds its cells' share of the sphere (Rosca, A&A 2010, has the idea).

    Args:
        rows: number of bands, at least 2; 36 gives cells about 560 km wide.
    """

    def __init__(self, rows: int = 36) -> None:
        if rows < 2:
            raise ValueError(f"EqualAreaGrid needs at least 2 rows, not {rows}")
        self.rows = rows
        middle = np.deg2rad((np.arange(rows) + 0.5) * 180 / rows - 90)
        self._counts = np.maximum(3, np.rint(2 * rows * np.cos(middle))).astype(np.intp)
        self._first = np.concatenate([[0], np.cumsum(self._counts)])
        self._total = int(self._first[-1])
        # By sine and cosine, since the sine alone loses digits near the poles.
        south, north = self._first, self._total - self._first
        self._edges = np.rad2deg(np.arctan2(south - north, 2 * np.sqrt(south * north)))

    @property
    def areas(self) -> Floats:
        return np.full(self._total, SPHERE_AREA / self._total)

    @property
    def centres(self) -> Points:
        band = np.repeat(np.arange(self.rows), self._counts)
        column = np.arange(self._total) - self._first[band]
        sine = np.sin(np.deg2rad(self._edges))
        lat = np.rad2deg(np.arcsin((sine[band] + sine[band + 1]) / 2))
        return np.stack([lat, (column + 0.5) * 360 / self._counts[band] - 180], -1)

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"equal-area-grid {self.rows}".encode()).hexdigest()

    def bounds(self) -> Floats:
        """South, west, north and east edge of each cell in degrees, shape (C, 4)."""
        band = np.repeat(np.arange(self.rows), self._counts)
        column = np.arange(self._total) - self._first[band]
        width = 360 / self._counts[band]
        west = column * width - 180
        return np.stack([self._edges[band], west, self._edges[band + 1], west + width], -1)

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        places = np.asarray(points, dtype=np.float64)
        band = np.searchsorted(self._edges[1:-1], places[..., 0], side="right")
        count = self._counts[band]
        turn = np.mod(places[..., 1] + 180, 360)
        column = np.floor(turn * (count / 360)).astype(np.intp)
        return np.asarray(self._first[band] + np.clip(column, 0, count - 1))

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        index = np.asarray(cells, dtype=np.intp)
        band = np.searchsorted(self._first, index, side="right") - 1
        column = index - self._first[band]
        edges = np.sin(np.deg2rad(self._edges))
        low, high = edges[band], edges[band + 1]
        sine = np.clip(low + (high - low) * rng.random(index.shape), -1, 1)
        lon = (column + rng.random(index.shape)) * 360 / self._counts[band] - 180
        return np.stack([np.rad2deg(np.arcsin(sine)), np.minimum(lon, np.nextafter(180, 0))], -1)
