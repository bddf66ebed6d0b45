"""The network that all methods here share: residual blocks whose norms a condition sets (AdaLN)."""

from math import sqrt
from typing import NamedTuple, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from geobench import Rows
from geobench_flow.config import NetworkConfig
from geobench_flow.geodesics import frames
from geobench_torch import Standardise

_LONGEST = 10_000  # of the periods of the sines that tell the time, over the shortest
_TIMES = 1000  # what gamma is multiplied by before


@final
class Modulations(NamedTuple):
    """What a condition makes of the network: numbers that do not depend on the points.

    Args:
        blocks: for each, a factor, a shift and a gate, (3, ..., width).
        last: a factor and a shift before the end, (2, ..., width).
    """

    blocks: tuple[Tensor, ...]
    last: Tensor

    def each(self, times: int) -> "Modulations":
        """With an axis for so many points of each condition."""
        return Modulations(
            tuple(one.unsqueeze(-2).expand(*one.shape[:-1], times, -1) for one in self.blocks),
            self.last.unsqueeze(-2).expand(*self.last.shape[:-1], times, -1),
        )


@final
class Block(nn.Module):
    """x + gate * MLP((1 + factor) * norm(x) + shift); it begins with x.

    Args:
        width: of x.
        expansion: how many times wider the MLP is.
    """

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(width, 3 * width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Of x (..., width) and its modulation (3, ..., width)."""
        factor, shift, gate = modulation
        inner = (1 + factor) * _normed(x) + shift
        out: Tensor = x + gate * self.narrow(functional.gelu(self.widen(inner)))
        return out

    def pushed(self, x: Tensor, slopes: Tensor, modulation: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and what becomes of derivatives (2, ..., width) of x."""
        factor, shift, gate = modulation
        inner, steep = _normed_and_pushed(x, slopes)
        inner, steep = (1 + factor) * inner + shift, (1 + factor) * steep
        wide = self.widen(inner)
        steep = _gelu_slope(wide) * functional.linear(steep, self.widen.weight)
        steep = gate * functional.linear(steep, self.narrow.weight)
        return x + gate * self.narrow(functional.gelu(wide)), slopes + steep


class Trunk(nn.Module):
    """What the networks here share: blocks, and the condition that a photo sets them by.

    The network of Dufour et al. ("Around the World in 80 Timesteps", CVPR 2025): a condition sets
    factor, shift and gate of every block.

    Args:
        features: width of a photo's features.
        config: width, depth, expansion and dropout.
        outputs: how many numbers come out.
    """

    def __init__(self, features: int, config: NetworkConfig, *, outputs: int) -> None:
        super().__init__()
        width = config.width
        self.standardise = Standardise(features)
        self.photo = nn.Linear(features, width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(width, config.expansion) for _ in range(config.depth))
        self.modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, outputs)

    @property
    def steps(self) -> list[Block]:
        """The blocks, in their order."""
        return cast(list[Block], list(self.blocks))

    def standardise_by(self, features: Rows, *, whitening: float) -> None:
        """Put into the network what the features of training photos decide."""
        self.standardise = Standardise.fitted(features, whitening=whitening)

    def told(self, features: Tensor) -> Tensor:
        """What photos say, (B, width), of features (B, D)."""
        out: Tensor = self.dropout(self.photo(self.standardise(features)))
        return out

    def modulations_of(self, condition: Tensor) -> Modulations:
        """Of conditions (..., width)."""
        condition = functional.silu(condition)
        return Modulations(
            tuple(torch.stack(each.modulation(condition).chunk(3, dim=-1)) for each in self.steps),
            torch.stack(self.modulation(condition).chunk(2, dim=-1)),
        )

    def passed(self, x: Tensor, modulations: Modulations) -> Tensor:
        """What comes out (..., outputs) of x (..., width)."""
        for block, modulation in zip(self.steps, modulations.blocks, strict=True):
            x = block(x, modulation)
        factor, shift = modulations.last
        return _precisely(self.out, (1 + factor) * _normed(x) + shift)


@final
class FieldNetwork(Trunk):
    """A vector of each point in space, told of a photo's features and of gamma.

    Args:
        features: width of a photo's features.
        config: width, depth, expansion and dropout.
    """

    frequencies: Tensor

    def __init__(self, features: int, config: NetworkConfig) -> None:
        super().__init__(features, config, outputs=3)
        told = config.width // 4
        self.register_buffer("frequencies", _LONGEST ** (-torch.arange(told // 2) * 2 / told))
        self.time = nn.Sequential(
            nn.Linear(told, config.width), nn.SiLU(), nn.Linear(config.width, config.width)
        )
        self.first = nn.Linear(3, config.width)

    def nothing(self, told: Tensor) -> Tensor:
        """What is told in place of `told` where a photo is hidden: features of zero."""
        return self.photo.bias.expand_as(told)

    def modulations(self, told: Tensor, gamma: Tensor) -> Modulations:
        """Of what photos say (B, width) and gamma (B,) or ()."""
        waves = (gamma * _TIMES).unsqueeze(-1) * self.frequencies
        waves = torch.cat([waves.cos(), waves.sin()], dim=-1)
        waves = (waves - waves.mean(dim=-1, keepdim=True)) / waves.std(dim=-1, keepdim=True)
        return self.modulations_of(told + _precisely(self.time, waves))

    def forward(self, points: Tensor, modulations: Modulations) -> Tensor:
        """A vector (..., 3) of each point (..., 3)."""
        return self.passed(_precisely(self.first, points), modulations)

    def with_derivatives(
        self, points: Tensor, directions: Tensor, modulations: Modulations
    ) -> tuple[Tensor, Tensor]:
        """The same, (..., 3), and its derivatives along K directions (K, ..., 3), (K, ..., 3).

        They are pushed forward beside the values, which are worked out once.
        """
        x, slopes = self.first(points), functional.linear(directions, self.first.weight)
        for block, modulation in zip(self.steps, modulations.blocks, strict=True):
            x, slopes = block.pushed(x, slopes, modulation)
        factor, shift = modulations.last
        inner, slopes = _normed_and_pushed(x, slopes)
        value: Tensor = self.out((1 + factor) * inner + shift)
        return value, functional.linear((1 + factor) * slopes, self.out.weight)

    def with_divergence(self, points: Tensor, modulations: Modulations) -> tuple[Tensor, Tensor]:
        """The vectors (..., 3) at points (..., 3), and their divergence in space (...)."""
        axes = torch.eye(3, dtype=points.dtype, device=points.device)
        axes = axes.reshape(3, *[1] * (points.dim() - 1), 3).expand(3, *points.shape)
        vectors, derivatives = self.with_derivatives(points, axes, modulations)
        return vectors, (derivatives * axes).sum(dim=(0, -1))

    def with_surface_divergence(
        self, points: Tensor, modulations: Modulations
    ) -> tuple[Tensor, Tensor]:
        """The vectors (..., 3) at unit vectors (..., 3), and the divergence on the sphere (...) of
        what of them is tangent.

        With v the vectors and e two perpendicular tangents it is sum e . Dv e - 2 v . y: taking
        away (v . y) y takes away v . y times the sphere's own divergence of y, which is 2.
        """
        tangents = frames(points)
        vectors, derivatives = self.with_derivatives(points, tangents, modulations)
        inside = (tangents * derivatives).sum(dim=(0, -1))
        return vectors, inside - 2 * (vectors * points).sum(dim=-1)


def _precisely(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer's output in the precision of its weights, whatever autocast says: of 8 bits places
    would be blurred by a hundred kilometres."""
    if not torch.is_autocast_enabled(x.device.type):
        return cast(Tensor, layer(x))
    with torch.autocast(x.device.type, enabled=False):
        return cast(Tensor, layer(x.to(next(layer.parameters()).dtype)))


def _normed(x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:])


def _normed_and_pushed(x: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Layer norm, and derivatives after it: d - mean(d) - n mean(d n), over the deviation."""
    normed = _normed(x)  # bit for bit as without derivatives
    scale = (x.var(dim=-1, correction=0, keepdim=True) + 1e-5).rsqrt()
    kept = slopes - slopes.mean(dim=-1, keepdim=True)
    kept = kept - normed * (slopes * normed).mean(dim=-1, keepdim=True)
    return normed, kept * scale


def _gelu_slope(x: Tensor) -> Tensor:
    density = torch.exp(-x.square() / 2) / sqrt(2 * torch.pi)
    return (1 + torch.erf(x / sqrt(2))) / 2 + x * density
