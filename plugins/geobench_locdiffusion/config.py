"""The configurations of `locdiffusion` and `locdiffusion-hybrid`: codes, denoiser, sampling."""

from math import log
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from geobench_torch import EmbeddedRecipe

Width = Annotated[int, Field(ge=1)]

_OF_DIFFUSION = ("skip", "shift", "sampling_steps", "eta", "samples")
"""The keys that the control without diffusion has no use for."""


class LocDiffusionConfig(EmbeddedRecipe):
    """The code of a place, the denoiser and its training, sampling, and the density.

    The defaults are for the embedded benchmark. What the paper does not say is a choice, shown
    beside its alternatives in docs/locdiffusion.md.
    """

    degree: int = Field(
        23, ge=1, le=100, description="of the harmonics: a code has (degree + 1)^2 numbers"
    )
    anchor_rows: int | None = Field(
        None,
        ge=4,
        le=400,
        description="bands of the EqualAreaGrid whose centres are the anchors, on which predicted "
        "and true codes are compared; null: 2 (degree + 1) + 1, 49 at degree 23, which make 3,058 "
        "about 410 km apart",
    )
    target_km: float = Field(
        200.0,
        gt=0,
        description="standard deviation per axis of the distribution on the anchors that a true "
        "place stands for",
    )
    loss: Literal["kl", "mse"] = Field(
        "kl",
        description="the divergence of the predicted from the true distribution on the anchors, "
        "or the mean squared error of the code's numbers",
    )
    sharpness: float = Field(
        10.0,
        gt=0,
        description="what the scalar product of two codes, 1 for equal ones, is multiplied by to "
        "be a logit on the anchors",
    )
    whitening: float = Field(
        0.0,
        ge=0,
        le=1,
        description="1 brings every feature to the same spread, 0 keeps their proportions",
    )
    condition: int = Field(
        512, ge=1, description="numbers that the denoiser is told of photo and noise level"
    )
    widths: tuple[Width, ...] = Field(
        (256, 128),
        min_length=1,
        description="of the U-Net's blocks, from the code down; up again they come in reverse",
    )
    skip: bool = Field(
        False,
        description="what a noisy code says of its place by itself goes around the U-Net, by "
        "Bayes' rule; false: it is left to the U-Net, which the photo alone may satisfy",
    )
    first_frequency: float = Field(
        1.0,
        gt=0,
        description="what the first block's sines multiply the noisy code by; SIREN's 30 is for "
        "coordinates",
    )
    dropout: float = Field(
        0.6, ge=0, lt=1, description="share of what is told of the photo that is dropped"
    )
    block_dropout: float = Field(
        0.1, ge=0, lt=1, description="share of the blocks' outputs that is dropped"
    )
    hidden_photos: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the photos whose features the denoiser is not shown in training, "
        "for `guidance`",
    )
    guidance: float = Field(
        1.0,
        ge=0,
        description="how far answers go from what is said without the photo to what is said with "
        "it (classifier-free guidance); 1: no guidance",
    )
    diffusion: bool = Field(
        True,
        description="false: a control, the same network and targets, that is never shown a noisy "
        "code and answers at once",
    )
    shift: float | None = Field(
        None,
        description="added to the log of the signal-to-noise ratio of the cosine schedule; null: "
        "minus the log of the code's numbers, since the more there are the more noise they are "
        "seen through",
    )
    sampling_steps: int = Field(
        12, ge=1, description="steps of DDIM from noise to a code; 1 answers from pure noise"
    )
    eta: float = Field(
        0.0, ge=0, le=1, description="fresh noise of each step: 0 is DDIM, 1 is DDPM"
    )
    samples: int = Field(4, ge=1, description="codes drawn for a photo, whose mean answers")
    disc_km: float = Field(
        200.0,
        ge=0,
        le=20_000,
        description="radius of the disc over which the decoder averages before it seeks the mode",
    )
    cell_rows: int | None = Field(
        None,
        ge=4,
        le=1000,
        description="bands of the EqualAreaGrid on whose cells the density is constant; null: "
        "4 (degree + 2), 100 at degree 23, which make 12,738 about 200 km wide",
    )

    @property
    def rows_of_anchors(self) -> int:
        """`anchor_rows`, or what it is if left out."""
        return 2 * self.degree + 3 if self.anchor_rows is None else self.anchor_rows

    @property
    def rows_of_cells(self) -> int:
        """`cell_rows`, or what it is if left out."""
        return 4 * (self.degree + 2) if self.cell_rows is None else self.cell_rows

    @property
    def numbers(self) -> int:
        """Of a code."""
        return (self.degree + 1) ** 2

    @property
    def log_snr_shift(self) -> float:
        """`shift`, or what it is if left out."""
        return -log(self.numbers) if self.shift is None else self.shift

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("stored"):
            return self  # what is stored shows every field
        unused = [key for key in _OF_DIFFUSION if key in self.model_fields_set]
        if not self.diffusion and unused:
            raise ValueError(
                f"{', '.join(unused)}: without diffusion there is no noise, and one code answers; "
                "leave it out, or set `diffusion: true`"
            )
        if self.loss == "mse" and self.skip:
            raise ValueError(
                "`skip` adds a log-density to a log-density, which `loss: mse` does not learn; "
                "leave it out, or set `loss: kl`"
            )
        if self.guidance != 1 and not self.hidden_photos:
            raise ValueError(
                "`guidance` compares answers with and without the photo, and the latter are learnt "
                "where photos are hidden: set `hidden_photos` to 0.1, say"
            )
        return self
