"""Nearest vectors among millions: candidates by 16 bits or by lists, then measured exactly."""

import logging
from math import isqrt
from typing import Any, Literal, final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench_retrieval import rough
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
_DEEPEST_ON_GPU = 2048  # candidates, and lists, that FAISS takes on a GPU
_ROUNDING = 1e-6  # of an inner product in float32
_PER_LIST = 64  # vectors of each list that its centre is learnt from


def candidate_index(vectors: NDArray[np.float32], kind: Literal["half", "lists"]) -> Any:
    """A FAISS index of vectors (M, D) of length 1, held as 16-bit numbers.

    Args:
        vectors: read in pieces.
        kind: `half` looks at all of them; `lists` at those in the lists whose centres are nearest
            to a query: FAISS's inverted file, of about 4 sqrt(M) lists.
    """
    count, width = vectors.shape
    metric, half = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_fp16
    index: Any
    if kind == "half":
        index = faiss.IndexScalarQuantizer(width, half, metric)
    else:
        lists = min(4 * isqrt(count), count)
        index = faiss.index_factory(width, f"IVF{lists},SQfp16", metric)
        index.by_residual = False
        index.cp.min_points_per_centroid = 1  # a small gallery has few of them; no warning
        index.cp.max_points_per_centroid = _PER_LIST
        index.train(_some(vectors, _PER_LIST * lists))
    for start in range(0, count, SHARD):
        index.add(np.ascontiguousarray(vectors[start : start + SHARD]))
    return index


@final
class ApproximateIndex:
    """Vectors of length 1, of which a `candidate_index` finds candidates.

    Of many queries at once and up to 131,072 vectors without lists, the candidates are those of a
    product of bfloat16 numbers, on a CPU that has it.

    They are measured again in float64 from the vectors themselves, and put in order as
    `ExactIndex` does: what is found is right, and what is not among the candidates is missed. How
    often that is, `recall` measures.

    Args:
        vectors: (M, D) float32; read again for every query, so a memory map will do.
        index: of these vectors.
        probes: lists that are looked into, where the index has lists.
        device: "cpu", "cuda" or "cuda:1"; without a GPU that FAISS can use, the CPU searches.
        log: says where it searches if that is not where it was asked to.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        index: Any,
        *,
        probes: int,
        device: str,
        log: logging.Logger,
    ) -> None:
        self._vectors = vectors
        self._lists = int(getattr(index, "nlist", 0))
        self._probes = min(probes, self._lists)
        self._index, self._quick = index, on_device(index, device, log)
        by_product = self._quick is index and not self._lists and len(vectors) <= rough.MOST
        self._rough = rough.RoughProducts(vectors) if by_product and rough.is_quick() else None

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
        """Positions (N, count), in no order; -1, at the end, where there are fewer."""
        if self._rough is not None and len(queries) >= rough.FEWEST:
            return self._rough.best(queries, count)
        how = None
        if self._lists:
            how = faiss.SearchParametersIVF()
            how.nprobe = probes
        engine = self._quick if max(count, probes) <= _DEEPEST_ON_GPU else self._index
        _, found = engine.search(queries, count, params=how)
        return np.asarray(found, dtype=np.intp)


def recall(
    found: NDArray[np.intp], vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> float:
    """The share of what a search found, (N, k), that is among the k nearest of queries (N, D).

    Of vectors that are as near as each other, any will do.

    Args:
        found: positions, -1 where nothing was found.
        vectors: (M, D) of length 1, read in pieces.
        queries: (N, D) of length 1.
    """
    k = found.shape[1]
    best = np.empty((len(queries), 0))
    for start in range(0, len(vectors), SHARD):
        shard = np.asarray(vectors[start : start + SHARD])
        products = np.concatenate([best, queries @ shard.T], axis=1)
        best = -np.partition(-products, min(k, products.shape[1]) - 1, axis=1)[:, :k]
    reached = np.where(found < 0, -np.inf, 1 + similarities(vectors, queries, found.clip(min=0)))
    return float((reached >= best.min(axis=1, keepdims=True) - _ROUNDING).mean())


def _some(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """At most so many of the vectors, evenly spaced."""
    positions = np.arange(min(count, len(vectors))) * len(vectors) // min(count, len(vectors))
    return np.ascontiguousarray(vectors[positions])
