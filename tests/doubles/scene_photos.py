"""Photos whose tokens tell the town and whose pooled vector tells the scene, for GeoDecoder."""

import numpy as np

from geobench import Labelled, Rows, geo

TOWNS = np.array([[48.9, 2.4], [40.7, -74.0], [-1.3, 36.8], [35.7, 139.7], [-33.9, 151.2]])
SCENES = np.array(["city", "coast", "forest"])


def scene_photos(count, seed=0, *, attributes=("scene",), tokens=4):
    """Photos of five towns and of three scenes, which have nothing to do with each other.

    One of the tokens, another one in every photo, has a 1 in front and the town's code behind; the
    others have the code of any town. The pooled vector has the scene's code.
    """
    rng = np.random.default_rng(seed)
    town, scene = rng.integers(len(TOWNS), size=count), rng.integers(len(SCENES), size=count)
    points = geo.destination(TOWNS[town], rng.uniform(0, 360, count), rng.exponential(60, count))
    codes = rng.integers(len(TOWNS), size=(count, tokens))
    codes[np.arange(count), telling(count, tokens)] = town
    seen = rng.normal(0, 0.1, (count, tokens, 1 + len(TOWNS)))
    seen[..., 1:] += np.eye(len(TOWNS))[codes]
    seen[np.arange(count), telling(count, tokens), 0] += 1
    pooled = rng.normal(0, 0.1, (count, 4))
    pooled[np.arange(count), scene] += 1
    return Labelled(
        np.array([f"{seed}-{k}" for k in range(count)]),
        points,
        dict.fromkeys(attributes, SCENES[scene]),
        pooled=rows(pooled),
        tokens=rows(seen),
    )


def telling(count, tokens=4):
    """Which token tells the town of each photo."""
    return np.arange(count) * 7 % tokens


def rows(array):
    """Features in two shards."""
    half = len(array) // 2
    return Rows([array[:half].astype(np.float32), array[half:].astype(np.float32)])
