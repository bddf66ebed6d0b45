"""The method `hierarchical-grid`: a softmax over the cells of each of several nested partitions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from pydantic import Field

from geobench_cells import Classification, LevelsConfig, Shapes
from geobench_grid.trunk import ISN, TrunkConfig

if TYPE_CHECKING:
    from geobench_grid.perceptron import Perceptron


class HierarchicalGridConfig(TrunkConfig, LevelsConfig):
    """Sizes of cells by level, network and training.

    Levels, learning rate and dropout were chosen where no board tests (perf/tuning/
    hierarchical-grid.md and hierarchical-grid-near.md): the highest mean of GeoScore over seen and
    unseen places. A product over levels is sure of itself earlier than one level is, hence more
    dropout than in `grid`.
    """

    dropout: float = Field(0.75, ge=0, lt=1, description="share of hidden values dropped")


@final
class HierarchicalGrid(Classification):
    """Geo-cells of nested partitions: probabilities are multiplied by those around (ISN f*).

    Frozen features; the paper trains its backbone. One trunk and a linear classifier per level
    (Mueller-Budack et al., ECCV 2018, section 3.4): the loss is the sum of their cross-entropies,
    and a finest cell is as likely as the product over the cells that it lies in says. Partitions
    refine one another, so that no class is an orphan.
    """

    name = "hierarchical-grid"
    version = 1
    Config = HierarchicalGridConfig
    # ISN's three partitions: 3,298, 7,202 and 12,893 classes on MP-16.
    presets = {"paper": {"max_photos": (5000, 2000, 1000), **ISN}}
    config: HierarchicalGridConfig

    @classmethod
    def tiny(cls, folder: Path) -> HierarchicalGridConfig:
        return HierarchicalGridConfig(
            max_photos=(200, 20), min_photos=1, hidden=(16,), steps=60, batch=64, learning_rate=3e-3
        )

    def network(self, shapes: Shapes, classes: Sequence[int]) -> "Perceptron":
        from geobench_grid.perceptron import perceptron

        return perceptron(self.config, shapes, classes)
