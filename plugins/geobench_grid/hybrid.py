"""The method `hybrid-grid`: a softmax over cells, and where in each of them a photo lies."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Context, Examples, Floored, Labelled, Rows, State, geo
from geobench_cells import Classification, Hierarchy, Loss, OneLevelConfig, Shapes
from geobench_grid.offsets import UNFITTED_WIDTH, CellFrames, LikeliestPlaces, least
from geobench_grid.trunk import TrunkConfig

if TYPE_CHECKING:
    from geobench_cells.learning import LevelNetwork
    from geobench_grid.offset_network import OffsetPerceptron


class HybridGridConfig(TrunkConfig, OneLevelConfig):
    """Cells, offsets in them, network and training.

    Cells and learning rate were chosen where no board tests (perf/tuning/hybrid-grid.md): the
    highest mean of GeoScore over seen and unseen places. The paper's quadtree is in the preset.
    """

    offset_weight: float = Field(
        1.0, ge=0, description="of the squared error of offsets, in half-cell units, in the loss"
    )
    offset_bound: float = Field(
        1.2, gt=0, description="the furthest offset from a cell's centre, in half-cell units"
    )
    top_k: int = Field(
        20,
        ge=1,
        description="how many of the likeliest classes the density is made of, and `point` looks "
        "at, unless `cell`",
    )


@final
class HybridGrid(Classification):
    """Geo-cells and an offset: kernels where in the likeliest cells a photo lies (OSV-5M).

    Frozen features; the paper trains its backbone (Astruc et al., CVPR 2024). A class's offset
    from its cell's centre is learnt at the photo's own class, beginning at the mean of the class's
    training photos, and taken at the likeliest one to answer. The density is where offsets put it,
    not the cells: a von Mises-Fisher mixture over the likeliest classes, each kernel as wide as
    one multiple of its cell, which is fitted on validation photos. The paper's optional regional
    contrastive loss, and its cross-entropy over a hierarchy, are left out.
    """

    name = "hybrid-grid"
    version = 1
    Config = HybridGridConfig
    presets = {
        "paper": {
            # OSV-5M's quadtree: 11,399 cells, split from 1,000 photos on. Its training is that of
            # a backbone; that of the heads here is the default's.
            "partition": "quadtree",
            "max_photos": 999,
            "min_photos": 1,
            "max_level": 10,
            "soft_labels_km": None,
            "point": "cell",
        }
    }
    config: HybridGridConfig

    _width: float

    @classmethod
    def tiny(cls, folder: Path) -> HybridGridConfig:
        return HybridGridConfig(
            max_photos=20, min_photos=1, hidden=(16,), steps=60, batch=64, learning_rate=3e-3
        )

    def network(self, shapes: Shapes, classes: Sequence[int]) -> "OffsetPerceptron":
        from geobench_grid.offset_network import OffsetPerceptron
        from geobench_grid.perceptron import perceptron

        (count,) = classes
        classifier = perceptron(self.config, shapes, classes)
        return OffsetPerceptron(classifier, classes=count, bound=self.config.offset_bound)

    def prepare(self, network: "LevelNetwork", features: Rows) -> None:
        from geobench_grid.offset_network import OffsetPerceptron

        super().prepare(network, features)
        assert isinstance(network, OffsetPerceptron)  # self.network made it
        classes = np.arange(len(self._answering.cells))
        network.begin_at(self._frames.offsets(classes, self._answering.places))

    def loss(self, train: Labelled, hierarchy: Hierarchy, context: Context) -> Loss:
        from geobench_cells.learning import ClassLoss
        from geobench_grid.offset_network import HybridLoss

        finest, device = hierarchy.finest, context.device
        return HybridLoss(
            ClassLoss(finest, train.points, self.config, device=device),
            self._frames.offsets(finest.labels, train.points),
            weight=self.config.offset_weight,
            bound=self.config.offset_bound,
            device=device,
        )

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        self._width = UNFITTED_WIDTH
        super().fit(train, val, context)
        context.fact("width of kernels", self._width, "cells")

    def predict(self, examples: Examples, context: Context) -> Floored:
        found = self._likeliest(self._network, examples, context)
        answers = self._answering.among(found.places, found.masses)
        return Floored(found.density(self._width, answers), self._share)

    def state(self) -> dict[str, NDArray[Any]]:
        return {**super().state(), "width": np.asarray(self._width)}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        super().restore(state, train, context)
        self._width = float(state["width"])

    def _at_truths(
        self, network: "LevelNetwork", examples: Labelled, context: Context
    ) -> geo.Floats:
        found = self._likeliest(network, examples, context)
        truths = examples.points[:, None]

        def at_truths(width: float) -> geo.Floats:
            return found.density(width).log_prob(truths)[:, 0]

        def nll(width: float) -> float:
            """Of the floored density: without a floor the few photos of which all classes are
            wrong would decide."""
            log_densities = at_truths(width)
            return -float(Floored.mix(log_densities, Floored.fit(log_densities)).mean())

        self._width = least(nll)
        left_out = max(0.0, 1 - float(found.masses.sum(axis=-1).mean()))
        context.fact("probability left out of the density", left_out, "share")
        return at_truths(self._width)

    @property
    def _frames(self) -> CellFrames:
        own = self._answering
        return CellFrames.of(own.partition, own.cells, own.places)

    def _likeliest(
        self, network: "LevelNetwork", examples: Examples, context: Context
    ) -> LikeliestPlaces:
        from geobench_grid.offset_network import OffsetPerceptron, likeliest_places

        assert isinstance(network, OffsetPerceptron)  # self.network made it
        return likeliest_places(
            network,
            self.features(examples),
            self._frames,
            count=self.config.top_k,
            device=context.device,
        )
