"""The metric `prdc`: do draws lie where photos are, and photos where draws are?"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Config,
    Draws,
    Indices,
    Mean,
    Metric,
    Points,
    Prediction,
    PredictionError,
    Range,
    ScoreContext,
    Share,
    Truth,
    distance_km,
    geo,
)

_SAME = 1e-11  # of the Earth's radius, 0.06 mm: what is nearer than this is one place
_ROUNDING_KM = 1e-6  # 1 mm: who lies on the edge of a ball is in it, whatever the rounding
_BALLS = 1 << 13  # whose contents are listed at once


class PrdcConfig(Config):
    """The balls."""

    k: int = Field(3, ge=1, description="a ball reaches to the k-th nearest of its own set")


@final
class PrdcMetric(Metric):
    """Precision, recall, density and coverage of one draw per photo among the true places.

    Precision and recall of Kynkaanniemi et al. (NeurIPS 2019), density and coverage of Naeem et
    al. (ICML 2020), with great-circle distances. The ball of a place has it as its centre and its
    k-th nearest of the same set (itself not counted) on its edge, and holds its edge.
    """

    name = "prdc"
    Config = PrdcConfig
    config: PrdcConfig
    needs = Draws
    columns = ("precision", "recall", "density", "coverage")
    summaries = (
        Share(name="prdc.precision", better="higher", column="precision"),
        Share(name="prdc.recall", better="higher", column="recall"),
        Mean(
            name="prdc.density",
            unit="1",
            better="higher",
            column="density",
            possible=Range(low=0.0),
        ),
        Share(name="prdc.coverage", better="higher", column="coverage"),
    )

    def score(
        self, prediction: Prediction, truth: Truth, context: ScoreContext
    ) -> NDArray[np.float32]:
        k = self.config.k
        if len(truth) <= k:
            raise PredictionError(
                f"metric {self.name} needs more than k = {k} photos, and there are {len(truth)}",
                remedy="Test more photos, or set a smaller k.",
            )
        true, drawn = _Places.of(truth.points), _Places.of(prediction.point())
        held_by_true = _held(true, true.radii(k), drawn)
        held_by_drawn = _held(drawn, drawn.radii(k), true)
        balls = np.bincount(held_by_true.place, true.count[held_by_true.ball], len(drawn.points))
        recalled = np.bincount(held_by_drawn.place, minlength=len(true.points)) > 0
        covered = np.bincount(held_by_true.ball, minlength=len(true.points)) > 0
        of_draws = np.stack([balls > 0, balls / k], axis=-1)[drawn.place]
        of_truths = np.stack([recalled, covered], axis=-1)[true.place]
        scores = [of_draws[:, 0], of_truths[:, 0], of_draws[:, 1], of_truths[:, 1]]
        return np.stack(scores, axis=-1).astype(np.float32)


@final
@dataclass(frozen=True, slots=True)
class _Places:
    """The different places of N points, so that a thousand copies of one are looked at once.

    Args:
        points: of the M places, (M, 2).
        count: how many points are there, (M,).
        place: of every point, (N,).
        vectors: unit vectors of the places, (M, 3).
        tree: of those.
    """

    points: Points
    count: geo.Floats
    place: Indices
    vectors: geo.Floats
    tree: Any

    @classmethod
    def of(cls, points: Points) -> "_Places":
        from scipy.spatial import cKDTree

        cells = np.rint(geo.unit_vectors(points) / _SAME).astype(np.int64)
        order = np.lexsort(cells.T)
        new = np.ones(len(points), bool)
        new[1:] = (np.diff(cells[order], axis=0) != 0).any(axis=1)
        place = np.empty(len(points), np.intp)
        place[order] = np.cumsum(new) - 1
        different = points[order[new]]
        vectors = geo.unit_vectors(different)
        count = np.bincount(place).astype(np.float64)
        return cls(different, count, place, vectors, cKDTree(vectors))

    def radii(self, k: int) -> geo.Floats:
        """Distance of every place to the k-th nearest of the points, itself not counted, in km."""
        reached = min(k + 1, len(self.points))
        workers = geo.workers_for(len(self.points))
        neighbours = self.tree.query(self.vectors, np.arange(1, reached + 1), workers=workers)[1]
        # The place itself is the first, with the copies of the point.
        last = (np.cumsum(self.count[neighbours], axis=1) > k).argmax(axis=1)
        furthest = neighbours[np.arange(len(neighbours)), last]
        return distance_km(self.points, self.points[furthest])


@final
@dataclass(frozen=True, slots=True)
class _Held:
    """Pairs of a ball and a place in it, by their numbers, (P,) each."""

    ball: Indices
    place: Indices


def _held(balls: _Places, radii: geo.Floats, places: _Places) -> _Held:
    """All pairs of a ball around one of `balls` and one of `places` that lies in it.

    In the plane one place lies in at most about 6 k balls, because among centres in a sector of
    60 degrees only the k nearest can reach it; so P grows with the number of places, not of pairs.
    """
    # A little too far, for the rounding of chords; the great-circle distance decides.
    angle = np.minimum((radii + 2 * _ROUNDING_KM) / geo.EARTH_RADIUS_KM, np.pi)
    chord = 2 * np.sin(angle / 2) + 1e-12
    found_balls, found_places = [], []
    for start in range(0, len(radii), _BALLS):
        rows = np.arange(start, min(start + _BALLS, len(radii)))
        workers = geo.workers_for(len(rows))
        lists = places.tree.query_ball_point(balls.vectors[rows], chord[rows], workers=workers)
        sizes = [len(each) for each in lists]
        ball = np.repeat(rows, sizes)
        place = np.fromiter((i for each in lists for i in each), np.intp, len(ball))
        apart = distance_km(balls.points[ball], places.points[place])
        inside = apart <= radii[ball] + _ROUNDING_KM
        found_balls.append(ball[inside])
        found_places.append(place[inside])
    return _Held(np.concatenate(found_balls), np.concatenate(found_places))
