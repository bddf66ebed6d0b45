"""What `grid` and its kin have in common: the network's sizes and how it is trained."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from geobench_torch import EmbeddedRecipe

ISN: Mapping[str, Any] = {
    # ISN trains its backbone, by SGD; here the features are frozen and linear layers are trained,
    # by AdamW.
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
"""What the presets `paper` of `grid` and `hierarchical-grid` share (Mueller-Budack et al., ECCV
2018)."""


class TrunkConfig(EmbeddedRecipe):
    """A small perceptron on frozen features, and its training."""

    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    hidden: tuple[int, ...] = Field((512,), description="widths of the hidden layers")
    dropout: float = Field(0.6, ge=0, lt=1, description="share of hidden values dropped")
