"""What the denoiser is trained by: the divergence on anchors, or the error of the code."""

from typing import final

import torch
from torch import Tensor
from torch.nn import functional

from geobench import Context, Labelled, Points, geo
from geobench_locdiffusion.anchors import Anchors, anchors_of
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.network import Denoiser
from geobench_locdiffusion.schedule import FIRST, LAST, Schedule
from geobench_torch import Batch, in_chunks, train_network

_LEVELS = 4  # noise levels at which a validation photo is looked at
_SEED = 0x10CD1FF  # of the noise there, the same at every look


@final
class DenoisingLoss:
    """How far what the denoiser says of a noisy code is from the true place.

    Times are uniform between the last and the first of sampling, and spread evenly over a batch.

    Args:
        points: of the photos, (N, 2).
        anchors: where distributions are compared.
        config: loss and schedule.
        device: where it is computed.
    """

    def __init__(
        self, points: Points, anchors: Anchors, config: LocDiffusionConfig, *, device: str
    ) -> None:
        self.points = torch.tensor(points, device=device)
        self.vectors = torch.tensor(geo.unit_vectors(points), device=device)
        self.anchors = anchors
        self.config = config
        self.levels = _LEVELS if config.diffusion else 1
        self.schedule = Schedule(config.log_snr_shift)

    def __call__(self, network: Denoiser, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        count, device = len(batch.positions), batch.features.device
        told = network.told(batch.features)
        if self.config.hidden_photos:
            hidden = torch.rand(count, 1, device=device) < self.config.hidden_photos
            told = torch.where(hidden, network.no_photo, told)
        even = (torch.randperm(count, device=device) + torch.rand(1, device=device)) / count
        noise = torch.randn(count, network.numbers, device=device)
        return self._losses(network, batch.positions, told, even, noise).mean()

    def validation(self, network: Denoiser, batch: Batch) -> Tensor:
        """The losses (B, levels) of photos at four noise levels, of noise that is always the same;
        at one, without diffusion."""
        generator = torch.Generator().manual_seed(_SEED)
        told, count = network.told(batch.features), len(batch.positions)
        losses = []
        for level in range(self.levels):
            noise = torch.randn(count, network.numbers, generator=generator).to(told.device)
            even = torch.full((count,), (level + 0.5) / self.levels, device=told.device)
            losses.append(self._losses(network, batch.positions, told, even, noise))
        return torch.stack(losses, dim=-1)

    def _losses(
        self, network: Denoiser, positions: Tensor, told: Tensor, even: Tensor, noise: Tensor
    ) -> Tensor:
        """(B,) of photos at these positions; `even` (B,) is in [0, 1) from little noise to much."""
        if self.config.diffusion or self.config.loss == "mse":
            codes = encode(self.points[positions], self.config.degree, device=positions.device)
        if self.config.diffusion:
            times = LAST + (FIRST - LAST) * even
            seen = (
                self.schedule.signal(times)[:, None] * codes
                + self.schedule.noise(times)[:, None] * noise
            )
        else:
            times, seen = torch.full_like(even, FIRST), torch.zeros_like(noise)
        raw = network(seen, times, told)
        if self.config.loss == "mse":
            errors: Tensor = (raw - codes).square()
            return errors.mean(dim=-1)
        targets = self.anchors.targets(self.vectors[positions])
        return functional.cross_entropy(self.anchors.logits(raw), targets, reduction="none")


def trained_denoiser(
    train: Labelled, val: Labelled, config: LocDiffusionConfig, context: Context
) -> Denoiser:
    """Trained on `train`; the state kept is the best one on `val`, if there are photos there."""
    anchors = anchors_of(config, device=context.device)

    def build() -> Denoiser:
        network = Denoiser(train.pooled.shape[1], config)
        network.standardise_by(train.pooled, whitening=config.whitening)
        return network

    of_val = DenoisingLoss(val.points, anchors, config, device=context.device)

    def validate(network: Denoiser) -> float:
        losses = [
            of_val.validation(network, batch).double().sum()
            for batch in in_chunks(val.pooled, size=config.batch, device=context.device)
        ]
        return float(sum(losses)) / (of_val.levels * len(val))

    return train_network(
        build,
        DenoisingLoss(train.points, anchors, config, device=context.device),
        features=train.pooled,
        recipe=config,
        context=context,
        validate=validate if len(val) else None,
    ).network
