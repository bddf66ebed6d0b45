"""Many classes, few photos at a time: losses and answers that hold no more than they must."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from geobench import Rows, geo
from geobench_cells.learning import ClassLoss, LevelNetwork
from geobench_torch import in_chunks

_WHOLE = 1 << 20  # targets of a batch that are made at once, since they are no slower so
_CACHED = 1 << 17  # numbers of a block, of which several copies stay in the processor's cache
_CHUNK = 2048  # photos that the network is asked about at once,
_LOGITS = 1 << 23  # unless they have more logits than these:
_FEWER = 1 << 21  # then only as many photos as have so many


@final
class BlockLoss:
    """A `ClassLoss` that makes targets for some photos of a batch after others.

    The gradient is the same, to the bit, since photos have nothing to do with each other. But
    targets of a large batch are in no cache, and each of the dozen passes over them would wait for
    memory. A GPU takes the batch as it is: there the time goes into starting passes.
    """

    def __init__(self, whole: ClassLoss) -> None:
        self.whole = whole
        choice = whole.choice
        self._all_targets = choice.soft_labels_km is not None or choice.label_smoothing > 0

    def __call__(self, logits: Tensor, positions: Tensor) -> Tensor:
        """The mean loss of photos at `positions` (B,) for logits (B, K)."""
        if not self._all_targets or logits.is_cuda or logits.numel() <= _WHOLE:
            return self.whole(logits, positions)
        rows = max(1, _CACHED // self.whole.classes)
        losses = [
            functional.cross_entropy(some, self.whole.targets(part), reduction="none")
            for some, part in zip(
                torch.split(logits, rows), torch.split(positions, rows), strict=True
            )
        ]
        loss = torch.cat(losses)
        weights = self.whole.weights
        return (loss if weights is None else loss * weights[positions]).mean()


@final
@dataclass(frozen=True, slots=True)
class Said:
    """What a network says of B photos that follow one another.

    Args:
        rows: where they are among all.
        logits: of the K classes, (B, K).
        log_masses: the logarithms of their softmax, (B, K).
    """

    rows: slice
    logits: NDArray[np.float32]
    log_masses: geo.Floats


@torch.no_grad()
def in_blocks(
    network: LevelNetwork, features: Rows, *, classes: int, device: str
) -> Iterator[Said]:
    """What a network of one level, in evaluation mode, says of all photos in their order.

    Args:
        network: of one level.
        features: (N, ...).
        classes: K.
        device: where the network is.
    """
    # Matrix products of other sizes may round otherwise: up to 4,096 classes they are those that
    # answers on record were made of.
    size = _CHUNK if _CHUNK * classes <= _LOGITS else max(1, _FEWER // classes)
    rows = max(1, _CACHED // classes)
    for batch in in_chunks(features, size=size, device=device):
        (logits,) = network(batch.features)
        start = int(batch.positions[0])
        for some in torch.split(logits, rows):
            masses = torch.log_softmax(some.double(), dim=-1)
            taken = slice(start, start + len(some))
            yield Said(taken, some.cpu().numpy(), masses.cpu().numpy())
            start = taken.stop
