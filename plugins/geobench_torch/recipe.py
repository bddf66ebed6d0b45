"""How a network is trained: a configuration that a method's own inherits; it imports no torch."""

from collections.abc import Mapping
from math import cos, pi
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from geobench import Config

Share = Annotated[float, Field(gt=0, lt=1)]


class Recipe(Config):
    """Steps, batches, optimizer and learning rate of a training.

    A method's configuration inherits it, `class MyConfig(Recipe)`, and redeclares the fields
    that are to have a default of its own. `train_network(recipe=self.config, ...)` reads it.
    """

    added: ClassVar[Mapping[str, Any]] = {
        "warmup": 0.1,
        "clip_norm": 1.0,
        "optimizer": "adamw",
        "momentum": 0.9,
        "schedule": "cosine",
        "milestones": (0.5, 0.75),
        "milestone_factor": 0.1,
    }
    unkeyed: ClassVar[frozenset[str]] = frozenset({"checkpoint_every"})

    steps: int = Field(ge=1, description="updates of the weights: the budget")
    batch: int = Field(ge=1, description="photos per update; all of them if there are fewer")
    learning_rate: float = Field(gt=0, description="the highest learning rate, after the warm-up")
    optimizer: Literal["adamw", "adam", "sgd", "lamb"] = Field(
        "adamw", description="what makes a step of a gradient; `lamb` is for large batches"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="of `sgd`")
    weight_decay: float = Field(
        0.01,
        ge=0,
        description="on matrices alone: decoupled in `adamw`, within the trust ratio in `lamb`, "
        "added to the gradient in `adam` and `sgd`",
    )
    schedule: Literal["cosine", "step", "constant"] = Field(
        "cosine",
        description="how the learning rate falls after the warm-up: to 0 as a cosine, by "
        "`milestone_factor` at each milestone, or not at all",
    )
    milestones: tuple[Share, ...] = Field(
        (0.5, 0.75), description="shares of the steps after which `schedule: step` falls"
    )
    milestone_factor: float = Field(
        0.1, gt=0, le=1, description="what `schedule: step` multiplies the rate by there"
    )
    warmup: float = Field(
        0.1, ge=0, le=1, description="share of the steps in which the learning rate rises from 0"
    )
    clip_norm: float | None = Field(
        1.0, gt=0, description="the largest norm of the gradient; null: any"
    )
    average: bool = Field(
        False,
        description="answer with the moving average of the weights, of decay "
        "min(0.999, (1 + n) / (10 + n)) at step n",
    )
    evaluations: int = Field(
        10,
        ge=1,
        description="looks at validation while training, evenly spaced, the last at the end",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the forward pass in training; bfloat16 has 8 bits, which blur places by "
        "hundreds of km where a matrix product makes them",
    )
    checkpoint_every: int | None = Field(
        2000,
        ge=1,
        description="steps after which a killed training can go on where it was; null: never; "
        "it changes no number",
    )

    def rate(self, step: int) -> float:
        """Share of the highest learning rate at `step`, from 0 on; in (0, 1]."""
        rising = max(1, round(self.warmup * self.steps))
        if step < rising:
            return (step + 1) / rising
        if self.schedule == "cosine":
            return 0.5 * (1 + cos(pi * (step + 1 - rising) / (self.steps + 1 - rising)))
        if self.schedule == "step":
            passed = sum(step >= share * self.steps for share in self.milestones)
            return float(self.milestone_factor**passed)
        return 1.0


class EmbeddedRecipe(Recipe):
    """The budget of the embedded benchmark, the same number of photos seen for every method there:
    600 updates of 256 photos. A method's own learning rate is chosen at it."""

    steps: int = Field(600, ge=1, description="updates of the weights: the budget")
    batch: int = Field(256, ge=1, description="photos per update; all of them if there are fewer")
    learning_rate: float = Field(
        1e-3, gt=0, description="the highest learning rate, after the warm-up"
    )
    weight_decay: float = Field(
        0.05,
        ge=0,
        description="on matrices alone, decoupled in `adamw`, else as its optimizer does",
    )
