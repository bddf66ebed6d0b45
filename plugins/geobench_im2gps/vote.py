"""The vote: the place of a grid around which most of the neighbours' weight lies."""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.sparse import csr_array

from geobench import Gallery, Points, geo

_REACH = 4.0  # bandwidths, beyond which a kernel is 0.0003 of its peak and counts as nothing


@final
@dataclass(frozen=True, slots=True)
class Elected:
    """The best place for each photo, (N, 2), and the weight around it, (N,)."""

    places: Points
    weight: geo.Floats


@final
class Grid:
    """Places that stand for election, whichever the neighbours are.

    Args:
        gallery: with a grid.
        bandwidth_km: standard deviation per axis of the kernel under which votes are summed.
    """

    def __init__(self, gallery: Gallery, *, bandwidth_km: float) -> None:
        self._places = geo.Places(gallery.grid())
        self._concentration = float(geo.concentration_of(bandwidth_km))
        # Some place of the grid is within two heights of a band from anywhere.
        height = np.pi * geo.EARTH_RADIUS_KM / gallery.rows
        self._reach_km = max(_REACH * bandwidth_km, 2 * height)

    def elect(self, voters: Points, votes: geo.Floats) -> Elected:
        """The place of the grid around which most weight lies; of equals the first.

        Args:
            voters: the neighbours' places, (N, k, 2).
            votes: their weights, (N, k).
        """
        count, k = votes.shape
        known, who = np.unique(voters.reshape(-1, 2), axis=0, return_inverse=True)
        near = self._places.within(known, self._reach_km)
        grid = self._places.points
        kernel = self._kernel(known[near.query], grid[near.place])
        kernels = csr_array((kernel, (near.query, near.place)), (len(known), len(grid)))
        starts = np.arange(0, count * k + 1, k)
        sums = csr_array((votes.ravel(), who.ravel(), starts), (count, len(known))) @ kernels
        sums.sort_indices()
        heights = np.maximum.reduceat(sums.data, sums.indptr[:-1])
        # Rounding keeps ties ties, so that the first of two equal places wins on every machine.
        best = np.flatnonzero(sums.data >= np.repeat(heights, np.diff(sums.indptr)) * (1 - 1e-9))
        first = best[np.searchsorted(best, sums.indptr[:-1])]
        places = grid[sums.indices[first]]
        return Elected(places, self.weight(places, voters, votes))

    def weight(self, places: Points, voters: Points, votes: geo.Floats) -> geo.Floats:
        """The weight of neighbours (N, k, 2) around one place each, (N, 2), as (N,)."""
        return np.asarray((self._kernel(places[:, None], voters) * votes).sum(axis=1))

    def _kernel(self, a: Points, b: Points) -> geo.Floats:
        cosine = (geo.unit_vectors(a) * geo.unit_vectors(b)).sum(axis=-1)
        return np.asarray(np.exp(self._concentration * np.minimum(cosine - 1, 0)))
