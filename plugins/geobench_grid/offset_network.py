"""The network of `hybrid-grid`: logits of classes, and for each class an offset in its cell."""

from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geobench import Rows, geo
from geobench_cells import likeliest
from geobench_cells.learning import ClassLoss, LevelNetwork
from geobench_grid.offsets import CellFrames, LikeliestPlaces
from geobench_grid.perceptron import Perceptron
from geobench_torch import Batch, in_chunks

_NUMBERS = 1 << 24  # of logits and of weights of offsets that are held at once
_EDGE = 0.99  # of the bound: where offsets begin at most, since at the bound tanh has no slope


@final
class OffsetPerceptron(LevelNetwork):
    """A perceptron that says besides where in a cell a photo lies, if it lies there.

    Args:
        classifier: gives logits of the one level, and what both read.
        classes: K.
        bound: of the offsets, in half-cell units: they are bound * tanh.
    """

    def __init__(self, classifier: Perceptron, *, classes: int, bound: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.classes = classes
        self.bound = bound
        self.offset_head = nn.Linear(classifier.width, 2 * classes)
        # Random weights of a class of few photos would stay random.
        nn.init.zeros_(self.offset_head.weight)
        nn.init.zeros_(self.offset_head.bias)

    def standardise_by(self, features: Rows) -> None:
        self.classifier.standardise_by(features)

    def begin_at(self, offsets: geo.Floats) -> None:
        """Let every photo lie at its class's offset (K, 2) until training finds better."""
        share = torch.tensor(offsets / self.bound, dtype=torch.float32)
        with torch.no_grad():
            self.offset_head.bias.copy_(torch.atanh(share.clamp(-_EDGE, _EDGE)).flatten())

    def inner(self, features: Tensor) -> Tensor:
        """What both heads read, (B, W), of features (B, D)."""
        return self.classifier.inner(features)

    def logits(self, inner: Tensor) -> Tensor:
        """(B, K) for what `inner` gave."""
        (logits,) = self.classifier.logits(inner)
        return logits

    def offsets(self, inner: Tensor, classes: Tensor) -> Tensor:
        """Offsets (B, k, 2) in the cells of `classes` (B, k); of others nothing is worked out."""
        weights = self.offset_head.weight.view(self.classes, -1)  # (K, 2 W)
        rows = functional.embedding(classes, weights).view(*classes.shape, 2, -1)
        shifts = functional.embedding(classes, self.offset_head.bias.view(self.classes, 2))
        return self.bound * torch.tanh(torch.einsum("bkow,bw->bko", rows, inner) + shifts)

    def forward(self, features: Tensor) -> list[Tensor]:
        return [self.logits(self.inner(features))]


@final
class HybridLoss:
    """Cross-entropy of the classes, and squared error of the offset in the photo's own.

    Args:
        classes: the cross-entropy.
        offsets: of each training photo in its class, in half-cell units, (N, 2). Of those beyond
            the bound the nearest within it is sought.
        weight: of the squared error.
        bound: of offsets.
        device: where batches are.
    """

    def __init__(
        self,
        classes: ClassLoss,
        offsets: geo.Floats,
        *,
        weight: float,
        bound: float,
        device: str,
    ) -> None:
        self.classes = classes
        self.weight = weight
        within = offsets.clip(-bound, bound)
        self.offsets = torch.tensor(within, dtype=torch.float32, device=device)

    def __call__(self, network: OffsetPerceptron, batch: Batch) -> Tensor:
        """The mean loss of a batch, a scalar."""
        inner = network.inner(batch.features)
        entropy = self.classes(network.logits(inner), batch.positions)
        own = self.classes.labels[batch.positions, None]
        away = network.offsets(inner, own)[:, 0] - self.offsets[batch.positions]
        return entropy + self.weight * away.square().sum(dim=-1).mean()


@torch.no_grad()
def likeliest_places(
    network: OffsetPerceptron, features: Rows, frames: CellFrames, *, count: int, device: str
) -> LikeliestPlaces:
    """The `count` likeliest classes of each photo, and where in them it lies.

    Args:
        network: in evaluation mode.
        features: (N, ...).
        frames: of the K classes.
        count: k; all classes if there are fewer.
        device: where the network is.
    """
    shape = (len(features), min(count, network.classes))
    classes, masses = np.empty(shape, np.intp), np.empty(shape)
    offsets = np.empty((*shape, 2))
    held = max(2 * network.classes, 2 * shape[1] * network.classifier.width)
    for batch in in_chunks(features, size=max(64, min(2048, _NUMBERS // held)), device=device):
        rows = batch.positions.cpu().numpy()
        inner = network.inner(batch.features)
        logs = torch.log_softmax(network.logits(inner).double(), dim=-1).cpu().numpy()
        top = likeliest(logs, count)
        classes[rows], masses[rows] = top, np.exp(np.take_along_axis(logs, top, axis=-1))
        found = network.offsets(inner, torch.tensor(top, device=device))
        offsets[rows] = found.double().cpu().numpy()
    return LikeliestPlaces(classes, masses, frames.places(classes, offsets), frames.scales[classes])
