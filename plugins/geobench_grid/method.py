"""The method `grid`: a softmax over the cells of one partition."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from geobench_cells import Classification, OneLevelConfig, Shapes
from geobench_grid.trunk import ISN, TrunkConfig

if TYPE_CHECKING:
    from geobench_grid.perceptron import Perceptron


class GridConfig(TrunkConfig, OneLevelConfig):
    """Sizes of cells, network and training.

    The defaults were chosen where no board tests (perf/tuning/grid.md and grid-near.md): the
    highest mean of GeoScore over seen and unseen places, after a whole and after half a training
    set.
    """


@final
class Grid(Classification):
    """Geo-cells: a small network chooses among the cells of a partition (PlaNet, ISN)."""

    name = "grid"
    version = 2
    Config = GridConfig
    # ISN's finest partition: 12,893 classes on MP-16.
    presets = {"paper": {"max_photos": 1000, **ISN}}
    config: GridConfig

    @classmethod
    def tiny(cls, folder: Path) -> GridConfig:
        return GridConfig(
            max_photos=20, min_photos=1, hidden=(16,), steps=60, batch=64, learning_rate=3e-3
        )

    def network(self, shapes: Shapes, classes: Sequence[int]) -> "Perceptron":
        from geobench_grid.perceptron import perceptron

        return perceptron(self.config, shapes, classes)
