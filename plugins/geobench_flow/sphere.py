"""A trained flow on the sphere: steps along it, and exact densities."""

from functools import partial
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geobench import Indices, LazyDensity, Points, geo
from geobench_flow.field import NetworkField
from geobench_flow.flow import Flow
from geobench_flow.geodesics import unit
from geobench_flow.schedule import Schedule
from geobench_flow.solver import STEPS, Field, Motion, Order, Solved, Sphere, solve


@final
class SphereFlow(Flow):
    """Noise that is uniform on the sphere, carried along it."""

    directions = 2

    def to_data(self, field: NetworkField, normal: Tensor, *, keep_path: bool = False) -> Solved:
        steps, order = self.config.sampling_steps, self.config.order
        times = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
        return self._solve(field, unit(normal), times, order, keep_path=keep_path)

    def to_noise(self, field: NetworkField, points: Tensor, steps: int) -> Solved:
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        return self._solve(field, points, times, "rk4")

    def density(self, answers: Points) -> LazyDensity:
        # The same solve gives densities where its steps are as fine as theirs.
        along = self.config.order == "rk4" and (
            self.config.sampling_steps >= self.config.density_steps
        )
        return LazyDensity(
            answers,
            self.draw,
            self.log_prob,
            draw_with_log_prob=self.draw_with_log_prob if along else None,
            trace=self.trace,
        )

    def draw_with_log_prob(
        self, indices: Indices, n: int, rng: np.random.Generator
    ) -> tuple[Points, NDArray[np.float64]]:
        """The draws of `draw`, and their log-densities, (len(indices), n), from the same solve."""
        reached = self.carried(indices, self._noise(indices, n, rng), divergence=True)
        assert reached.spread is not None
        return geo.from_vectors(reached.points), geo.LOG_UNIFORM - reached.spread

    def log_prob(
        self, indices: Indices, points: Points, *, steps: int | None = None
    ) -> NDArray[np.float64]:
        """ln 1 / 4 pi, plus the integral of the divergence on the way back to noise (Chen et al.,
        "Neural Ordinary Differential Equations", NeurIPS 2018, theorem 1)."""
        reached = self.returned(
            indices, geo.unit_vectors(points), steps=steps or self.config.density_steps
        )
        assert reached.spread is not None
        return geo.LOG_UNIFORM + reached.spread

    def _solve(
        self,
        field: NetworkField,
        points: Tensor,
        times: Tensor,
        order: Order,
        *,
        keep_path: bool = False,
    ) -> Solved:
        step = partial(STEPS[order], Sphere())
        return solve(self._motion(field), points, times, step=step, keep_path=keep_path)

    def _motion(self, field: NetworkField) -> Field:
        schedule = Schedule(self.config.path)

        def motion(points: Tensor, time: float) -> Motion:
            at = torch.tensor(time, dtype=torch.float64)
            said = field.on_sphere(points, float(schedule.gamma(at)))
            return said.times(float(schedule.rate(at)))

        return motion
