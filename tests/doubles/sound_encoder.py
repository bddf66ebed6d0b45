"""A small encoder that keeps every promise, of pictures and of texts."""

from hashlib import blake2b

import numpy as np

from geobench import Features, TextEncoder


class Colours(TextEncoder):
    """Colours of the four quarters of a picture, projected; texts by their letters."""

    name = "colours"

    def prepare(self, image):
        rows = np.array_split(np.arange(max(2, image.shape[0])) % image.shape[0], 2)
        columns = np.array_split(np.arange(max(2, image.shape[1])) % image.shape[1], 2)
        quarters = [image[np.ix_(r, c)].mean(axis=(0, 1)) for r in rows for c in columns]
        return (np.array(quarters) / 255).astype(np.float32)

    def projection(self):
        return np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)

    def encode(self, batch, *, tokens):
        pooled = batch.reshape(len(batch), -1) @ self.projection()
        return Features(pooled, batch if tokens else None)

    def encode_text(self, texts):
        found = [np.frombuffer(blake2b(t.encode(), digest_size=8).digest(), "u1") for t in texts]
        return np.array(found, np.float32) / 255
