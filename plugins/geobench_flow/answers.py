"""One place of several draws: the likeliest, where most of them lie, or the best to be scored."""

import numpy as np

from geobench import Points, distance_km, geo

_SCALE_KM = 1492.7  # of GeoScore: 5000 exp(-distance / scale)
_STEPS = 50
_STILL_KM = 0.1


def best_expected_geoscore(draws: Points) -> Points:
    """The one of draws (N, n, 2) whose mean GeoScore over all of them is best, (N, 2); of equals
    the first."""
    found = np.empty((len(draws), 2))
    for row, places in enumerate(draws):
        expected = np.exp(-distance_km(places[:, None], places[None]) / _SCALE_KM).mean(axis=1)
        found[row] = places[np.round(expected, 9).argmax()]
    return found


def densest_mode(draws: Points, *, bandwidth_km: float) -> Points:
    """The mode (N, 2) of a von Mises-Fisher kernel density of draws (N, n, 2), by mean shift.

    From the draw around which most others lie, each step goes to the mean direction of the draws,
    weighted by the kernel (Kafai, Miao and Okada, "Directional mean shift", CVPR workshops 2010),
    until it moves by less than 100 m, and 50 steps at most. A photo's answer depends on its own
    draws alone.

    Args:
        draws: degrees.
        bandwidth_km: standard deviation of the kernel, per axis.
    """
    best = geo.densest_point(draws, bandwidth_km=bandwidth_km)
    concentration = geo.concentration_of(bandwidth_km)
    vectors = geo.unit_vectors(draws)
    moving = np.arange(len(draws))
    for _ in range(_STEPS):
        own, before = vectors[moving], best[moving]
        cosine = np.einsum("nkc,nc->nk", own, geo.unit_vectors(before))
        weights = np.exp(concentration * np.minimum(cosine - 1, 0))
        best[moving] = geo.from_vectors(np.einsum("nk,nkc->nc", weights, own))
        moving = moving[distance_km(before, best[moving]) >= _STILL_KM]
    return best
