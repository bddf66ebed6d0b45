"""Mixtures of von Mises-Fisher distributions that a network says of a photo."""

from math import log, pi
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geobench import Context, Labelled, Points, Rows, VonMisesFisherMixture, geo
from geobench_flow.config import NetworkConfig
from geobench_flow.geodesics import unit
from geobench_flow.network import Trunk
from geobench_torch import Batch, in_chunks, train_network

_PHOTOS = 4096  # that are answered at once
LEAST, MOST = 1e-6, 1e6
"""Of concentrations: from all of the sphere to some 6 km."""


@final
class Components(NamedTuple):
    """K distributions for each of B photos.

    Args:
        means: unit vectors (B, K, 3).
        log_concentrations: (B, K), from ln 1e-6 to ln 1e6.
        log_weights: (B, K), normalised.
    """

    means: Tensor
    log_concentrations: Tensor
    log_weights: Tensor

    def log_prob(self, vectors: Tensor) -> Tensor:
        """Nats per steradian (B,) at unit vectors (B, 3).

        Of one component it is ln(kappa / (2 pi (1 - exp(-2 kappa)))) - kappa |mean - x|^2 / 2
        (Mardia and Jupp, "Directional Statistics", 9.3; the square is 2 - 2 cos, without its
        cancellation).
        """
        kappa = self.log_concentrations.exp()
        heights = self.log_concentrations - torch.log(-torch.expm1(-2 * kappa)) - log(2 * pi)
        away = (self.means - vectors[:, None]).square().sum(dim=-1)
        return torch.logsumexp(self.log_weights + heights - kappa * away / 2, dim=-1)


@final
class MixtureNetwork(Trunk):
    """The mixture of a photo: the shared blocks, from numbers that are learnt to K components.

    Args:
        features: width of a photo's features.
        config: sizes.
        components: K.
    """

    def __init__(self, features: int, config: NetworkConfig, components: int) -> None:
        super().__init__(features, config, outputs=5 * components)
        self.begin = nn.Parameter(torch.randn(config.width))

    def forward(self, features: Tensor) -> Components:
        """Of features (B, D)."""
        told = self.told(features)
        out = self.passed(self.begin.expand_as(told), self.modulations_of(told)).float()
        numbers = out.view(len(out), -1, 5)
        return Components(
            unit(numbers[..., :3]),
            numbers[..., 3].clamp(log(LEAST), log(MOST)),
            functional.log_softmax(numbers[..., 4], dim=-1),
        )


@final
class LikelihoodLoss:
    """Minus the mean log-density at the true places, (N, 2)."""

    def __init__(self, points: Points, *, device: str) -> None:
        self.vectors = torch.tensor(geo.unit_vectors(points), dtype=torch.float32, device=device)

    def __call__(self, network: MixtureNetwork, batch: Batch) -> Tensor:
        """Of a batch, a scalar."""
        said: Components = network(batch.features)
        return -said.log_prob(self.vectors[batch.positions]).mean()


def trained_mixture(
    train: Labelled, val: Labelled, config: NetworkConfig, components: int, context: Context
) -> MixtureNetwork:
    """Trained on `train`; the state kept is the best one on `val`, if there are photos there."""

    def build() -> MixtureNetwork:
        network = MixtureNetwork(train.pooled.shape[1], config, components)
        network.standardise_by(train.pooled, whitening=config.whitening)
        return network

    of_val = LikelihoodLoss(val.points, device=context.device)

    def validate(network: MixtureNetwork) -> float:
        batches = in_chunks(val.pooled, size=config.batch, device=context.device)
        losses = [of_val(network, batch).double() * len(batch.positions) for batch in batches]
        return float(sum(losses)) / len(val)

    return train_network(
        build,
        LikelihoodLoss(train.points, device=context.device),
        features=train.pooled,
        recipe=config,
        context=context,
        validate=validate if len(val) else None,
    ).network


@torch.no_grad()
def predicted(network: MixtureNetwork, features: Rows, *, device: str) -> VonMisesFisherMixture:
    """The mixtures of photos with features (N, D); the densest of the means answers."""
    components = network.out.out_features // 5
    numbers = np.empty((len(features), components, 5))
    for batch in in_chunks(features, size=_PHOTOS, device=device):
        parts = network(batch.features)
        rows = torch.cat([parts.means, torch.stack(parts[1:], dim=-1)], dim=-1)
        numbers[batch.positions.cpu().numpy()] = rows.double().cpu().numpy()
    return VonMisesFisherMixture(
        geo.from_vectors(numbers[..., :3]), np.exp(numbers[..., 3]), np.exp(numbers[..., 4])
    )
