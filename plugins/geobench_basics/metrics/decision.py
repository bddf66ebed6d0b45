"""Metrics of what is decided by a distribution: when to answer at all, and with which place."""

from collections.abc import Iterator
from typing import NamedTuple, final

import numpy as np

from geobench import (
    Curve,
    Indices,
    Mean,
    Metric,
    Prediction,
    ReplicateWeights,
    ScoreContext,
    Statistic,
    Truth,
    distance_km,
    geo,
)
from geobench_basics.metrics.distance import GEOSCORES, geoscore
from geobench_basics.metrics.draws import PAIRS, samples_of
from geobench_basics.metrics.scores import DISTANCES, Columns, Scores, as_column

KEPT = tuple(step / 20 for step in range(1, 21))
"""The fractions kept of the curve, from 0.05 to 1."""


class _Ordered(NamedTuple):
    """Photos from the most confident to the least, in each of r replicates, (r, N) each.

    Their weights, and up to each of them the sums of weights and of weighted errors.
    """

    weight: geo.Floats
    weights: geo.Floats
    errors: geo.Floats


def _by_confidence(columns: Columns, weights: ReplicateWeights) -> Iterator[_Ordered]:
    order = np.argsort(-columns["confidence"])
    confidence, error = columns["confidence"][order], columns["error_km"][order]
    same = np.diff(confidence) == 0
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    starts = np.flatnonzero(np.diff(confidence[tied], prepend=np.inf))
    for weight in weights.blocks(order):
        weighted = weight * error
        if len(tied):
            pair = weight[:, tied], weighted[:, tied]
            weight[:, tied], weighted[:, tied] = _shared(*pair, starts)
        # A sum waits for the one before it: both at once take as long as one.
        pairs = np.empty(weight.shape, np.complex128)
        pairs.real, pairs.imag = weight, weighted
        sums = np.cumsum(pairs, axis=1, out=pairs)
        yield _Ordered(weight, sums.real, sums.imag)


def _shared(
    weight: geo.Floats, weighted: geo.Floats, starts: Indices
) -> tuple[geo.Floats, geo.Floats]:
    """Photos of equal confidence could come in any order: each stands for the mean of its like."""
    there = weight > 0
    counts = np.maximum(np.add.reduceat(there, starts, axis=1, dtype=np.float64), 1)
    sizes = np.diff(starts, append=weight.shape[1])

    def mean(values: geo.Floats) -> geo.Floats:
        means = np.add.reduceat(values, starts, axis=1) / counts
        return np.asarray(there * np.repeat(means, sizes, axis=1), np.float64)

    return mean(weight), mean(weighted)


def risk_area(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    """The mean risk over all coverages, (R,), of columns `error_km` and `confidence`, (N,) each."""
    return np.concatenate([_areas(kept) for kept in _by_confidence(columns, weights)])


def _areas(kept: _Ordered) -> geo.Floats:
    with np.errstate(invalid="ignore"):
        # Before the first photo that counts there is no risk, and no weight.
        risk = kept.errors / np.maximum(kept.weights, np.finfo(np.float64).tiny)
        return np.asarray(np.einsum("rn,rn->r", kept.weight, risk) / kept.weights[:, -1])


def risk_curve(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    """The risk at the coverages `KEPT`, (R, 20), of the same columns."""
    return np.concatenate([_curves(kept) for kept in _by_confidence(columns, weights)])


def _curves(kept: _Ordered) -> geo.Floats:
    wanted = np.array(KEPT) * kept.weights[:, -1:]
    # Between two photos the next one is kept in part.
    errors = [
        np.interp(at, np.append(0, weights), np.append(0, errors))
        for at, weights, errors in zip(wanted, kept.weights, kept.errors, strict=True)
    ]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.array(errors) / wanted)


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
        Statistic(
            name="risk-coverage.area",
            unit="km",
            better="lower",
            function=risk_area,
            possible=DISTANCES,
        ),
        Curve(
            name="risk-coverage",
            unit="km",
            better="lower",
            function=risk_curve,
            x=KEPT,
            x_unit="share",
            possible=DISTANCES,
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
        Mean(
            name="bayes-geoscore",
            unit="points",
            better="higher",
            column="bayes-geoscore",
            possible=GEOSCORES,
        ),
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
        return as_column(geoscore(distance_km(chosen, truth.points)))
