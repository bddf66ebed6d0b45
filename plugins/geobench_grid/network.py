"""The classifier and its loss: torch lives here."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geobench import Points, Rows, geo
from geobench_torch import Batch, Standardise, in_chunks


class Classifier(nn.Module):
    """A multi-layer perceptron on standardised features.

    Args:
        standardise: the first layer.
        hidden: widths of the hidden layers; none makes the classifier linear.
        classes: number of classes.
        dropout: after each hidden layer.
    """

    def __init__(
        self, standardise: Standardise, *, hidden: Sequence[int], classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.classes = classes
        self.standardise = standardise
        widths = [len(standardise.mean), *hidden]
        layers: list[nn.Module] = []
        for width, following in pairwise(widths):
            layers += [nn.Linear(width, following), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], classes))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (B, classes) of pooled features (B, D)."""
        return self.layers(self.standardise(features))  # type: ignore[no-any-return]  # as torch types its modules


def class_loss(
    labels: NDArray[np.intp],
    points: Points,
    places: Points,
    *,
    soft_labels_km: float | None,
    device: str,
) -> Callable[[nn.Module, Batch], Tensor]:
    """Cross-entropy with the class of each photo, or with classes by their distance from it.

    Soft labels are PIGEON's (Haas et al., CVPR 2024, eq. 2), normalised: the target of class i is
    proportional to exp(-d(place i, photo) / soft_labels_km).

    Args:
        labels: the class of each training photo, (N,).
        points: where it was taken, (N, 2).
        places: the place of each class, (K, 2).
        soft_labels_km: how fast a target falls with distance; None for hard labels.
        device: where batches are.
    """
    if soft_labels_km is None:
        classes = torch.tensor(labels, device=device)

        def hard(network: nn.Module, batch: Batch) -> Tensor:
            return functional.cross_entropy(network(batch.features), classes[batch.positions])

        return hard
    photos = torch.tensor(geo.unit_vectors(points), dtype=torch.float32, device=device)
    centres = torch.tensor(geo.unit_vectors(places), dtype=torch.float32, device=device)
    steepness = 2 * geo.EARTH_RADIUS_KM / soft_labels_km

    def soft(network: nn.Module, batch: Batch) -> Tensor:
        # Chords by differences: neither the cancellation of 1 - cosine, nor, under autocast, a
        # matrix product in bfloat16, may blur distances of a few km.
        chords = torch.cdist(
            photos[batch.positions], centres, compute_mode="donot_use_mm_for_euclid_dist"
        )
        targets = torch.softmax(-steepness * torch.asin((chords / 2).clamp(max=1)), dim=-1)
        return functional.cross_entropy(network(batch.features), targets)

    return soft


@torch.no_grad()
def log_masses(network: Classifier, features: Rows, *, device: str) -> NDArray[np.float64]:
    """Log-probabilities (N, K) of the classes, of a network in evaluation mode."""
    out = np.empty((len(features), network.classes))
    for batch in in_chunks(features, device=device):
        logits = network(batch.features).double()
        out[batch.positions.cpu().numpy()] = torch.log_softmax(logits, dim=-1).cpu().numpy()
    return out
