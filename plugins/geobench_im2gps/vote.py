"""The vote: the place of a grid, or of a file, around which most of the neighbours' weight lies."""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.sparse import csr_array

from geobench import Gallery, Points, geo

_PAIRS = 1 << 22  # of a voter and a place, held at once
_REACH = 4.0  # bandwidths, beyond which a kernel is 0.0003 of its peak and counts as nothing
_DENSE = 0.05  # share of the sphere within reach, from which on all places are looked at


@final
@dataclass(frozen=True, slots=True)
class Elected:
    """The best place for each photo, (N, 2), and the weight around it, (N,)."""

    places: Points
    weight: geo.Floats


@final
class Electorate:
    """Places that stand for election, whichever the neighbours are.

    Args:
        gallery: with a grid, or with a file of places.
        bandwidth_km: standard deviation per axis of the kernel under which votes are summed; at
            least half the height of a grid's bands, so that every vote reaches some place.
    """

    def __init__(self, gallery: Gallery, *, bandwidth_km: float) -> None:
        height = np.pi * geo.EARTH_RADIUS_KM / gallery.rows
        is_grid = gallery.source in ("grid", "both")
        self.bandwidth_km = max(bandwidth_km, height / 2) if is_grid else bandwidth_km
        self.concentration = float(geo.concentration_of(self.bandwidth_km))
        self._places = geo.Places(gallery.fixed())
        reach = min(_REACH * self.bandwidth_km / geo.EARTH_RADIUS_KM, np.pi)
        self._share = float(np.sin(reach / 2) ** 2)

    def elect(self, voters: Points, votes: geo.Floats) -> Elected:
        """The place of the grid around which most weight lies; of equals the first.

        Args:
            voters: the neighbours' places, (N, k, 2).
            votes: their weights, (N, k).
        """
        if self._share > _DENSE:
            places = self._elect_of_all(voters, votes)
            return Elected(places, self.weight(places, voters, votes))
        # About as many places are within reach of each voter as the grid has on such a cap.
        reached = 1 + self._share * len(self._places.points)
        step = max(1, int(_PAIRS / (votes.shape[1] * reached)))
        found = [
            self._elect(voters[start : start + step], votes[start : start + step])
            for start in range(0, len(votes), step)
        ]
        places = np.concatenate(found) if found else np.empty((0, 2))
        return Elected(places, self.weight(places, voters, votes))

    def _elect(self, voters: Points, votes: geo.Floats) -> Points:
        count, k = votes.shape
        known, who = np.unique(voters.reshape(-1, 2), axis=0, return_inverse=True)
        near, grid = self._places.within(known, _REACH * self.bandwidth_km), self._places.points
        # A file's places may all be out of reach: then the nearest one counts, however little.
        out = np.setdiff1d(np.arange(len(known)), near.query)
        voter = np.concatenate([near.query, out])
        place = np.concatenate([near.place, self._places.nearest(known[out]).index])
        kernel = np.maximum(self._kernel(known[voter], grid[place]), np.finfo(np.float64).tiny)
        kernels = csr_array((kernel, (voter, place)), (len(known), len(grid)))
        starts = np.arange(0, count * k + 1, k)
        sums = csr_array((votes.ravel(), who.ravel(), starts), (count, len(known))) @ kernels
        sums.sort_indices()
        heights = np.maximum.reduceat(sums.data, sums.indptr[:-1])
        # Rounding keeps ties ties, so that the first of two equal places wins on every machine.
        best = np.flatnonzero(sums.data >= np.repeat(heights, np.diff(sums.indptr)) * (1 - 1e-9))
        first = best[np.searchsorted(best, sums.indptr[:-1])]
        return np.asarray(grid[sums.indices[first]])

    def _elect_of_all(self, voters: Points, votes: geo.Floats) -> Points:
        """The same where many places are within reach of a voter: no list of pairs is made, and a
        kernel so wide counts, however little, everywhere."""
        grid = geo.unit_vectors(self._places.points)
        found = np.empty((len(votes), 2))
        for photo, (own, own_votes) in enumerate(zip(voters, votes, strict=True)):
            cosine = grid @ geo.unit_vectors(own).T  # (G, k)
            kernel = np.exp(self.concentration * np.minimum(cosine - 1, 0))
            sums = kernel @ own_votes
            first = int(np.argmax(sums >= sums.max() * (1 - 1e-9)))
            found[photo] = self._places.points[first]
        return found

    def weight(self, places: Points, voters: Points, votes: geo.Floats) -> geo.Floats:
        """The weight of neighbours (N, k, 2) around one place each, (N, 2), as (N,)."""
        return np.asarray((self._kernel(places[:, None], voters) * votes).sum(axis=1))

    def _kernel(self, a: Points, b: Points) -> geo.Floats:
        cosine = (geo.unit_vectors(a) * geo.unit_vectors(b)).sum(axis=-1)
        return np.asarray(np.exp(self.concentration * np.minimum(cosine - 1, 0)))
