"""Photos of regions that their features tell apart, and im2gps fitted to them."""

import numpy as np

from geobench import Context, Labelled, Rows, VonMisesFisherMixture, geo
from geobench_im2gps.method import Im2gpsConfig, Im2gpsMethod


def photos(features, points=None, name="photo"):
    ids = np.array([f"{name}-{i}" for i in range(len(features))])
    points = np.zeros((len(features), 2)) if points is None else points  # of photos to be asked for
    return Labelled(ids, points, pooled=Rows([np.asarray(features, np.float32)]))


def planet(count, seed, kinds=12):
    """Photos of a few regions whose features say which region it is, with noise."""
    world = np.random.default_rng(7)
    centres, codes = geo.uniform(kinds, world), world.standard_normal((kinds, 8))
    rng = np.random.default_rng(seed)
    kind = rng.integers(kinds, size=count)
    places = VonMisesFisherMixture(centres[kind][:, None], [[2000.0]]).sample(1, rng)[:, 0]
    return photos(codes[kind] + 0.3 * rng.standard_normal((count, 8)), places, f"planet-{seed}")


def fitted(train, val, **config):
    method = Im2gpsMethod(Im2gpsConfig(**config))
    method.fit(train, val, Context(seed=0))
    return method


def nothing(like):
    return like.take(np.arange(0))


def asked(examples):
    return examples.unlabelled()
