"""Exact nearest vectors: FAISS finds candidates, float64 puts them in order."""

import logging
from typing import final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import Rows, geo
from geobench_retrieval.neighbours import (
    SHARD,
    Neighbours,
    nearest_of,
    on_device,
    require_finite,
    similarities,
    squared_lengths,
)

_MARGIN = 32  # candidates beyond those wanted; with 16, one of 256 photos was searched again
_DEEPEST_ON_GPU = 2048  # FAISS finds no more than this many per query on a GPU
_ROUNDING = 1e-5  # of the squared lengths: bounds what float32 does to a squared distance


@final
class ExactIndex:
    """Vectors (features of photos, embeddings of places), searched exhaustively.

    Similarity is minus half the squared Euclidean distance, which for vectors of length 1 is their
    cosine less 1. FAISS computes it in float32 and differently for one query than for a thousand;
    so a few more vectors than wanted are fetched, those that may be among the nearest are
    measured again in float64, and ordered by similarity, then by position. A query whose last
    vector might by rounding have been confused with one that was not fetched is searched again,
    deeper. The answer is therefore the exact one on every device, whatever the other queries are.

    Args:
        vectors: (M, D); FAISS holds a copy of them, as float32.
        device: "cpu", "cuda" or "cuda:1"; without a GPU that FAISS can use, the CPU searches.
        log: says where it searches if that is not where it was asked to.
    """

    def __init__(
        self, vectors: Rows | NDArray[np.float32], *, device: str, log: logging.Logger
    ) -> None:
        self._vectors = vectors
        self._index = faiss.IndexFlatL2(vectors.shape[1])
        self._longest = 0.0
        for start in range(0, len(vectors), SHARD):
            shard = np.ascontiguousarray(vectors[start : start + SHARD])
            self._longest = max(self._longest, float(squared_lengths(shard).max()))
            self._index.add(shard)
        self._shallow = on_device(self._index, device, log)

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """The k nearest vectors of each of `queries` (N, D), k at most their number.

        Raises:
            PredictionError: features that are not finite.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        lengths = squared_lengths(queries) + self._longest
        require_finite(lengths)
        rounding, most = _ROUNDING * lengths, _most_rounding(lengths, queries.shape[1])
        index = np.empty((len(queries), k), np.intp)
        similarity = np.empty((len(queries), k))
        pending, depth = np.arange(len(queries)), min(k + _MARGIN, len(self._vectors))
        while len(pending):
            engine = self._shallow if depth <= _DEEPEST_ON_GPU else self._index
            squared, found = engine.search(queries[pending], depth)
            # The k that look nearest are no further than this, so what is beyond is not measured.
            reach = squared[:, k - 1 : k] + 2 * most[pending, None]
            within = (~(squared > reach)).sum(axis=1)  # the first ones, as FAISS puts them in order
            exact = similarities(self._vectors, queries[pending], found, first=within)
            best = nearest_of(found, exact, k)
            index[pending], similarity[pending] = best.index, best.similarity
            if depth == len(self._vectors):
                break
            reached = squared[:, -1] - rounding[pending]
            pending = pending[-2 * similarity[pending, -1] >= reached]
            depth = min(2 * depth, len(self._vectors))
        return Neighbours(index, similarity)

    def similarity(self, queries: NDArray[np.float32], places: NDArray[np.intp]) -> geo.Floats:
        """Minus half the squared distance of queries (N, D) to vectors (N, m), as (N, m)."""
        return similarities(self._vectors, queries, places)


def _most_rounding(lengths: geo.Floats, width: int) -> geo.Floats:
    """What float32 does at most to a squared distance, in whichever order it sums, (N,).

    By Higham, Accuracy and Stability of Numerical Algorithms (2002), section 3.1, a sum of n
    products is off by at most n u / (1 - n u) of the sum of their sizes, u = 2^-24; a squared
    distance is one of two squared lengths and twice an inner product, which is no larger than
    they. It is much more than `_ROUNDING`, which is what happens; what it leaves out cannot be.

    Args:
        lengths: squared, of a query and the longest vector together, (N,).
        width: D, of the vectors.
    """
    limits = np.finfo(np.float32)
    terms = width + 4  # besides the products: two sums, and a margin for float64's own rounding
    unit = terms * float(limits.eps) / 2
    bound = 2 * unit / (1 - unit) * lengths + 4 * terms * float(limits.smallest_normal)
    return np.where(lengths < float(limits.max) / 4, bound, np.inf)  # beyond, sums overflow
