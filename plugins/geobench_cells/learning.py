"""How classes are learnt: targets, losses, and products over levels; torch lives here."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from geobench import Points, Rows, geo
from geobench_cells.classes import Classes
from geobench_cells.config import TargetChoice
from geobench_torch import in_chunks

_TARGETS = 1 << 24  # (photo, class) pairs whose distances are held at once
_WHOLE = 1 << 20  # targets of a batch that are made at once on a CPU, since they are no slower so
_CACHED = 1 << 17  # those of a block of a larger batch: its copies stay in the processor's cache


class LevelNetwork(nn.Module):
    """A network that answers with logits of the classes of each level."""

    @abstractmethod
    def standardise_by(self, features: Rows) -> None:
        """Take shift and scale from training features (N, ...)."""

    @abstractmethod
    def forward(self, features: Tensor) -> list[Tensor]:
        """Logits (B, K_l) of the classes of each level, coarse to fine, of features (B, ...)."""


@final
class ClassLoss:
    """Cross-entropy with the class of each photo, or with classes by their distance from it.

    Soft targets are PIGEON's (Haas et al., CVPR 2024, eq. 2), normalised: the target of class i is
    proportional to exp(-d(place i, photo) / soft_labels_km), or with a gaussian kernel to
    exp(-(d / soft_labels_km)^2 / 2). Whatever is chosen, the targets of a photo sum to one.

    Args:
        classes: of the training photos.
        points: where these were taken, (N, 2).
        choice: of targets and weights.
        device: where batches are.
    """

    def __init__(
        self, classes: Classes, points: Points, choice: TargetChoice, *, device: str
    ) -> None:
        self.choice = choice
        self.classes = len(classes)
        self.labels = torch.tensor(classes.labels, device=device)
        self.weights = None
        if choice.class_weights > 0:
            photos = np.bincount(classes.labels, minlength=len(classes)).clip(1)
            weights = photos[classes.labels] ** -choice.class_weights
            self.weights = torch.tensor(
                weights / weights.mean(), dtype=torch.float32, device=device
            )
        if choice.soft_labels_km is not None:
            vectors = [geo.unit_vectors(each) for each in (points, classes.places)]
            self.photos, self.centres = (
                torch.tensor(each, dtype=torch.float32, device=device) for each in vectors
            )

    def __call__(self, logits: Tensor, positions: Tensor) -> Tensor:
        """The mean loss of photos at `positions` (B,) for logits (B, K)."""
        rows = self._at_once(logits)
        if self.weights is None and len(positions) <= rows:
            return functional.cross_entropy(logits, self._sought(positions))
        losses = [
            functional.cross_entropy(some, self._sought(part), reduction="none")
            for some, part in zip(
                torch.split(logits, rows), torch.split(positions, rows), strict=True
            )
        ]
        loss = torch.cat(losses)
        return (loss if self.weights is None else loss * self.weights[positions]).mean()

    def _at_once(self, logits: Tensor) -> int:
        """For how many photos targets are made at a time, which changes no gradient.

        Those of a large batch are in no cache, and each of the dozen passes over them would wait
        for memory. On a GPU the time goes into starting passes.
        """
        many = logits.numel() > _WHOLE and logits.device.type == "cpu" and not self._hard
        return max(1, (_CACHED if many else _TARGETS) // self.classes)

    @property
    def _hard(self) -> bool:
        """Whether a class alone is sought."""
        return self.choice.soft_labels_km is None and self.choice.label_smoothing == 0

    def targets(self, positions: Tensor) -> Tensor:
        """What photos at `positions` (B,) are told, (B, K); every row sums to one."""
        choice = self.choice
        if choice.soft_labels_km is None:
            found = functional.one_hot(self.labels[positions], self.classes).float()
        else:
            # Chords by differences: neither the cancellation of 1 - cosine, nor, under autocast, a
            # matrix product in bfloat16, may blur distances of a few km.
            chords = torch.cdist(
                self.photos[positions],
                self.centres,
                compute_mode="donot_use_mm_for_euclid_dist",
            )
            angles = torch.asin((chords / 2).clamp(max=1))
            steepness = 2 * geo.EARTH_RADIUS_KM / choice.soft_labels_km
            falling = -steepness * angles
            if choice.kernel == "gaussian":
                falling = -(falling**2) / 2
            found = torch.softmax(falling, dim=-1)
        return torch.lerp(found, torch.full_like(found, 1 / self.classes), choice.label_smoothing)

    def _sought(self, positions: Tensor) -> Tensor:
        """Targets, or where a class alone is sought its number."""
        return self.labels[positions] if self._hard else self.targets(positions)


def product(logits: Sequence[Tensor], ancestors: Tensor) -> Tensor:
    """Log-probabilities (B, K) of the finest classes: each one's own times those of its ancestors,
    normalised (ISN, Mueller-Budack et al., ECCV 2018, section 3.4).

    Args:
        logits: (B, K_l) by level, coarse to fine.
        ancestors: the class at each level of every finest one, (H, K).
    """
    logs = [torch.log_softmax(each.double(), dim=-1) for each in logits]
    total = torch.stack([log[:, up] for log, up in zip(logs, ancestors, strict=True)]).sum(dim=0)
    return total if len(logs) == 1 else torch.log_softmax(total, dim=-1)


@torch.no_grad()
def log_masses(
    network: LevelNetwork, features: Rows, ancestors: NDArray[np.intp], *, device: str
) -> NDArray[np.float64]:
    """Log-probabilities (N, K) of the finest classes, of a network in evaluation mode.

    Args:
        network: of which the levels are asked that `ancestors` names: the last ones.
        features: (N, ...).
        ancestors: (H, K), as of a Hierarchy; its last row alone leaves out the product.
        device: where the network is.
    """
    count = ancestors.shape[1]
    out = np.empty((len(features), count))
    rows = torch.tensor(ancestors, device=device)
    size = max(64, min(2048, _TARGETS // (2 * count)))
    for batch in in_chunks(features, size=size, device=device):
        logits = network(batch.features)[-len(ancestors) :]
        out[batch.positions.cpu().numpy()] = product(logits, rows).cpu().numpy()
    return out
