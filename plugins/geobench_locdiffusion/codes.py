"""Codes of places: the spherical harmonics of a point mass (SHDD)."""

from math import pi, sqrt

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from geobench_locdiffusion.harmonics import harmonics, unit_vectors
from geobench_locdiffusion.recurrence import unwritten


def encode(
    points: ArrayLike | Tensor,
    degree: int,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Codes (N, (degree + 1)^2) of points (N, 2): sqrt(4 pi) times the harmonics there.

    The harmonics at a place are the coefficients of the point mass on it (Spherical Harmonics Dirac
    Delta, LocDiffusion, arXiv 2503.18142, section 3). The factor makes their mean square 1: over
    the sphere for each coefficient, because they are orthonormal, and for each place over the
    coefficients, by the addition theorem. That also says that the product of two codes over C is
    sum (2 l + 1) P_l(cos angle) / C, which is 1 for equal places and nowhere else.

    Args:
        points: latitude and longitude in degrees.
        degree: the highest, L.
        device: where codes are; where the points are if left out.
        dtype: of the codes.
    """
    given = torch.as_tensor(points, dtype=torch.float64, device=device)
    made = harmonics(unit_vectors(given), degree, dtype=dtype, scale=sqrt(4 * pi))
    # By rows: codes are picked out, mixed and read by layers.
    return unwritten(*made.shape, dtype=dtype, device=made.device).copy_(made)
