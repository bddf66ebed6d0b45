"""Galleries: the places that retrieval methods answer with, the same ones for all of them."""

from typing import Any, Literal, final

import numpy as np
from pydantic import Field, model_validator

from geobench.components import Config
from geobench.geo import Points
from geobench.partitions import EqualAreaGrid


@final
class Gallery(Config):
    """Which places a retrieval method can answer with.

    Training places, an even grid on the whole sphere, or both. What answers with training places
    cannot pass the ceiling, and what answers with a grid can, where nobody has trained; so it is
    part of the protocol: in the method's configuration, in its keys, and in the tables. In YAML
    `gallery: grid`, or a mapping: `gallery: {source: both, rows: 400}`.
    """

    source: Literal["training", "grid", "both"] = Field(
        "training", description="training places, an even grid, or both"
    )
    rows: int = Field(
        200,
        ge=2,
        le=2000,
        description="bands of the grid, an EqualAreaGrid whose centres are its places; 200 make "
        "50,930 places about 100 km apart",
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @property
    def has_training_places(self) -> bool:
        """Whether training places are in it."""
        return self.source != "grid"

    def grid(self) -> Points:
        """The places of the grid, (G, 2); none if there are training places alone."""
        return np.empty((0, 2)) if self.source == "training" else EqualAreaGrid(self.rows).centres

    def places(self, train: Points) -> Points:
        """The places of training photos (M, 2) in their order, then those of the grid."""
        return np.concatenate([train, self.grid()]) if self.has_training_places else self.grid()

    def __str__(self) -> str:
        if self.source == "training":
            return "training places"
        even = f"an even grid of {len(EqualAreaGrid(self.rows)):,} places"
        return f"training places and {even}" if self.has_training_places else even
