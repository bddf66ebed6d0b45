"""Which towns stay when no two may be close to each other."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geobench import Indices, Points, distance_km, geo


def thin(points: Points, population: NDArray[np.int64], *, spacing_km: float) -> Indices:
    """Positions of the towns that stay, by falling population; of equals the first comes first.

    Each town is taken unless one that was taken before is closer than `spacing_km`.

    Args:
        points: the towns, (M, 2).
        population: inhabitants, (M,).
        spacing_km: smallest allowed great-circle distance.
    """
    order = np.argsort(-population, kind="stable")
    ranked = points[order]
    # The tree measures chords: it proposes pairs with a margin, the great circle decides.
    chord = 2 * np.sin(spacing_km / (2 * geo.EARTH_RADIUS_KM)) * (1 + 1e-9)
    pairs = cKDTree(geo.unit_vectors(ranked)).query_pairs(chord, output_type="ndarray")
    close = distance_km(ranked[pairs[:, 0]], ranked[pairs[:, 1]]) < spacing_km
    pairs = np.sort(pairs[close], axis=1)
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    starts = np.searchsorted(pairs[:, 0], np.arange(len(order) + 1))
    stays = np.ones(len(order), dtype=bool)
    for town in np.unique(pairs[:, 0]):
        if stays[town]:
            stays[pairs[starts[town] : starts[town + 1], 1]] = False
    return order[stays]
