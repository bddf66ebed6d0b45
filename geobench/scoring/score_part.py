"""Scoring: a fitted method and a part -> answers, draws, and one score per photo and metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import copies, geo
from geobench.answers import Answers
from geobench.data import Examples, Indices, Truth, smallest_by_hash
from geobench.errors import PredictionError
from geobench.geo import Floats, Points
from geobench.methods import Context, Method
from geobench.metrics import Metric, ScoreContext
from geobench.predictions import Density, Prediction
from geobench.records.beside import Beside
from geobench.scoring.columns import Photos, Scores, score, start
from geobench.scoring.costs import Stopwatch


@final
@dataclass(frozen=True, slots=True)
class Protocol:
    """What decides draws and which photos are scored by them; all of it is in the record key.

    Args:
        seed: the training's seed.
        task: the task's digest.
        chunk: photos per call of `predict`.
        photos: how many photos are scored by draws, or "all".
        samples: points drawn for each of them.
        density_photos: how many of them are scored by their density; all, if None.
        density_samples: at how many of their draws their density is looked at; all, if None.
    """

    seed: int
    task: str
    chunk: int
    photos: int | str
    samples: int
    density_photos: int | str | None = None
    density_samples: int | None = None

    def rng(self, chunk: int, stream: int) -> np.random.Generator:
        """The generator of one chunk: stream 0 draws `sample`, 1 the draws of metrics, 2 those
        that maps show."""
        return np.random.default_rng([self.seed, int(self.task[:15], 16), chunk, stream])

    def scored(self, ids: NDArray[np.str_]) -> NDArray[np.bool_]:
        """Which photos metrics score by draws, (N,): those with the smallest hash of id."""
        return _smallest(ids, self.photos)

    def dense(self, ids: NDArray[np.str_]) -> NDArray[np.bool_]:
        """Which of them metrics score by their density, (N,): again the smallest hashes."""
        some = self.photos if self.density_photos is None else self.density_photos
        return self.scored(ids) & _smallest(ids, some)


def _smallest(ids: NDArray[np.str_], most: int | str) -> NDArray[np.bool_]:
    mask = np.zeros(len(ids), bool)
    mask[smallest_by_hash(ids, len(ids) if most == "all" else int(most))] = True
    return mask


def score_part(
    method: Method,
    examples: Examples,
    truth: Truth,
    *,
    context: Context,
    protocol: Protocol,
    metrics: Sequence[Metric],
) -> Scores:
    """Ask a method for every photo of a part, chunk by chunk, and score what it says.

    Raises:
        PredictionError: a wrong type, a wrong number of rows, or answers off the globe.
        DeadlineError: the benchmark's deadline has passed.
    """
    whole, asking = Stopwatch(), Stopwatch()
    with whole:
        scores = _scored(
            method,
            examples,
            truth,
            context=context,
            protocol=protocol,
            metrics=metrics,
            asking=asking,
        )
    for stem in scores.faults:
        scores.columns.pop(stem)
    scores.predict_seconds = asking.seconds
    scores.score_seconds = whole.seconds - asking.seconds
    return scores


def _scored(
    method: Method,
    examples: Examples,
    truth: Truth,
    *,
    context: Context,
    protocol: Protocol,
    metrics: Sequence[Metric],
    asking: Stopwatch,
) -> Scores:
    count = len(examples)
    scores = Scores(np.full((count, 2), np.nan), np.full((count, 2), np.nan), Beside(count))
    scored, dense = protocol.scored(examples.ids), protocol.dense(examples.ids)
    for metric in metrics:
        start(scores, metric, truth, eligible=dense if metric.needs is Density else scored)
    starts = range(0, count, protocol.chunk)
    what = f"answer {context.part}"
    for number, first in enumerate(context.progress(starts, total=len(starts), what=what)):
        rows = np.arange(first, min(first + protocol.chunk, count))
        with copies.ended(), asking:
            said = method.predict(examples.take(rows), context)
        prediction = _checked(said, method, len(rows))
        if isinstance(prediction, Answers):
            prediction = prediction.facing(truth.points[rows])
            scores.beside.add(prediction, rows)
        with asking:  # a numpy array: a GPU has finished when it is there
            answers = prediction.point()
        scores.answer[rows] = _draws(answers, (len(rows),), method, what="answers")
        drawn = prediction.sample(1, protocol.rng(number, 0))
        scores.sample[rows] = _draws(drawn, (len(rows), 1), method)[:, 0]
        inside = np.flatnonzero(scored[rows])
        # Whether a metric asks for draws today or not: one that is added later finds the record
        # as it is.
        scores.fewest_draws = _fewest(scores.fewest_draws, prediction, inside, method)
        if metrics and len(inside):
            batch = _Batch(
                method,
                prediction.take(inside),
                Photos(rows[inside], examples.ids),
                np.flatnonzero(dense[rows[inside]]),
                context.part,
            )
            _score_batch(scores, metrics, batch, truth, protocol, protocol.rng(number, 1))
    return scores


@final
@dataclass(frozen=True, slots=True)
class _Batch:
    """The photos of one chunk that are scored by draws.

    Args:
        method: whose predictions they are.
        prediction: of these photos.
        photos: which they are.
        dense: positions among them of those that are scored by their density, too.
        part: the part, as in table.csv.
    """

    method: Method
    prediction: Prediction
    photos: Photos
    dense: Indices
    part: str


def _score_batch(
    scores: Scores,
    metrics: Sequence[Metric],
    batch: _Batch,
    truth: Truth,
    protocol: Protocol,
    rng: np.random.Generator,
) -> None:
    dense = batch.dense
    some = protocol.samples if protocol.density_samples is None else protocol.density_samples
    looked_at = any(metric.needs is Density for metric in metrics)
    samples, at_samples = _drawn(batch, protocol.samples, some, rng, looked_at=looked_at)
    plain = ScoreContext(samples, batch.part)
    photos = Photos(batch.photos.rows[dense], batch.photos.ids)
    chosen, shared = batch.prediction, plain
    if looked_at and len(dense):
        chosen = batch.prediction.take(dense)
        shared = ScoreContext.of(
            chosen,
            truth.take(photos.rows),
            samples=samples[dense, :some],
            at_samples=at_samples,
            part=batch.part,
        )
    for metric in metrics:
        if metric.file_stem in scores.faults:
            continue
        if metric.needs is Density:
            score(scores, metric, chosen, truth, photos, shared)
        else:
            score(scores, metric, batch.prediction, truth, batch.photos, plain)


def _drawn(
    batch: _Batch, count: int, some: int, rng: np.random.Generator, *, looked_at: bool
) -> tuple[Points, Floats | None]:
    """The draws (N, count, 2), and the log-densities at the first `some` of the photos that need
    them where these come with the draws.

    All is drawn at once where densities are asked for afterwards. Where they come along, the
    draws are the same whether a metric looks at densities or not, so that a metric that is added
    to a record is given the draws of those that were there before.
    """
    prediction, method, dense = batch.prediction, batch.method, batch.dense
    shape = (len(prediction), count)
    if not (isinstance(prediction, Density) and prediction.density_comes_with_draws):
        return _draws(prediction.sample(count, rng), shape, method), None
    samples, at_samples = np.empty((*shape, 2)), None
    if len(dense):
        known = prediction.take(dense)
        if looked_at:
            first, at_samples = known.sample_and_log_prob(some, rng)
            if np.shape(at_samples) != (len(dense), some):
                raise PredictionError(
                    f"log-densities that method {method.name} gives with its draws have shape "
                    f"{np.shape(at_samples)}, not {(len(dense), some)}"
                )
        else:
            first = known.sample(some, rng)
        samples[dense, :some] = _draws(first, (len(dense), some), method)
        rest = known.sample(count - some, rng)
        samples[dense, some:] = _draws(rest, (len(dense), count - some), method)
    others = np.setdiff1d(np.arange(len(prediction)), dense)
    if len(others):
        drawn = prediction.take(others).sample(count, rng)
        samples[others] = _draws(drawn, (len(others), count), method)
    return samples, at_samples


def _checked(prediction: Any, method: Method, count: int) -> Prediction:
    if not isinstance(prediction, method.predicts):
        raise PredictionError(
            f"method {method.name} returned a {type(prediction).__name__}, "
            f"and declares that it predicts {method.predicts.__name__}"
        )
    if len(prediction) != count:
        raise PredictionError(
            f"method {method.name} answered {len(prediction)} photos of {count}",
            remedy="Give one distribution per photo, in order.",
        )
    return prediction


def _fewest(
    before: int | None, prediction: Prediction, scored: Indices, method: Method
) -> int | None:
    """The fewest draws of a scored photo, of those before and of a chunk; None without limit."""
    given = prediction.draws_given
    if given is None or not len(scored):
        return before
    if np.shape(given) != (len(prediction),):
        raise PredictionError(
            f"draws_given of method {method.name} has shape {np.shape(given)}, "
            f"not {(len(prediction),)}",
            remedy="Say of every photo how many draws there are.",
        )
    fewest = int(given[scored].min())
    return fewest if before is None else min(before, fewest)


def _draws(points: Any, shape: tuple[int, ...], method: Method, *, what: str = "samples") -> Points:
    wrapped = geo.wrap(points, name=f"{what} of method {method.name}")
    if wrapped.shape != (*shape, 2):
        raise PredictionError(
            f"{what} of method {method.name} have shape {wrapped.shape}, not {(*shape, 2)}"
        )
    return wrapped
