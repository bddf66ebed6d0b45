"""Functions on the sphere that codes stand for: their values, gradients and Hessians."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import Self, final

import numpy as np
import torch
from torch import Tensor

from geobench_locdiffusion.recurrence import (
    ONE_THREAD,
    advance,
    blocks,
    degree_of,
    polynomials,
    powers,
)


@final
@dataclass(frozen=True, slots=True)
class Jet:
    """Functions near a point of each: value, gradient and Hessian along the sphere.

    On the great circle that leaves a point at the unit tangent u, a function is
    value + t (u . gradient) + t^2 / 2 (u . hessian u) + O(t^3) after t radians.

    Args:
        value: (M,).
        gradient: in the frame, (M, 2).
        hessian: in the frame, (M, 2, 2): the second covariant derivative.
        frame: two unit tangents, at right angles, (M, 2, 3).
    """

    value: Tensor
    gradient: Tensor
    hessian: Tensor
    frame: Tensor

    def take(self, index: Tensor) -> "Jet":
        """Those at positions `index` (K,)."""
        return Jet(self.value[index], self.gradient[index], self.hessian[index], self.frame[index])

    def or_else(self, other: "Jet", own: Tensor) -> "Jet":
        """Where `own` (M,) is true, these; elsewhere, others (M)."""
        return Jet(
            value=torch.where(own, self.value, other.value),
            gradient=torch.where(own[:, None], self.gradient, other.gradient),
            hessian=torch.where(own[:, None, None], self.hessian, other.hessian),
            frame=torch.where(own[:, None, None], self.frame, other.frame),
        )


@final
@dataclass(frozen=True, slots=True)
class Functions:
    """Functions f(x) = sum over coefficients of code Y(x), each asked at a point of its own.

    Args:
        coefficients: (2, T, M) in float64; at l (l + 1) / 2 + m, for m from 0 to l, real and
            imaginary part of w_l^m in f = Re sum of w_l^m G_l^m(z) (x + i y)^m.
    """

    coefficients: Tensor

    @classmethod
    def of(cls, codes: Tensor) -> Self:
        """The functions of codes (M, C)."""
        degree = degree_of(codes.shape[1])
        degrees, orders = np.tril_indices(degree + 1)
        middle = degrees * (degrees + 1)
        wanted = torch.from_numpy(np.concatenate([middle + orders, middle - orders]))
        scale = polynomials(degree).to(codes.device).scales[degrees, orders]
        # Re((a - i b) (A + i B)) = a A + b B; at order 0 there is no sine.
        sines = -scale * torch.from_numpy(orders > 0).to(codes.device)
        picked = codes.double().T.index_select(0, wanted.to(codes.device))
        picked *= torch.cat([scale, sines])[:, None]
        return cls(picked.reshape(2, len(degrees), len(codes)))

    @property
    def degree(self) -> int:
        """The highest degree."""
        return isqrt(2 * self.coefficients.shape[1]) - 1

    def __len__(self) -> int:
        return self.coefficients.shape[2]

    def take(self, index: Tensor) -> Self:
        """Those at positions `index` (K,)."""
        return type(self)(self.coefficients.index_select(2, index))

    def gradients(self, vectors: Tensor) -> Tensor:
        """Gradients along the sphere, (M, 3), at unit vectors (M, 3) in float64: tangents."""
        out = torch.empty_like(vectors)
        for rows in self._blocks(vectors.device):
            own = vectors[rows]
            plain = _gradient(self._sums(own, rows, derivatives=1), powers(own, self.degree))
            out[rows] = plain - (plain * own).sum(dim=1, keepdim=True) * own
        return out

    def jet(self, vectors: Tensor) -> Jet:
        """The functions near unit vectors (M, 3) in float64."""
        found = []
        for rows in self._blocks(vectors.device):
            own = vectors[rows]
            sums = self._sums(own, rows, derivatives=2)
            found.append(_jet(own, sums, powers(own, self.degree)))
        return found[0] if len(found) == 1 else _joined(found)

    def _blocks(self, device: torch.device) -> Iterator[slice]:
        yield from blocks(len(self), 2 * (self.degree + 1), device, held=ONE_THREAD)

    def _sums(self, vectors: Tensor, rows: slice, *, derivatives: int) -> list[Tensor]:
        """W_m(z), the sum over degrees of w_l^m G_l^m(z), and its derivatives: (L + 1, P) each."""
        degree, height = self.degree, vectors[:, 2].contiguous()
        recurrence = polynomials(degree).to(height.device)
        tables = zip(recurrence.ahead[..., None], recurrence.behind[..., None], strict=True)
        coefficients = self.coefficients[..., rows]
        following = height.new_ones(degree + 1, len(height))
        last = following.clone()
        sums = [torch.zeros_like(last).repeat(2, 1, 1) for _ in range(1 + derivatives)]
        for each, (ahead, behind) in enumerate(tables):
            stop, first = each + 1, each * (each + 1) // 2
            advance(following[:stop], last[:stop], height, by=(ahead[:stop], behind[:stop]))
            for k in range(min(derivatives, each) + 1):  # the k-th derivative is some G_l^{m+k}
                own = coefficients[:, first : first + stop - k]
                sums[k][:, : stop - k].addcmul_(own, following[k:stop])
            following, last = last, following
        orders = torch.arange(degree + 1, dtype=torch.float64, device=height.device)[:, None]
        factor = torch.ones_like(orders)
        for k in range(1, derivatives + 1):
            factor = factor * (2 * (orders + k) - 1)
            sums[k] *= factor
        return [torch.complex(real, imaginary) for real, imaginary in sums]


def _gradient(sums: list[Tensor], power: Tensor) -> Tensor:
    """Of Re sum W_m(z) (x + i y)^m by x, y and z, (P, 3)."""
    turned = (_orders(power) * sums[0][1:] * power[:-1]).sum(dim=0)
    return torch.stack([turned.real, -turned.imag, (sums[1] * power).sum(dim=0).real], dim=1)


def _jet(vectors: Tensor, sums: list[Tensor], power: Tensor) -> Jet:
    orders = _orders(power)
    twice = (orders[1:] * orders[:-1] * sums[0][2:] * power[:-2]).sum(dim=0)
    mixed = (orders * sums[1][1:] * power[:-1]).sum(dim=0)
    height = (sums[2] * power).sum(dim=0).real
    second = [
        torch.stack([twice.real, -twice.imag, mixed.real], dim=1),
        torch.stack([-twice.imag, -twice.real, -mixed.imag], dim=1),
        torch.stack([mixed.real, -mixed.imag, height], dim=1),
    ]
    plain, frame = _gradient(sums, power), tangent_frames(vectors)
    hessian = frame @ torch.stack(second, dim=1) @ frame.mT
    # A great circle bends inwards, against its point, and takes the function along.
    inwards = (plain * vectors).sum(dim=1)
    hessian -= inwards[:, None, None] * torch.eye(2, dtype=hessian.dtype, device=hessian.device)
    return Jet(
        value=(sums[0] * power).sum(dim=0).real,
        gradient=(frame @ plain[..., None])[..., 0],
        hessian=hessian,
        frame=frame,
    )


def _orders(power: Tensor) -> Tensor:
    """1 to L, (L, 1), beside powers (L + 1, P)."""
    return torch.arange(1, len(power), dtype=torch.float64, device=power.device)[:, None]


def _joined(jets: list[Jet]) -> Jet:
    return Jet(
        value=torch.cat([jet.value for jet in jets]),
        gradient=torch.cat([jet.gradient for jet in jets]),
        hessian=torch.cat([jet.hessian for jet in jets]),
        frame=torch.cat([jet.frame for jet in jets]),
    )


def tangent_frames(vectors: Tensor) -> Tensor:
    """Two unit tangents at unit vectors (M, 3), at right angles, (M, 2, 3): `geo.tangent_frames`
    where the vectors are."""
    x, y, z = vectors.unbind(dim=1)
    sign = torch.where(z < 0, -1.0, 1.0).to(z.dtype)
    a = -1 / (sign + z)
    b = x * y * a
    first = torch.stack([1 + sign * x * x * a, sign * b, -sign * x], dim=1)
    return torch.stack([first, torch.stack([b, sign + y * y * a, -y], dim=1)], dim=1)
