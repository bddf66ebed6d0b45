"""The places that `geoclip` answers with: embedded once, kept, searched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from geobench import Context, Examples, Points, digests
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.embedding import of_photos, of_places
from geobench_geoclip.network import GeoClipNetwork
from geobench_retrieval.approximate import ApproximateIndex, recall
from geobench_retrieval.exact import ExactIndex
from geobench_retrieval.neighbours import Neighbours
from geobench_torch import module_state

_FILE = "embeddings.npy"
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
        else:
            embeddings = _kept(network, places, context)
        if config.search == "exact":
            return cls._exact(network, places, embeddings, context)
        index = ApproximateIndex(
            embeddings,
            config.search,
            probes=config.probes,
            device=context.device,
            log=context.log,
        )
        return cls(network, places, embeddings, index)

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

    def recall(self, examples: Examples, k: int, *, device: str) -> float:
        """The share of the k places that are most like these photos that the search finds."""
        photos = of_photos(self.network, examples.pooled, device=device)
        found = self.index.search(photos, min(k, len(self.places))).index
        return recall(found, self.embeddings, photos)


def _kept(network: GeoClipNetwork, places: Points, context: Context) -> NDArray[np.float32]:
    """Embeddings from the cache, where they lie under the digest of weights and places."""
    weights = module_state(network.location)
    content = digests.array_digest(*(weights[name] for name in sorted(weights)), places)

    def make(folder: Path) -> None:
        shape = (len(places), network.width)
        out = np.lib.format.open_memmap(folder / _FILE, "w+", np.float32, shape)
        of_places(network, places, context, out=out, shown=True)
        out.flush()

    # Devices round differently, so each has its own.
    key = digests.digest([_LAYOUT, content, context.device.partition(":")[0]])
    kept = np.load(context.cache(key, make, shared=True) / _FILE, mmap_mode="r")
    return np.asarray(kept)
