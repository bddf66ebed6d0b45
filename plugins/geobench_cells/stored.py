"""Partitions as the arrays of a method's state, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import StoreError
from geobench_cells.kept import KeptPartition


def partition_arrays(partition: KeptPartition) -> dict[str, NDArray[Any]]:
    """All that defines a partition, its kind included."""
    return {"kind": np.array(partition.kind), **partition.to_arrays()}


def partition_of(arrays: Mapping[str, NDArray[Any]]) -> KeptPartition:
    """The partition that `partition_arrays` gave these arrays of.

    Raises:
        StoreError: of a kind that is not known.
    """
    kind = str(arrays["kind"])
    if kind == "s2":
        from geobench_cells.s2 import AdaptiveS2

        return AdaptiveS2.from_arrays(arrays)
    if kind == "quadtree":
        from geobench_cells.quadtree import Quadtree

        return Quadtree.from_arrays(arrays)
    if kind == "healpix":
        from geobench_cells.healpix import Healpix

        return Healpix.from_arrays(arrays)
    if kind == "k-means":
        from geobench_cells.k_means import SphericalKMeans

        return SphericalKMeans.from_arrays(arrays)
    raise StoreError(
        f"a stored state holds a partition of the kind {kind!r}",
        remedy="Train again: run with --force.",
    )
