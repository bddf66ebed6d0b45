"""Metrics of how near the answer is: distance, accuracy within a radius, GeoScore."""

from typing import Annotated, TypeAlias, final

import numpy as np
from pydantic import AfterValidator, Field

from geobench import (
    Config,
    Curve,
    Mean,
    Metric,
    Prediction,
    Quantile,
    Range,
    ReplicateWeights,
    ScoreContext,
    Share,
    Summary,
    Truth,
    distance_km,
    geo,
)
from geobench_basics.metrics.scores import DISTANCES, Columns, Scores, as_column


@final
class DistanceMetric(Metric):
    """Great-circle distance of the answer from the truth, in km: mean and median."""

    name = "distance"
    nearest_is_best = True
    columns = ("distance",)
    summaries = (
        Mean(
            name="distance.mean",
            unit="km",
            better="lower",
            column="distance",
            possible=DISTANCES,
        ),
        Quantile(
            name="distance.median",
            unit="km",
            better="lower",
            column="distance",
            q=0.5,
            possible=DISTANCES,
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        return as_column(distance_km(prediction.point(), truth.points))


_CURVE_KM = tuple(float(radius) for radius in np.geomspace(1, 20_016, 41))
"""Radii of the accuracy curve: from 1 km to just beyond the antipode."""


_MOST_RADII = 100  # each is a column of scores, and a summary of every table


def _proper(radii: tuple[float, ...]) -> tuple[float, ...]:
    if len(radii) > _MOST_RADII:
        raise ValueError(f"{len(radii):,} radii are too many: give at most {_MOST_RADII} radii")
    if min(radii) <= 0 or not np.isfinite(radii).all() or len(set(radii)) < len(radii):
        raise ValueError("give radii in km that are larger than 0, each once")
    return radii


RadiiKm: TypeAlias = Annotated[tuple[float, ...], AfterValidator(_proper)]
"""Distances in a configuration, within which an answer is a hit."""


class AccuracyConfig(Config):
    """The radii."""

    radii_km: RadiiKm = Field(
        (1, 25, 200, 750, 2500), min_length=1, description="an answer this near is a hit, in km"
    )


@final
class AccuracyMetric(Metric):
    """Share of answers within a radius of the truth (at the radius counts), and the curve of it."""

    name = "accuracy"
    nearest_is_best = True
    Config = AccuracyConfig
    config: AccuracyConfig

    @property
    def columns(self) -> tuple[str, ...]:
        """A 0 or 1 per radius, and the position in the curve of the smallest radius that hits."""
        return (*(f"accuracy@{radius:g}km" for radius in self.config.radii_km), "curve-position")

    @property
    def summaries(self) -> tuple[Summary, ...]:
        shares = [Share(name=name, better="higher", column=name) for name in self.columns[:-1]]
        curve = Curve(
            name="accuracy",
            unit="share",
            better="higher",
            function=_accuracy_curve,
            x=_CURVE_KM,
            x_unit="km",
        )
        return (*shares, curve)

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        distance = distance_km(prediction.point(), truth.points)
        hits = [distance <= radius for radius in self.config.radii_km]
        position = np.searchsorted(_CURVE_KM, distance, side="left")
        return np.stack([*hits, position], axis=-1).astype(np.float32)


def _accuracy_curve(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    position = columns["curve-position"]
    return np.stack([weights.means(position <= k) for k in range(len(_CURVE_KM))], axis=-1)


GEOSCORE_KM = 1492.7
"""The distance over which GeoScore falls to 1/e."""
GEOSCORES = Range(0.0, 5000.0)
"""The values of GeoScore, in points."""


def geoscore(distance: geo.Floats) -> geo.Floats:
    """GeoScore of answers that are `distance` km off, of any shape: 5000 at 0 km."""
    return np.asarray(GEOSCORES.high * np.exp(distance / -GEOSCORE_KM))


@final
class GeoScoreMetric(Metric):
    """GeoScore: 5000 exp(-distance / 1492.7 km), from 0 to 5000 points per photo.

    The score of the game GeoGuessr on its world map (Astruc et al., "OpenStreetView-5M", 2024).
    """

    name = "geoscore"
    nearest_is_best = True
    columns = ("geoscore",)
    summaries = (
        Mean(
            name="geoscore", unit="points", better="higher", column="geoscore", possible=GEOSCORES
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        return as_column(geoscore(distance_km(prediction.point(), truth.points)))
