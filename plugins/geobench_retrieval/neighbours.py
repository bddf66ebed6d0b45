"""Neighbours as a search finds them, and what every search does with its candidates."""

import logging
from dataclasses import dataclass
from typing import Any, final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import PredictionError, Rows, geo

SHARD = 1 << 16
"""Rows read from a store at once."""

_NUMBERS = 1 << 18  # differences held at once while candidates are put in order: few stay cached


@final
@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each query its k nearest vectors, nearest first: `index` and `similarity`, (N, k)."""

    index: NDArray[np.intp]
    similarity: geo.Floats

    def without(self, positions: NDArray[np.intp]) -> "Neighbours":
        """One neighbour fewer each: vector positions[i] is left out of row i, or else the last."""
        itself = self.index == positions[:, None]
        itself[:, -1] |= ~itself.any(axis=1)
        shape = (len(positions), -1)
        return Neighbours(
            self.index[~itself].reshape(shape), self.similarity[~itself].reshape(shape)
        )


def similarities(
    vectors: Rows | NDArray[np.float32],
    queries: NDArray[np.float32],
    places: NDArray[np.intp],
    *,
    first: NDArray[np.intp] | None = None,
) -> geo.Floats:
    """Minus half the squared distance of queries (N, D) to vectors (N, m), as (N, m), measured in
    float64.

    Args:
        vectors: (M, D).
        queries: (N, D).
        places: positions of vectors.
        first: of each row so many, at least, are measured, (N,); others may be -inf instead. All
            if left out.
    """
    first = np.full(len(places), places.shape[1]) if first is None else first
    out = np.full(places.shape, -np.inf)
    step = max(1, _NUMBERS // max(1, places.shape[1] * queries.shape[1]))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        wanted = places[rows, : first[rows].max()]
        difference = vectors[wanted.ravel()].astype(np.float64).reshape(*wanted.shape, -1)
        difference -= queries[rows, None, :].astype(np.float64)
        np.square(difference, out=difference)
        out[rows, : wanted.shape[1]] = difference.sum(axis=-1) / -2
    return out


def nearest_of(found: NDArray[np.intp], similarity: geo.Floats, k: int) -> Neighbours:
    """The k best of candidates (N, m), of equal ones those that come first."""
    order = np.lexsort((found, -similarity), axis=-1)[:, :k]
    return Neighbours(
        np.take_along_axis(found, order, axis=1), np.take_along_axis(similarity, order, axis=1)
    )


def squared_lengths(vectors: NDArray[np.float32]) -> geo.Floats:
    """Of vectors (N, D), summed in float64, (N,)."""
    return np.asarray(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))


def require_finite(numbers: NDArray[Any]) -> None:
    """Raise PredictionError if one of the numbers, of features or made of them, is not finite."""
    if not np.isfinite(numbers).all():
        raise PredictionError(
            "features are not finite, so nothing is nearest to them",
            remedy="Look at the encoder, or at the features that the dataset brings.",
        )


def on_device(index: Any, device: str, log: logging.Logger) -> Any:
    """The index on the GPU that `device` names, if FAISS sees it; else the index itself."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return index
    if int(number or 0) >= faiss.get_num_gpus():
        log.info("FAISS sees no GPU %s: neighbours are searched on the CPU", number or 0)
        return index
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), int(number or 0), index)
