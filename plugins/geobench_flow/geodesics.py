"""Geodesics of the unit sphere in closed form, and tangents to it."""

from typing import NamedTuple, final

import torch
from torch import Tensor
from torch.nn import functional


@final
class Moving(NamedTuple):
    """Points on their way, and their velocities.

    Args:
        points: unit vectors (..., 3).
        velocities: tangent there, (..., 3).
    """

    points: Tensor
    velocities: Tensor


def unit(vectors: Tensor) -> Tensor:
    """Vectors (..., 3), brought to length 1."""
    return functional.normalize(vectors, dim=-1)


def tangential(points: Tensor, vectors: Tensor) -> Tensor:
    """What of vectors (..., 3) lies in the tangent planes of unit vectors (..., 3)."""
    return vectors - (vectors * points).sum(dim=-1, keepdim=True) * points


def interpolant(noise: Tensor, data: Tensor, gamma: Tensor) -> Moving:
    """Points at shares gamma (..., 1) of the geodesics from unit vectors `noise` (..., 3) to those
    of `data`, and their derivatives by gamma, whose norm is the geodesic's length.

    Between antipodes any geodesic is one; one of them is taken.
    """
    cosine = (noise * data).sum(dim=-1, keepdim=True)
    across = data - cosine * noise
    sine = across.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, cosine)
    direction = torch.where(sine > 1e-6, across / sine.clamp(min=1e-6), _any_tangent(noise))
    turned = gamma * angle
    points = turned.cos() * noise + turned.sin() * direction
    return Moving(points, angle * (turned.cos() * direction - turned.sin() * noise))


def frames(points: Tensor) -> Tensor:
    """Two unit tangents, perpendicular to each other, at unit vectors (..., 3): (2, ..., 3)."""
    first = _any_tangent(points)
    return torch.stack([first, torch.linalg.cross(points, first)])


def _any_tangent(points: Tensor) -> Tensor:
    """A unit tangent at unit vectors (..., 3): along the axis that they point along the least."""
    axis = torch.zeros_like(points)
    axis.scatter_(-1, points.abs().argmin(dim=-1, keepdim=True), 1.0)
    return unit(tangential(points, axis))
