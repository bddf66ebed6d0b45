"""Metrics of calibration: do the regions that should hold a share q of truths hold that share?"""

from abc import abstractmethod
from typing import final

import numpy as np

from geobench import (
    Curve,
    Density,
    Metric,
    Points,
    Prediction,
    Range,
    ReplicateWeights,
    ScoreContext,
    Statistic,
    Summary,
    Truth,
    distance_km,
    geo,
)
from geobench_basics.metrics.draws import PAIRS, density_of, samples_of
from geobench_basics.metrics.scores import Columns, Scores

NOMINAL = tuple(step / 20 for step in range(1, 20))
"""The masses of the curve, from 0.05 to 0.95."""

_TIED = 1e-9  # nats, or km: what differs by less is equal


class _Calibration(Metric):
    """The credible level of the truth: the mass of the smallest region that holds it.

    Something orders points from the heart of a prediction outwards. Of the truth and the S
    samples, which a perfect prediction could exchange, r samples lie further in and t as far in
    as the truth. The level is then spread evenly over [r, r + t + 1] / (S + 1), which are the two
    columns. A photo counts as inside the region of mass q with the part of that interval that
    lies below q, so that for a perfect prediction the expected share of photos inside is exactly
    q, for any S and with ties. This is the non-randomised transform of Czado, Gneiting and Held
    (Biometrics 2009): nothing is drawn.
    """

    columns = ("level-low", "level-high")

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The curve, and its mean distance from the diagonal."""
        return (
            Statistic(
                name=f"{self.name}.error",
                unit="share",
                better="lower",
                function=_calibration_error,
                possible=Range(0.0, 0.5),
            ),
            Curve(
                name=self.name,
                unit="share",
                better="higher",
                function=_share_inside,
                x=NOMINAL,
                x_unit="share",
            ),
        )

    @abstractmethod
    def depth(self, truth: Points, samples: Points, context: ScoreContext) -> geo.Floats:
        """How far in truth (N, 2) and samples (N, S, 2) lie, (N, 1 + S); larger is further in."""

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples = samples_of(context, metric=self.name, at_least=2)
        depth = self.depth(truth.points, samples, context)
        own, others = depth[:, :1], depth[:, 1:]
        within = (others > own + _TIED).sum(axis=1)
        reached = (others >= own - _TIED).sum(axis=1) + 1
        levels = np.stack([within, reached], axis=1) / depth.shape[1]
        return np.asarray(levels, np.float32)


@final
class CalibrationMetric(_Calibration):
    """Does the smallest region of mass q hold the truth with frequency q? By the density.

    The smallest region of a given mass is where the density is highest (Hyndman, The American
    Statistician 1996), so that a point lies the further in the higher the density is there.
    """

    name = "calibration"
    needs = Density

    def depth(self, truth: Points, samples: Points, context: ScoreContext) -> geo.Floats:
        log_p = density_of(context, metric=self.name)
        return np.concatenate([log_p.at_truth[:, None], log_p.at_samples], axis=1)


@final
class SampledCalibrationMetric(_Calibration):
    """Does a region of mass q hold the truth with frequency q? By ranks, for any samples.

    A point lies the further in the nearer its k-th nearest neighbour among all others is, truth
    and samples alike, k being the root of the number of samples: the order of the nearest-neighbour
    estimate of a density (Loftsgaarden and Quesenberry, 1965), at whatever scale the samples have.
    """

    name = "calibration-sampled"
    needs = Prediction

    def depth(self, truth: Points, samples: Points, context: ScoreContext) -> geo.Floats:
        pool = np.concatenate([truth[:, None], samples], axis=1)
        count = pool.shape[1]
        neighbour = max(1, round((count - 1) ** 0.5))
        out = np.empty(pool.shape[:2])
        step = max(1, PAIRS // count**2)
        for start in range(0, len(pool), step):
            rows = pool[start : start + step]
            between = distance_km(rows[:, :, None], rows[:, None])
            # In the row of a point the nearest is the point itself.
            nearest = np.partition(between, neighbour, axis=-1)[..., neighbour]
            out[start : start + step] = -nearest
        return out


def _share_inside(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    low, width = columns["level-low"], columns["level-high"] - columns["level-low"]
    inside = np.subtract.outer(NOMINAL, low)
    inside /= width
    np.clip(inside, 0, 1, out=inside)
    # Rounded, so that what is on the diagonal is there on every machine.
    return np.asarray(np.round(weights.means(inside.T), 12))


def _calibration_error(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    return np.asarray(np.abs(_share_inside(columns, truth, weights) - NOMINAL).mean(axis=-1))
