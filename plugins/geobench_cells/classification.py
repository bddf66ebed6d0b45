"""What methods that choose among cells have in common: from photos to `Cells` in a floor."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Context,
    Examples,
    Floored,
    Labelled,
    Method,
    Prediction,
    Rows,
    State,
    StoreError,
    geo,
)
from geobench_cells.answers import Answering
from geobench_cells.config import AnswerChoice, LevelsChoice, PartitionChoice, TargetChoice
from geobench_cells.hierarchy import Hierarchy
from geobench_cells.stored import partition_arrays, partition_of
from geobench_torch import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from geobench_cells.learning import LevelNetwork
    from geobench_torch import Batch

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Of each kind of features that a method wants ("pooled", "tokens") the shape for one photo."""
Loss: TypeAlias = "Callable[[Any, Batch], Tensor]"
"""(network, batch) -> the mean loss of the batch, a scalar."""


class OneLevelConfig(PartitionChoice, TargetChoice, AnswerChoice, Recipe):
    """Of a method whose classes are cells of one partition."""


class LevelsConfig(LevelsChoice, TargetChoice, AnswerChoice, Recipe):
    """Of a method whose classes are cells of nested partitions."""

    product: bool = Field(
        True,
        description="a cell's probability is multiplied by those of the cells that it lies in; "
        "else the finest level answers alone",
    )


class Classification(Method):
    """A network chooses among cells; photos are answered with the finest ones.

    Training photos in a cell that is no class are labelled with the class whose place is
    nearest; such cells get no mass, and the density there is the floor's.
    """

    requires = ("torch",)
    config: OneLevelConfig | LevelsConfig

    _network: "LevelNetwork"
    _answering: Answering
    _ancestors: NDArray[np.intp]
    _sizes: tuple[int, ...]
    _shapes: Shapes
    _share: float

    @property
    def predicts(self) -> type[Prediction]:
        return Floored

    @property
    def wants(self) -> frozenset[str]:
        return frozenset({"pooled"})

    @abstractmethod
    def network(self, shapes: Shapes, classes: Sequence[int]) -> "LevelNetwork":
        """An untrained network for features of these shapes, and so many classes by level."""

    def prepare(self, network: "LevelNetwork", features: Rows) -> None:
        """Put into an untrained network what the features of training photos decide; the classes
        are there."""
        network.standardise_by(features)

    def features(self, examples: Examples) -> Rows:
        """What batches are read from, (N, ...)."""
        return examples.pooled

    def loss(self, train: Labelled, hierarchy: Hierarchy, context: Context) -> Loss:
        """What training makes less of: the sum of the levels' cross-entropies."""
        from geobench_cells.learning import ClassLoss

        losses = [
            ClassLoss(level, train.points, self.config, device=context.device)
            for level in hierarchy.levels
        ]

        def total(network: "LevelNetwork", batch: "Batch") -> "Tensor":
            logits = network(batch.features)
            first, *others = (
                loss(of_level, batch.positions)
                for loss, of_level in zip(losses, logits, strict=True)
            )
            return sum(others, start=first)

        return total

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        from geobench_torch import train_network

        hierarchy = self._hierarchy(train, context)
        self._answering = self._rule(
            hierarchy.partition, hierarchy.finest.cells, hierarchy.finest.places
        )
        self._ancestors, self._sizes = hierarchy.ancestors, hierarchy.sizes
        self._shapes = {what: train.features[what].shape[1:] for what in sorted(self.wants)}
        features, chosen = self.features(train), val.few(Floored.PHOTOS)

        def build() -> "LevelNetwork":
            network = self.network(self._shapes, self._sizes)
            self.prepare(network, features)
            return network

        def nll(network: "LevelNetwork") -> float:
            """Of the floored density, on validation."""
            at_truths = self._at_truths(network, chosen, context)
            return -float(Floored.mix(at_truths, Floored.fit(at_truths)).mean())

        self._network = train_network(
            build,
            self.loss(train, hierarchy, context),
            features=features,
            recipe=self.config,
            context=context,
            validate=nll if len(chosen) else None,
        ).network
        self._share = Floored.fit(
            self._at_truths(self._network, chosen, context) if len(chosen) else []
        )
        if not len(chosen):
            context.log.warning(
                "%s: no validation photo, the floor's share is %g", self.name, self._share
            )
        context.fact("floor share", self._share, "share")

    def predict(self, examples: Examples, context: Context) -> Floored:
        masses = self._log_masses(self._network, examples, context)
        return Floored(self._answering.prediction(masses), self._share)

    def state(self) -> dict[str, NDArray[Any]]:
        from geobench_torch import packed

        return packed(
            network=self._network,
            partition=partition_arrays(self._answering.partition),
            cells=self._answering.cells,
            places=self._answering.places,
            ancestors=self._ancestors,
            sizes=np.array(self._sizes),
            shape={what: np.array(shape) for what, shape in self._shapes.items()},
            share=self._share,
        )

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        from geobench_torch import restored, unpacked

        if "ancestors" not in state:
            raise StoreError(
                f"a stored state of {self.name} is of an earlier geobench",
                remedy="Train again: run with --force.",
            )
        self._ancestors = np.asarray(state["ancestors"], dtype=np.intp)
        self._sizes = tuple(map(int, state["sizes"]))
        self._shapes = {
            what: tuple(map(int, shape)) for what, shape in unpacked(state, "shape").items()
        }
        self._network = restored(lambda: self.network(self._shapes, self._sizes), state, context)
        partition = partition_of(unpacked(state, "partition"))
        self._answering = self._rule(partition, state["cells"], state["places"])
        self._share = float(state["share"])

    def _hierarchy(self, train: Labelled, context: Context) -> Hierarchy:
        """The classes of the training photos, said in facts."""
        partitions = self.config.partitions(train.points)
        hierarchy = Hierarchy.of(partitions, train.points, min_photos=self.config.min_photos)
        context.fact("cells", len(hierarchy.partition), "cells")
        for level, classes in enumerate(hierarchy.levels[:-1], start=1):
            context.fact(f"classes of level {level}", len(classes), "classes")
        context.fact("classes", len(hierarchy.finest), "classes")
        moved = int(hierarchy.finest.moved.sum())
        context.fact("photos labelled with another cell", moved, "photos")
        return hierarchy

    def _at_truths(
        self, network: "LevelNetwork", examples: Labelled, context: Context
    ) -> geo.Floats:
        """Log-density (N,) at the true places, without the floor; -inf where no class is."""
        masses = self._log_masses(network, examples, context)
        return self._answering.log_densities(masses, examples.points)

    def _log_masses(
        self, network: "LevelNetwork", examples: Examples, context: Context
    ) -> geo.Floats:
        from geobench_cells.learning import log_masses

        alone = isinstance(self.config, LevelsConfig) and not self.config.product
        ancestors = self._ancestors[-1:] if alone else self._ancestors
        return log_masses(network, self.features(examples), ancestors, device=context.device)

    def _rule(self, partition: Any, cells: Any, places: Any) -> Answering:
        return Answering(
            partition=partition,
            cells=np.asarray(cells, dtype=np.intp),
            places=np.asarray(places, dtype=np.float64),
            rule=self.config.point,
            top_k=self.config.top_k,
            bandwidth_km=self.config.bandwidth_km,
        )
