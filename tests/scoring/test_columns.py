"""A metric's columns: what became of each photo, and a metric that fails fails alone."""

from dataclasses import replace

import numpy as np
import pytest

from geobench import GeobenchError, LazyDensity, Mean, Metric, geo, smallest_by_hash
from geobench.metrics import NOT_APPLICABLE, NOT_SAMPLED, SCORED
from geobench.scoring.columns import point_columns
from told_method import (
    IDS,
    PHOTOS,
    PROTOCOL,
    TRUTH,
    Likelihood,
    Northern,
    Spread,
    around,
    scored,
)


class Faulty(Spread):
    """Scores what a function says."""

    name = "faulty"

    def __init__(self, values):
        super().__init__()
        self.values = values

    def score(self, prediction, truth, context):
        return self.values(truth)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            lambda truth: np.where(truth.attributes["row"] == 12, np.nan, 1.0)[:, None] * [1, 1],
            "1 scores are not finite, the first of photo photo-12 of random/test",
        ),
        (
            lambda truth: np.where(truth.attributes["row"] >= 6, np.inf, 1.0)[:, None] * [1, 1],
            "4 scores are not finite, the first of photo photo-6 of random/test",
        ),
        (lambda truth: np.ones(len(truth)), "scores have shape (5,), not (5, 2)"),
        (lambda truth: np.ones((len(truth), 3)), "scores have shape (5, 3), not (5, 2)"),
        (lambda truth: truth.attributes["colour"], "KeyError: 'colour'"),
        (lambda truth: [["a", "b"]] * len(truth), "ValueError: could not convert string"),
    ],
)
def test_a_metric_that_fails_fails_alone_and_says_where(values, error):
    faulty, spread = Faulty(values), Spread()
    scores = scored(around, [faulty, spread, Likelihood()])
    assert set(scores.faults) == {faulty.file_stem}
    fault = scores.faults[faulty.file_stem]
    assert fault["error"].startswith(f"metric faulty: {error}")
    assert "Traceback" in fault["traceback"]
    assert faulty.file_stem not in scores.columns
    alone = scored(around, [Spread()])
    np.testing.assert_array_equal(scores.answer, alone.answer)
    for name, column in alone.columns[spread.file_stem].items():
        np.testing.assert_array_equal(scores.columns[spread.file_stem][name], column)


def test_a_density_of_zero_at_the_truth_is_told_its_remedy():
    def flat(examples):
        points = np.zeros((len(examples), 2))
        return LazyDensity(
            points,
            lambda rows, n, rng: np.zeros((len(rows), n, 2)),
            lambda rows, places: np.full(places.shape[:2], -np.inf),
        )

    scores = scored(flat, [Likelihood()])
    (fault,) = scores.faults.values()
    assert "5 scores are not finite, the first of photo photo-0 of random/test" in fault["error"]
    assert "geobench.Floored" in fault["error"]


@pytest.mark.parametrize("applies", [lambda truth: truth.novelty["x"], lambda truth: [True]])
def test_a_metric_that_cannot_say_where_it_applies_fails_alone(applies):
    class Confused(Spread):
        name = "confused"

        def applies(self, truth):
            return applies(truth)

    confused, spread = Confused(), Spread()
    scores = scored(around, [confused, spread])
    assert set(scores.faults) == {confused.file_stem}
    assert set(scores.columns) == {spread.file_stem}
    assert not confused.seen


def test_the_mask_says_what_became_of_each_photo():
    northern, spread = Northern(), Spread()
    scores = scored(around, [northern, spread], protocol=replace(PROTOCOL, photos=9))
    eligible = np.isin(np.arange(PHOTOS), smallest_by_hash(IDS, 9))
    north = TRUTH.points[:, 0] > 0
    assert (eligible & north).any()
    assert (eligible & ~north).any()
    expected = np.where(eligible, np.where(north, SCORED, NOT_APPLICABLE), NOT_SAMPLED)
    columns = scores.columns[northern.file_stem]
    np.testing.assert_array_equal(columns["mask"], expected)
    np.testing.assert_array_equal(np.isfinite(columns["spread"]), expected == SCORED)
    np.testing.assert_array_equal(columns["row"][expected == SCORED], np.flatnonzero(expected == 0))
    every = scores.columns[spread.file_stem]
    np.testing.assert_array_equal(every["mask"], np.where(eligible, SCORED, NOT_SAMPLED))
    for column in (*columns.values(), *every.values()):
        assert column.dtype in (np.uint8, np.float32)


def test_all_photos_are_scored_where_photos_is_all_or_more_than_there_are():
    for photos in ("all", PHOTOS, 1000):
        spread = Spread()
        scores = scored(around, [spread], protocol=replace(PROTOCOL, photos=photos))
        columns = scores.columns[spread.file_stem]
        assert (columns["mask"] == SCORED).all()
        np.testing.assert_array_equal(columns["row"], np.arange(PHOTOS))


def test_a_metric_that_applies_nowhere_is_not_asked():
    class Nowhere(Spread):
        name = "nowhere"

        def applies(self, truth):
            return np.zeros(len(truth), bool)

    nowhere = Nowhere()
    scores = scored(around, [nowhere])
    assert not nowhere.seen
    assert (scores.columns[nowhere.file_stem]["mask"] == NOT_APPLICABLE).all()
    assert not scores.faults


NAMES = np.array([f"photo-{row}" for row in range(PHOTOS)])


class Away(Metric):
    """Distance of the answer: a metric that needs only points."""

    name = "away"
    columns = ("away",)
    summaries = (Mean(name="away", unit="km", better="lower", column="away"),)

    def score(self, prediction, truth, context):
        assert context.samples is None
        distance = geo.distance_km(prediction.point(), truth.points)
        return distance[:, None].astype(np.float32)


def test_a_metric_of_points_is_computed_from_stored_answers():
    answers = scored(around).answer
    columns = point_columns(Away(), answers, TRUTH, ids=NAMES, part="random/test")
    assert (columns["mask"] == SCORED).all()
    expected = geo.distance_km(answers, TRUTH.points)
    np.testing.assert_allclose(columns["away"], expected, rtol=1e-6)


def test_a_metric_of_points_that_fails_is_a_sentence_with_its_photo():
    class Undefined(Away):
        name = "undefined"

        def score(self, prediction, truth, context):
            return np.where(truth.attributes["row"] == 8, np.nan, 0.0)[:, None]

    with pytest.raises(GeobenchError) as caught:
        point_columns(Undefined(), np.zeros((PHOTOS, 2)), TRUTH, ids=NAMES, part="random/test")
    assert "metric undefined: 1 scores are not finite" in str(caught.value)
    assert "photo photo-8 of random/test" in str(caught.value)
