"""Candidates by a matrix product of bfloat16 numbers, where the CPU has instructions for it."""

from typing import final

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 17
"""Vectors, at most: among more, too many are as near as each other to 8 bits."""

FEWEST = 16
"""Queries, at least: of fewer, FAISS reads the vectors as fast as a product does."""


def is_quick() -> bool:
    """Whether this CPU multiplies bfloat16 numbers."""
    try:
        import torch
    except ImportError:
        return False
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.9
        return False
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


_SHARD = 1 << 17  # vectors, and
_QUERIES = 512  # queries, whose products are held at once


@final
class RoughProducts:
    """Vectors of length 1, (M, D), as bfloat16 numbers."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        import torch

        self._shards = [
            torch.tensor(np.asarray(vectors[start : start + _SHARD])).bfloat16()
            for start in range(0, len(vectors), _SHARD)
        ]

    def best(self, queries: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        """Positions (N, count) of the largest products with queries (N, D), in no order."""
        starts = range(0, len(queries), _QUERIES)
        return np.concatenate([self._of_some(queries[k : k + _QUERIES], count) for k in starts])

    def _of_some(self, queries: NDArray[np.float32], count: int) -> NDArray[np.intp]:
        import torch

        asked, values, positions = torch.tensor(queries).bfloat16(), [], []
        for number, shard in enumerate(self._shards):
            own = (asked @ shard.T).topk(min(count, len(shard)), dim=1, sorted=False)
            values.append(own.values)
            positions.append(own.indices + number * _SHARD)
        kept = torch.cat(values, dim=1).topk(count, dim=1, sorted=False).indices
        found: NDArray[np.intp] = torch.cat(positions, dim=1).gather(1, kept).numpy()
        return found
