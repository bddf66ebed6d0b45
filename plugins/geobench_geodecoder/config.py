"""The configuration of `geodecoder`: what it reads, its queries and blocks, its scenes."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from geobench_cells import LevelsConfig
from geobench_torch import EmbeddedRecipe


class GeoDecoderConfig(EmbeddedRecipe, LevelsConfig):
    """Sizes of queries, blocks and training, and how a scene is chosen.

    By default there is one narrow block, and tokens alone are read: a training by `make run` takes
    75 s on two cores. Each further block costs nearly as much again. Features, width and learning
    rate were chosen where no board tests (perf/tuning/geodecoder.md and geodecoder-near.md).
    """

    added: ClassVar[Mapping[str, Any]] = {"initial_queries": "uniform"}

    features: Literal["pooled", "tokens", "both"] = Field(
        "tokens",
        description="what queries look at: the encoder's tokens, its pooled vector as a single "
        "token, or all of these; an encoder without tokens needs `pooled`",
    )
    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    width: int = Field(32, ge=1, description="numbers of a query, and of a token as it is read")
    heads: int = Field(4, ge=1, description="of every attention; they divide the width")
    initial_queries: Literal["uniform", "normal"] = Field(
        "uniform",
        description="what queries are before training: drawn between 0 and 1, as in the authors' "
        "earlier code, or from a normal distribution of standard deviation 0.02",
    )
    feed_forward: int = Field(128, ge=1, description="hidden width of the feed-forward networks")
    independent_blocks: int = Field(
        0, ge=0, description="first blocks: one feed-forward network, all queries see each other"
    )
    dependent_blocks: int = Field(
        1, ge=0, description="blocks after these: a feed-forward network for every level"
    )
    self_attention: Literal["within-level", "across-levels"] = Field(
        "within-level",
        description="which queries see each other in the dependent blocks: those of one level, "
        "or all; in the independent blocks all do",
    )
    dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share dropped of the tokens' values as they are read, and of the queries "
        "that are classified",
    )
    scenes: int = Field(
        16, ge=1, description="queries per level, one for every scene; 1: no scenes"
    )
    scene_attribute: str | None = Field(
        "scene",
        description="the attribute that labels training photos with scenes; never one that gives "
        "the place away, such as the continent; null, or where photos have none: no labels",
    )
    scene_choice: Literal["auto", "hard", "soft"] = Field(
        "auto",
        description="what is classified: the queries of the best scene (`hard`), or of all scenes, "
        "weighted by their probabilities (`soft`); `auto`: hard with labels, soft without",
    )
    scene_weight: float = Field(
        1.0, ge=0, description="of the scenes' cross-entropy in the loss, beside each level's 1"
    )
    permute_scenes: bool = Field(
        False,
        description="a control: training photos get each other's scene labels, drawn by the seed",
    )
    label_smoothing: float = Field(
        0.1, ge=0, lt=1, description="share of every target that is spread over all classes alike"
    )
    learning_rate: float = Field(
        3e-2, gt=0, description="the highest learning rate, after the warm-up"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.width % self.heads:
            raise ValueError(
                f"a width of {self.width} cannot be divided among {self.heads} heads; make width "
                "a multiple of heads"
            )
        if self.independent_blocks + self.dependent_blocks == 0:
            raise ValueError(
                "there is no block to look at the photo; raise independent_blocks or "
                "dependent_blocks"
            )
        if self.scene_attribute is None and self.scene_choice == "hard":
            raise ValueError(
                "scene_choice: hard is learnt from labels; name a scene_attribute, or choose soft"
            )
        if self.scene_attribute is None and self.permute_scenes:
            raise ValueError("permute_scenes needs labels to permute; name a scene_attribute")
        return self
