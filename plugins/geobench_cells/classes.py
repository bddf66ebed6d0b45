"""Classes: the cells of a partition that hold enough training photos to be learnt."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Partition, Points, geo


@final
@dataclass(frozen=True, slots=True)
class Classes:
    """The K cells that are classes, numbered from 0 in the order of the cells.

    Args:
        cells: the cell of each class, (K,), ascending.
        places: the spherical mean of each class's training photos, (K, 2).
        labels: the class of each training photo, (N,).
        moved: whether a photo's own cell is no class, so that its label is the class whose
            place is nearest, (N,).
    """

    cells: NDArray[np.intp]
    places: Points
    labels: NDArray[np.intp]
    moved: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def of(cls, partition: Partition, points: Points, *, min_photos: int = 1) -> "Classes":
        """The cells that hold at least `min_photos` of points (N, 2); where none does, those that
        hold most.

        Raises:
            DataError: there are no points.
        """
        if len(points) == 0:
            raise DataError("no training photo, so no class", remedy="Train on at least one photo.")
        assigned = partition.assign(points)
        photos = np.bincount(assigned, minlength=len(partition))
        cells = np.flatnonzero(photos >= max(1, min(min_photos, int(photos.max()))))
        class_of = np.full(len(partition), -1)
        class_of[cells] = np.arange(len(cells))
        labels = class_of[assigned]
        moved = labels < 0
        places = _means(points[~moved], labels[~moved], partition.centres[cells])
        if moved.any():
            labels[moved] = geo.Places(places).nearest(points[moved]).index
        return cls(cells, places, labels, moved)


def _means(points: Points, labels: NDArray[np.intp], centres: Points) -> Points:
    """Spherical mean of each class's points; its centre where they cancel out."""
    vectors = geo.unit_vectors(points)
    totals = np.stack([np.bincount(labels, axis, len(centres)) for axis in vectors.T], axis=-1)
    photos = np.bincount(labels, minlength=len(centres))
    undefined = np.linalg.norm(totals, axis=-1) < 1e-12 * photos
    return np.where(undefined[:, None], centres, geo.from_vectors(totals))
