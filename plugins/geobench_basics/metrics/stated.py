"""The metric of the confidence that is stated along with an answer: is it right as often?"""

from collections.abc import Iterator
from functools import partial
from typing import final

import numpy as np
from pydantic import Field

from geobench import (
    Config,
    Curve,
    Metric,
    Prediction,
    ReplicateWeights,
    ScoreContext,
    Statistic,
    Summary,
    Truth,
    distance_km,
    geo,
)
from geobench_basics.metrics.decision import KEPT, risk_area, risk_curve
from geobench_basics.metrics.distance import RadiiKm
from geobench_basics.metrics.scores import DISTANCES, Columns, Scores

_STATED = 7
"""Decimals of a stated confidence that a score of single precision keeps."""


class StatedConfidenceConfig(Config):
    """What is right, and how finely stated confidences are told apart."""

    radii_km: RadiiKm = Field(
        (200,),
        min_length=1,
        description="an answer this near is right, in km; each has an expected calibration error",
    )
    bins: int = Field(
        10, ge=1, le=100, description="bins of equal width from confidence 0 to confidence 1"
    )


@final
class StatedConfidenceMetric(Metric):
    """What the confidence is worth that a method states along with its answers.

    Risk and coverage by it, as `risk-coverage` has them by the method's own samples, and the
    expected calibration error of "within r km": the mean over photos of |share right - mean
    confidence| of the photo's bin. Bins are of equal width and hold their upper ends (Naeini et
    al., AAAI 2015; Guo et al., ICML 2017).
    """

    name = "stated-confidence"
    reads = frozenset({"confidence"})
    Config = StatedConfidenceConfig
    config: StatedConfidenceConfig

    @property
    def columns(self) -> tuple[str, ...]:
        """Error and confidence, and a 0 or 1 per radius."""
        return ("error_km", "confidence", *map(_within, self.config.radii_km))

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """Area and curve of the risk; of each radius the calibration error, and shares right."""
        risk: tuple[Summary, ...] = (
            Statistic(
                name="stated-confidence.area",
                unit="km",
                better="lower",
                function=risk_area,
                possible=DISTANCES,
            ),
            Curve(
                name="stated-confidence",
                unit="km",
                better="lower",
                function=risk_curve,
                x=KEPT,
                x_unit="share",
                possible=DISTANCES,
            ),
        )
        return (*risk, *(each for r in self.config.radii_km for each in self._reliability(r)))

    def _reliability(self, radius: float) -> Iterator[Summary]:
        right, bins = _within(radius), self.config.bins
        yield Statistic(
            name=f"stated-confidence.ece@{radius:g}km",
            unit="share",
            better="lower",
            function=partial(_calibration_error, right=right, bins=bins),
            ends=(0.0, 1.0),
        )
        yield Curve(
            name=f"stated-confidence.reliability@{radius:g}km",
            unit="share",
            better=None,  # neither: it is good where it is x
            function=partial(_share_right, right=right, bins=bins),
            x=tuple((2 * number + 1) / (2 * bins) for number in range(bins)),
            x_unit="share",
        )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        error = distance_km(prediction.point(), truth.points)
        right = [error <= radius for radius in self.config.radii_km]
        columns = [error, context.along["confidence"], *right]
        return np.stack(columns, axis=1).astype(np.float32)


def _within(radius: float) -> str:
    return f"within@{radius:g}km"


def _binned(columns: Columns, values: geo.Floats, *, bins: int) -> geo.Floats:
    """Values (N,), each in the column of its photo's bin, and 0 in the others, (N, bins)."""
    # Before it is cut: 0.29 * 100 is a little less than 29, and 0.7 has its last digits rounded.
    number = np.ceil(np.round(_stated(columns) * bins, _STATED - 2)).astype(np.intp) - 1
    found = np.zeros((len(values), bins))
    found[np.arange(len(values)), np.maximum(number, 0)] = values
    return found


def _stated(columns: Columns) -> geo.Floats:
    return np.asarray(np.round(columns["confidence"], _STATED))


def _calibration_error(
    columns: Columns, truth: Truth, weights: ReplicateWeights, *, right: str, bins: int
) -> geo.Floats:
    surplus = weights.means(_binned(columns, columns[right] - _stated(columns), bins=bins))
    # Rounded, so that what is calibrated to the last digit is 0 on every machine.
    return np.asarray(np.round(np.abs(surplus).sum(axis=-1), 12))


def _share_right(
    columns: Columns, truth: Truth, weights: ReplicateWeights, *, right: str, bins: int
) -> geo.Floats:
    there = weights.sums(_binned(columns, np.ones(len(columns[right])), bins=bins))
    found = weights.sums(_binned(columns, columns[right], bins=bins))
    undefined = np.full(there.shape, np.nan)
    return np.asarray(np.divide(found, there, out=undefined, where=there > 0))
