"""The places that `geoclip` answers with: embedded once, kept, searched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, final

import faiss
import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Points, digests
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.embedding import of_photos, of_places
from geobench_geoclip.network import GeoClipNetwork
from geobench_retrieval.approximate import ApproximateIndex, candidate_index, recall
from geobench_retrieval.exact import ExactIndex
from geobench_retrieval.neighbours import Neighbours
from geobench_torch import module_state

_EMBEDDINGS, _INDEX = "embeddings.npy", "index.faiss"
_LAYOUT = 1  # of what is kept in the cache


@final
@dataclass(frozen=True, slots=True)
class EmbeddedGallery:
    """Places and their embeddings.

    Args:
        network: that embedded them.
        places: (G, 2).
        embeddings: of length 1, (G, width).
        index: of the embeddings.
    """

    network: GeoClipNetwork
    places: Points
    embeddings: NDArray[np.float32]
    index: ExactIndex | ApproximateIndex

    @classmethod
    def of(
        cls, network: GeoClipNetwork, places: Points, config: GeoClipConfig, context: Context
    ) -> Self:
        """The gallery of places (G, 2), from the cache where there is one.

        Args:
            network: embeds them.
            places: the places.
            config: how it is searched.
            context: its device, its cache, its progress.
        """
        if context.cache_root is None:
            embeddings = of_places(network, places, context, shown=True)
            if config.search == "exact":
                return cls._exact(network, places, embeddings, context)
            index = candidate_index(embeddings, config.search)
        else:
            key = _key(network, places, context)
            embeddings = _kept_embeddings(key, network, places, context)
            if config.search == "exact":
                return cls._exact(network, places, embeddings, context)
            index = _kept_index(key, embeddings, config.search, context)
        approximate = ApproximateIndex(
            embeddings, index, probes=config.probes, device=context.device, log=context.log
        )
        return cls(network, places, embeddings, approximate)

    @classmethod
    def passing(cls, network: GeoClipNetwork, places: Points, context: Context) -> Self:
        """The gallery of a network that is still trained: searched exactly, and not kept."""
        return cls._exact(network, places, of_places(network, places, context), context)

    @classmethod
    def _exact(
        cls,
        network: GeoClipNetwork,
        places: Points,
        embeddings: NDArray[np.float32],
        context: Context,
    ) -> Self:
        index = ExactIndex(embeddings, device=context.device, log=context.log)
        return cls(network, places, embeddings, index)

    def nearest(self, examples: Examples, k: int, *, device: str) -> Neighbours:
        """The k places that are most like each photo, all of them where there are fewer."""
        photos = of_photos(self.network, examples.pooled, device=device)
        return self.index.search(photos, min(k, len(self.places)))

    def share_found(self, examples: Examples, k: int, *, device: str) -> float:
        """The share of the k places that are most like these photos that the search finds."""
        photos = of_photos(self.network, examples.pooled, device=device)
        found = self.index.search(photos, min(k, len(self.places))).index
        return recall(found, self.embeddings, photos)


def _key(network: GeoClipNetwork, places: Points, context: Context) -> str:
    """The digest of all that decides embeddings."""
    weights = module_state(network.location)
    content = digests.array_digest(*(weights[name] for name in sorted(weights)), places)
    # Devices round differently, so each has its own.
    return digests.digest([_LAYOUT, content, context.device.partition(":")[0]])


def _kept_embeddings(
    key: str, network: GeoClipNetwork, places: Points, context: Context
) -> NDArray[np.float32]:
    """Embeddings from the cache, as a memory map."""

    def make(folder: Path) -> None:
        shape = (len(places), network.width)
        out = np.lib.format.open_memmap(folder / _EMBEDDINGS, "w+", np.float32, shape)
        of_places(network, places, context, out=out, shown=True)
        out.flush()

    folder = context.cache(key, make, shared=True)
    return np.asarray(np.load(folder / _EMBEDDINGS, mmap_mode="r", allow_pickle=False))


def _kept_index(
    key: str, embeddings: NDArray[np.float32], kind: Literal["half", "lists"], context: Context
) -> Any:
    """The index of these embeddings from the cache: learning its lists may take minutes."""

    def make(folder: Path) -> None:
        faiss.write_index(candidate_index(embeddings, kind), str(folder / _INDEX))

    own = digests.digest([key, kind, faiss.__version__])
    return faiss.read_index(str(context.cache(own, make, shared=True) / _INDEX))
