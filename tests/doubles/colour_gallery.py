"""A gallery of pictures of one colour each, an encoder of colours, and what is stored of them."""

from collections import Counter

import numpy as np

from geobench import BrokenPicture, Config, Dataset, Encoder, Features, Table
from geobench.features.encode import encode
from geobench.features.inputs import Inputs
from geobench.features.store import Store
from geobench.progress import untracked

COUNT = 50
ALL = np.arange(COUNT)


class GalleryConfig(Config):
    """What a gallery has."""

    broken: list[int] = []
    tint: int = 0


class GalleryDataset(Dataset):
    """Fifty pictures of one colour each, and features that tell them apart."""

    name = "gallery"
    Config = GalleryConfig

    def __init__(self, config=None):
        super().__init__(config)
        self.reads = Counter()

    @property
    def provides(self):
        return frozenset({"images", "features"})

    def load(self):
        ids = np.array([f"photo-{i:02}" for i in range(COUNT)])
        points = np.stack([np.linspace(-80, 80, COUNT), np.linspace(-170, 170, COUNT)], axis=-1)
        return Table(ids, points, ids, {"year": np.arange(COUNT)})

    def images(self, indices):
        for row in indices.tolist():
            self.reads[row] += 1
            if row in self.config.broken:
                yield BrokenPicture(f"no bytes in {row}")
            else:
                yield np.full((2, 2, 3), row + self.config.tint, np.uint8)

    def features(self, indices):
        self.reads.update(indices.tolist())
        return Features(np.stack([indices, -indices], axis=-1).astype(np.float64))


class ColourEncoder(Encoder):
    """Pooled: the colour and its square; tokens: two of them."""

    name = "colour"

    def prepare(self, image):
        return image[0, 0, :1].astype(np.float32)

    def encode(self, batch, *, tokens):
        pooled = np.concatenate([batch, batch**2], axis=1)
        return Features(pooled, np.stack([pooled, -pooled], axis=1) if tokens else None)


def fill(folder, *, encoder=None, dataset=None, rows=ALL, kinds=("pooled",), track=untracked):
    """Open stores, as a fresh process does, and encode what they lack."""
    encoder = ColourEncoder() if encoder is None else encoder
    dataset = GalleryDataset() if dataset is None else dataset
    stores = {kind: Store(folder, encoder, dataset, what=kind) for kind in kinds}
    encode(stores, encoder=encoder, dataset=dataset, rows=rows, track=track)
    return stores


def inputs(folder, *wants, encoder=None):
    return Inputs(ColourEncoder() if encoder is None else encoder, frozenset(wants), folder)


def pooled(rows):
    return np.stack([rows, rows**2], axis=-1).astype(np.float32)


def shards(store):
    return sorted(store.folder.glob("shard-*"))
