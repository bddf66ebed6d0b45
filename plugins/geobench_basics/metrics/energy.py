"""The energy scores of distributions, under great-circle and straight distances."""

from abc import abstractmethod
from typing import ClassVar, final

import numpy as np

from geobench import (
    Mean,
    Metric,
    Points,
    Prediction,
    Range,
    ScoreContext,
    Summary,
    Truth,
    distance_km,
    geo,
)
from geobench_basics.metrics.draws import PAIRS, samples_of
from geobench_basics.metrics.scores import DISTANCES, Scores, as_column


class _Energy(Metric):
    """The energy score of Gneiting and Raftery (JASA 2007, section 5.1) under some distance.

    mean_i d(x_i, y) - 1/2 mean_{i != j} d(x_i, x_j) over the samples x of a photo and its truth y:
    the unbiased form, which can be negative for one photo.
    """

    needs = Prediction
    distances: ClassVar[Range]
    """Where the expectation of a score lies, in km: that of one photo can be negative."""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        possible = self.distances
        return (
            Mean(name=self.name, unit="km", better="lower", column=self.name, possible=possible),
        )

    @abstractmethod
    def between(self, a: Points, b: Points) -> geo.Floats:
        """The distance of points (..., 2) in km, elementwise with broadcasting."""

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples = samples_of(context, metric=self.name, at_least=2)
        first, second = np.triu_indices(samples.shape[1], k=1)
        out = np.empty(len(samples))
        step = max(1, PAIRS // len(first))
        for start in range(0, len(samples), step):
            rows = slice(start, start + step)
            drawn = samples[rows]
            error = self.between(drawn, truth.points[rows, None]).mean(axis=-1)
            spread = self.between(drawn[:, first], drawn[:, second]).mean(axis=-1)
            out[rows] = error - spread / 2
        return as_column(out)


@final
class EnergyMetric(_Energy):
    """Energy score under great-circle distance, in km: the expected error less half the spread.

    Proper, but blind to the even part of a density: two antipodal points score like the uniform.
    """

    name = "energy"
    distances = DISTANCES

    def between(self, a: Points, b: Points) -> geo.Floats:
        return distance_km(a, b)


@final
class ChordalEnergyMetric(_Energy):
    """Energy score under the straight line through the Earth, in km: strictly proper.

    A chord is 2 x 6371.0088 km x sin(angle / 2), at most 12,742 km; over small distances it is
    the great-circle distance.
    """

    name = "energy-chordal"
    distances = Range(0.0, 2 * geo.EARTH_RADIUS_KM)

    def between(self, a: Points, b: Points) -> geo.Floats:
        difference = geo.unit_vectors(a) - geo.unit_vectors(b)
        return np.asarray(geo.EARTH_RADIUS_KM * np.linalg.norm(difference, axis=-1))
