"""Draws that were made elsewhere: as many as there are, and no more."""

from typing import final

import numpy as np

from geobench import Indices, Points, Prediction, geo


@final
class GivenDraws(Prediction):
    """Draws of distributions that nobody here can draw from any more.

    They are taken in random order and none twice, because as such they are independent draws of
    the distribution that they were made of. Taken with replacement they are draws of a narrower
    one, of which a share 1/K of all pairs lies at the same place.

    Args:
        point: the answers, (N, 2).
        points: the draws, (N, K, 2), degrees; behind a photo's own anything.
        counts: how many of them, the first ones, are a photo's own, (N,), at least 1.
    """

    def __init__(self, point: Points, points: Points, counts: Indices) -> None:
        self._point = geo.wrap(point, name="answers")
        self._points = geo.wrap(points, name="draws")
        self._counts = np.asarray(counts)

    def __len__(self) -> int:
        return len(self._point)

    def point(self) -> Points:
        return self._point.copy()

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """n draws per photo, (N, n, 2): none twice where there are n, with replacement where there
        are fewer."""
        chosen = rng.integers(self._counts[:, None], size=(len(self), n))
        enough = np.flatnonzero(self._counts >= n)
        if len(enough):
            order = rng.random((len(enough), self._points.shape[1]))
            order[np.arange(order.shape[1]) >= self._counts[enough, None]] = np.inf
            chosen[enough] = order.argsort(axis=1)[:, :n]
        return np.asarray(self._points[np.arange(len(self))[:, None], chosen])

    def take(self, indices: Indices) -> "GivenDraws":
        return GivenDraws(self._point[indices], self._points[indices], self._counts[indices])

    @property
    def draws_given(self) -> Indices:
        return self._counts
