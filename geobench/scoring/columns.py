"""Columns: one score per photo of a metric, and why a metric has none."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import copies
from geobench.data import Indices, Truth
from geobench.errors import PredictionError, said_by, traced
from geobench.geo import Floats, Points
from geobench.metrics import NOT_APPLICABLE, NOT_SAMPLED, SCORED, Metric, ScoreContext
from geobench.predictions import Atoms, Density, Prediction
from geobench.records.beside import Beside
from geobench.records.parts import attributes_of

log = logging.getLogger(__name__)


@final
@dataclass(slots=True)
class Scores:
    """What a method said of a part.

    Args:
        answer: (N, 2).
        sample: the first draw of every photo, (N, 2).
        columns: metric's file stem -> `mask` (N,) and its columns (N,), NaN where not scored.
        faults: metric's file stem -> why it failed.
        beside: which photos were declined, and what was said along.
        fewest_draws: how many draws there are of the scored photo with the fewest, where they were
            made elsewhere; None where as many can be had as are asked for.
        predict_seconds: what predictions and answers took, without draws and scores.
        score_seconds: what draws and scores took.
    """

    answer: Points
    sample: Points
    beside: Beside
    columns: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    faults: dict[str, dict[str, str]] = field(default_factory=dict)
    fewest_draws: int | None = None
    predict_seconds: float = 0.0
    score_seconds: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class Photos:
    """The photos to be scored: rows of the part, and all its ids."""

    rows: Indices
    ids: NDArray[np.str_]


def truth_of(arrays: Mapping[str, NDArray[Any]]) -> Truth:
    """The truth in the arrays of a part.npz."""
    return Truth(arrays["truth"], attributes_of(arrays), arrays["novelty"])


def point_columns(
    metric: Metric,
    points: Points,
    truth: Truth,
    *,
    ids: NDArray[np.str_],
    part: str,
    along: Mapping[str, Floats] | None = None,
) -> dict[str, NDArray[Any]]:
    """`mask` and the columns of a metric that stores none, from all photos at once.

    Args:
        points: (N, 2), the stored answers, or the stored first draws if it needs Draws.
        along: what the method said of each photo beside its place, by name, (N,); a photo of which
            it did not say what the metric reads is not scored.
    """
    scores, along = Scores(points, points, Beside(len(points))), along or {}
    start(scores, metric, truth, eligible=np.ones(len(truth), bool))
    mask = scores.columns[metric.file_stem]["mask"]
    for name in metric.reads:
        mask[np.isnan(along[name])] = NOT_APPLICABLE
    prediction = Atoms(points[:, None])
    photos = Photos(np.arange(len(truth)), ids)
    score(scores, metric, prediction, truth, photos, ScoreContext(part=part, along=along))
    if scores.faults:
        raise PredictionError(scores.faults[metric.file_stem]["error"])
    return scores.columns[metric.file_stem]


def start(scores: Scores, metric: Metric, truth: Truth, *, eligible: NDArray[np.bool_]) -> None:
    """Begin the columns of a metric, of which nothing is scored yet.

    Args:
        scores: where they go.
        metric: whose.
        truth: of all photos.
        eligible: which photos the protocol lets it score, (N,).
    """
    try:
        applies = np.asarray(metric.applies(truth), bool)
        if applies.shape != (len(truth),):
            raise PredictionError(f"applies gives shape {applies.shape}, not ({len(truth)},)")
    except Exception as error:
        scores.faults[metric.file_stem] = _fault(metric, error)
        applies = np.zeros(len(truth), bool)
    mask = np.where(applies, SCORED, NOT_APPLICABLE)
    columns: dict[str, NDArray[Any]] = {
        "mask": np.where(eligible, mask, NOT_SAMPLED).astype(np.uint8)
    }
    for name in metric.columns:
        columns[name] = np.full(len(truth), np.nan, np.float32)
    scores.columns[metric.file_stem] = columns


def score(
    scores: Scores,
    metric: Metric,
    prediction: Prediction,
    truth: Truth,
    photos: Photos,
    context: ScoreContext,
) -> None:
    """Score those of some photos that apply; what goes wrong is a fault of the metric.

    Args:
        scores: where its columns have begun.
        metric: what scores.
        prediction: of these photos.
        truth: of all photos of the part.
        photos: which these are.
        context: what else the metric is given of them.
    """
    columns = scores.columns[metric.file_stem]
    inside = np.flatnonzero(columns["mask"][photos.rows] == SCORED)
    if len(inside) == 0:
        return
    chosen = photos.rows[inside]
    try:
        own = context.take(inside)
        with copies.ended():
            values = metric.score(prediction.take(inside), truth.take(chosen), own)
        values = np.asarray(values, dtype=np.float32)
        if values.shape != (len(inside), len(metric.columns)):
            raise PredictionError(
                f"scores have shape {values.shape}, not ({len(inside)}, {len(metric.columns)})"
            )
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            remedy = "Every photo that applies needs a score."
            if metric.needs is Density:
                remedy = "A density that is zero at the truth needs geobench.Floored."
            first = photos.ids[chosen[bad][0]]
            raise PredictionError(
                f"{int(bad.sum())} scores are not finite, the first of photo {first} "
                f"of {context.part}",
                remedy=remedy,
            )
    except Exception as error:
        scores.faults[metric.file_stem] = _fault(metric, error)
        return
    for name, column in zip(metric.columns, values.T, strict=True):
        columns[name][chosen] = column


def _fault(metric: Metric, error: Exception) -> dict[str, str]:
    text = said_by(error)
    log.error("metric %s failed: %s", metric.name, text)
    return {"error": f"metric {metric.name}: {text}", "traceback": traced(error)}
