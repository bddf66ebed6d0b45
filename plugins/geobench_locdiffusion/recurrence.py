"""The recurrences in the degree by which spherical harmonics are made.

    Y_l^m(x, y, z) = scale_l^m G_l^m(z) A_m(x, y), or B_m in the place of A_m for order -m,

where A_m + i B_m = (x + i y)^m, so that the poles are places like any other, and G_l^m is the
Gegenbauer polynomial of degree l - m with parameter m + 1/2: the m-th derivative of the Legendre
polynomial P_l over (2 m - 1)!!. All orders of one degree are one operation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt, pi, prod, sqrt
from typing import final

import numpy as np
import torch
from torch import Tensor

CACHE = 1 << 18
"""Numbers that a processor's cache holds beside as many others."""

ONE_THREAD = (1 << 15) - 1
"""Numbers up to which torch leaves an operation to one thread. Where hundreds of operations follow
each other, threads wait for each other: for nothing where other processes run, and for seconds."""

_ON_GPU = 1 << 24  # numbers that are worth starting an operation for


def count(degree: int) -> int:
    """How many harmonics there are up to a degree, (degree + 1)^2."""
    return (degree + 1) ** 2


def degree_of(coefficients: int) -> int:
    """The degree up to which there are so many harmonics.

    Raises:
        ValueError: there is none.
    """
    degree = isqrt(max(coefficients, 0)) - 1
    if degree < 0 or count(degree) != coefficients:
        raise ValueError(f"codes have (degree + 1)^2 numbers, not {coefficients}")
    return degree


@final
@dataclass(frozen=True, slots=True)
class Recurrence:
    """f_l^m = ahead_l^m z f_{l-1}^m + behind_l^m f_{l-2}^m, from f_m^m = 1.

    Upwards in l it is stable. It needs no case for where it begins: with f_m^m in the place of the
    two before it, it leaves f_m^m as it is, and looks at nothing else for l = m + 1.

    Args:
        ahead: by degree and order from 0, for l >= m, (L + 1, L + 1) in float64; 0 for l = m.
        behind: likewise; 1 for l = m and 0 for l = m + 1.
        scales: likewise, what f_l^m is multiplied by in Y_l^m; 0 for l < m.
    """

    ahead: Tensor
    behind: Tensor
    scales: Tensor

    def to(self, device: torch.device) -> "Recurrence":
        """On a device."""
        return Recurrence(self.ahead.to(device), self.behind.to(device), self.scales.to(device))


@lru_cache(maxsize=16)
def polynomials(degree: int) -> Recurrence:
    """That of f = G (DLMF 18.9.1), whose derivative by z is (2 m + 1) G_l^{m+1} (18.9.19).

    Values grow as 2.6^L, which float64 holds up to degrees of about 700.
    """
    orders = torch.arange(degree + 1, dtype=torch.float64)
    degrees = orders[:, None]
    apart = (degrees - orders).clamp(min=1)
    ahead = torch.where(degrees > orders, (2 * degrees - 1) / apart, 0)
    behind = torch.where(degrees > orders + 1, (1 - degrees - orders) / apart, 0)
    behind.fill_diagonal_(1)
    scales = _first(degree) * _growth(degree).cumprod(0)
    scales = torch.where(degrees >= orders, scales, 0)
    return Recurrence(ahead, behind, scales)


@lru_cache(maxsize=16)
def scaled(degree: int) -> Recurrence:
    """That of f = Y / scale_m^m, whose values stay small at any degree."""
    plain, growth = polynomials(degree), _growth(degree)
    growth_before = torch.cat([growth[:1], growth[:-1]])
    return Recurrence(
        ahead=plain.ahead * growth,
        behind=plain.behind * growth * growth_before,
        scales=_first(degree).expand_as(growth).tril(),
    )


def _first(degree: int) -> Tensor:
    """scale_m^m, (L + 1,): sqrt(1 / 4 pi), then times sqrt((2 m + 1) / 2 m) for each m, and sqrt 2
    from order 1 on, where there are a sine and a cosine."""
    orders = torch.arange(degree + 1, dtype=torch.float64)
    factors = (1 + 0.5 / orders.clamp(min=1)).sqrt()
    factors[0] = sqrt(1 / (4 * pi))
    factors[1:2] *= sqrt(2)
    return factors.cumprod(0)


def _growth(degree: int) -> Tensor:
    """scale_l^m / scale_{l-1}^m, (L + 1, L + 1); 1 for l <= m."""
    orders = torch.arange(degree + 1, dtype=torch.float64)
    degrees = orders[:, None]
    squares = (2 * degrees + 1) * (degrees - orders) / ((2 * degrees - 1) * (degrees + orders))
    return torch.where(degrees > orders, squares, 1).sqrt()


def advance(earlier: Tensor, last: Tensor, height: Tensor, *, by: tuple[Tensor, Tensor]) -> None:
    """Put f_l where f_{l-2} is.

    Args:
        earlier: f_{l-2} of some orders, (M, P), and f_l afterwards.
        last: f_{l-1} of them, (M, P).
        height: z of the points, (P,).
        by: ahead_l and behind_l of these orders, (M, 1) each.
    """
    ahead, behind = by
    earlier.mul_(behind).addcmul_(last * height, ahead)


def powers(vectors: Tensor, degree: int) -> Tensor:
    """(x + i y)^m of vectors (P, 3) for m from 0 to a degree L, complex (L + 1, P)."""
    factors = torch.complex(vectors[:, 0], vectors[:, 1]).repeat(degree + 1, 1)
    factors[0] = 1
    return factors.cumprod(0)


def unwritten(*shape: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """An empty tensor.

    On a CPU numpy asks for its memory: it asks for large pages, which torch does not, and to be
    given small ones took as long as all else that was done with them.
    """
    if device.type != "cpu" or not prod(shape):
        return torch.empty(shape, dtype=dtype, device=device)
    memory = np.empty(prod(shape) * dtype.itemsize, np.uint8)
    return torch.from_numpy(memory).view(dtype).reshape(shape)


def blocks(points: int, numbers: int, device: torch.device, *, held: int) -> Iterator[slice]:
    """Slices of the points, on a CPU of so many that a buffer with `numbers` for each of them has
    at most `held`, CACHE or ONE_THREAD."""
    size = max(1, (held if device.type == "cpu" else _ON_GPU) // numbers)
    yield from (slice(start, start + size) for start in range(0, points, size))
