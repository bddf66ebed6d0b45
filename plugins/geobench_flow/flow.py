"""Noise carried to places for some photos, and back: what is common to the sphere and to space."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geobench import Examples, Indices, LazyDensity, Points, geo
from geobench_flow.config import FlowConfig
from geobench_flow.field import NetworkField
from geobench_flow.network import FieldNetwork
from geobench_flow.solver import Solved
from geobench_torch import in_chunks

_NUMBERS = 1 << 20  # of the network's widest layer that are held at once
_PHOTOS = 4096  # whose features are read at once

Vectors = NDArray[np.float64]


class Flow(ABC):
    """Noise carried to places along what a network says, for photos (N).

    Args:
        network: in evaluation mode, on the device.
        config: its schedule, and the steps.
        told: what the photos say, (N, width), on the device.
    """

    directions: int
    """How many directional derivatives a divergence takes."""

    def __init__(self, network: FieldNetwork, config: FlowConfig, told: Tensor) -> None:
        self.network = network
        self.config = config
        self.told = told

    @abstractmethod
    def to_data(self, field: NetworkField, normal: Tensor, *, keep_path: bool = False) -> Solved:
        """Where standard normal noise (P, n, 3) is carried to, in `sampling_steps`."""

    @abstractmethod
    def to_noise(self, field: NetworkField, points: Tensor, steps: int) -> Solved:
        """Where vectors (P, n, 3) came from, in steps of fourth order."""

    def answered(self, field: NetworkField, points: Tensor) -> Tensor:
        """What of draws (P, n, 3) is the answer: they themselves."""
        return points

    def draw(self, indices: Indices, n: int, rng: np.random.Generator) -> Points:
        """n places for each of some photos, (len(indices), n, 2)."""
        return geo.from_vectors(self.carried(indices, self._noise(indices, n, rng)).points)

    def answers(self, indices: Indices, normal: Vectors, *, guidance: float) -> Points:
        """The answers that standard normal noise (N, n, 3) for photos (N,) leads to, (N, n, 2)."""

        def carry(field: NetworkField, noise: Tensor) -> Solved:
            solved = self.to_data(field, noise)
            return solved._replace(points=self.answered(field, solved.points))

        return geo.from_vectors(self._solved(indices, normal, carry, guidance=guidance).points)

    def carried(
        self,
        indices: Indices,
        normal: Vectors,
        *,
        divergence: bool = False,
        keep_path: bool = False,
    ) -> "Reached":
        """Where standard normal noise (N, n, 3) for photos (N,) is carried to, unguided."""

        def carry(field: NetworkField, noise: Tensor) -> Solved:
            return self.to_data(field, noise, keep_path=keep_path)

        return self._solved(indices, normal, carry, divergence=divergence)

    def returned(self, indices: Indices, vectors: Vectors, *, steps: int) -> "Reached":
        """Where vectors (N, n, 3) of photos (N,) came from, with the divergence's integrals."""

        def carry(field: NetworkField, points: Tensor) -> Solved:
            return self.to_noise(field, points, steps)

        return self._solved(indices, vectors, carry, divergence=True)

    def density(self, answers: Points) -> LazyDensity:
        """Of the photos, whose answers are (N, 2)."""
        return LazyDensity(answers, self.draw, self.log_prob, trace=self.trace)

    def trace(self, indices: Indices, n: int, rng: np.random.Generator) -> Points:
        """The ways of n draws for each of some photos, (len(indices), n, steps + 1, 2)."""
        reached = self.carried(indices, self._noise(indices, n, rng), keep_path=True)
        assert reached.path is not None
        return geo.from_vectors(reached.path)

    @abstractmethod
    def log_prob(
        self, indices: Indices, points: Points, *, steps: int | None = None
    ) -> NDArray[np.float64]:
        """Nats per steradian at places (N, m, 2) of photos (N,), (N, m).

        Args:
            indices: of the photos.
            points: places, degrees.
            steps: of the solver, instead of the configuration's.
        """

    def _noise(self, indices: Indices, n: int, rng: np.random.Generator) -> Vectors:
        return rng.standard_normal((len(indices), n, 3))

    @torch.no_grad()
    def _solved(
        self,
        indices: Indices,
        vectors: Vectors,
        carry: "_Carry",
        *,
        divergence: bool = False,
        guidance: float = 0.0,
    ) -> "Reached":
        """Carry vectors (N, n, 3) of photos (N,), as many at once as fit."""
        found: list[list[Solved]] = []
        numbers = self.network.steps[0].widen.out_features
        numbers *= 1 + self.directions if divergence else 1
        most = max(1, _NUMBERS // numbers)
        for rows in _pieces(len(indices), max(1, most // max(1, vectors.shape[1]))):
            told = self.told[torch.as_tensor(indices[rows], device=self.told.device)]
            field = NetworkField(self.network, told, divergence=divergence, guidance=guidance)
            of_rows = []
            for columns in _pieces(vectors.shape[1], most):
                points = torch.tensor(vectors[rows, columns], dtype=told.dtype, device=told.device)
                of_rows.append(carry(field, points))
            found.append(of_rows)
        return Reached.of(found)


@torch.no_grad()
def told_of(network: FieldNetwork, examples: Examples, *, device: str) -> Tensor:
    """What these photos say to a network, (N, width), on the device."""
    batches = in_chunks(examples.pooled, size=_PHOTOS, device=device)
    return torch.cat(
        [torch.empty(0, network.out.in_features, device=device)]
        + [network.told(batch.features) for batch in batches]
    )


_Carry = Callable[[NetworkField, Tensor], Solved]


@final
class Reached(NamedTuple):
    """Where vectors (N, n, 3) came to: as `Solved`, in double precision.

    Args:
        points: (N, n, 3).
        spread: (N, n), or None.
        path: (N, n, T, 3), or None.
    """

    points: Vectors
    spread: Vectors | None
    path: Vectors | None

    @classmethod
    def of(cls, found: list[list[Solved]]) -> "Reached":
        """Of solves that lie side by side, in rows."""
        points = _joined([[each.points for each in row] for row in found])
        assert points is not None
        return cls(
            points,
            _joined([[each.spread for each in row] for row in found]),
            _joined([[each.path for each in row] for row in found]),
        )


def _joined(found: list[list[Tensor | None]]) -> Vectors | None:
    """Tensors (P, n, ...) side by side in rows, as one array; None if there are none."""
    rows = [[each.double().cpu() for each in row if each is not None] for row in found]
    return np.concatenate([torch.cat(row, dim=1).numpy() for row in rows]) if rows[0] else None


def _pieces(count: int, size: int) -> Iterator[slice]:
    """Of `count`, one at least, though it be empty."""
    for start in range(0, max(1, count), size):
        yield slice(start, start + size)
