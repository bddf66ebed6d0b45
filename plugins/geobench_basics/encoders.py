"""The encoder for datasets that bring their own features."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Encoder, Features, Image


@final
class GivenEncoder(Encoder):
    """The features that a dataset brings, as they are."""

    name = "given"
    reads = "features"

    def prepare(self, image: Image) -> NDArray[Any]:
        """Raise DataError: this encoder reads features, never pictures."""
        raise DataError(
            "encoder given takes a dataset's own features, not pictures",
            remedy="Use an encoder that reads pictures, or a dataset that brings features.",
        )

    def encode(self, batch: Features, *, tokens: bool) -> Features:
        """The same features as float32, without tokens unless they are wanted.

        Raises:
            DataError: the dataset does not bring what is wanted.
        """
        if tokens and batch.tokens is None:
            raise DataError(
                "the dataset brings no tokens, and a planned method wants them",
                where="encoder given",
                remedy="Use an encoder that makes tokens, or a method that reads pooled features.",
            )
        return Features(
            pooled=None if batch.pooled is None else np.asarray(batch.pooled, np.float32),
            tokens=np.asarray(batch.tokens, np.float32) if tokens else None,
        )
