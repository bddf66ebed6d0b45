"""From raw codes to a density: how likely each cell of an even grid is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from geobench import EqualAreaGrid, Floored, Points, geo
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.sampling import Codes

_NUMBERS = 1 << 24  # of logits that are held at once
EXPONENTS = tuple(2.0 ** (k / 2) for k in range(-6, 11))
"""What `Sharpened.fit` chooses from."""


@final
class CellLogits:
    """Raw codes on the cells of a grid.

    Each of a photo's raw codes r is made positive by the exponential: exp(exponent * sharpness *
    <code(x), r> / C) on the cells' centres, normalised over them. With an exponent of 1 that is
    what the divergence was trained by; raw codes of a training by squared error are no
    log-densities, and need a larger one. A photo's density is the mean over its codes. Cells are
    all of one area, so that it integrates to 1 exactly.

    Args:
        rows: bands of the grid.
        degree: of the codes.
        scale: sharpness / C.
        device: where codes are.
    """

    def __init__(self, rows: int, *, degree: int, scale: float, device: str) -> None:
        self.grid = EqualAreaGrid(rows)
        self.weights = encode(self.grid.centres, degree, device=device).mul_(scale)  # (G, C)

    def logits(self, raw: Tensor) -> Tensor:
        """(..., G) of raw codes (..., C)."""
        return raw @ self.weights.T

    @torch.no_grad()
    def log_masses(self, codes: Codes, exponent: float) -> geo.Floats:
        """Log-probabilities of the cells, (P, G)."""
        photos, samples, _ = codes.raw.shape
        found = np.empty((photos, len(self.grid)))
        size = max(1, _NUMBERS // (samples * len(self.grid)))
        for start in range(0, photos, size):
            rows = slice(start, start + size)
            logs = torch.log_softmax(exponent * self.logits(codes.raw[rows]), dim=-1)
            mean = torch.logsumexp(logs.double(), dim=1) - np.log(samples)
            found[rows] = mean.cpu().numpy()
        return found

    @torch.no_grad()
    def at_truths(self, codes: Codes, truths: Points, exponents: Sequence[float]) -> geo.Floats:
        """Log-densities (E, P) at one place (P, 2) of each photo, for each of E exponents."""
        cells = torch.tensor(self.grid.assign(truths), device=codes.raw.device)
        photos, samples, _ = codes.raw.shape
        found = np.empty((len(exponents), photos))
        size = max(1, _NUMBERS // (samples * len(self.grid)))
        area = np.log(self.grid.areas[0])
        for start in range(0, photos, size):
            rows = slice(start, start + size)
            logits = self.logits(codes.raw[rows])
            own = logits.gather(-1, cells[rows, None, None].expand(-1, samples, 1))[..., 0]
            for number, exponent in enumerate(exponents):
                logs = exponent * own - torch.logsumexp(exponent * logits, dim=-1)
                mean = torch.logsumexp(logs.double(), dim=1) - np.log(samples)
                found[number, rows] = mean.cpu().numpy() - area
        return found


@final
@dataclass(frozen=True, slots=True)
class Sharpened:
    """How far a density is to be sharpened or blunted, and its floor.

    Args:
        exponent: what log-densities of single codes are multiplied by.
        share: the floor's.
    """

    exponent: float = 1.0
    share: float = 0.5

    @classmethod
    def fit(cls, log_densities: geo.Floats) -> "Sharpened":
        """The likeliest, of log-densities at validation truths (E, V) for each of EXPONENTS."""
        shares = [Floored.fit(each) for each in log_densities]
        means = [Floored.mix(each, s).mean() for each, s in zip(log_densities, shares, strict=True)]
        best = int(np.argmax(means))
        return cls(EXPONENTS[best], shares[best])
