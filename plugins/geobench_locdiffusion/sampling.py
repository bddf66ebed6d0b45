"""From photos to codes: steps from noise to what a photo's code is thought to be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geobench import Context, Examples, Indices
from geobench_locdiffusion.anchors import Anchors
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.network import Denoiser
from geobench_locdiffusion.schedule import FIRST, LAST, Schedule
from geobench_torch import in_chunks

_NUMBERS = 1 << 23  # of codes, or of logits, that are held at once


@final
@dataclass(frozen=True, slots=True)
class Codes:
    """What was drawn for P photos, S codes each.

    Args:
        positions: of the photos among those asked for, (P,).
        raw: what the denoiser said last, (P, S, C): log-densities, if it was trained by KL.
        clean: the codes that were thought to be there, (P, S, C).
    """

    positions: Indices
    raw: Tensor
    clean: Tensor


@final
class Sampler:
    """Draws codes for photos.

    Noise depends on seed, photo and step alone: `context.noise` with one stream for the beginning
    and, with `eta`, one for each step.

    Args:
        network: in evaluation mode.
        anchors: those of its training.
        config: schedule, steps, samples, guidance.
        device: where the network is.
    """

    def __init__(
        self, network: Denoiser, anchors: Anchors, config: LocDiffusionConfig, *, device: str
    ) -> None:
        self.network = network
        self.anchors = anchors
        self.config = config
        self.schedule = Schedule(config.log_snr_shift)
        self.device = device
        self.samples = config.samples if config.diffusion else 1
        steps = config.sampling_steps if config.diffusion else 1
        self.times = torch.linspace(FIRST, LAST, steps, dtype=torch.float64, device=device).float()

    @torch.no_grad()
    def codes(self, examples: Examples, context: Context) -> Iterator[Codes]:
        """The codes of all photos, some photos at a time."""
        most = max(self.network.numbers, len(self.anchors.codes))
        size = max(1, _NUMBERS // (self.samples * most))
        for batch in in_chunks(examples.pooled, size=size, device=self.device):
            positions = batch.positions.cpu().numpy()
            told = self.network.told(batch.features).repeat_interleave(self.samples, dim=0)
            yield self._drawn(positions, told, examples.ids[positions], context)

    def _drawn(
        self, positions: Indices, told: Tensor, ids: NDArray[np.str_], context: Context
    ) -> Codes:
        """Codes for photos (P,) that `told` (P * S, condition) tells of."""
        seen = self._noise(ids, context, "begin") if self.config.diffusion else self._nothing(told)
        for step, now in enumerate(self.times):
            raw = self._said(seen, now, told)
            clean = raw
            if self.config.loss == "kl":
                clean = self.anchors.mean_code(self.anchors.logits(raw))
            if step + 1 < len(self.times):
                eta = self.config.eta
                fresh = self._noise(ids, context, f"step {step}") if eta else None
                seen = self.schedule.step(
                    seen, clean, now, self.times[step + 1], eta=eta, fresh=fresh
                )
        shape = (len(positions), self.samples, -1)
        return Codes(positions, raw.view(shape), clean.view(shape))

    def _said(self, seen: Tensor, now: Tensor, told: Tensor) -> Tensor:
        """What the denoiser says, with guidance."""
        times = now.expand(len(seen))
        raw: Tensor = self.network(seen, times, told)
        if self.config.guidance != 1:
            without = self.network(seen, times, self.network.no_photo.expand_as(told))
            raw = without + self.config.guidance * (raw - without)
        return raw

    def _noise(self, ids: NDArray[np.str_], context: Context, stream: str) -> Tensor:
        noise = context.noise(ids, (self.samples, self.network.numbers), f"locdiffusion {stream}")
        return torch.tensor(noise, dtype=torch.float32, device=self.device).flatten(0, 1)

    def _nothing(self, told: Tensor) -> Tensor:
        return torch.zeros(len(told), self.network.numbers, device=self.device)
