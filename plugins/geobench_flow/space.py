"""A trained flow through space, whose density on the sphere is that of rays."""

from functools import partial
from math import exp, log, pi
from typing import NamedTuple, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit, logsumexp, roots_legendre
from torch import Tensor

from geobench import Indices, Points, geo
from geobench_flow.config import SpaceConfig
from geobench_flow.field import NetworkField
from geobench_flow.flow import Flow, Vectors
from geobench_flow.network import FieldNetwork
from geobench_flow.processes import InSpace
from geobench_flow.solver import STEPS, Field, Motion, Solved, Space, Step, solve


@final
class Radii(NamedTuple):
    """How far from the origin draws end: of their logarithms, a logistic distribution on either
    side of the median.

    Args:
        middle: the median of the logarithms.
        below, above: the scales of the two sides.
    """

    middle: float
    below: float
    above: float

    @classmethod
    def of(cls, draws: Vectors) -> Self:
        """The one of draws (..., 3): the scale of a side is the mean of what its quarter, its
        twentieth and its hundredth give. 1 and 0.03, without any."""
        if not draws.size:
            return cls(0.0, 0.03, 0.03)
        logs = np.log(np.linalg.norm(draws, axis=-1))
        below, middle, above = np.split(np.quantile(logs, [*1 - _LEVELS, 0.5, *_LEVELS]), [3, 4])
        odds = logit(_LEVELS)
        sides = (np.abs(side - middle) / odds for side in (below, above))
        return cls(float(middle[0]), *(max(float(side.mean()), 1e-6) for side in sides))

    def rule(self, nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Radii (nodes,), and the logarithms of weights with which values there integrate over all
        radii: Gauss and Legendre's rule on either side, in the distribution's own probability.

        Args:
            nodes: an even number.
        """
        at, weights = roots_legendre(nodes // 2)
        share = (3 + at) / 4  # of the upper half
        slope = np.log(weights / 4) - np.log(share * (1 - share))
        scales = np.array([[-self.below], [self.above]])
        radii = np.exp(self.middle + scales * logit(share))
        return radii.ravel(), (slope + np.log(radii * np.abs(scales))).ravel()


_LEVELS = np.array([0.75, 0.95, 0.99])


@final
class SpaceFlow(Flow):
    """Normal noise in space, carried to near the unit sphere; a place is the direction there.

    Solves go from gamma = `process.begins` to 1 - `remaining`, evenly in ln(gamma / (1 - gamma)):
    what is left of the noise there is the model's own.

    Args:
        process: between noise and data.
        radii: where draws end.
    """

    directions = 3
    config: SpaceConfig

    def __init__(
        self,
        network: FieldNetwork,
        config: SpaceConfig,
        told: Tensor,
        *,
        process: InSpace,
        radii: Radii,
    ) -> None:
        super().__init__(network, config, told)
        self.process = process
        self.radii = radii

    def to_data(self, field: NetworkField, normal: Tensor, *, keep_path: bool = False) -> Solved:
        order = self.config.order
        step = self._first_order(field) if order == "euler" else partial(STEPS[order], Space())
        times = self._times(self.config.sampling_steps)
        return solve(self._motion(field), normal, times, step=step, keep_path=keep_path)

    def to_noise(self, field: NetworkField, points: Tensor, steps: int) -> Solved:
        step = partial(STEPS["rk4"], Space())
        return solve(self._motion(field), points, self._times(steps).flip(0), step=step)

    def answered(self, field: NetworkField, points: Tensor) -> Tensor:
        """Where a last step leads, to gamma = 1: what is left of the noise is no answer."""
        gamma = 1 - self.config.remaining
        said = field.in_space(points, gamma).velocities
        return self.process.step(points, said, gamma, 1.0)

    def log_prob(
        self,
        indices: Indices,
        points: Points,
        *,
        steps: int | None = None,
        nodes: int | None = None,
    ) -> NDArray[np.float64]:
        """The density in space, integrated along the rays of the places: p(r u) r^2 over r.

        Args:
            indices: of the photos.
            points: places, degrees.
            steps: of the solver, instead of the configuration's.
            nodes: on each ray, instead of the configuration's.
        """
        radii, weights = self.radii.rule(nodes or self.config.ray_nodes)
        rays = geo.unit_vectors(points)[:, :, None] * radii[:, None]
        shape = rays.shape[:-1]
        reached = self.returned(
            indices,
            rays.reshape(len(rays), shape[1] * shape[2], 3),
            steps=steps or self.config.density_steps,
        )
        assert reached.spread is not None
        normal = -np.square(reached.points).sum(axis=-1) / 2 - 1.5 * log(2 * pi)
        in_space = (normal + reached.spread).reshape(shape)
        found: NDArray[np.float64] = logsumexp(in_space + 2 * np.log(radii) + weights, axis=-1)
        return found

    def _times(self, steps: int) -> Tensor:
        """From noise to data."""
        first, last = (float(logit(x)) for x in (self.process.begins, 1 - self.config.remaining))
        return torch.linspace(first, last, steps + 1, dtype=torch.float64)

    def _motion(self, field: NetworkField) -> Field:
        def motion(points: Tensor, time: float) -> Motion:
            gamma = _gamma(time)
            return self.process.motion(points, field.in_space(points, gamma), gamma)

        return motion

    def _first_order(self, field: NetworkField) -> Step:
        """The process's own step, not that of its equation."""

        def step(_: Field, points: Tensor, now: float, then: float) -> tuple[Tensor, None]:
            said = field.in_space(points, _gamma(now)).velocities
            return self.process.step(points, said, _gamma(now), _gamma(then)), None

        return step


def _gamma(time: float) -> float:
    return 1 / (1 + exp(-time))
