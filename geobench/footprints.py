"""The ground that photos show: how much of it training photos show, too."""

import math
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from geobench.data import Dataset, Fact, smallest_by_hash
from geobench.geo import (
    EARTH_RADIUS_KM,
    Floats,
    Points,
    compass,
    known_places,
    unit_vectors,
)

MOST_PHOTOS = 2000
"""How many photos of a part are looked at: those with the smallest hashes of id."""

BEST = "ground of a test photo that one training photo shows, median"
BEST_OF_ALL = "ground of a test photo that one training photo shows, largest"
UNION = "ground of a test photo that training photos show together, median"
UNION_MEAN = "ground of a test photo that training photos show together, mean"
SHARING = "test photos that share ground with a training photo"
"""The names of the facts."""


class Photos(Protocol):
    """Rows of a dataset: a part of a split."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def ids(self) -> NDArray[np.str_]: ...
    @property
    def points(self) -> Points: ...


def facts(tested: Photos, train: Photos) -> dict[str, Fact]:
    """How much of the ground of test photos training photos show; none where that is not known.

    Args:
        tested: a test part, with photos.
        train: what methods learn from, with photos; it may be of another dataset.
    """
    if not (tested.dataset.view_km and train.dataset.view_km):
        return {}
    looked_at = tested.points[smallest_by_hash(tested.ids, MOST_PHOTOS)]
    shown = overlap(
        Views(looked_at, tested.dataset.view_km), Views(train.points, train.dataset.view_km)
    )
    found = {
        BEST: np.median(shown.best),
        BEST_OF_ALL: shown.best.max(),
        UNION: np.median(shown.union),
        UNION_MEAN: shown.union.mean(),
        SHARING: (shown.union > 0).mean(),
    }
    return {name: Fact(float(share), "share") for name, share in found.items()}


@final
@dataclass(frozen=True, slots=True)
class Views:
    """Squares of ground, each centred on its place, north up: azimuthal equidistant there.

    Args:
        points: the centres, (N, 2).
        width_km: of each side, above 0.
    """

    points: Points
    width_km: float


@final
@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of the ground of each view other views show, as shares of its area.

    Args:
        best: that of the one view that shows most of it, (N,).
        union: that of all of them together, (N,).
    """

    best: Floats
    union: Floats


def overlap(views: Views, others: Views) -> Overlap:
    """How much of each of `views` is shown by `others`, one or more.

    Each view is looked at in 610 points, which tell shares apart to about half a per cent.
    """
    grid = _Lattice(views.width_km)
    found = Overlap(np.zeros(len(views.points)), np.zeros(len(views.points)))
    places = known_places(others.points)
    # No point of a square lies further from its centre than half the diagonal.
    touching_km = (views.width_km + others.width_km) / math.sqrt(2)
    for row in range(len(views.points)):
        near = places.within(views.points[row : row + 1], touching_km).place
        ground = grid.around(views.points[row])
        covered = np.zeros(len(ground), bool)
        for start in range(0, len(near), _AT_ONCE):
            some = others.points[near[start : start + _AT_ONCE]]
            inside = _inside(ground, Views(some, others.width_km))
            found.best[row] = max(found.best[row], float((inside @ grid.weights).max()))
            covered |= inside.any(axis=0)
        found.union[row] = covered @ grid.weights
    return found


_AT_ONCE = 128  # a street may be photographed a million times, from one place


@final
class _Lattice:
    """Points of a view, even along each side and over its area, and what area each stands for.

    A Fibonacci lattice: no two points share a row or a column, so that an edge that runs north,
    which all views have, cuts off one point at a time, where a grid of as many loses a whole row.

    Args:
        width_km: the side of the view.
    """

    def __init__(self, width_km: float) -> None:
        count, step = 610, 377  # neighbours among the numbers of Fibonacci
        number = np.arange(count)
        side = width_km / EARTH_RADIUS_KM
        self._east = ((number + 0.5) / count - 0.5) * side
        self._north = ((number * step % count + 0.5) / count - 0.5) * side
        self._angle = np.hypot(self._east, self._north)
        # The projection stretches what is far from its centre.
        self._shrink = np.sinc(self._angle / np.pi)
        self.weights = self._shrink / self._shrink.sum()

    def around(self, point: Points) -> Floats:
        """Unit vectors (610, 3) of the points of the view from above `point` (2,)."""
        frame = compass(point)
        flat = self._east[:, None] * frame.east + self._north[:, None] * frame.north
        ahead = np.cos(self._angle)[:, None] * unit_vectors(point)
        return ahead + self._shrink[:, None] * flat


def _inside(vectors: Floats, views: Views) -> NDArray[np.bool_]:
    """Which of `vectors` (n, 3) each of the views shows, (N, n)."""
    frame = compass(views.points)
    ahead = unit_vectors(views.points) @ vectors.T
    east, north = np.abs(frame.east @ vectors.T), np.abs(frame.north @ vectors.T)
    sine = np.hypot(east, north)
    half = views.width_km / EARTH_RADIUS_KM / 2
    return np.maximum(east, north) * np.arctan2(sine, ahead) <= half * sine
