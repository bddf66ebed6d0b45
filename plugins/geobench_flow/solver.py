"""Ordinary differential equations on the sphere and in space, in steps of three orders."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor

from geobench_flow.geodesics import unit

Order = Literal["euler", "heun", "rk4"]


@final
class Motion(NamedTuple):
    """How points move at one time.

    Args:
        velocities: (..., 3); on the sphere, what is not tangent is left out.
        divergence: of the field, (...), or None where it is not wanted.
    """

    velocities: Tensor
    divergence: Tensor | None = None

    def times(self, factor: float) -> "Motion":
        """So many times as fast."""
        grown = None if self.divergence is None else factor * self.divergence
        return Motion(factor * self.velocities, grown)


Field = Callable[[Tensor, float], Motion]
"""(points (..., 3), time) -> how they move there and then."""

Step = Callable[[Field, Tensor, float, float], tuple[Tensor, Tensor | None]]
"""(field, points, now, then) -> where they are then, and the integral of the divergence."""


@final
class Solved(NamedTuple):
    """Where points came to.

    Args:
        points: (..., 3); on the sphere, unit vectors.
        spread: the integral of the divergence along the way, (...), or None without it: by so
            much the log-density of what flows has fallen.
        path: (..., T, 3), from the first to `points`, or None if not kept.
    """

    points: Tensor
    spread: Tensor | None
    path: Tensor | None


def solve(
    field: Field, points: Tensor, times: Tensor, *, step: Step, keep_path: bool = False
) -> Solved:
    """Follow a field from `times[0]` to `times[-1]`, a step between each and the next.

    Args:
        field: see `Field`.
        points: (..., 3).
        times: (T,), rising or falling.
        step: see `Step`.
        keep_path: whether to give all points between.
    """
    path, spread = [points], None
    for now, then in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        points, grown = step(field, points, now, then)
        if grown is not None:
            spread = grown if spread is None else spread + grown
        if keep_path:
            path.append(points)
    return Solved(points, spread, torch.stack(path, dim=-2) if keep_path else None)


class Geometry(ABC):
    """Where points can go: they are moved by increments, which velocities make."""

    @abstractmethod
    def increment(self, points: Tensor, velocities: Tensor) -> Tensor:
        """What moves points (..., 3) at velocities (..., 3) for a unit of time."""

    @abstractmethod
    def moved(self, points: Tensor, increment: Tensor) -> Tensor:
        """Where an increment takes points."""

    @abstractmethod
    def commuted(self, one: Tensor, other: Tensor) -> Tensor:
        """How much two increments depend on their order, to the second order."""


@final
class Sphere(Geometry):
    """Unit vectors, turned by rotation vectors."""

    def increment(self, points: Tensor, velocities: Tensor) -> Tensor:
        turned: Tensor = torch.linalg.cross(points, velocities)
        return turned

    def moved(self, points: Tensor, increment: Tensor) -> Tensor:
        # The formula of Rodrigues; sin(x) / x is smooth at 0, where torch.sinc is 1.
        angle = increment.norm(dim=-1, keepdim=True)
        once = torch.linalg.cross(increment, points)
        twice = torch.linalg.cross(increment, once)
        half = torch.sinc(angle / (2 * torch.pi))
        return unit(points + torch.sinc(angle / torch.pi) * once + half.square() / 2 * twice)

    def commuted(self, one: Tensor, other: Tensor) -> Tensor:
        turned: Tensor = torch.linalg.cross(one, other)
        return turned


@final
class Space(Geometry):
    """Vectors, to which vectors are added."""

    def increment(self, points: Tensor, velocities: Tensor) -> Tensor:
        return velocities

    def moved(self, points: Tensor, increment: Tensor) -> Tensor:
        return points + increment

    def commuted(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.zeros_like(one)


def euler(
    geometry: Geometry, field: Field, points: Tensor, now: float, then: float
) -> tuple[Tensor, Tensor | None]:
    """First order; on the sphere along the geodesic of the velocity. One evaluation."""
    motion = field(points, now).times(then - now)
    turned = geometry.increment(points, motion.velocities)
    return geometry.moved(points, turned), motion.divergence


def heun(
    geometry: Geometry, field: Field, points: Tensor, now: float, then: float
) -> tuple[Tensor, Tensor | None]:
    """Second order: the mean of the increments here and where the first leads. Two evaluations."""
    first = field(points, now).times(then - now)
    turned = geometry.increment(points, first.velocities)
    there = geometry.moved(points, turned)
    second = field(there, then).times(then - now)
    mean = (turned + geometry.increment(there, second.velocities)) / 2
    return geometry.moved(points, mean), _weighted([first, second], (1 / 2, 1 / 2))


def rk4(
    geometry: Geometry, field: Field, points: Tensor, now: float, then: float
) -> tuple[Tensor, Tensor | None]:
    """Fourth order: the classical method in space, and on the sphere that of Runge, Kutta and
    Munthe-Kaas with two commutators (Munthe-Kaas and Owren, "Computations in a free Lie algebra",
    Phil. Trans. R. Soc. A 357, 1999, section 5). Four evaluations."""
    middle = (now + then) / 2
    motions: list[Motion] = []

    def turned(there: Tensor, time: float) -> Tensor:
        motions.append(field(there, time).times(then - now))
        return geometry.increment(there, motions[-1].velocities)

    first = turned(points, now)
    second = turned(geometry.moved(points, first / 2), middle)
    half = second / 2 - geometry.commuted(first, second) / 8
    third = turned(geometry.moved(points, half), middle)
    fourth = turned(geometry.moved(points, third), then)
    whole = first + 2 * (second + third) + fourth - geometry.commuted(first, fourth) / 2
    return geometry.moved(points, whole / 6), _weighted(motions, (1 / 6, 1 / 3, 1 / 3, 1 / 6))


STEPS: Mapping[Order, Callable[..., tuple[Tensor, Tensor | None]]] = {
    "euler": euler,
    "heun": heun,
    "rk4": rk4,
}
"""Of each order."""


def _weighted(motions: Sequence[Motion], weights: Sequence[float]) -> Tensor | None:
    """The mean divergence of stages, or None where they have none."""
    total = None
    for motion, weight in zip(motions, weights, strict=True):
        if motion.divergence is not None:
            grown = weight * motion.divergence
            total = grown if total is None else total + grown
    return total
