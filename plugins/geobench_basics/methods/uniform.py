"""The method that knows nothing: the uniform distribution over the Earth."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import (
    Context,
    Examples,
    Labelled,
    Method,
    State,
    VonMisesFisherMixture,
    geo,
)


@final
class UniformMethod(Method):
    """The uniform distribution; each answer is a place drawn from it.

    A fixed answer would be knowledge of its own (the middle of an ocean, or of Europe), so every
    photo gets a draw, which depends on seed and photo alone.
    """

    name = "uniform"
    needs_training = False

    predicts = VonMisesFisherMixture

    def fit(self, train: Labelled, val: Labelled, context: Context) -> None:
        """Learn nothing."""

    def predict(self, examples: Examples, context: Context) -> VonMisesFisherMixture:
        directions = context.noise(examples.ids, (3,), "uniform")
        return VonMisesFisherMixture(
            means=np.zeros((1, 1, 2)),
            concentrations=np.zeros((1, 1)),
            point=geo.from_vectors(directions),
            count=len(examples),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def restore(self, state: State, train: Labelled, context: Context) -> None:
        """There is nothing to restore."""
