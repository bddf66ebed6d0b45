"""Metrics of what is decided by a distribution: when to answer at all, and with which place."""

from collections.abc import Mapping
from typing import NamedTuple, final

import numpy as np

from geobench import (
    Curve,
    Mean,
    Metric,
    Prediction,
    ScoreContext,
    Statistic,
    Truth,
    distance_km,
)
from geobench_basics.draws import PAIRS, Floats, Scores, samples_of
from geobench_basics.metrics import geoscore

KEPT = tuple(step / 20 for step in range(1, 21))
"""The fractions kept of the curve, from 0.05 to 1."""


class _Ordered(NamedTuple):
    """Photos from the most confident to the least: sums of their weights, and of their errors."""

    weight: Floats
    error: Floats


def _by_confidence(columns: Mapping[str, Floats], weights: Floats) -> _Ordered:
    inside = weights > 0
    confidence, error = columns["confidence"][inside], columns["error_km"][inside]
    weight = weights[inside]
    # Among equals the lighter come first, so that the order of photos does not matter.
    equal = not len(weight) or np.ptp(weight) == 0
    order = np.argsort(-confidence) if equal else np.lexsort((weight, -confidence))
    confidence, error, weight = confidence[order], error[order], weight[order]
    # Photos of equal confidence could come in any order: each stands for their mean.
    starts = np.flatnonzero(np.diff(confidence, prepend=np.inf))
    if len(starts):
        means = np.add.reduceat(weight * error, starts) / np.add.reduceat(weight, starts)
        error = np.repeat(means, np.diff(starts, append=len(error)))
    return _Ordered(np.cumsum(weight), np.cumsum(weight * error))


def _risk_area(columns: Mapping[str, Floats], truth: Truth, weights: Floats) -> float:
    kept = _by_confidence(columns, weights)
    if not len(kept.weight):
        return float("nan")
    shares = np.diff(kept.weight, prepend=0) / kept.weight[-1]
    return float(shares @ (kept.error / kept.weight))


def _risk_curve(columns: Mapping[str, Floats], truth: Truth, weights: Floats) -> Floats:
    kept = _by_confidence(columns, weights)
    if not len(kept.weight):
        return np.full(len(KEPT), np.nan)
    wanted = np.array(KEPT) * kept.weight[-1]
    # Between two photos the next one is kept in part.
    error = np.interp(wanted, np.append(0, kept.weight), np.append(0, kept.error))
    return np.asarray(error / wanted)


@final
class RiskCoverageMetric(Metric):
    """Mean error of the answers that are kept when the least confident ones are withheld.

    The confidence of an answer is minus the mean distance from it to the samples. The area is the
    mean, over k from 1 to the number of photos, of the mean error of the k most confident answers
    (Geifman, Uziel and El-Yaniv, ICLR 2019); photos of equal confidence count as if in the mean
    over all their orders.
    """

    name = "risk-coverage"
    needs = Prediction
    columns = ("error_km", "confidence")
    summaries = (
        Statistic(name="risk-coverage.area", unit="km", better="lower", function=_risk_area),
        Curve(
            name="risk-coverage",
            unit="km",
            better="lower",
            function=_risk_curve,
            x=KEPT,
            x_unit="share",
        ),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        answer = prediction.point()
        samples = samples_of(context, metric=self.name)
        confidence = -distance_km(answer[:, None], samples).mean(axis=1)
        error = distance_km(answer, truth.points)
        return np.stack([error, confidence], axis=1).astype(np.float32)


@final
class BayesGeoScoreMetric(Metric):
    """GeoScore of the sample with the best expected GeoScore under the method's own samples.

    The same rule for all methods, however each turns its distribution into one answer; of equal
    samples the first.
    """

    name = "bayes-geoscore"
    needs = Prediction
    columns = ("bayes-geoscore",)
    summaries = (
        Mean(name="bayes-geoscore", unit="points", better="higher", column="bayes-geoscore"),
    )

    def score(self, prediction: Prediction, truth: Truth, context: ScoreContext) -> Scores:
        samples = samples_of(context, metric=self.name)
        best = np.empty(len(samples), np.intp)
        step = max(1, PAIRS // samples.shape[1] ** 2)
        for start in range(0, len(samples), step):
            rows = samples[start : start + step]
            expected = geoscore(distance_km(rows[:, :, None], rows[:, None])).mean(axis=-1)
            # Rounding keeps ties ties, so that the first of two equal samples always wins.
            best[start : start + step] = np.round(expected, 6).argmax(axis=1)
        chosen = samples[np.arange(len(samples)), best]
        return geoscore(distance_km(chosen, truth.points))[:, None].astype(np.float32)
