"""Many classes, few photos at a time: answers that hold no more than they must."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from geobench import Rows, geo
from geobench_cells.learning import LevelNetwork
from geobench_torch import in_chunks

_CACHED = 1 << 17  # numbers of a block, of which several copies stay in the processor's cache
_CHUNK = 2048  # photos that the network is asked about at once,
_LOGITS = 1 << 23  # unless they have more logits than these:
_FEWER = 1 << 21  # then only as many photos as have so many


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
    # answers on record were made of. Of more, the smaller ones gave the same to the bit on a CPU.
    size = _CHUNK if _CHUNK * classes <= _LOGITS else max(1, _FEWER // classes)
    rows = max(1, _CACHED // classes) if device == "cpu" else size
    for batch in in_chunks(features, size=size, device=device):
        (logits,) = network(batch.features)
        start = int(batch.positions[0])
        for some in torch.split(logits, rows):
            masses = torch.log_softmax(some.double(), dim=-1)
            taken = slice(start, start + len(some))
            yield Said(taken, some.cpu().numpy(), masses.cpu().numpy())
            start = taken.stop
