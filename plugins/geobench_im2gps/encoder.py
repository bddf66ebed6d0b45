"""The encoder `im2gps`: colours and gradients of a picture, without anything learnt."""

from math import prod
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geobench import Config, Encoder, Features, Image

TINY = 8
"""Side of the tiny image, in pixels."""
BINS = (4, 14, 14)
"""Bins of the histogram along L, a and b (Hays and Efros 2008)."""
WINDOW_BINS = (4, 5, 5)
"""The same of a token's histogram: fewer, as a window has fewer pixels than a picture."""
CELL, BLOCK, ORIENTATIONS = 8, 2, 9
"""Of the histograms of oriented gradients: sides of a cell in pixels and of a block in cells, and
how many directions a cell tells apart."""


class Im2gpsEncoderConfig(Config):
    """Working size, colour range, block weights and how many crops are averaged.

    The defaults were chosen on blue-marble by the mean GeoScore of validation photos: of a random
    split, and of cells held out from all but its test photos; committed boards test many of them.
    A narrower colour range
    helps the first and costs the second (nearest photo, chroma 24: +96 and -51; 40: -214, -13).
    """

    added = {"views": 1}

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
    views: Literal[1, 10] = Field(
        1,
        description="1: the whole picture; 10: the mean over crops, the corners and the centre at "
        "7/8 of each side and their mirror images, which takes 11 times as long at 48 pixels.",
    )

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
    192 + 784 + 900 = 1876 numbers.

    Tokens are the same three kinds of numbers of windows of 16 x 16 pixels, every 8 pixels, row
    by row from the north-west: the mean colours of four cells, a histogram of 4 x 5 x 5 bins and
    one block of gradients, scaled and weighted alike. At 48 pixels there are 25 of
    12 + 100 + 36 = 148 numbers.

    With `views: 10` both are plain means over ten crops. Features of one view have length 1;
    a mean is shorter, the more so the less the crops are alike. A token of a mirrored crop is
    averaged with those of the same place in the picture.
    """

    name = "im2gps"
    version = 1
    Config = Im2gpsEncoderConfig
    config: Im2gpsEncoderConfig

    def shape(self, what: Literal["pooled", "tokens"]) -> tuple[int, ...]:
        """At 48 pixels (1876,) and (25, 148)."""
        windows = (self.config.size // CELL - BLOCK + 1) ** 2
        gradients = BLOCK**2 * ORIENTATIONS
        if what == "tokens":
            return (windows, 3 * BLOCK**2 + prod(WINDOW_BINS) + gradients)
        return (3 * TINY**2 + prod(BINS) + windows * gradients,)

    def prepare(self, image: Image) -> NDArray[np.float32]:
        """Pooled features and tokens of one picture of any size, end to end, (D + T * E,).

        Tokens are made whether they are wanted or not: here, in a worker, they are cheap.
        """
        from geobench_im2gps import views

        config = self.config
        weights = np.array([config.tiny_weight, config.histogram_weight, config.gradient_weight])
        weighting = views.Weighting(config.chroma, weights / weights.sum())
        seen = views.seen(image, config.size, weighting, crops=config.views == 10)
        return np.concatenate([seen.pooled, seen.tokens.ravel()]).astype(np.float32)

    def encode(self, batch: Any, *, tokens: bool) -> Features:
        """The prepared pictures, taken apart."""
        values = np.asarray(batch, dtype=np.float32)
        (width,) = self.shape("pooled")
        # Copied, so that tokens which nobody wants are not kept with them.
        pooled = values[:, :width].copy()
        if not tokens:
            return Features(pooled)
        return Features(pooled, values[:, width:].reshape(len(values), *self.shape("tokens")))

    @classmethod
    def tiny(cls, folder: Path) -> Im2gpsEncoderConfig:
        return Im2gpsEncoderConfig(size=24)
