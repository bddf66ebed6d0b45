"""Features in shuffled batches, read in chunks, so that memory does not grow with the dataset."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geobench import Rows

CHUNK_BYTES = 512 * 2**20
"""The most features held at once; a dataset that is smaller is read once and kept."""

_RUN = 64  # photos that follow one another on disk and are read together


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """B photos: their positions in the examples (B,), and their features (B, ...) float32; both on
    the device asked for."""

    positions: Tensor
    features: Tensor


def shuffled_batches(
    features: Rows,
    size: int,
    *,
    rng: np.random.Generator,
    device: torch.device | str = "cpu",
    chunk_bytes: int = CHUNK_BYTES,
    skip: int = 0,
) -> Iterator[Batch]:
    """Batches of `size` photos without end, each photo at most once per epoch.

    If the features fit into `chunk_bytes`, every epoch is one permutation. If not, runs of 64
    neighbouring photos are shuffled, as many as fit are read, and these are shuffled: what is
    near on disk is read together, and still mixed. What does not fill a batch at the end of an
    epoch is left out of it; with fewer than `size` photos a batch holds them all.

    Args:
        features: what is read, at least one photo.
        size: photos of a batch.
        rng: shuffles.
        device: where batches are put.
        chunk_bytes: the most that is held at once.
        skip: leave so many batches out at the start: what follows is as if they had been given,
            but of their photos nothing is read.
    """
    count = len(features)
    if count == 0:
        raise ValueError("shuffled_batches needs at least one photo")
    size = min(size, count)
    photo_bytes = 4 * max(1, int(np.prod(features.shape[1:])))
    room = max(size, chunk_bytes // photo_bytes // size * size)
    if count <= room:
        kept = _read(features, np.arange(count), device)
        while True:
            order = rng.permutation(count)
            skipped = min(skip, count // size)
            skip -= skipped
            yield from _cut(kept, np.arange(count), order[skipped * size :], size)
    runs = -(-count // _RUN)
    while True:
        starts = rng.permutation(runs)[:, None] * _RUN
        order = (starts + np.arange(_RUN)).ravel()
        order = order[order < count]
        for first in range(0, count, room):
            chunk = np.sort(order[first : first + room])
            rows = rng.permutation(len(chunk))
            skipped = min(skip, len(chunk) // size)
            skip -= skipped
            if len(chunk) // size > skipped:
                read = _read(features, chunk, device)
                yield from _cut(read, chunk, rows[skipped * size :], size)


def in_chunks(
    features: Rows, *, size: int = 2048, device: torch.device | str = "cpu"
) -> Iterator[Batch]:
    """All photos in order, in batches of `size` and a smaller last one."""
    for start in range(0, len(features), size):
        positions = np.arange(start, min(start + size, len(features)))
        yield Batch(torch.tensor(positions, device=device), _read(features, positions, device))


def _read(features: Rows, positions: NDArray[np.intp], device: torch.device | str) -> Tensor:
    # A copy, because the vector units' rounding may depend on how memory is aligned, which
    # torch fixes for its own tensors only.
    return torch.tensor(features[positions], device=device)


def _cut(
    chunk: Tensor, positions: NDArray[np.intp], order: NDArray[np.intp], size: int
) -> Iterator[Batch]:
    for first in range(0, len(order) - size + 1, size):
        rows = torch.tensor(order[first : first + size])
        yield Batch(torch.tensor(positions)[rows].to(chunk.device), chunk[rows.to(chunk.device)])
