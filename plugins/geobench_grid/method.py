"""The method `grid`: a softmax over the cells of one partition."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Context, Examples, Floored, Labelled, Method, State
from geobench_cells import AdaptiveS2, Classes
from geobench_grid.answers import Answering, Rule
from geobench_torch import Recipe

if TYPE_CHECKING:
    from geobench_grid.network import Classifier


class GridConfig(Recipe):
    """Sizes of cells, network and training.

    The defaults were chosen on blue-marble by the mean GeoScore of validation photos: those of a
    random split, and of cells held out of training photos. Committed boards test many of them.
    Where no board tests, no other setting was told apart from them as better, after a whole and
    after half a training set (perf/tuning/grid.md).
    """

    max_photos: int = Field(12, ge=1, description="a cell with more training photos is split")
    min_photos: int = Field(2, ge=1, description="a cell with fewer training photos is no class")
    max_level: int = Field(13, ge=0, le=30, description="S2 level of the smallest cells; 13: 1 km")
    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    hidden: tuple[int, ...] = Field((512,), description="widths of the hidden layers")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden values dropped")
    soft_labels_km: float | None = Field(
        50.0,
        gt=0,
        description="distance over which a class's target falls to 1/e (PIGEON); null: hard labels",
    )
    steps: int = Field(600, ge=1, description="updates of the weights: the budget")
    batch: int = Field(256, ge=1, description="photos per update; all of them if there are fewer")
    learning_rate: float = Field(
        3e-3, gt=0, description="the highest learning rate, after the warm-up"
    )
    weight_decay: float = Field(
        0.05,
        ge=0,
        description="on matrices alone, decoupled in `adamw`, else as its optimizer does",
    )
    point: Rule = Field(
        "cell",
        description="the answer: the likeliest class's place, the mean of the likeliest, or the "
        "one of the likeliest around which most probability lies",
    )
    top_k: int = Field(20, ge=1, description="how many classes `point` looks at, unless `cell`")
    bandwidth_km: float = Field(500.0, gt=0, description="what `point: densest` counts as around")


@final
class Grid(Method):
    """Geo-cells: a small network chooses among adaptive S2 cells (PlaNet, ISN).

    Training photos in a cell that is no class are labelled with the class whose place is
    nearest; such cells get no mass, and the density there is the floor's.
    """

    name = "grid"
    version = 1
    Config = GridConfig
    requires = ("torch",)
    presets = {
        "paper": {
            # ISN's finest partition: 12,893 classes on MP-16. It trains its backbone, by SGD;
            # here the features are frozen and one linear layer is trained, by AdamW.
            "max_photos": 1000,
            "min_photos": 50,
            "max_level": 30,
            "hidden": (),
            "dropout": 0.0,
            "soft_labels_km": None,
            "steps": 370_000,
            "batch": 128,
            "learning_rate": 1e-3,
            "whitening": 1.0,
            "weight_decay": 1e-4,
            "point": "cell",
        }
    }
    config: GridConfig

    _network: "Classifier"
    _answering: Answering
    _share: float

    @classmethod
    def tiny(cls, folder: Path) -> GridConfig:
        return GridConfig(max_photos=20, min_photos=1, hidden=(16,), steps=60, batch=64)

    predicts = Floored

    wants = frozenset({"pooled"})

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_grid.network import Classifier, class_loss, log_masses
        from geobench_torch import Standardise, train_network

        config = self.config
        partition = AdaptiveS2.fit(
            train.points, max_photos=config.max_photos, max_level=config.max_level
        )
        classes = Classes.of(partition, train.points, min_photos=config.min_photos)
        context.fact("cells", len(partition), "cells")
        context.fact("classes", len(classes), "classes")
        context.fact("photos labelled with another cell", int(classes.moved.sum()), "photos")
        answering = self._answering = self._rule(partition, classes.cells, classes.places)
        features, chosen = train.pooled, val.few(Floored.PHOTOS)

        def densities(network: Classifier) -> NDArray[np.float64]:
            masses = log_masses(network, chosen.pooled, device=context.device)
            return answering.log_densities(masses, chosen.points)

        def nll(network: Classifier) -> float:
            """Of the floored density, on validation."""
            at_truths = densities(network)
            return -float(Floored.mix(at_truths, Floored.fit(at_truths)).mean())

        trained = train_network(
            lambda: Classifier(
                Standardise.fitted(features, whitening=config.whitening),
                hidden=config.hidden,
                classes=len(classes),
                dropout=config.dropout,
            ),
            class_loss(
                classes.labels,
                train.points,
                classes.places,
                soft_labels_km=config.soft_labels_km,
                device=context.device,
            ),
            features=features,
            recipe=config,
            context=context,
            validate=nll if len(chosen) else None,
        )
        self._network = trained.network
        self._share = Floored.fit(densities(trained.network) if len(chosen) else [])
        if not len(chosen):
            context.log.warning("grid: no validation photo, the floor's share is %g", self._share)
        context.fact("floor share", self._share, "share")

    def predict(self, examples: Examples, context: Context) -> Floored:
        from geobench_grid.network import log_masses

        masses = log_masses(self._network, examples.pooled, device=context.device)
        return Floored(self._answering.prediction(masses), self._share)

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        return packed(
            network=self._network,
            partition=self._answering.partition.to_arrays(),
            cells=self._answering.cells,
            places=self._answering.places,
            share=self._share,
        )

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_grid.network import Classifier
        from geobench_torch import Standardise, restored, unpacked

        config = self.config
        self._network = restored(
            lambda: Classifier(
                Standardise(len(state["network.standardise.mean"])),
                hidden=config.hidden,
                classes=len(state["cells"]),
                dropout=config.dropout,
            ),
            state,
            context,
        )
        partition = AdaptiveS2.from_arrays(unpacked(state, "partition"))
        self._answering = self._rule(partition, state["cells"], state["places"])
        self._share = float(state["share"])

    def _rule(self, partition: AdaptiveS2, cells: Any, places: Any) -> Answering:
        return Answering(
            partition=partition,
            cells=np.asarray(cells, dtype=np.intp),
            places=np.asarray(places, dtype=np.float64),
            rule=self.config.point,
            top_k=self.config.top_k,
            bandwidth_km=self.config.bandwidth_km,
        )
