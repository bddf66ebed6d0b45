"""From codes back to places: the modes of the functions on the sphere that codes stand for."""

from math import pi, sqrt
from typing import final

import numpy as np
import torch
from torch import Tensor

from geobench import Points, PredictionError, geo
from geobench_locdiffusion.climbing import climb
from geobench_locdiffusion.functions import Functions
from geobench_locdiffusion.harmonics import by_coefficient, count, disc_window
from geobench_locdiffusion.latlon_grid import LatLonGrid

_HELD = 1 << 22  # values on the grid that are held at once
_EQUAL = 1e-7  # heights above the mean that differ by less are one height, and rounding of float32


@final
class Decoder:
    """Decodes codes of one degree.

    A code stands for the function sum code Y. Averaged over a disc around each point it is another
    such sum, each degree multiplied by its `disc_window`, and the answer is where that is largest:
    the likeliest disc. It is looked for on a grid, and from the peaks there that may lead to it by
    Newton's steps, so that it is no coarser than a few metres.

    Args:
        degree: of the codes, L.
        radius_km: of the disc; 0 for the function itself.
        device: where it is worked out.
    """

    def __init__(
        self, degree: int, *, radius_km: float, device: str | torch.device = "cpu"
    ) -> None:
        self.degree = degree
        self._grid = LatLonGrid(degree, device=device)
        self._window = by_coefficient(disc_window(degree, radius_km)).to(device)

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Points:
        """The places (N, 2) of codes (N, (L + 1)^2).

        Where several peaks are equally high, the answer is the one that is reached from the first
        cell of the grid, read from the north-west. An answer does not depend on the other codes,
        but for rounding. Memory is bounded: codes are taken in chunks, of 227 at L = 47.

        Raises:
            ValueError: codes of another degree.
            PredictionError: a number that is not finite.
        """
        numbers = count(self.degree)
        if codes.ndim != 2 or codes.shape[1] != numbers:
            raise ValueError(
                f"codes of degree {self.degree} are (N, {numbers}), not {tuple(codes.shape)}"
            )
        bad = ~torch.linalg.vector_norm(codes, ord=torch.inf, dim=1).isfinite()
        if bad.any():
            raise PredictionError(
                f"{int(bad.sum())} of {len(codes)} codes are not finite (first at "
                f"{int(bad.nonzero()[0])})",
                remedy="Every photo needs an answer: the network that gave them has diverged.",
            )
        found: Points = np.empty((len(codes), 2))
        size = max(1, _HELD // len(self._grid))
        for start in range(0, len(codes), size):
            rows = slice(start, start + size)
            found[rows] = geo.from_vectors(self._modes(codes[rows]).cpu().numpy())
        return found

    def _modes(self, codes: Tensor) -> Tensor:
        """Unit vectors (N, 3)."""
        averaged = codes.to(self._window) * self._window
        starts, functions = self._grid.starts(averaged), Functions.of(averaged)
        if len(starts.owner) > len(codes):
            functions = functions.take(starts.owner)
        tops = climb(functions, self._grid.vectors(starts.cell))
        best = torch.full_like(averaged[:, 0], -torch.inf)
        best.scatter_reduce_(0, starts.owner, tops.value, "amax")
        enough = best - _EQUAL * (best - averaged[:, 0] / sqrt(4 * pi))
        # The first of each code's starts that leads high enough.
        order = torch.arange(len(tops.value), device=averaged.device)
        order = torch.where(tops.value >= enough[starts.owner], order, len(order))
        first = torch.full_like(starts.owner[: len(codes)], len(order))
        return tops.vectors[first.scatter_reduce_(0, starts.owner, order, "amin")]
