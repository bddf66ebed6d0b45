"""Which kinds of partition there are, and partitions as the arrays of a method's state and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import StoreError
from geobench_cells.healpix import Healpix
from geobench_cells.k_means import SphericalKMeans
from geobench_cells.kept import KeptPartition
from geobench_cells.quadtree import Quadtree
from geobench_cells.s2 import AdaptiveS2

KINDS: Mapping[str, type[KeptPartition]] = {
    each.kind: each for each in (AdaptiveS2, Quadtree, Healpix, SphericalKMeans)
}
"""The word of a configuration -> the class."""


def partition_arrays(partition: KeptPartition) -> dict[str, NDArray[Any]]:
    """All that defines a partition, its kind included."""
    return {"kind": np.array(partition.kind), **partition.to_arrays()}


def partition_of(arrays: Mapping[str, NDArray[Any]]) -> KeptPartition:
    """The partition that `partition_arrays` gave these arrays of.

    Raises:
        StoreError: of a kind that is not known.
    """
    kind = str(arrays["kind"])
    if kind not in KINDS:
        raise StoreError(
            f"a stored state holds a partition of the kind {kind!r}",
            remedy="Train again: run with --force.",
        )
    return KINDS[kind].from_arrays(arrays)
