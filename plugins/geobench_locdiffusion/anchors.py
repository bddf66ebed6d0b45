"""Anchors: places, even on the sphere, on which predicted and true codes are compared."""

from typing import final

import torch
from torch import Tensor

from geobench import EqualAreaGrid, geo
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.config import LocDiffusionConfig


@final
class Anchors:
    """The centres of an EqualAreaGrid, with their codes.

    A raw code r is a log-density on the anchors: the logit of anchor a is
    sharpness * <code(a), r> / C, which is `sharpness` at the anchor itself if r is its code. A
    true place stands for a von Mises-Fisher distribution around it, as wide as `target_km`,
    normalised over the anchors. That is what the function of its code becomes under a heat window,
    if the degree is large. SHDD-KL is the divergence of the two distributions.

    Args:
        rows: bands of the grid.
        degree: of the codes.
        sharpness: see above.
        target_km: see above.
        device: where codes are.
    """

    def __init__(
        self, rows: int, *, degree: int, sharpness: float, target_km: float, device: str
    ) -> None:
        places = EqualAreaGrid(rows).centres
        self.codes = encode(places, degree, device=device)  # (A, C)
        self.scale = sharpness / self.codes.shape[1]
        self.concentration = float(geo.concentration_of(target_km))
        self.vectors = torch.tensor(geo.unit_vectors(places), dtype=torch.float32, device=device)

    def logits(self, raw: Tensor) -> Tensor:
        """Log-density, but for a constant, of raw codes (..., C) on the anchors, (..., A)."""
        with torch.autocast(raw.device.type, enabled=False):  # its 8 bits would blur places
            return self.scale * raw.float() @ self.codes.T

    def mean_code(self, logits: Tensor) -> Tensor:
        """The mean of the anchors' codes under the softmax of logits (..., A), (..., C): what a
        code without noise is expected to be."""
        return torch.softmax(logits, dim=-1) @ self.codes

    def targets(self, vectors: Tensor) -> Tensor:
        """The distributions (B, A) that places stand for, given as unit vectors (B, 3)."""
        with torch.autocast(vectors.device.type, enabled=False):
            cosine = vectors.to(self.vectors.dtype) @ self.vectors.T
            return torch.softmax(self.concentration * (cosine - 1), dim=-1)


def anchors_of(config: LocDiffusionConfig, *, device: str) -> Anchors:
    """The anchors that a configuration asks for."""
    return Anchors(
        config.rows_of_anchors,
        degree=config.degree,
        sharpness=config.sharpness,
        target_km=config.target_km,
        device=device,
    )
