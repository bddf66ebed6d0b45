"""What noise becomes on its way to data, what the network learns of it, and how it leads there."""

from abc import ABC, abstractmethod
from typing import NamedTuple, final

from torch import Tensor

from geobench_flow.geodesics import interpolant, unit
from geobench_flow.solver import Motion


@final
class Task(NamedTuple):
    """What the network is asked on the way.

    Args:
        points: where, (..., 3).
        wanted: what it is to say there, (..., 3).
    """

    points: Tensor
    wanted: Tensor


class Process(ABC):
    """A way from noise to data, along which gamma goes from 0 to 1."""

    @abstractmethod
    def task(self, normal: Tensor, data: Tensor, gamma: Tensor) -> Task:
        """What is asked at gamma (..., 1).

        Args:
            normal: standard normal noise (..., 3).
            data: unit vectors (..., 3).
        """


@final
class OnSphere(Process):
    """Along geodesics, from noise that is uniform on the sphere; their velocities are learnt."""

    def task(self, normal: Tensor, data: Tensor, gamma: Tensor) -> Task:
        moving = interpolant(unit(normal), data, gamma)
        return Task(moving.points, moving.velocities)


class InSpace(Process):
    """From normal noise in space to unit vectors.

    Its time is l = ln(gamma / (1 - gamma)), in which steps are fine at both ends.
    """

    begins: float
    """gamma at which normal noise stands for what is on the way."""

    @abstractmethod
    def motion(self, points: Tensor, said: Motion, gamma: float) -> Motion:
        """The derivative by l, and its divergence in space, of what the network says there."""

    @abstractmethod
    def step(self, points: Tensor, said: Tensor, gamma: float, then: float) -> Tensor:
        """Where one step of first order leads, from gamma to `then`."""


@final
class Straight(InSpace):
    """Flow matching in space: y = gamma x + (1 - gamma) n; the velocity x - n is learnt (Lipman et
    al., "Flow Matching for Generative Modeling", ICLR 2023)."""

    begins = 1e-3

    def task(self, normal: Tensor, data: Tensor, gamma: Tensor) -> Task:
        return Task(gamma * data + (1 - gamma) * normal, data - normal)

    def motion(self, points: Tensor, said: Motion, gamma: float) -> Motion:
        return said.times(gamma * (1 - gamma))

    def step(self, points: Tensor, said: Tensor, gamma: float, then: float) -> Tensor:
        return points + (then - gamma) * said


@final
class Diffused(InSpace):
    """Diffusion in space: y = sqrt(gamma) x + sqrt(1 - gamma) n; the noise n is learnt.

    Its flow is that of the probability, dy / d gamma = (y - n / sqrt(1 - gamma)) / (2 gamma) (Song
    et al., "Score-Based Generative Modeling through Stochastic Differential Equations", ICLR 2021);
    its step of first order is that of DDIM (Song, Meng and Ermon, ICLR 2021). Errors grow on the
    way as 1 / sqrt(gamma), so that it begins at 0.01, where the divergence of what is on the way
    from normal noise is 0.005 nats. The public code begins at 1e-9 and clamps what it predicts.
    """

    begins = 1e-2

    def task(self, normal: Tensor, data: Tensor, gamma: Tensor) -> Task:
        return Task(gamma.sqrt() * data + (1 - gamma).sqrt() * normal, normal)

    def motion(self, points: Tensor, said: Motion, gamma: float) -> Motion:
        rest = 1 - gamma
        moved = said.times(-(rest**0.5) / 2)
        grown = None if moved.divergence is None else moved.divergence + 3 * rest / 2
        return Motion(moved.velocities + rest / 2 * points, grown)

    def step(self, points: Tensor, said: Tensor, gamma: float, then: float) -> Tensor:
        data: Tensor = (points - (1 - gamma) ** 0.5 * said) / gamma**0.5
        reached: Tensor = then**0.5 * data + (1 - then) ** 0.5 * said
        return reached
