"""Photos of five towns whose features give them away, and methods quickly fitted on them."""

import numpy as np

from geobench import Context, Labelled, Rows, geo
from geobench_grid.hierarchical import HierarchicalGrid
from geobench_grid.hybrid import HybridGrid
from geobench_grid.method import Grid

TOWNS = np.array([[48.9, 2.4], [40.7, -74.0], [-1.3, 36.8], [35.7, 139.7], [-33.9, 151.2]])
METHODS = (Grid, HierarchicalGrid, HybridGrid)
_LEVELS = {
    "max_photos": lambda most: (most * 5, most * 2, most),
    "depth": lambda depth: (depth - 2, depth - 1, depth),
    "cells": lambda cells: (max(1, cells // 50), max(2, cells // 5), cells),
}


def photos(count, seed=0, *, blurred=0.1):
    """Features are a noisy one-hot code of the town, in two shards."""
    rng = np.random.default_rng(seed)
    town = rng.integers(len(TOWNS), size=count)
    points = geo.destination(TOWNS[town], rng.uniform(0, 360, count), rng.exponential(60, count))
    return coded(points, town, seed, blurred=blurred)


def coded(points, town, seed=0, *, blurred=0.1):
    """Photos at these places, with features as of these towns."""
    rng = np.random.default_rng([seed, 1])
    features = rng.normal(0, blurred, (len(points), 12)).astype(np.float32)
    features[np.arange(len(points)), town] += 1
    ids = np.array([f"{seed}-{k}" for k in range(len(points))])
    half = len(points) // 2
    return Labelled(ids, points, pooled=Rows([features[:half], features[half:]]))


def small(method, **changes):
    """A configuration of seconds; where it has several levels, coarser ones are put before."""
    settings = {
        "min_photos": 5,
        "hidden": (32,),
        "steps": 80,
        "batch": 64,
        "learning_rate": 3e-3,
    } | changes
    if not {"depth", "cells"} & set(settings):
        settings = {"max_photos": 60} | settings
    if method is HierarchicalGrid:
        for key, levels in _LEVELS.items():
            if isinstance(settings.get(key), int):
                settings[key] = levels(settings[key])
    return method.Config(**settings)


def fitted(method, *, train=None, val=None, context=None, **changes):
    """The method of a small configuration, fitted on 400 photos unless others are given."""
    made = method(small(method, **changes))
    made.fit(
        photos(400) if train is None else train,
        photos(100, 1) if val is None else val,
        context or Context(seed=0),
    )
    return made
