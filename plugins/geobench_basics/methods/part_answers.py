"""The answers to one part, gathered by photo: places with weights, or draws."""

from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import Atoms, DataError, Indices, Points, Prediction, geo
from geobench_basics.methods.given_draws import GivenDraws

Text: TypeAlias = NDArray[np.str_]

ALIKE = 1 - 1e-12
"""Of the heaviest of a photo's weights: from this share of it on, a weight counts as equal."""

_PAIRS = 1 << 20  # at most this many pairs of a photo's places in memory at once


@final
class Found(NamedTuple):
    """What the rows of N photos say, and which of them is each photo's answer.

    Args:
        prediction: of the photos.
        row: the row of the file that is the answer, (N,).
    """

    prediction: Prediction
    row: Indices


@final
class _Gathered(NamedTuple):
    """The rows of N photos, at most K of each: their places among the part's rows, (N, K); points
    (N, K, 2); weights (N, K), 0 beyond a photo's own; and how many each has, (N,)."""

    row: Indices
    points: Points
    weights: geo.Floats
    several: Indices


@final
class PartAnswers:
    """The rows about one part that hold a place, gathered by photo.

    Several rows of a photo are draws where each photo's weigh alike; a row without weight is
    none. That is one rule for the whole part: a weighted file may well give some photo two
    places of equal weight, and a file of draws a photo a single one.

    Args:
        ids: the photo of each row, (R,).
        points: the answers, (R, 2).
        weights: above 0, (R,).
        rows: their numbers in the file, (R,).
    """

    def __init__(self, ids: Text, points: Points, *, weights: geo.Floats, rows: Indices) -> None:
        order = np.argsort(ids, kind="stable")
        self.ids, self._start, self._count = np.unique(
            ids[order], return_index=True, return_counts=True
        )
        self._points, self._weights, self._rows = points[order], weights[order], rows[order]
        heaviest = self._weights
        if len(order):
            heaviest = np.maximum.reduceat(self._weights, self._start)
        alike = (self._weights >= np.repeat(heaviest, self._count) * ALIKE).all()
        self.drawn = bool(alike and (self._count > 1).any())
        """Whether the rows are draws of something else, and not all the places that there are."""

    def hold(self, ids: Text) -> NDArray[np.bool_]:
        """Which photos have an answer, (N,)."""
        return np.isin(ids, self.ids)

    def places(self, ids: Text) -> Points:
        """The answer to each photo as it is written, off the globe or not, (N, 2); NaN where there
        is none."""
        found, there = np.full((len(ids), 2), np.nan), self.hold(ids)
        _, points, weights, _ = self._gathered(ids[there])
        found[there] = points[np.arange(len(points)), _heaviest(points, weights)]
        return found

    def _gathered(self, ids: Text) -> _Gathered:
        photo = np.searchsorted(self.ids, ids)
        count = self._count[photo]
        slot = np.arange(count.max(initial=1))
        used = slot < count[:, None]
        row = self._start[photo][:, None] + np.where(used, slot, 0)
        return _Gathered(row, self._points[row], np.where(used, self._weights[row], 0), count)

    def find(self, ids: Text) -> Found:
        """What the rows of photos (N,) say: draws, or places with their weights.

        A photo's answer is its heaviest row; of several such, the one that most of them lie
        around.

        Raises:
            DataError: a photo without an answer.
        """
        absent = np.flatnonzero(~self.hold(ids))
        if len(absent):
            raise DataError(f"{len(absent)} photos have no answer, the first is {ids[absent[0]]}")
        row, points, weights, count = self._gathered(ids)
        best, everyone = _heaviest(points, weights), np.arange(len(ids))
        of_file = self._rows[row[everyone, best]]
        if self.drawn:
            return Found(GivenDraws(points[everyone, best], points, count), of_file)
        # Atoms answers with the first of the heaviest.
        for array in (points, weights):
            array[everyone, best], array[:, 0] = array[:, 0].copy(), array[everyone, best]
        return Found(Atoms(points, weights), of_file)


def _heaviest(points: Points, weights: geo.Floats) -> Indices:
    """The slot of each photo's answer among points (N, K, 2) of weights (N, K), (N,)."""
    heavy = weights >= weights.max(axis=-1, keepdims=True) * ALIKE
    best = heavy.argmax(axis=-1)
    ties = heavy.sum(axis=-1)
    for size in np.unique(ties[ties > 2]):  # of two, neither has more around it
        photos = np.flatnonzero(ties == size)
        step = max(1, _PAIRS // int(size) ** 2)
        for start in range(0, len(photos), step):
            block = photos[start : start + step]
            slots = np.nonzero(heavy[block])[1].reshape(len(block), size)
            tied = points[block[:, None], slots]
            same = (tied == geo.densest_point(tied)[:, None]).all(axis=-1)
            best[block] = slots[np.arange(len(block)), same.argmax(axis=-1)]
    return np.asarray(best)
