"""The networks of `geoclip`: a head for photos, an encoder for places, and their temperature."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.places import equal_earth
from geobench_torch import Standardise

HIGHEST_LOGIT_SCALE = math.log(100.0)
"""As in CLIP (Radford et al., 2021, section 2.5): logits are cosines times 100 at most."""


@final
class Capsule(nn.Module):
    """Random Fourier features of one scale and a perceptron (GeoCLIP, section 3.2).

    Args:
        scale: standard deviation of the frequencies, which stay as they are drawn.
        frequencies: how many of them.
        hidden: widths of the hidden layers.
        width: of what it gives.
    """

    waves: Tensor

    def __init__(self, scale: float, *, frequencies: int, hidden: Sequence[int], width: int):
        super().__init__()
        self.register_buffer("waves", scale * torch.randn(frequencies, 2))
        self.layers = _perceptron(2 * frequencies, hidden, width, dropout=0.0)

    def forward(self, on_map: Tensor) -> Tensor:
        """What it says, (N, width), of places on the map (N, 2).

        Waves are float32 in every precision: with the 8 bits of bfloat16 a place is blurred by
        tens of km, and at the finer scales by many waves.
        """
        with torch.autocast(on_map.device.type, enabled=False):
            phases = 2 * math.pi * on_map @ self.waves.T
            waves = torch.cat([phases.cos(), phases.sin()], dim=-1)
        return torch.as_tensor(self.layers(waves))


@final
class LocationEncoder(nn.Module):
    """Embeds places: capsules of several scales, summed.

    Args:
        config: scales and sizes.
    """

    def __init__(self, config: GeoClipConfig) -> None:
        super().__init__()
        self.capsules = nn.ModuleList(
            Capsule(
                scale,
                frequencies=config.frequencies,
                hidden=config.location_hidden,
                width=config.width,
            )
            for scale in config.scales
        )

    def forward(self, points: Tensor) -> Tensor:
        """Embeddings (N, width), not normalised, of places (N, 2) float64, in degrees."""
        on_map = equal_earth(points.float())
        return torch.stack([capsule(on_map) for capsule in self.capsules]).sum(dim=0)


@final
class GeoClipNetwork(nn.Module):
    """Photos and places in one space, by cosine.

    Args:
        features: numbers of a photo's pooled features.
        config: sizes.
    """

    def __init__(self, features: int, config: GeoClipConfig) -> None:
        super().__init__()
        self.width = config.width
        self.standardise = Standardise(features)
        self.head = _perceptron(features, config.image_hidden, config.width, dropout=config.dropout)
        self.location = LocationEncoder(config)
        self.logit_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by: the inverse of the temperature, a scalar."""
        return self.logit_scale.exp()

    def clip_scale(self) -> None:
        """Bring the scale back to 100 where a step went beyond it; from there it can fall again."""
        with torch.no_grad():
            self.logit_scale.clamp_(max=HIGHEST_LOGIT_SCALE)

    @property
    def temperature(self) -> float:
        """What cosines are divided by."""
        return 1 / float(self.scale.detach())

    def photos(self, features: Tensor) -> Tensor:
        """Embeddings of length 1, (B, width), of features (B, D)."""
        return functional.normalize(self.head(self.standardise(features)), dim=-1)

    def places(self, points: Tensor) -> Tensor:
        """Embeddings of length 1, (N, width), of places (N, 2) float64, in degrees."""
        return functional.normalize(self.location(points), dim=-1)


def _perceptron(width: int, hidden: Sequence[int], out: int, *, dropout: float) -> nn.Sequential:
    widths = [width, *hidden]
    layers: list[nn.Module] = []
    for wide, following in pairwise(widths):
        layers += [nn.Linear(wide, following), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(widths[-1], out))
