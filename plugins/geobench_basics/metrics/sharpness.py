"""Metrics of how much a prediction commits itself to, whatever the truth: areas and entropy."""

from typing import final

import numpy as np

from geobench import Density, Mean, Metric, Prediction, Quantile, Range, ScoreContext, Truth, geo
from geobench_basics.metrics.draws import density_of, samples_of
from geobench_basics.metrics.scores import Scores

_MASSES = (0.5, 0.9)
_AREAS = Range(0.0, geo.SPHERE_AREA * geo.EARTH_RADIUS_KM**2)  # km2


@final
class SharpnessMetric(Metric):
    """Area in km2 of the smallest regions that hold 50 % and 90 % of a prediction's mass.

    By importance weighting: the area where p >= c is the mean over samples x of p of
    1[p(x) >= c] / p(x), with that c below which a share 1 - q of the samples' densities lies.
    Sharpness is worth something only in a calibrated prediction (Gneiting, Balabdaoui and
    Raftery, JRSS B 2007).
    """

    name = "sharpness"
    needs = Density
    describes_prediction = True
    columns = tuple(f"area@{mass:.0%}" for mass in _MASSES)
    summaries = tuple(
        Quantile(
            name=f"area@{q:.0%}",
            unit="km2",
            better=None,
            column=f"area@{q:.0%}",
            q=0.5,
            possible=_AREAS,
        )
        for q in _MASSES
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples_of(context, metric=self.name, at_least=2)
        log_p = density_of(context, metric=self.name).at_samples
        areas = [_area_km2(-np.sort(-log_p, axis=1), mass) for mass in _MASSES]
        return np.stack(areas, axis=-1).astype(np.float32)


def _area_km2(densest_first: geo.Floats, mass: float) -> geo.Floats:
    """Area of the region of this mass from sorted log-densities (N, S), at most the Earth's."""
    count = densest_first.shape[1]
    # Each sample stands for 1/S of the mass; the last one counts for the part that is needed.
    share = np.clip(mass * count - np.arange(count), 0, 1) / count
    # The area of one sample may be more than a float holds: capped, 0 times it is 0.
    steradians = np.exp(np.minimum(-densest_first, 700)) @ share
    return np.asarray(np.minimum(steradians, geo.SPHERE_AREA) * geo.EARTH_RADIUS_KM**2)


@final
class LocalizabilityMetric(Metric):
    """Minus the entropy of the prediction in bits, relative to one steradian.

    The mean over samples x of p of log2 p(x): -3.65 for the uniform, 1 more for each halving of
    the area. The name is that of Dufour et al., "Around the World in 80 Timesteps" (2024).
    """

    name = "localizability"
    needs = Density
    describes_prediction = True
    columns = ("localizability",)
    summaries = (
        Mean(
            name="localizability",
            unit="bits",
            better=None,
            column="localizability",
            possible=Range(low=geo.LOG_UNIFORM / float(np.log(2))),
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples_of(context, metric=self.name)
        log_p = density_of(context, metric=self.name).at_samples
        return np.asarray(log_p.mean(axis=1, keepdims=True) / np.log(2), np.float32)
