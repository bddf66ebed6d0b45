"""The denoiser: a U-Net of sine layers that photo and noise level modulate (CS-UNet)."""

from itertools import pairwise
from math import pi, sqrt
from typing import final

import torch
from torch import Tensor, nn

from geobench import Rows
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.schedule import Schedule
from geobench_torch import Standardise

_WAVES = 16  # sines and as many cosines that tell the time


@final
class ConditionalSiren(nn.Module):
    """A linear layer, shifted and scaled by what is told of photo and time, and a sine (SIREN,
    Sitzmann et al., NeurIPS 2020, section 3.2, for the weights it begins with).

    Args:
        width: of what it reads.
        following: of what it gives.
        condition: how many numbers it is told.
        frequency: of the sine; None is that of an inner layer.
        dropout: share of its outputs dropped.
    """

    def __init__(
        self, width: int, following: int, *, condition: int, frequency: float | None, dropout: float
    ) -> None:
        super().__init__()
        self.frequency = frequency or 1.0
        self.linear = nn.Linear(width, following)
        self.modulation = nn.Linear(condition, 2 * following)
        self.dropout = nn.Dropout(dropout)
        bound = 1 / width if frequency else sqrt(6 / width)
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, seen: Tensor, told: Tensor) -> Tensor:
        """(B, following) of `seen` (B, width) and `told` (B, condition)."""
        scale, shift = self.modulation(told).chunk(2, dim=-1)
        # What is told is not multiplied by the frequency: the sine of 30 times a photo's features
        # would be noise to what has not seen that very photo.
        argument = self.frequency * self.linear(seen)
        out: Tensor = self.dropout(torch.sin(argument * (1 + scale) + shift))
        return out


@final
class Denoiser(nn.Module):
    """Says of a noisy code, a time and a photo which code it was.

    Down the widths of the configuration and up again, where each block reads what the one of its
    width on the way down gave, too. What the photo says by itself, a linear layer, is added to the
    outcome, and so is, by configuration, what the noisy code does.

    Args:
        features: width of a photo's features.
        config: sizes.
    """

    def __init__(self, features: int, config: LocDiffusionConfig) -> None:
        super().__init__()
        codes, told, widths = config.numbers, config.condition, config.widths
        self.numbers = codes
        self.schedule = Schedule(config.log_snr_shift)
        self.sharpness = config.sharpness
        self.trust = nn.Parameter(torch.tensor(0.0)) if config.skip else None
        self.standardise = Standardise(features)
        self.photo = nn.Sequential(nn.Linear(features, told), nn.GELU(), nn.Dropout(config.dropout))
        self.no_photo = nn.Parameter(torch.zeros(told))
        self.time = nn.Linear(2 * _WAVES, told)

        def block(width: int, following: int, frequency: float | None = None) -> ConditionalSiren:
            return ConditionalSiren(
                width,
                following,
                condition=told,
                frequency=frequency,
                dropout=config.block_dropout,
            )

        first = block(codes, widths[0], config.first_frequency)
        self.down = nn.ModuleList([first, *(block(a, b) for a, b in pairwise(widths))])
        self.up = nn.ModuleList(block(a + b, b) for a, b in pairwise(widths[::-1]))
        self.out = nn.Linear(widths[0], codes)
        self.direct = nn.Linear(told, codes)
        # What the blocks add to what the photo says by itself begins with nothing.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def standardise_by(self, features: Rows, *, whitening: float) -> None:
        """Put into the network what the features of training photos decide."""
        self.standardise = Standardise.fitted(features, whitening=whitening)

    def told(self, features: Tensor) -> Tensor:
        """What is told of photos with features (B, D), (B, condition)."""
        out: Tensor = self.photo(self.standardise(features))
        return out

    def forward(self, seen: Tensor, times: Tensor, told: Tensor) -> Tensor:
        """What noisy codes (B, C), seen at times (B,), were, of photos of which `told` gave
        (B, condition): raw codes (B, C)."""
        waves = pi * times[:, None] * torch.arange(1, _WAVES + 1, device=times.device)
        direct, noisy = self.direct(told), seen
        waves = torch.cat([waves.sin(), waves.cos()], dim=-1)
        told = told + self.time(waves)
        passed: list[Tensor] = []
        for block in self.down:
            seen = block(seen, told)
            passed.append(seen)
        for block, same in zip(self.up, passed[-2::-1], strict=True):
            seen = block(torch.cat([seen, same], dim=-1), told)
        out: Tensor = self.out(seen) + direct
        return out if self.trust is None else out + self._likelihood(noisy, times, self.trust)

    def _likelihood(self, noisy: Tensor, times: Tensor, trust: Tensor) -> Tensor:
        """What noisy codes (B, C) say of the anchors by themselves, as raw codes (B, C).

        White noise makes an anchor of code a as likely as exp(signal / noise^2 <a, x>) where x is
        seen, but for what all anchors share, since their codes are of one length: C times the
        signal-to-noise ratio for the anchor at the true place. With little noise that would tell
        places apart that are one to the targets; it is held at a number that is learnt, from
        `sharpness` on.
        """
        signal, noise = self.schedule.signal(times)[:, None], self.schedule.noise(times)[:, None]
        evidence = self.numbers * (signal / noise).square()
        held = (self.sharpness * trust.exp() / evidence).clamp(max=1)
        return self.numbers / self.sharpness * held * signal / noise.square() * noisy
