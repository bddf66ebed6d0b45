"""A trained flow on the sphere: draws, densities, and the ways that draws take."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geobench import Examples, Indices, Points, geo
from geobench_flow.config import FlowConfig
from geobench_flow.network import FieldNetwork, Modulations
from geobench_flow.schedule import Schedule
from geobench_flow.solver import Motion, Order, Solved, solve
from geobench_torch import in_chunks

_LOG_UNIFORM = -float(np.log(geo.SPHERE_AREA))
_NUMBERS = 1 << 22  # of the network's widest layer that photos may hold at once, if several do
_PHOTOS = 4096  # whose features are read at once


@final
class _Moment(NamedTuple):
    """What the network is told at one time, and how fast gamma goes there."""

    rate: float
    seen: Modulations
    blind: Modulations | None


@final
class NetworkField:
    """How points of some photos move at a time, by the network.

    Args:
        network: in evaluation mode.
        told: of P photos, (P, width).
        schedule: of the training.
        divergence: whether to say it, too.
        guidance: w; 0 is none.
    """

    def __init__(
        self,
        network: FieldNetwork,
        told: Tensor,
        schedule: Schedule,
        *,
        divergence: bool,
        guidance: float,
    ) -> None:
        if divergence and guidance:
            raise ValueError("densities are of the flow without guidance")
        self.network = network
        self.told = told
        self.schedule = schedule
        self.divergence = divergence
        self.guidance = guidance
        self._last: tuple[float, _Moment] | None = None

    def __call__(self, points: Tensor, time: float) -> Motion:
        """Of points (P, n, 3)."""
        rate, seen, blind = self._at(time)
        count = points.shape[1]
        if self.divergence:
            velocities, divergence = self.network.with_surface_divergence(points, seen.each(count))
            return Motion(rate * velocities, rate * divergence)
        velocities = self.network(points, seen.each(count))
        if blind is not None:
            velocities = velocities + self.guidance * (
                velocities - self.network(points, blind.each(count))
            )
        return Motion(rate * velocities)

    def _at(self, time: float) -> _Moment:
        """Worked out once for stages of the solver that follow one another at one time."""
        if self._last is None or self._last[0] != time:
            at = torch.tensor(time, dtype=torch.float64)
            gamma = self.schedule.gamma(at).to(self.told)
            seen = self.network.modulations(self.told, gamma)
            blind = None
            if self.guidance:
                blind = self.network.modulations(self.network.nothing(self.told), gamma)
            self._last = time, _Moment(float(self.schedule.rate(at)), seen, blind)
        return self._last[1]


@final
class SphereFlow:
    """Noise, uniform on the sphere, carried to places, for photos (N).

    Args:
        network: in evaluation mode, on the device.
        config: its schedule, and the steps.
        told: what the photos say, (N, width), on the device.
    """

    def __init__(self, network: FieldNetwork, config: FlowConfig, told: Tensor) -> None:
        self.network = network
        self.config = config
        self.told = told
        self.schedule = Schedule(config.path)

    @classmethod
    @torch.no_grad()
    def of(
        cls, network: FieldNetwork, config: FlowConfig, examples: Examples, *, device: str
    ) -> "SphereFlow":
        """For these photos."""
        told = [
            network.told(batch.features)
            for batch in in_chunks(examples.pooled, size=_PHOTOS, device=device)
        ]
        return cls(network, config, torch.cat(told) if told else torch.empty(0, config.width))

    def draw(self, indices: Indices, n: int, rng: np.random.Generator) -> Points:
        """n places for each of some photos, (len(indices), n, 2)."""
        return self.carried(indices, geo.unit_vectors(geo.uniform((len(indices), n), rng)))

    def carried(
        self, indices: Indices, noise: NDArray[np.float64], *, guidance: float = 0.0
    ) -> Points:
        """Where noise, unit vectors (N, n, 3) for photos (N,), is carried to, (N, n, 2)."""
        times = self._times(1.0, 0.0, self.config.sampling_steps)
        solved = self._solved(indices, noise, times, guidance=guidance, order=self.config.order)
        return _places([each.points for each in solved], noise.shape)

    def trace(self, indices: Indices, n: int, rng: np.random.Generator) -> Points:
        """The ways of n draws for each of some photos, (len(indices), n, steps + 1, 2)."""
        noise = geo.unit_vectors(geo.uniform((len(indices), n), rng))
        times = self._times(1.0, 0.0, self.config.sampling_steps)
        solved = self._solved(indices, noise, times, keep_path=True, order=self.config.order)
        paths = [each.path for each in solved if each.path is not None]
        return _places(paths, (*noise.shape[:-1], len(times), 3))

    def draw_with_log_prob(
        self, indices: Indices, n: int, rng: np.random.Generator
    ) -> tuple[Points, NDArray[np.float64]]:
        """The draws of `draw`, and their log-densities, (len(indices), n), from the same solve."""
        noise = geo.unit_vectors(geo.uniform((len(indices), n), rng))
        times = self._times(1.0, 0.0, self.config.sampling_steps)
        solved = list(self._solved(indices, noise, times, divergence=True, order=self.config.order))
        spread = _spread(solved, noise.shape[:-1])
        return _places([each.points for each in solved], noise.shape), _LOG_UNIFORM - spread

    def log_prob(
        self, indices: Indices, points: Points, *, steps: int | None = None
    ) -> NDArray[np.float64]:
        """Nats per steradian at places (N, m, 2) of photos (N,), (N, m): ln 1 / 4 pi plus the
        integral of the divergence on the way back to noise (Chen et al., "Neural Ordinary
        Differential Equations", NeurIPS 2018, theorem 1).

        Args:
            indices: of the photos.
            points: places, degrees.
            steps: of the solver, instead of the configuration's.
        """
        vectors = geo.unit_vectors(points)
        times = self._times(0.0, 1.0, steps or self.config.density_steps)
        solved = list(self._solved(indices, vectors, times, divergence=True, order="rk4"))
        return _LOG_UNIFORM + _spread(solved, vectors.shape[:-1])

    def _times(self, first: float, last: float, steps: int) -> Tensor:
        return torch.linspace(first, last, steps + 1, dtype=torch.float64)

    @torch.no_grad()
    def _solved(
        self,
        indices: Indices,
        vectors: NDArray[np.float64],
        times: Tensor,
        *,
        order: Order,
        divergence: bool = False,
        guidance: float = 0.0,
        keep_path: bool = False,
    ) -> Iterator[Solved]:
        """Solves from unit vectors (N, n, 3) of photos (N,), as many photos at once as fit."""
        widest = self.config.width * self.config.expansion * (3 if divergence else 1)
        size = max(1, _NUMBERS // max(1, widest * vectors.shape[1]))
        for start in range(0, len(indices), size):
            rows = slice(start, start + size)
            told = self.told[torch.as_tensor(indices[rows], device=self.told.device)]
            field = NetworkField(
                self.network, told, self.schedule, divergence=divergence, guidance=guidance
            )
            points = torch.tensor(vectors[rows], dtype=told.dtype, device=told.device)
            yield solve(field, points, times, order=order, keep_path=keep_path)


def _places(vectors: Sequence[Tensor], shape: tuple[int, ...]) -> Points:
    """Chunks of unit vectors, (..., 3), as points of a shape, but for its last axis, which is 2."""
    found = [each.double().cpu().numpy().reshape(-1, 3) for each in vectors]
    return geo.from_vectors(np.concatenate([np.empty((0, 3)), *found])).reshape(*shape[:-1], 2)


def _spread(solved: Sequence[Solved], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The integrals of the divergence of chunks, as one array of a shape."""
    found = [
        each.spread.double().cpu().numpy().ravel() for each in solved if each.spread is not None
    ]
    return np.concatenate([np.empty(0), *found]).reshape(shape)
