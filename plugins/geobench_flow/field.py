"""What the network says at points on their way: velocities or noise, divergence, guidance."""

from collections.abc import Callable
from typing import NamedTuple, final

import torch
from torch import Tensor

from geobench_flow.network import FieldNetwork, Modulations
from geobench_flow.solver import Motion

_Diverging = Callable[[Tensor, Modulations], tuple[Tensor, Tensor]]


@final
class _Heard(NamedTuple):
    """What the network was told at one gamma."""

    gamma: float
    seen: Modulations
    blind: Modulations | None


@final
class NetworkField:
    """What the network says at points of some photos.

    Args:
        network: in evaluation mode.
        told: of P photos, (P, width).
        divergence: whether to say it, too.
        guidance: w; 0 is none.
    """

    def __init__(
        self, network: FieldNetwork, told: Tensor, *, divergence: bool, guidance: float
    ) -> None:
        if divergence and guidance:
            raise ValueError("densities are of the flow without guidance")
        self.network = network
        self.told = told
        self.divergence = divergence
        self.guidance = guidance
        self._last: _Heard | None = None

    def on_sphere(self, points: Tensor, gamma: float) -> Motion:
        """At unit vectors (P, n, 3); the divergence is that on the sphere of what is tangent."""
        return self._said(points, gamma, self.network.with_surface_divergence)

    def in_space(self, points: Tensor, gamma: float) -> Motion:
        """At vectors (P, n, 3), with the divergence in space."""
        return self._said(points, gamma, self.network.with_divergence)

    def _said(self, points: Tensor, gamma: float, diverging: _Diverging) -> Motion:
        heard, count = self._at(gamma), points.shape[1]
        seen = heard.seen.each(count)
        if self.divergence:
            return Motion(*diverging(points, seen))
        vectors = self.network(points, seen)
        if heard.blind is not None:
            blind = self.network(points, heard.blind.each(count))
            vectors = vectors + self.guidance * (vectors - blind)
        return Motion(vectors)

    def _at(self, gamma: float) -> _Heard:
        """Worked out once for stages of the solver that follow one another at one time."""
        if self._last is None or self._last.gamma != gamma:
            at = torch.tensor(gamma, dtype=torch.float64).to(self.told)
            blind = None
            if self.guidance:
                blind = self.network.modulations(self.network.nothing(self.told), at)
            self._last = _Heard(gamma, self.network.modulations(self.told, at), blind)
        return self._last
