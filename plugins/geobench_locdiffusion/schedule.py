"""How much noise a code is seen through, and the steps by which it goes again."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

FIRST, LAST = 0.99, 0.01
"""The times between which codes are seen: the first through nothing but noise, the last through
little, of a standard deviation of 0.35 at degree 23 with the shift of its size."""


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """The cosine schedule, shifted (Hoogeboom et al., "Simple diffusion", ICML 2023, section 3.1).

    A code c of mean square 1 is seen as signal(t) c + noise(t) e, with e standard normal and
    signal^2 + noise^2 = 1; the log of signal^2 / noise^2 is 2 ln cot(pi t / 2) + shift.

    Args:
        shift: of the log of the signal-to-noise ratio; negative for more noise.
    """

    shift: float

    def log_snr(self, times: Tensor) -> Tensor:
        """Log of the signal-to-noise ratio at times in (0, 1), of the same shape."""
        return -2 * torch.log(torch.tan(torch.pi / 2 * times)) + self.shift

    def signal(self, times: Tensor) -> Tensor:
        """What a code is multiplied by at times in (0, 1), of the same shape."""
        return torch.sigmoid(self.log_snr(times)).sqrt()

    def noise(self, times: Tensor) -> Tensor:
        """The standard deviation of the noise at times in (0, 1), of the same shape."""
        return torch.sigmoid(-self.log_snr(times)).sqrt()

    def step(
        self,
        seen: Tensor,
        clean: Tensor,
        now: Tensor,
        then: Tensor,
        *,
        eta: float = 0.0,
        fresh: Tensor | None = None,
    ) -> Tensor:
        """One step from time `now` to `then` (DDIM: Song et al., ICLR 2021, equations 12 and 16).

        Args:
            seen: noisy codes (B, C).
            clean: what they are thought to be without noise, (B, C).
            now: a time, a scalar.
            then: an earlier one.
            eta: how much of the noise is replaced: none at 0, as much as in DDPM at 1.
            fresh: standard normals (B, C) that replace it; not needed at `eta` 0.
        """
        left = (seen - self.signal(now) * clean) / self.noise(now)
        kept = self.noise(then)
        if eta == 0 or fresh is None:
            return self.signal(then) * clean + kept * left
        forgotten = 1 - (self.signal(now) / self.signal(then)).square()
        new = eta * kept / self.noise(now) * forgotten.sqrt()
        return (
            self.signal(then) * clean
            + (kept.square() - new.square()).clamp(min=0).sqrt() * left
            + new * fresh
        )
