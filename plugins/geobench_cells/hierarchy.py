"""Classes of nested partitions: what a photo is labelled with at every level."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import Points
from geobench_cells.classes import Classes
from geobench_cells.kept import KeptPartition


@final
@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The classes of nested partitions, coarse to fine.

    Args:
        partition: the finest.
        levels: the classes of each partition, H of them.
        ancestors: for each of the K finest classes its class at every level, (H, K); the last row
            counts from 0 to K - 1.
    """

    partition: KeptPartition
    levels: tuple[Classes, ...]
    ancestors: NDArray[np.intp]

    @property
    def finest(self) -> Classes:
        """The classes that answers are made of."""
        return self.levels[-1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many classes each level has."""
        return tuple(map(len, self.levels))

    @classmethod
    def of(
        cls, partitions: Sequence[KeptPartition], points: Points, *, min_photos: int = 1
    ) -> "Hierarchy":
        """The classes of training photos at points (N, 2).

        A cell is a class if it holds `min_photos`, or as many as the fullest of the finest cells.
        It is one number for all levels, so that the parent of a class is a class: none is an
        orphan.

        Args:
            partitions: coarse to fine, each with parents in the one before it.
            points: where the training photos were taken.
            min_photos: of a class.

        Raises:
            DataError: there are no points.
        """
        finest = partitions[-1]
        fullest = int(np.bincount(finest.assign(points)).max()) if len(points) else 1
        enough = min(min_photos, fullest)
        levels = tuple(Classes.of(each, points, min_photos=enough) for each in partitions)
        cells = levels[-1].cells
        rows = [np.arange(len(cells))]
        for fine, coarse, classes in zip(
            partitions[:0:-1], partitions[-2::-1], levels[-2::-1], strict=True
        ):
            assert fine.parents is not None  # nested partitions have them
            cells = fine.parents[cells]
            class_of = np.full(len(coarse), -1)
            class_of[classes.cells] = np.arange(len(classes))
            rows.append(class_of[cells])
        return cls(finest, levels, np.stack(rows[::-1]))
