"""The configuration of `geoclip`: its two encoders, what it is trained against, its gallery."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from geobench import Gallery, InputPath
from geobench_torch import EmbeddedRecipe

Scale = Annotated[float, Field(gt=0)]
Width = Annotated[int, Field(ge=1)]


class GeoClipConfig(EmbeddedRecipe):
    """Sizes of the encoders, the contrastive training, and the gallery.

    The defaults are for the embedded benchmark; learning rate, scales, dropout and whitening were
    chosen where no board tests (perf/tuning/geoclip.md, -near, -head and -epochs). The preset
    `paper` has the published sizes.
    """

    learning_rate: float = Field(
        3e-4, gt=0, description="the highest learning rate, after the warm-up"
    )

    weights: Literal["trained", "released"] = Field(
        "trained",
        description="trained here, or the authors' own, for pooled features of CLIP's ViT-L/14; "
        "sizes and training are then theirs",
    )
    release: InputPath | None = Field(
        None,
        description="folder of released weights: config.json, model.safetensors and the CSV of "
        "its gallery, or a folder of the package geoclip; null: the installed package",
    )
    gallery: Gallery = Field(
        Gallery(),
        description="which places it can answer with: training places, an even grid, both, those "
        "of a file, or of the released gallery (`own`)",
    )
    k: int = Field(
        64, ge=1, description="places of the gallery, the most similar, that the density is made of"
    )
    search: Literal["exact", "half", "lists"] = Field(
        "exact",
        description="how the gallery is searched: exactly, or for candidates, measured exactly, "
        "among 16-bit numbers (`half`) or in a part of them (`lists`, for millions)",
    )
    probes: int = Field(
        64, ge=1, description="of `lists`: how many are looked into, of 4 sqrt(places)"
    )
    scales: tuple[Scale, ...] = Field(
        (1.0, 4.0, 16.0),
        min_length=1,
        description="one capsule each: standard deviation of its random frequencies, in waves per "
        "half the width of the map",
    )
    frequencies: int = Field(128, ge=1, description="random frequencies of each capsule")
    location_hidden: tuple[Width, ...] = Field(
        (256,), description="widths of each capsule's hidden layers"
    )
    image_hidden: tuple[Width, ...] = Field(
        (512,), description="widths of the image head's hidden layers"
    )
    width: int = Field(256, ge=1, description="numbers of an embedding, of a photo or a place")
    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    dropout: float = Field(
        0.3, ge=0, lt=1, description="share of the image head's hidden values dropped"
    )
    temperature: float = Field(
        0.07,
        ge=0.01,
        description="what cosines are divided by when training begins; it is learnt, and stays "
        "above 0.01",
    )
    queue: int = Field(
        1024,
        ge=0,
        description="earlier photos' places that a batch is told apart from, too, first in first "
        "out; training places fill it at the start",
    )
    noise_m: float = Field(
        150.0,
        ge=0,
        description="standard deviation per axis of the noise on a batch's places, in metres",
    )
    queue_noise_m: float = Field(
        1000.0, ge=0, description="the same of the places in the queue, in metres"
    )

    @model_validator(mode="after")
    def _released(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("stored"):
            return self  # what is stored shows every field
        if self.weights == "trained" and self.release is not None:
            raise ValueError("`release` is read with `weights: released` alone")
        unused = [key for key in _OF_TRAINING if key in self.model_fields_set]
        if self.weights == "released" and unused:
            raise ValueError(
                f"{', '.join(unused)}: released weights have sizes of their own and are not "
                "trained; leave it out, or set `weights: trained`"
            )
        if self.weights == "trained" and self.gallery.source == "own":
            raise ValueError(
                "`gallery: own` is the gallery that released weights bring; set `weights: "
                "released`, or choose training, grid, both or file"
            )
        return self


_OF_TRAINING = tuple(
    key
    for key in GeoClipConfig.model_fields
    if key not in ("weights", "release", "gallery", "search", "probes", "k")
)
"""The keys that released weights have no use for."""
