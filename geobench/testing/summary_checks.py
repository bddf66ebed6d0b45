"""What every metric promises of its summaries: a perfect answer is best, and photos are a set."""

import numpy as np

from geobench import geo
from geobench.data import Truth
from geobench.geo import Floats, Points
from geobench.metrics import Metric
from geobench.statistics.replicate_weights import ReplicateWeights
from geobench.summaries import Curve, Statistic, Summary
from geobench.testing.check import Skip, ensure
from geobench.testing.metric_subject import (
    Answers,
    MetricSubject,
    answers,
    named,
    score,
    value_of,
)

_ROUNDING = 1e-6
_AWAY_KM = (10.0, 300.0, 3000.0)
_RINGS_KM = (0.3, 3.1, 17.0, 73.0, 310.0, 1300.0, 5300.0, 12_300.0, 19_700.0)
_VAGUE_KM = 1000.0  # standard deviation per axis of a prediction that knows a part of the world


def perfect(metric: Metric, points: Points) -> Answers:
    """Answers exactly at `points` (N, 2), certain to about 100 m where they are distributions."""
    return answers(metric, points)


def _calibrated(metric: Metric, points: Points) -> Answers:
    """Answers as certain, of which the truth itself could be a draw: 100 m off at random."""
    narrow = answers(metric, points)
    if narrow.samples is None:
        return narrow
    # Around a draw the truth is distributed as the draw is around the truth.
    return answers(metric, narrow.prediction.sample(1, np.random.default_rng(3))[:, 0])


def _away(points: Points, distance_km: float, *, seed: int = 4) -> Points:
    bearing = np.random.default_rng(seed).uniform(0, 360, len(points))
    return geo.destination(points, bearing, distance_km)


def _values(subject: MetricSubject, given: Answers, summary: Summary) -> Floats:
    columns = named(subject.metric, score(subject.metric, given, subject.truth))
    return value_of(summary, columns, subject.truth)


def _best(subject: MetricSubject, summary: Summary) -> Floats:
    """The value of a perfect answer: at the truth, or with the truth as one of its draws."""
    points = subject.truth.points
    found = [
        _values(subject, given(subject.metric, points), summary) for given in (perfect, _calibrated)
    ]
    best = np.fmax(*found) if summary.better == "higher" else np.fmin(*found)
    ensure(
        np.isfinite(best).any(),
        f"summary {summary.name} is undefined for a perfect answer",
    )
    return np.asarray(best)


def _gain(summary: Summary, better: Floats, worse: Floats) -> Floats:
    """By how much one value is better than another; 0 where one is undefined."""
    sign = 1 if summary.better == "higher" else -1
    return np.nan_to_num(sign * (better - worse))


def perfect_answer_gets_the_best_value(subject: MetricSubject) -> str:
    """No summary is better 10, 300 or 3,000 km off, or at the antipode, than for a perfect answer.

    A perfect distribution is narrow and centred on the truth, or on a draw from it.
    """
    if subject.metric.describes_prediction:
        raise Skip("it describes predictions, wherever they are")
    told, points = [], subject.truth.points
    for summary in _directed(subject):
        best = _best(subject, summary)
        places = {f"{km:g} km off": _away(points, km) for km in _AWAY_KM}
        places["at the antipode"] = geo.antipodes(points)
        for where, place in places.items():
            value = _values(subject, answers(subject.metric, place), summary)
            gain = _gain(summary, best, value)
            worst = int(gain.argmin())
            ensure(
                gain[worst] >= -_ROUNDING * max(1.0, abs(best[worst])),
                f"summary {summary.name} ({summary.better} is better) is {best[worst]:.6g} for "
                f"perfect answers, and {value[worst]:.6g} for answers {where}",
                "Check its `better`, and the sign of the score.",
            )
        if best.size == 1:
            told.append(f"{summary.name} {best[0]:.6g}")
    return ", ".join(told)


def antipodes_get_a_worse_value(subject: MetricSubject) -> str:
    """Every summary tells a perfect answer from the antipode; or, of predictions, sharp from vague.

    A metric that describes predictions does not look at the truth, and tells sharp from vague.
    """
    if subject.metric.describes_prediction:
        return _sharp_beats_vague(subject)
    told, points = [], subject.truth.points
    for summary in _directed(subject):
        value = _values(subject, answers(subject.metric, geo.antipodes(points)), summary)
        best = _best(subject, summary)
        ensure(
            (_gain(summary, best, value) > _ROUNDING * np.maximum(1.0, np.abs(best))).any(),
            f"summary {summary.name} is {value[0]:.6g} for answers at the antipode, no worse than "
            "for perfect ones",
            "Check its column and its `better`. What is not about the truth says so: see "
            "`describes_prediction`.",
        )
        if value.size == 1:
            told.append(f"{summary.name} {value[0]:.6g}")
    return ", ".join(told)


def nearest_is_best(subject: MetricSubject) -> str:
    """Where it says that the nearest is best, only the distance counts, and nearer is no worse."""
    metric, points = subject.metric, subject.truth.points
    if not metric.nearest_is_best:
        raise Skip("it does not declare `nearest_is_best`")
    remedy = "Leave `nearest_is_best` out: no place is a ceiling of it."
    ensure(metric.needs is Points, "it declares `nearest_is_best` and needs no Points", remedy)
    for summary in _directed(subject):
        nearer, last = _best(subject, summary), 0.0
        for distance_km in _RINGS_KM:
            here, there = (
                _values(subject, answers(metric, _away(points, distance_km, seed=seed)), summary)
                for seed in (4, 5)
            )
            ensure(
                np.allclose(here, there, rtol=_ROUNDING, atol=_ROUNDING),
                f"summary {summary.name} is {here[0]:.6g} for answers {distance_km:g} km off, and "
                f"{there[0]:.6g} in other directions",
                remedy,
            )
            ensure(
                (_gain(summary, here, nearer) <= _ROUNDING * (1 + np.abs(nearer))).all(),
                f"summary {summary.name} is {here[0]:.6g} for answers {distance_km:g} km off, "
                f"better than {nearer[0]:.6g} for answers {last:g} km off",
                remedy,
            )
            nearer, last = here, distance_km
    return ", ".join(summary.name for summary in _directed(subject))


def _sharp_beats_vague(subject: MetricSubject) -> str:
    truth, told = subject.truth, []
    elsewhere = Truth(geo.antipodes(truth.points), truth.attributes, truth.novelty)
    moved = score(subject.metric, subject.answers, elsewhere)
    ensure(
        (moved == subject.scores).all(),
        "it declares that it describes predictions, and its scores change with the truth",
        "Leave `describes_prediction` out.",
    )
    sharp = perfect(subject.metric, truth.points)
    vague = answers(subject.metric, truth.points, spread_km=_VAGUE_KM)
    for summary in subject.metric.summaries:
        best, value = (_values(subject, given, summary) for given in (sharp, vague))
        ensure(
            (np.abs(best - value) > _ROUNDING * np.maximum(1.0, np.abs(best))).all(),
            f"summary {summary.name} is {best[0]:.6g} for a sharp prediction, and {value[0]:.6g} "
            f"for one that is {_VAGUE_KM:g} km wide",
            "Check its column.",
        )
        if value.size == 1:
            told.append(f"{summary.name} {best[0]:.6g} and {value[0]:.6g}")
    return ", ".join(told)


def _directed(subject: MetricSubject) -> list[Summary]:
    """The summaries of which more, or less, is better; the others only describe."""
    return [each for each in subject.metric.summaries if each.better is not None]


def photos_are_a_set(subject: MetricSubject) -> None:
    """A summary has the same value whatever the order of the photos."""
    order = np.random.default_rng(0).permutation(len(subject.truth))
    columns = named(subject.metric, subject.scores)
    shuffled = {name: column[order] for name, column in columns.items()}
    for summary in subject.metric.summaries:
        before = value_of(summary, columns, subject.truth)
        after = value_of(summary, shuffled, subject.truth.take(order))
        _ensure_equal(summary, before, after, "when the photos come in another order")


def weights_leave_photos_out(subject: MetricSubject) -> str:
    """In a Statistic or Curve a photo of weight 0 is as if it were not there: for intervals."""
    wanted = _of_weights(subject.metric)
    kept = np.random.default_rng(0).random(len(subject.truth)) < 0.6
    columns = named(subject.metric, subject.scores)
    fewer = {name: column[kept] for name, column in columns.items()}
    few: Truth = subject.truth.take(np.flatnonzero(kept))
    for summary in wanted:
        plain = value_of(summary, fewer, few, ReplicateWeights.of(np.ones(kept.sum())))
        weighted = value_of(summary, columns, subject.truth, ReplicateWeights.of(kept))
        _ensure_equal(summary, plain, weighted, "when weights of 0 leave the other photos out")
        twice = value_of(summary, fewer, few, ReplicateWeights.of(np.full(kept.sum(), 2.0)))
        _ensure_equal(summary, plain, twice, "when all weights are 2: only their ratios matter")
    return ", ".join(summary.name for summary in wanted)


def replicates_stand_alone(subject: MetricSubject) -> str:
    """A Statistic or Curve gives a replicate of the weights the same number alone and with others.

    Whichever photos leave together, and in whatever groups their weights are held.
    """
    wanted, count = _of_weights(subject.metric), len(subject.truth)
    columns = named(subject.metric, subject.scores)
    weights = ReplicateWeights.leaving_out(np.random.default_rng(0).integers(0, 5, count))
    rows = np.concatenate(list(weights.blocks()))
    for summary in wanted:
        found = np.asarray(summary.function(columns, subject.truth, weights), np.float64)
        shape = (len(rows),) if isinstance(summary, Statistic) else (len(rows), len(summary.x))
        ensure(
            found.shape == shape,
            f"summary {summary.name} has the shape {found.shape}, not {shape}, for {len(rows)} "
            "replicates",
            "Return one number, or one per x, for each replicate: `weights.each` stacks them.",
        )
        for together, row in zip(found, rows, strict=True):
            alone = value_of(summary, columns, subject.truth, ReplicateWeights.of(row))
            _ensure_equal(summary, alone, np.atleast_1d(together), "with other replicates")
    return ", ".join(summary.name for summary in wanted)


def _of_weights(metric: Metric) -> list[Statistic | Curve]:
    found = [each for each in metric.summaries if isinstance(each, Statistic | Curve)]
    if not found:
        raise Skip("no summary is a Statistic or a Curve")
    return found


def _ensure_equal(summary: Summary, before: Floats, after: Floats, when: str) -> None:
    ensure(
        before.shape == after.shape
        and np.allclose(before, after, rtol=1e-9, atol=1e-12, equal_nan=True),
        f"summary {summary.name} was {before[:3]} and is {after[:3]} {when}",
        "Weigh every photo by its weight, and take photos as they come.",
    )


CHECKS = (
    perfect_answer_gets_the_best_value,
    antipodes_get_a_worse_value,
    nearest_is_best,
    photos_are_a_set,
    weights_leave_photos_out,
    replicates_stand_alone,
)
