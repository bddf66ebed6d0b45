"""The encoder `im2gps`: colours and gradients of a picture, without anything learnt."""

from math import prod
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geobench import Config, ConfigError, Encoder, Features, Image

TINY = 8
"""Side of the tiny image, in pixels."""
BINS = (4, 14, 14)
"""Bins of the histogram along L, a and b (Hays and Efros 2008)."""
CELL, BLOCK, ORIENTATIONS = 8, 2, 9
"""Of the histograms of oriented gradients: sides of a cell in pixels and of a block in cells, and
how many directions a cell tells apart."""


class Im2gpsEncoderConfig(Config):
    """Working size, colour range and block weights.

    The defaults were chosen on blue-marble by the mean GeoScore of validation photos: of a random
    split, and of cells held out from all but its test photos; committed boards test many of them.
    A narrower colour range
    helps the first and costs the second (nearest photo, chroma 24: +96 and -51; 40: -214, -13).
    """

    size: int = Field(
        48,
        ge=16,
        le=1024,
        multiple_of=8,
        description="Side of the working picture in pixels; others are resized to it.",
    )
    chroma: float = Field(
        32.0,
        gt=0,
        le=128,
        description="The histogram's a and b axes span [-chroma, chroma]; what is beyond is "
        "counted in the outermost bins. 32 suits satellite views, 110 holds all of sRGB.",
    )
    tiny_weight: float = Field(0.15, ge=0, description="Weight of the 8 x 8 tiny image.")
    histogram_weight: float = Field(0.75, ge=0, description="Weight of the Lab histogram.")
    gradient_weight: float = Field(0.1, ge=0, description="Weight of the oriented gradients.")

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if self.tiny_weight + self.histogram_weight + self.gradient_weight <= 0:
            raise ValueError("all three weights are 0; give at least one block a weight")
        return self


@final
class Im2gpsEncoder(Encoder):
    """Classical features: 8 x 8 tiny image, Lab colour histogram, oriented gradients.

    Simple descriptors of the kind that data-driven geolocation began with (Hays and Efros,
    "IM2GPS: estimating geographic information from a single image", CVPR 2008): a tiny
    colour image, the square root of a joint Lab histogram of 4 x 14 x 14 bins, and histograms
    of oriented gradients. Each block is scaled by fixed constants, brought to length 1 and
    multiplied by the square root of its weight (weights are taken relative to their sum).
    An inner product of two pictures is thus the weighted mean of three cosines, and a picture's
    features do not depend on any other picture. At 48 pixels pooled features have
    192 + 784 + 900 = 1876 numbers. There are no tokens.
    """

    name = "im2gps"
    version = 1
    Config = Im2gpsEncoderConfig
    config: Im2gpsEncoderConfig

    def shape(self, what: Literal["pooled", "tokens"]) -> tuple[int, ...] | None:
        """(1876,) at 48 pixels; there are no tokens."""
        blocks = (self.config.size // CELL - BLOCK + 1) ** 2
        gradients = blocks * BLOCK**2 * ORIENTATIONS
        return (3 * TINY**2 + prod(BINS) + gradients,) if what == "pooled" else None

    def prepare(self, image: Image) -> NDArray[np.float32]:
        """The features of one picture of any size, (D,)."""
        from geobench_im2gps import blocks

        config = self.config
        weights = np.array([config.tiny_weight, config.histogram_weight, config.gradient_weight])
        return blocks.features(image, config.size, config.chroma, weights / weights.sum())

    def encode(self, batch: Any, *, tokens: bool) -> Features:
        """The prepared pictures as they are.

        Raises:
            ConfigError: tokens are wanted.
        """
        if tokens:
            raise ConfigError(
                "encoder im2gps has no tokens, only one vector per picture",
                remedy="Choose an encoder with tokens, or methods that read pooled features.",
            )
        return Features(np.asarray(batch, dtype=np.float32))

    @classmethod
    def tiny(cls, folder: Path) -> Im2gpsEncoderConfig:
        return Im2gpsEncoderConfig(size=16)
