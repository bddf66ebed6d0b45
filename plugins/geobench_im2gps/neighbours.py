"""Exact nearest photos by features: FAISS finds candidates, float64 puts them in order."""

import logging
from dataclasses import dataclass
from typing import Any, final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import PredictionError, Rows, geo

_SHARD = 1 << 16  # rows read from the feature store at once
_NUMBERS = 1 << 22  # differences held at once while candidates are put in order
_MARGIN = 16  # candidates asked for beyond those wanted
_DEEPEST_ON_GPU = 2048  # FAISS finds no more than this many per query on a GPU
_ROUNDING = 1e-5  # of the squared lengths: bounds what float32 does to a squared distance


@final
@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each query its k nearest photos, nearest first: `index` and `similarity`, (N, k)."""

    index: NDArray[np.intp]
    similarity: geo.Floats

    def without(self, positions: NDArray[np.intp]) -> "Neighbours":
        """One neighbour fewer each: photo positions[i] is left out of row i, or else the last."""
        itself = self.index == positions[:, None]
        itself[:, -1] |= ~itself.any(axis=1)
        shape = (len(positions), -1)
        return Neighbours(
            self.index[~itself].reshape(shape), self.similarity[~itself].reshape(shape)
        )


@final
class PhotoIndex:
    """All features of the training photos, searched exhaustively.

    Similarity is minus half the squared Euclidean distance, which for features of length 1 is their
    cosine less 1. FAISS computes it in float32 and differently for one query than for a thousand;
    so a few more photos than wanted are fetched, measured again in float64, and ordered by
    similarity, then by position. A query whose last photo might by rounding have been
    confused with one that was not fetched is searched again, deeper. The answer is therefore
    the exact one on every device, whatever the other queries are.

    Args:
        features: of the training photos, (M, D); held in memory once, as float32.
        device: "cpu", "cuda" or "cuda:1"; without a GPU that FAISS can use, the CPU searches.
        log: says where it searches if that is not where it was asked to.
    """

    def __init__(self, features: Rows, *, device: str, log: logging.Logger) -> None:
        self._features = features
        self._index = faiss.IndexFlatL2(features.shape[1])
        self._longest = 0.0
        for start in range(0, len(features), _SHARD):
            shard = np.ascontiguousarray(features[start : start + _SHARD])
            self._longest = max(self._longest, float(_squared_lengths(shard).max()))
            self._index.add(shard)
        self._shallow = _on_device(self._index, device, log)

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """The k nearest photos of each of `queries` (N, D), k at most their number.

        Raises:
            PredictionError: features that are not finite.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        rounding = _ROUNDING * (_squared_lengths(queries) + self._longest)
        if not np.isfinite(rounding).all():
            raise PredictionError(
                "features are not finite, so nothing is nearest to them",
                remedy="Look at the encoder, or at the features that the dataset brings.",
            )
        index = np.empty((len(queries), k), np.intp)
        similarity = np.empty((len(queries), k))
        pending, depth = np.arange(len(queries)), min(k + _MARGIN, len(self._features))
        while len(pending):
            engine = self._shallow if depth <= _DEEPEST_ON_GPU else self._index
            squared, found = engine.search(queries[pending], depth)
            exact = self.similarity(queries[pending], found)
            order = np.lexsort((found, -exact), axis=-1)[:, :k]
            index[pending] = np.take_along_axis(found, order, axis=1)
            similarity[pending] = np.take_along_axis(exact, order, axis=1)
            if depth == len(self._features):
                break
            reached = squared[:, -1] - rounding[pending]
            pending = pending[-2 * similarity[pending, -1] >= reached]
            depth = min(2 * depth, len(self._features))
        return Neighbours(index, similarity)

    def similarity(self, queries: NDArray[np.float32], places: NDArray[np.intp]) -> geo.Floats:
        """Minus half the squared distance of queries (N, D) to photos (N, m), (N, m), float64."""
        out = np.empty(places.shape)
        step = max(1, _NUMBERS // max(1, places.shape[1] * queries.shape[1]))
        for start in range(0, len(queries), step):
            wanted = places[start : start + step]
            photos = self._features[wanted.ravel()].reshape(*wanted.shape, -1)
            difference = queries[start : start + step, None, :].astype(np.float64) - photos
            np.square(difference, out=difference)
            out[start : start + step] = difference.sum(axis=-1) / -2
        return out


def _squared_lengths(vectors: NDArray[np.float32]) -> geo.Floats:
    return np.asarray(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))


def _on_device(index: Any, device: str, log: logging.Logger) -> Any:
    """The index on the GPU that `device` names, if FAISS sees it; else the index itself."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return index
    if int(number or 0) >= faiss.get_num_gpus():
        log.info("FAISS sees no GPU %s: neighbours are searched on the CPU", number or 0)
        return index
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), int(number or 0), index)
