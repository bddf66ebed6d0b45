"""What every metric promises: one finite score per photo, of that photo and its answer alone."""

import json
import math
from collections.abc import Sequence

import numpy as np
from pydantic import ValidationError

from geobench.components import canonical
from geobench.data import Truth
from geobench.geo import Floats, Points
from geobench.metrics import Draws
from geobench.predictions import Density, Prediction
from geobench.run.planning_checks import READABLE, unreadable
from geobench.summaries import Against, Curve, Mean, Quantile, Share, Statistic, Summary
from geobench.testing import summary_checks
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.metric_subject import (
    Answers,
    arrays_of,
    findings_anew,
    ordinary,
    score,
    without_labels,
)
from geobench.testing.metric_subject import MetricSubject as MetricSubject
from geobench.testing.metric_subject import applies as asked
from geobench.testing.metric_subject import truth as sample
from geobench.testing.other_process import check_another_process, check_random_state, difference
from geobench.testing.untouched import Snapshot

_TOLERANCE = 1e-5  # relative to a column's largest score: what other batches may change


def declared_types(subject: MetricSubject) -> str:
    """It needs Points, Draws, Prediction or Density, and of Points may read what is said along."""
    metric = subject.metric
    subject.ensure_configured()
    needs = metric.needs
    ensure(
        any(needs is each for each in (Points, Draws, Prediction, Density)),
        f"needs is {needs!r}",
        "It is geobench.Points, geobench.Draws, geobench.Prediction or geobench.Density itself.",
    )
    misread = unreadable(metric)
    ensure(not misread, misread, READABLE)
    columns = metric.columns
    ensure(
        isinstance(columns, tuple) and columns and all(isinstance(c, str) and c for c in columns),
        f"columns is {columns!r}",
        "Give a tuple of names.",
    )
    ensure(len(set(columns)) == len(columns), f"columns repeat: {', '.join(columns)}")
    ensure(
        "mask" not in columns,
        "a column is named mask, which is what the stored mask is named",
        "Give the column another name.",
    )
    name = "Points" if needs is Points else needs.__name__
    read = f", reads {', '.join(sorted(metric.reads))}" if metric.reads else ""
    return f"needs {name}{read}, columns {', '.join(columns)}"


def summaries_are_well_formed(subject: MetricSubject) -> str:
    """Every summary has a name, a unit, a direction, and a column that there is."""
    metric = subject.metric
    names = [summary.name for summary in metric.summaries]
    ensure(names, "it has no summaries: no table would show it", "Add a Mean of its column.")
    ensure(len(set(names)) == len(names), f"names of summaries repeat: {', '.join(names)}")
    ensure(
        metric.describes_prediction or any(each.better for each in metric.summaries),
        "of no summary is more or less better, and it does not declare that it describes "
        "predictions",
        "Say which way is better, or set `describes_prediction`.",
    )
    for summary in metric.summaries:
        what = f"summary {summary.name!r}"
        ensure(
            summary.name and summary.name == summary.name.lower() and " " not in summary.name,
            f"{what} is not named in lower case and without spaces",
            "Name it as the others are: distance.mean, accuracy@25km.",
        )
        ensure(
            not summary.name.endswith(".gap"),
            f"{what} ends with .gap, which is how the harness names a difference to a twin split",
        )
        ensure(summary.unit, f"{what} has no unit", "Name one; a plain number is of unit 1.")
        ensure(
            summary.range.low < summary.range.high,
            f"{what}: the possible values are from {summary.range.low:g} to {summary.range.high:g}",
            "Give the lower one first: geobench.Range(0.0, 5000.0).",
        )
        ensure(
            summary.better in ("higher", "lower", None),
            f"{what}: better is {summary.better!r}",
            'It is "higher", "lower", or None where the number describes.',
        )
        ensure(
            summary.better is None or not metric.describes_prediction,
            f"{what}: {summary.better} is better, and the metric describes predictions",
            "What a prediction is like is neither better nor worse: `better=None`.",
        )
        _ensure_source(summary, metric.columns)
    return ", ".join(names)


def _ensure_source(summary: Summary, columns: Sequence[str]) -> None:
    """What a summary is made of is there: a column, or a function and what it is a function of."""
    what, there = f"summary {summary.name!r}", f"The columns are {', '.join(columns)}."
    ensure(
        not summary.constant or summary.constant in columns,
        f"{what}: there is no column {summary.constant!r}, which should say where it is a constant",
        there,
    )
    if isinstance(summary, Against):
        ensure(
            bool(summary.column) != (summary.function is not None),
            f"{what} is of a column and of a function, or of neither",
            "Give one of the two.",
        )
    match summary:
        case Statistic() | Against(column=""):
            pass
        case Mean(column=name) | Share(column=name) | Quantile(column=name) | Against(column=name):
            ensure(
                name in columns,
                f"{what} is of the column {name!r}, and there is no such column",
                there,
            )
        case Curve(x=x, x_unit=unit):
            rising = len(x) > 0 and (np.diff(x) > 0).all()
            ensure(
                rising and all(map(math.isfinite, x)) and unit,
                f"{what}: x is not finite and rising, or has no unit",
            )
        case _:
            raise Failure(f"{what} is a {type(summary).__name__}, which no table can show")
    if isinstance(summary, Quantile):
        ensure(0 < summary.q < 1, f"{what}: q is {summary.q}, not between 0 and 1")


def one_finite_score_per_photo(subject: MetricSubject) -> str:
    """Photos that apply get a finite number per column, at the poles and on the date line, too."""
    shares = [s.column for s in subject.metric.summaries if isinstance(s, Share)]
    for name, column in zip(subject.metric.columns, subject.scores.T, strict=True):
        ensure(
            name not in shares or np.isin(column, (0, 1)).all(),
            f"{name} holds {column[~np.isin(column, (0, 1))][:1]}, and a Share is of zeros and "
            "ones",
            "Use Mean for other scores.",
        )
    return f"{len(subject.scores)} of {len(subject.everything)} photos apply"


def a_photo_is_scored_alone(subject: MetricSubject) -> None:
    """A photo gets the same score alone, and whichever photos it is scored with."""
    if subject.metric.needs is Draws:
        raise Skip("it needs Draws: those of all photos of a part, at once")
    count = len(subject.truth)
    halves = np.array_split(np.arange(count), 3)
    for rows in (*np.split(np.arange(count), count)[:8], *halves):
        _compare(subject, rows, "scored alone" if len(rows) == 1 else "scored in another chunk")


def order_does_not_matter(subject: MetricSubject) -> None:
    """A photo gets the same score whatever the order of the photos."""
    count = len(subject.truth)
    for rows in (np.arange(count)[::-1], np.random.default_rng(0).permutation(count)):
        _compare(subject, rows, "scored in another order")


def _compare(subject: MetricSubject, rows: np.ndarray, what: str) -> None:
    given, truth = subject.answers.take(rows), subject.truth.take(rows)
    found, wanted = score(subject.metric, given, truth), subject.scores[rows]
    largest = np.abs(subject.scores).max(axis=0)
    apart = np.abs(found - wanted) > _TOLERANCE * np.maximum(largest, 1e-30)
    if apart.any():
        photo, column = np.unravel_index(int(apart.argmax()), apart.shape)
        raise Failure(
            f"{subject.metric.columns[column]} of a photo is {wanted[photo, column]:.6g}, and "
            f"{found[photo, column]:.6g} when it is {what}",
            remedy="A score is a function of one photo; what needs several is a Statistic, or "
            "needs Draws.",
        )


def inputs_untouched(subject: MetricSubject) -> None:
    """Scoring changes neither prediction nor samples nor truth, which other metrics read."""
    count, truth = len(subject.truth), sample()
    truth = truth.take(np.flatnonzero(asked(subject.make(), truth)))
    ensure(len(truth) == count, f"{len(truth)} photos apply where {count} did before")
    given = ordinary(subject.metric, truth.points)
    before = Snapshot.of(arrays_of(given, truth))
    asked(subject.metric, truth)
    score(subject.metric, given, truth)
    before.check(arrays_of(given, truth), by=f"metric {subject.plugin.name}")


def asking_changes_nothing(subject: MetricSubject) -> None:
    """Asked again, and in another instance, it gives the same scores and summaries."""
    for what, metric in (("asked again", subject.metric), ("made anew", subject.make())):
        apart = score(metric, subject.answers, subject.truth) != subject.scores
        ensure(
            not apart.any(),
            f"{subject.metric.columns[int(apart.any(axis=0).argmax())]} of photo "
            f"{int(apart.any(axis=1).argmax())} is another when the metric is {what}",
            "Keep nothing between calls, and draw nothing: use context.samples.",
        )


def same_in_another_process(subject: MetricSubject) -> None:
    """Another process finds the same scores and summaries: `verify` computes them again there."""
    check_another_process(subject, findings_anew, subject.plugin, subject.config)


def global_random_state_untouched(subject: MetricSubject) -> None:
    """Scoring neither uses nor changes the global generators."""
    check_random_state(
        lambda: findings_anew(subject.plugin, subject.config), by=f"metric {subject.plugin.name}"
    )


def applies_looks_at_truth_alone(subject: MetricSubject) -> str:
    """Whether a photo applies is decided by its own truth, before and after scoring alike."""
    truth, metric = subject.everything, subject.make()
    before = asked(metric, truth)
    if before.any():
        inside = np.flatnonzero(before)
        score(metric, ordinary(metric, truth.points).take(inside), truth.take(inside))
    ensure(
        (asked(metric, truth) == before).all(),
        "applies gives another answer after photos were scored",
        "It is a function of the truth alone.",
    )
    for row in range(len(truth)):
        alone = asked(metric, truth.take(np.array([row])))[0]
        ensure(
            alone == before[row],
            f"photo {row} applies with others: {before[row]}, alone: {alone}",
            "A photo is decided on by its own truth, not by that of others.",
        )
    return f"{int(before.sum())} of {len(before)} photos"


def missing_labels_do_not_apply(subject: MetricSubject) -> str:
    """A photo without the label that is needed is not applicable, never wrong."""
    scored = []
    for what, blank in without_labels(subject.everything).items():
        try:
            inside = np.flatnonzero(asked(subject.metric, blank))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise Failure(
                f"applies raises {type(error).__name__} ({error}) where {what}",
                remedy="Read attributes by .get, and answer False where a label is missing.",
            ) from error
        if not len(inside):
            scored.append(f"none where {what}")
            continue
        _check_unused(subject, what, blank.take(inside), subject.everything.take(inside))
    return ", ".join(scored) or "needs no labels"


def _check_unused(subject: MetricSubject, what: str, blank: Truth, labelled: Truth) -> None:
    """Photos that apply without labels must not need them."""
    both = np.flatnonzero(asked(subject.metric, labelled))
    given: Answers = summary_checks.perfect(subject.metric, labelled.points)
    remedy = "Answer False in `applies` where a label is missing: it is no wrong answer."
    try:
        without = score(subject.metric, given, blank)
    except Exception as error:
        raise Failure(
            f"where {what} {len(blank)} photos apply, and scoring them ends in "
            f"{type(error).__name__}: {error}",
            remedy=remedy,
        ) from error
    wanted: Floats = score(subject.metric, given.take(both), labelled.take(both))
    apart = (without[both] != wanted).any(axis=1)
    if apart.any():
        photo = int(apart.argmax())
        raise Failure(
            f"where {what} photos apply whose scores need a label: with it the first is scored "
            f"{wanted[photo].tolist()}, without it {without[both][photo].tolist()}",
            remedy=remedy,
        )


def configuration_round_trips(subject: MetricSubject) -> None:
    """Tables are computed again from benchmark.json: its configuration is numbers and names."""
    stored = json.loads(json.dumps(canonical(subject.config, keyed=False), allow_nan=False))
    try:
        again = subject.plugin.Config.from_stored(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise Failure(
            f"its configuration cannot be made again from what is stored: "
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="A metric's configuration holds numbers and names only, no files.",
        ) from None
    changed = difference({"config": stored}, {"config": canonical(again, keyed=False)})
    ensure(not changed, "its configuration is another when it is read back from benchmark.json")
    metric, copy = subject.metric, subject.plugin(again)
    same = metric.columns == copy.columns and metric.file_stem == copy.file_stem
    ensure(same, "made again from its stored configuration it has other columns")


CHECKS = (
    declared_types,
    summaries_are_well_formed,
    one_finite_score_per_photo,
    a_photo_is_scored_alone,
    order_does_not_matter,
    inputs_untouched,
    asking_changes_nothing,
    same_in_another_process,
    global_random_state_untouched,
    applies_looks_at_truth_alone,
    missing_labels_do_not_apply,
    configuration_round_trips,
    *summary_checks.CHECKS,
)
