"""The method `grid`: a softmax over the cells of one partition."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from geobench import Cells, Context, Examples, Floored, Labelled, geo
from geobench_cells import ClassCells, Classification, OneLevelConfig, Shapes
from geobench_grid.trunk import ISN, TrunkConfig

if TYPE_CHECKING:
    from geobench_cells.learning import LevelNetwork
    from geobench_grid.blocks import Said
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

    def predict(self, examples: Examples, context: Context) -> Floored:
        """Of all photos the logits are kept; in float64 they are worked out photo by photo."""
        own = self._answering
        partition, answers = ClassCells(own.partition, own.cells), np.empty((len(examples), 2))
        logits = np.full((len(examples), len(partition)), -np.inf, np.float32)
        for said in self._said(self._network, examples, context):
            logits[said.rows, : len(own.cells)] = said.logits
            answers[said.rows] = own.points(said.log_masses)
        cells = Cells(partition, logits, answers, count=len(examples), normalised=False)
        return Floored(cells, self._share)

    def _at_truths(
        self, network: "LevelNetwork", examples: Labelled, context: Context
    ) -> geo.Floats:
        at_truths = np.empty(len(examples))
        for said in self._said(network, examples, context):
            truths = examples.points[said.rows]
            at_truths[said.rows] = self._answering.log_densities(said.log_masses, truths)
        return at_truths

    def _said(
        self, network: "LevelNetwork", examples: Examples, context: Context
    ) -> Iterator["Said"]:
        from geobench_grid.blocks import in_blocks

        return in_blocks(
            network,
            self.features(examples),
            classes=len(self._answering.cells),
            device=context.device,
        )
