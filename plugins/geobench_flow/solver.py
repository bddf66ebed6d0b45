"""Ordinary differential equations on the sphere, in steps of first and of fourth order."""

from collections.abc import Callable
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor

from geobench_flow.geodesics import exponential, tangential, unit

Order = Literal["euler", "rk4"]


@final
class Motion(NamedTuple):
    """How points move at one time.

    Args:
        velocities: (..., 3); what is not tangent is left out.
        divergence: of the field on the sphere, (...), or None where it is not wanted.
    """

    velocities: Tensor
    divergence: Tensor | None = None


Field = Callable[[Tensor, float], Motion]
"""(unit vectors (..., 3), time) -> how they move there and then."""


@final
class Solved(NamedTuple):
    """Where points came to.

    Args:
        points: unit vectors (..., 3).
        spread: the integral of the divergence along the way, (...), or None without it: by so
            much the log-density of what flows has fallen.
        path: unit vectors (..., T, 3), from the first to `points`, or None if not kept.
    """

    points: Tensor
    spread: Tensor | None
    path: Tensor | None


def solve(
    field: Field, points: Tensor, times: Tensor, *, order: Order = "rk4", keep_path: bool = False
) -> Solved:
    """Follow a field from `times[0]` to `times[-1]`, a step between each and the next.

    `euler` goes along the geodesic of the velocity. `rk4` is the Runge-Kutta-Munthe-Kaas method of
    fourth order on rotations, with two commutators (Munthe-Kaas and Owren, "Computations in a free
    Lie algebra", Phil. Trans. R. Soc. A 357, 1999, section 5): four evaluations a step. Both stay
    on the sphere.

    Args:
        field: see `Field`.
        points: unit vectors (..., 3).
        times: (T,), rising or falling.
        order: of the two.
        keep_path: whether to give all points between.
    """
    step = _euler if order == "euler" else _rk4
    path, spread = [points], None
    for now, then in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        points, grown = step(field, points, now, then)
        if grown is not None:
            spread = grown if spread is None else spread + grown
        if keep_path:
            path.append(points)
    return Solved(points, spread, torch.stack(path, dim=-2) if keep_path else None)


def _euler(field: Field, points: Tensor, now: float, then: float) -> tuple[Tensor, Tensor | None]:
    motion, step = field(points, now), then - now
    reached = exponential(points, step * tangential(points, motion.velocities))
    return reached, None if motion.divergence is None else step * motion.divergence


def _rk4(field: Field, points: Tensor, now: float, then: float) -> tuple[Tensor, Tensor | None]:
    step, middle = then - now, (now + then) / 2
    divergences: list[Tensor] = []

    def rotation(there: Tensor, time: float) -> Tensor:
        motion = field(there, time)
        if motion.divergence is not None:
            divergences.append(motion.divergence)
        turned: Tensor = step * torch.linalg.cross(there, motion.velocities)
        return turned

    first = rotation(points, now)
    second = rotation(_rotated(points, first / 2), middle)
    turned = second / 2 - torch.linalg.cross(first, second) / 8
    third = rotation(_rotated(points, turned), middle)
    fourth = rotation(_rotated(points, third), then)
    whole = first + 2 * (second + third) + fourth - torch.linalg.cross(first, fourth) / 2
    reached = _rotated(points, whole / 6)
    if not divergences:
        return reached, None
    a, b, c, d = divergences
    return reached, step / 6 * (a + 2 * (b + c) + d)


def _rotated(points: Tensor, rotations: Tensor) -> Tensor:
    """Unit vectors (..., 3) turned by rotation vectors (..., 3), by the formula of Rodrigues."""
    angle = rotations.norm(dim=-1, keepdim=True)
    once = torch.linalg.cross(rotations, points)
    twice = torch.linalg.cross(rotations, once)
    half = torch.sinc(angle / (2 * torch.pi))
    turned = points + torch.sinc(angle / torch.pi) * once + half.square() / 2 * twice
    return unit(turned)
