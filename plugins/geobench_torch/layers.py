"""Layers that several methods use."""

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from geobench import Rows

_PHOTOS = 20_000
_CHUNK = 1_000


class Standardise(nn.Module):
    """Shift and scale features by constants, held as buffers and so part of the state.

    Args:
        width: length of the features' last axis.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    @classmethod
    def fitted(cls, features: Rows, *, whitening: float = 1.0) -> Self:
        """To mean 0 and a mean square of about 1 over training features (N, ..., D).

        Reads at most 20,000 photos, evenly spaced, in chunks.

        Args:
            features: of the training photos.
            whitening: 1 brings every feature to standard deviation 1, so that a rare bin of a
                histogram counts as much as a common one; 0 divides all by one number, which
                keeps their proportions; between them, deviations are left to the power of
                1 - whitening.
        """
        layer = cls(features.shape[-1])
        count = min(len(features), _PHOTOS)
        positions = np.arange(count) * len(features) // max(count, 1)
        total, square, rows = np.zeros(features.shape[-1]), np.zeros(features.shape[-1]), 0
        shift = np.zeros(features.shape[-1])
        for start in range(0, count, _CHUNK):
            chunk = features[positions[start : start + _CHUNK]].reshape(-1, features.shape[-1])
            if start == 0:
                # Sums are taken around the first chunk's mean, so that squares do not cancel.
                shift = chunk.mean(axis=0, dtype=np.float64)
            centred = chunk - shift
            total += centred.sum(axis=0)
            square += (centred**2).sum(axis=0)
            rows += len(chunk)
        mean = total / max(rows, 1)
        deviation = np.sqrt(np.maximum(square / max(rows, 1) - mean**2, 0))
        varies = deviation > 1e-6 * np.maximum(np.abs(shift + mean), 1e-6)
        common = np.sqrt((deviation[varies] ** 2).mean()) if varies.any() else 1.0
        relative = np.where(varies, deviation, common) / common
        layer.mean.copy_(torch.tensor(shift + mean))
        layer.scale.copy_(torch.tensor(1 / (common * relative**whitening)))
        return layer

    def forward(self, features: Tensor) -> Tensor:
        """Standardised features, of the shape given."""
        return (features - self.mean) * self.scale
