"""Real spherical harmonics of any degree at many points, and windows that smooth what they make."""

from math import isqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geobench import geo
from geobench_locdiffusion.functions import Functions
from geobench_locdiffusion.recurrence import (
    CACHE,
    ONE_THREAD,
    advance,
    blocks,
    count,
    powers,
    scaled,
    unwritten,
)

__all__ = ["by_coefficient", "count", "disc_window", "harmonics", "heat_window", "unit_vectors"]


def unit_vectors(points: Tensor) -> Tensor:
    """`geo.unit_vectors` of points (..., 2) where they are: (..., 3) in float64, differentiable."""
    lat, lon = torch.deg2rad(points.double()).unbind(dim=-1)
    return torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=-1)


def harmonics(
    vectors: Tensor, degree: int, *, dtype: torch.dtype = torch.float32, scale: float = 1.0
) -> Tensor:
    """All harmonics up to a degree L at unit vectors (..., 3), shape (..., (L + 1)^2).

    They are orthonormal on the unit sphere, without the Condon-Shortley sign; coefficient
    l^2 + l + m is that of degree l and order m, with cos(m lon) for m > 0 and sin(|m| lon) for
    m < 0. They are worked out in float64 and rounded once: give vectors as float64.

    In memory the points of one harmonic lie side by side, (C, N), as the recurrence makes them. A
    matrix product takes that as well; who picks points out calls `contiguous`.

    The gradient is that along the sphere, a tangent: off the sphere there are no harmonics. It has
    none itself; second derivatives are those of `Functions.jet`.

    Args:
        vectors: of length 1.
        degree: the highest, L.
        dtype: of what is returned.
        scale: what all of them are multiplied by.
    """
    flat = vectors.reshape(-1, 3)
    made: Tensor = _Harmonics.apply(flat, degree, dtype, scale)
    return made.reshape(*vectors.shape[:-1], count(degree))


class _Harmonics(torch.autograd.Function):
    """`harmonics` of vectors (N, 3)."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, degree: int, dtype: torch.dtype, scale: float) -> Tensor:
        ctx.save_for_backward(vectors)
        ctx.scale = scale
        device, exact = vectors.device, vectors.double()
        out = unwritten(count(degree), len(vectors), dtype=dtype, device=device)
        for points in blocks(len(vectors), 2 * degree + 1, device, held=CACHE):
            _fill(out[:, points], exact[points], scale)
        return out.T

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (vectors,) = ctx.saved_tensors
        out = torch.empty_like(vectors)
        for points in blocks(len(vectors), grad.shape[1], vectors.device, held=16 * CACHE):
            weighted = Functions.of(ctx.scale * grad[points].double())
            out[points] = weighted.gradients(vectors[points].double()).to(vectors.dtype)
        return out, None, None, None


def _fill(out: Tensor, vectors: Tensor, scale: float) -> None:
    """Write the harmonics at vectors (P, 3), times a scale, into `out` (C, P)."""
    degree = isqrt(len(out)) - 1
    recurrence, height = scaled(degree).to(vectors.device), vectors[:, 2].contiguous()
    ahead, behind = _mirrored(recurrence.ahead), _mirrored(recurrence.behind)
    power = scale * recurrence.scales[-1][:, None] * powers(vectors, degree)
    following = torch.cat([power.imag[1:].flip(0), power.real])  # orders -L to L
    last = following.clone()
    for each in range(degree + 1):
        orders = slice(degree - each, degree + each + 1)
        new, old, made = following[orders], last[orders], out[each**2 : (each + 1) ** 2]
        by = ahead[each, orders], behind[each, orders]
        # Points are many, because long rows are written faster, and so orders are few at a time.
        for rows in blocks(len(new), max(1, len(height)), height.device, held=ONE_THREAD):
            advance(new[rows], old[rows], height, by=(by[0][rows], by[1][rows]))
            made[rows] = new[rows]
        following, last = last, following


def _mirrored(table: Tensor) -> Tensor:
    """A table of orders 0 to L for orders -L to L, (L + 1, 2 L + 1, 1)."""
    return torch.cat([table[:, 1:].flip(1), table], dim=1)[..., None]


def disc_window(degree: int, radius_km: float) -> Tensor:
    """What averaging over a disc, a spherical cap of this radius, does to each degree: (L + 1,).

    (P_{l-1}(c) - P_{l+1}(c)) / ((2 l + 1) (1 - c)), with c the cosine of the radius (Jekeli,
    "Alternative methods to smooth the Earth's gravity field", 1981), written as
    (1 + c) P_l'(c) / (l (l + 1)), where nothing cancels for small radii. Degree 0 stays as it is.

    Args:
        degree: the highest, L.
        radius_km: from 0, which changes nothing, to half the Earth's circumference.

    Raises:
        ValueError: another radius.
    """
    angle = radius_km / geo.EARTH_RADIUS_KM
    if not 0 <= angle <= np.pi:
        raise ValueError(f"the radius of a disc is from 0 to 20,015 km, not {radius_km}")
    cosine, slopes = float(np.cos(angle)), np.zeros(max(degree + 1, 2))
    slopes[1] = 1
    for each in range(2, degree + 1):  # of P_l: DLMF 18.9.1 with parameter 3/2
        ahead = (2 * each - 1) * cosine * slopes[each - 1] - each * slopes[each - 2]
        slopes[each] = ahead / (each - 1)
    degrees = np.arange(1, degree + 1)
    window = (1 + cosine) * slopes[1 : degree + 1] / (degrees * (degrees + 1))
    return torch.from_numpy(np.concatenate([[1.0], window]))


def heat_window(degree: int, width_km: float) -> Tensor:
    """What heat that has spread does to each degree: exp(-l (l + 1) t), shape (L + 1,).

    With t half the square of the width in radians. It convolves with the heat kernel, which is
    positive and, as long as it is narrow, a Gaussian of that standard deviation per axis.

    Args:
        degree: the highest, L.
        width_km: the standard deviation.
    """
    degrees = torch.arange(degree + 1, dtype=torch.float64)
    return torch.exp(-degrees * (degrees + 1) * (width_km / geo.EARTH_RADIUS_KM) ** 2 / 2)


def by_coefficient(window: Tensor) -> Tensor:
    """A window (L + 1,) as what each coefficient of a code is multiplied by, ((L + 1)^2,)."""
    degrees = torch.arange(len(window), device=window.device)
    return window.repeat_interleave(2 * degrees + 1)
