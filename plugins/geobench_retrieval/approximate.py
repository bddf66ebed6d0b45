"""Nearest vectors among millions: candidates by 16 bits or by lists, then measured exactly."""

import logging
from math import isqrt
from typing import Any, Literal, final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench_retrieval.neighbours import (
    SHARD,
    Neighbours,
    nearest_of,
    on_device,
    require_finite,
    similarities,
)

CANDIDATES = 64
"""The least number of candidates that are measured."""

_MARGIN = 16  # candidates asked for beyond those wanted
_PER_LIST = 64  # vectors of each list that its centre is learnt from


@final
class ApproximateIndex:
    """Vectors of length 1, held as 16-bit numbers, half as large as float32.

    Candidates come from 16-bit inner products, of all vectors (`half`) or of those in the lists
    whose centres are nearest to the query (`lists`: FAISS's inverted file, for millions). They
    are measured again in float64 from the vectors themselves, and put in order as `ExactIndex`
    does: what is found is right, and what is not among the candidates is missed. How often that
    is, `recall` measures.

    Args:
        vectors: (M, D) float32, of length 1; read again for every query, so a memory map will do.
        kind: of the search.
        probes: lists that are looked into, of about 4 sqrt(M).
        device: "cpu", "cuda" or "cuda:1"; without a GPU that FAISS can use, the CPU searches.
        log: says where it searches if that is not where it was asked to.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        kind: Literal["half", "lists"],
        *,
        probes: int,
        device: str,
        log: logging.Logger,
    ) -> None:
        self._vectors = vectors
        count, width = vectors.shape
        self._lists = min(4 * isqrt(count), count) if kind == "lists" else 0
        self._probes = min(probes, self._lists)
        metric, half = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_fp16
        index: Any
        if self._lists:
            self._centres = faiss.IndexFlatIP(width)  # of which the index holds no reference
            index = faiss.IndexIVFScalarQuantizer(
                self._centres, width, self._lists, half, metric, False
            )
            index.cp.min_points_per_centroid = 1  # a small gallery has few of them; no warning
            index.cp.max_points_per_centroid = _PER_LIST
            index.train(_some(vectors, _PER_LIST * self._lists))
        else:
            index = faiss.IndexScalarQuantizer(width, half, metric)
        for start in range(0, count, SHARD):
            index.add(np.ascontiguousarray(vectors[start : start + SHARD]))
        self._index = on_device(index, device, log)

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """The k nearest vectors of each of `queries` (N, D) that are found, k at most their
        number.

        Raises:
            PredictionError: features that are not finite.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        require_finite(queries)
        wanted = min(max(k + _MARGIN, CANDIDATES), len(self._vectors))
        found = self._candidates(queries, wanted, self._probes)
        few = found[:, k - 1] < 0  # the lists hold fewer: look into all of them
        if few.any():
            found[few] = self._candidates(queries[few], wanted, self._lists)
        nobody = found < 0
        measured = self.similarity(queries, np.where(nobody, 0, found))
        return nearest_of(found, np.where(nobody, -np.inf, measured), k)

    def similarity(self, queries: NDArray[np.float32], places: NDArray[np.intp]) -> geo.Floats:
        """Minus half the squared distance of queries (N, D) to vectors (N, m), as (N, m)."""
        return similarities(self._vectors, queries, places)

    def _candidates(
        self, queries: NDArray[np.float32], count: int, probes: int
    ) -> NDArray[np.intp]:
        """Positions (N, count), best first; -1 where there are fewer."""
        how = None
        if self._lists:
            how = faiss.SearchParametersIVF()
            how.nprobe = probes
        _, found = self._index.search(queries, count, params=how)
        return np.asarray(found, dtype=np.intp)


def recall(
    found: NDArray[np.intp], vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> float:
    """The share of the true nearest vectors of queries (N, D) that a search found, (N, k)."""
    k = found.shape[1]
    best = np.empty((len(queries), 0))
    which = np.empty((len(queries), 0), dtype=np.intp)
    for start in range(0, len(vectors), SHARD):
        shard = np.asarray(vectors[start : start + SHARD])
        products = np.concatenate([best, queries @ shard.T], axis=1)
        numbers = np.broadcast_to(start + np.arange(len(shard)), (len(queries), len(shard)))
        numbers = np.concatenate([which, numbers], axis=1)
        kept = np.argpartition(-products, min(k, products.shape[1]) - 1, axis=1)[:, :k]
        best = np.take_along_axis(products, kept, axis=1)
        which = np.take_along_axis(numbers, kept, axis=1)
    hits = [len(np.intersect1d(a, b)) for a, b in zip(found, which, strict=True)]
    return float(np.mean(hits) / k)


def _some(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """At most so many of the vectors, evenly spaced."""
    positions = np.arange(min(count, len(vectors))) * len(vectors) // min(count, len(vectors))
    return np.ascontiguousarray(vectors[positions])
