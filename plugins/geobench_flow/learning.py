"""What the network is trained by: what a process asks for, on the way from noise to true places."""

from typing import final

import torch
from torch import Tensor

from geobench import Context, Labelled, Points, geo
from geobench_flow.config import FlowConfig
from geobench_flow.network import FieldNetwork
from geobench_flow.processes import Process
from geobench_flow.schedule import Schedule
from geobench_torch import Batch, in_chunks, train_network

_LOOKS = 8  # times at which a validation photo is looked at
_SEED = 0xF10  # of the noise there, the same whenever the network is validated


@final
class ProcessLoss:
    """Mean squared error, over 3, of what the network says on the way from noise to places.

    On the sphere that is Riemannian flow matching (Chen and Lipman, "Flow Matching on General
    Geometries", ICLR 2024, section 3.2, in closed form); the 3 is that of Dufour et al. (2025).

    Args:
        process: what is on the way, and what is asked for there.
        points: of the photos, (N, 2).
        config: schedule, and the share of photos that are hidden.
        device: where it is computed.
    """

    def __init__(
        self, process: Process, points: Points, config: FlowConfig, *, device: str
    ) -> None:
        self.process = process
        self.vectors = torch.tensor(geo.unit_vectors(points), dtype=torch.float32, device=device)
        self.schedule = Schedule(config.path)
        self.hidden = config.hidden_photos

    def __call__(self, network: FieldNetwork, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        count, device = len(batch.positions), batch.features.device
        told = network.told(batch.features)
        if self.hidden:
            hidden = torch.rand(count, 1, device=device) < self.hidden
            told = torch.where(hidden, network.nothing(told), told)
        times = torch.rand(count, device=device)
        noise = torch.randn(count, 3, device=device)
        return self.of(network, self.vectors[batch.positions], told, times, noise).mean()

    def validation(self, network: FieldNetwork, batch: Batch) -> Tensor:
        """The losses (B, looks) of photos at eight times, of noise that is always the same."""
        generator = torch.Generator().manual_seed(_SEED)
        told, count = network.told(batch.features), len(batch.positions)
        losses = []
        for look in range(_LOOKS):
            noise = torch.randn(count, 3, generator=generator).to(told.device)
            times = torch.full((count,), (look + 0.5) / _LOOKS, device=told.device)
            losses.append(self.of(network, self.vectors[batch.positions], told, times, noise))
        return torch.stack(losses, dim=-1)

    def of(
        self, network: FieldNetwork, data: Tensor, told: Tensor, times: Tensor, noise: Tensor
    ) -> Tensor:
        """(B,) of places `data` (B, 3) on the way from standard normal noise (B, 3)."""
        gamma = self.schedule.gamma(times)
        task = self.process.task(noise, data, gamma[:, None])
        found: Tensor = network(task.points, network.modulations(told, gamma))
        return (found.float() - task.wanted).square().sum(dim=-1) / 3


def trained_network(
    process: Process, train: Labelled, val: Labelled, config: FlowConfig, context: Context
) -> FieldNetwork:
    """Trained on `train`; the state kept is the best one on `val`, if there are photos there."""

    def build() -> FieldNetwork:
        network = FieldNetwork(train.pooled.shape[1], config)
        network.standardise_by(train.pooled, whitening=config.whitening)
        return network

    of_val = ProcessLoss(process, val.points, config, device=context.device)

    def validate(network: FieldNetwork) -> float:
        losses = [
            of_val.validation(network, batch).double().sum()
            for batch in in_chunks(val.pooled, size=config.batch, device=context.device)
        ]
        return float(sum(losses)) / (_LOOKS * len(val))

    return train_network(
        build,
        ProcessLoss(process, train.points, config, device=context.device),
        features=train.pooled,
        recipe=config,
        context=context,
        validate=validate if len(val) else None,
    ).network
