"""Geo-cell classification: the sphere cut into cells, and a network that chooses among them."""

from collections.abc import Sequence

from geobench import Method, hookimpl
from geobench_grid.hierarchical import HierarchicalGrid
from geobench_grid.hybrid import HybridGrid
from geobench_grid.method import Grid


@hookimpl
def register_methods() -> Sequence[type[Method]]:
    """Classification over one partition, over nested ones, and with places inside of cells."""
    return [Grid, HierarchicalGrid, HybridGrid]
