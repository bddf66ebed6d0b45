"""The cells that are classes, and all others as one: what a prediction holds no more of."""

import hashlib
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import Partition, Points, geo


@final
class ClassCells(Partition):
    """The K cells that are classes, in their order, and behind them the rest of the sphere.

    A prediction over all cells would be mostly zeros: of 400,000 cells around 20,000 places, of
    the millions of a fine healpix.

    Args:
        whole: all cells.
        cells: those that are classes, (K,), ascending.
    """

    def __init__(self, whole: Partition, cells: NDArray[np.intp]) -> None:
        self.whole = whole
        self.cells = cells
        self._rest = np.setdiff1d(np.arange(len(whole)), cells)

    @cached_property
    def areas(self) -> geo.Floats:
        own = self.whole.areas[self.cells]
        return np.append(own, self.whole.areas[self._rest].sum()) if len(self._rest) else own

    @property
    def centres(self) -> Points:
        return self.whole.centres[np.append(self.cells, self._rest[:1])]

    @property
    def digest(self) -> str:
        """SHA-256 of all cells and of those that are classes, in hex."""
        state = hashlib.sha256(f"class-cells {self.whole.digest}".encode())
        state.update(self.cells.astype("<i8").tobytes())
        return state.hexdigest()

    def assign(self, points: ArrayLike) -> NDArray[np.intp]:
        class_of = np.full(len(self.whole), len(self.cells))
        class_of[self.cells] = np.arange(len(self.cells))
        return np.asarray(class_of[self.whole.assign(points)])

    def sample(self, cells: NDArray[np.intp], rng: np.random.Generator) -> Points:
        index = np.asarray(cells, dtype=np.intp)
        rest = index == len(self.cells)
        inside = self.cells[np.where(rest, 0, index)]
        if rest.any():
            areas = self.whole.areas[self._rest]
            inside[rest] = rng.choice(self._rest, size=rest.sum(), p=areas / areas.sum())
        return self.whole.sample(inside, rng)
