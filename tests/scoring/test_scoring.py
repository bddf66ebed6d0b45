"""Scoring: answers are checked and asked for once; draws and masks are the protocol's alone."""

from dataclasses import replace
from typing import final

import numpy as np
import pytest

from geobench import (
    Atoms,
    Context,
    DeadlineError,
    Density,
    Examples,
    GeobenchError,
    Labelled,
    LazyDensity,
    Mean,
    Method,
    Metric,
    Prediction,
    PredictionError,
    Rows,
    Truth,
    VonMisesFisherMixture,
    geo,
    smallest_by_hash,
)
from geobench.catalogue import installed
from geobench.metrics import NOT_APPLICABLE, NOT_SAMPLED, SCORED
from geobench.scoring.columns import point_columns
from geobench.scoring.score_part import Protocol, score_part

PHOTOS = 23
CHUNK = 5
PROTOCOL = Protocol(seed=3, task="a1b2c3d4e5f60718" * 4, chunk=CHUNK, photos="all", samples=4)
IDS = np.array([f"photo-{n}" for n in range(PHOTOS)])


class Told(Method):
    """Predicts what a function makes of each chunk's examples."""

    name = "told"
    predicts = Prediction

    def __init__(self, answer, predicts=Prediction):
        super().__init__()
        self.answer = answer
        self.predicts = predicts
        self.calls = []

    def fit(self, train, val, context): ...

    def predict(self, examples, context):
        assert not isinstance(examples, Labelled)
        self.calls.append(examples.ids.tolist())
        return self.answer(examples)

    def state(self):
        return {}

    def restore(self, state, train, context):
        raise NotImplementedError


class Raw(Prediction):
    """A prediction that gives just what it is told, checked by nobody."""

    def __init__(self, point, draw=None, *, count=None):
        self._point = np.asarray(point, np.float64)
        self._draw = draw
        self._count = len(self._point) if count is None else count

    def __len__(self):
        return self._count

    def point(self):
        return self._point

    def sample(self, n, rng):
        if self._draw is not None:
            return np.asarray(self._draw(len(self), n))
        return np.repeat(self._point[:, None], n, axis=1)

    def take(self, indices):
        return Raw(self._point[indices], self._draw)


class Spread(Metric):
    """Mean longitude of the samples: shows which samples a metric was given."""

    needs = Prediction
    columns = ("spread", "row")
    summaries = (Mean(name="spread", unit="degrees", better="lower", column="spread"),)
    name = "spread"

    def __init__(self):
        super().__init__()
        self.seen = []

    def score(self, prediction, truth, context):
        assert context.samples is not None
        assert context.part == "random/test"
        assert len(prediction) == len(truth) == len(context.samples)
        self.seen.append(context.samples)
        values = [context.samples[:, :, 1].mean(axis=1), truth.attributes["row"]]
        return np.stack(values, axis=-1).astype(np.float32)


class Likelihood(Metric):
    """Negative log-density at the truth."""

    name = "likelihood"
    needs = Density
    columns = ("nll",)
    summaries = (Mean(name="nll", unit="nats per steradian", better="lower", column="nll"),)

    def score(self, prediction, truth, context):
        return np.asarray(-prediction.log_prob(truth.points[:, None]), np.float32)


class Northern(Spread):
    """Scores photos of the northern hemisphere only."""

    name = "northern"

    def applies(self, truth):
        return truth.points[:, 0] > 0


class Faulty(Spread):
    """Scores what a function says."""

    name = "faulty"

    def __init__(self, values):
        super().__init__()
        self.values = values

    def score(self, prediction, truth, context):
        return self.values(truth)


NAMES = np.array([f"photo-{row}" for row in range(PHOTOS)])
TRUTH = Truth(
    points=geo.uniform(PHOTOS, np.random.default_rng(1)),
    attributes={"row": np.arange(PHOTOS)},
    novelty=np.full(PHOTOS, np.nan),
)
EXAMPLES = Examples(ids=IDS, pooled=Rows([np.arange(PHOTOS, dtype=np.float32)[:, None]]))


def around(examples):
    """A distribution around a place that the features name."""
    assert examples.pooled is not None
    lon = np.asarray(examples.pooled)[:, 0] * 10.0
    means = np.stack([np.zeros(len(lon)), lon], axis=-1)
    return VonMisesFisherMixture(means[:, None], np.full((1, 1), 50.0))


def scored(method, metrics=(), *, protocol=PROTOCOL, context=None):
    asked = method if isinstance(method, Method) else Told(method)
    given = Context(seed=3, part="random/test") if context is None else context
    return score_part(
        asked, EXAMPLES, TRUTH, context=given, protocol=protocol, metrics=list(metrics)
    )


def problem(answer, *metrics, predicts=Prediction):
    with pytest.raises(PredictionError) as caught:
        scored(Told(answer, predicts), metrics)
    return str(caught.value)


def test_every_photo_is_asked_for_once_in_order_and_in_chunks():
    method = Told(around)
    scored(method, [Spread(), Northern(), Likelihood()])
    assert [len(ids) for ids in method.calls] == [5, 5, 5, 5, 3]
    assert [i for ids in method.calls for i in ids] == IDS.tolist()


def test_answers_are_those_of_the_method():
    answers = scored(around).answer
    expected = (np.arange(PHOTOS) * 10.0 + 180) % 360 - 180
    np.testing.assert_allclose(answers, np.stack([np.zeros(PHOTOS), expected], -1), atol=1e-12)


def test_a_wrong_number_of_rows_is_a_sentence_that_names_the_method():
    assert problem(lambda e: Raw(np.zeros((len(e) - 1, 2)))) == (
        "method told answered 4 photos of 5. Give one distribution per photo, in order."
    )
    assert "method told answered 1 photos of 5" in problem(lambda e: Atoms(np.zeros((1, 1, 2))))


def test_a_wrong_number_of_answers_is_a_sentence_that_names_the_method():
    text = problem(lambda e: Raw(np.zeros((1, 2)), count=len(e)))
    assert text == "answers of method told have shape (1, 2), not (5, 2)"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_a_sentence_that_names_the_method(value):
    def answer(examples):
        points = np.zeros((len(examples), 2))
        points[2, 1] = value
        return Raw(points)

    text = problem(answer)
    assert "answers of method told" in text
    assert "finite" in text


def test_a_latitude_beyond_a_pole_is_a_sentence_that_names_the_method():
    text = problem(lambda e: Raw(np.full((len(e), 2), 95.0)))
    assert "answers of method told" in text
    assert "95" in text


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (lambda e: np.zeros((len(e), 2)), "ndarray"),
        (lambda e: None, "NoneType"),
        (lambda e: Atoms(np.zeros((len(e), 1, 2))), "Atoms"),
    ],
)
def test_a_type_other_than_declared_is_a_sentence_that_names_the_method(answer, found):
    assert problem(answer, predicts=VonMisesFisherMixture) == (
        f"method told returned a {found}, and declares that it predicts VonMisesFisherMixture"
    )


def test_samples_of_a_wrong_shape_are_a_sentence_that_names_the_method():
    text = problem(lambda e: Raw(np.zeros((len(e), 2)), lambda count, n: np.zeros((count, 2))))
    assert text == "samples of method told have shape (5, 2), not (5, 1, 2)"

    def one_less(count, n):
        return np.zeros((count, max(n - 1, 1), 2))

    text = problem(lambda e: Raw(np.zeros((len(e), 2)), one_less), Spread())
    assert text == "samples of method told have shape (5, 3, 2), not (5, 4, 2)"


def test_a_sample_off_the_globe_is_a_sentence_that_names_the_method():
    for value in (np.nan, 95.0):

        def draw(count, n, value=value):
            return np.full((count, n, 2), value)

        text = problem(lambda e, draw=draw: Raw(np.zeros((len(e), 2)), draw))
        assert "samples of method told" in text


def test_longitudes_are_wrapped():
    def draw(count, n):
        return np.broadcast_to([10.0, -190.0], (count, n, 2))

    spread = Spread()
    scores = scored(lambda e: Raw(np.tile([-5.0, 540.0], (len(e), 1)), draw), [spread])
    np.testing.assert_array_equal(scores.answer, np.tile([-5.0, -180.0], (PHOTOS, 1)))
    np.testing.assert_array_equal(scores.sample, np.tile([10.0, 170.0], (PHOTOS, 1)))
    assert (np.concatenate(spread.seen)[..., 1] == 170.0).all()


def test_what_a_method_raises_is_not_swallowed():
    def broken(examples):
        raise ZeroDivisionError("in the network")

    with pytest.raises(ZeroDivisionError, match="in the network"):
        scored(broken)


def test_a_deadline_stops_between_two_chunks():
    method = Told(around)
    with pytest.raises(DeadlineError):
        scored(method, context=Context(seed=3, part="random/test", deadline=0.0))
    assert not method.calls


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


def test_all_metrics_are_given_the_same_samples():
    class Second(Spread):
        name = "second"

    first, second, northern = Spread(), Second(), Northern()
    scored(around, [first, second, northern])
    for a, b in zip(first.seen, second.seen, strict=True):
        assert a is b or (a == b).all()
        assert a.shape[1:] == (PROTOCOL.samples, 2)
    north = TRUTH.points[:, 0] > 0
    np.testing.assert_array_equal(np.concatenate(northern.seen), np.concatenate(first.seen)[north])


def test_samples_do_not_depend_on_which_other_metrics_there_are():
    alone, beside = Spread(), Spread()
    scored(around, [alone])
    scored(around, [Likelihood(), Northern(), beside])
    np.testing.assert_array_equal(np.concatenate(alone.seen), np.concatenate(beside.seen))


def test_answers_and_first_draws_depend_neither_on_photos_nor_on_metrics():
    plain = scored(around)
    for metrics, photos in (([Spread()], "all"), ([Spread(), Likelihood()], 4), ([], 2)):
        scores = scored(around, metrics, protocol=replace(PROTOCOL, photos=photos, samples=9))
        np.testing.assert_array_equal(scores.answer, plain.answer)
        np.testing.assert_array_equal(scores.sample, plain.sample)
    assert np.isfinite(plain.sample).all()


def test_draws_are_the_same_for_the_same_seed_task_and_chunk_and_no_others():
    def draws(**changes):
        return scored(around, protocol=replace(PROTOCOL, **changes)).sample

    base = draws()
    np.testing.assert_array_equal(draws(), base)
    for changes in ({"seed": 4}, {"task": "b" + PROTOCOL.task[1:]}, {"chunk": 6}):
        assert (draws(**changes)[1:] != base[1:]).any(axis=1).mean() > 0.5, changes


def test_every_chunk_and_both_streams_draw_anew():
    spread = Spread()

    def same(examples):
        return VonMisesFisherMixture(np.zeros((1, 1, 2)), np.full((1, 1), 5.0), count=len(examples))

    scores = scored(same, [spread])
    drawn = np.concatenate([scores.sample, np.concatenate(spread.seen).reshape(-1, 2)])
    assert len(np.unique(drawn, axis=0)) == len(drawn)


def test_global_random_state_changes_nothing():
    before = scored(around, [Spread()]).sample
    np.random.seed(99)
    state = np.random.get_state()[1].copy()
    np.testing.assert_array_equal(scored(around, [Spread()]).sample, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_only_what_is_scored_is_taken_from_a_prediction():
    asked = []

    def lazy(examples):
        def log_prob(rows, places):
            asked.append(len(rows))
            return np.zeros(places.shape[:2])

        return LazyDensity(
            np.zeros((len(examples), 2)),
            lambda rows, n, rng: np.zeros((len(rows), n, 2)),
            log_prob,
        )

    scored(lazy, [Likelihood()], protocol=replace(PROTOCOL, photos=7))
    assert sum(asked) == 7


class HeightOfSamples(Metric):
    """Mean log-density at the samples of some photos."""

    name = "height-of-samples"
    needs = Density
    columns = ("height",)
    summaries = (Mean(name="height", unit="nats", better="higher", column="height"),)

    def applies(self, truth):
        return truth.attributes["row"] % 3 != 0

    def score(self, prediction, truth, context):
        assert isinstance(prediction, Density)
        assert context.log_density is not None
        assert context.samples is not None
        own = context.log_density
        np.testing.assert_allclose(own.at_samples, prediction.log_prob(context.samples))
        np.testing.assert_allclose(own.at_truth, prediction.log_prob(truth.points[:, None])[:, 0])
        with pytest.raises(ValueError, match="read-only"):
            context.log_density._whole.at_samples[0] = 0
        return own.at_samples.mean(axis=1, keepdims=True).astype(np.float32)


def test_log_densities_at_truth_and_samples_are_those_of_the_photos_that_apply():
    def kernels(examples):
        places = geo.uniform((len(examples), 2), np.random.default_rng(len(examples)))
        return VonMisesFisherMixture(places, [[30.0]])

    columns = scored(kernels, [HeightOfSamples()]).columns[HeightOfSamples().file_stem]
    assert np.isfinite(columns["height"]).sum() == PHOTOS - len(range(0, PHOTOS, 3))


def test_a_density_is_looked_at_once_however_many_metrics_there_are():
    asked = []

    def lazy(examples):
        def log_prob(rows, places):
            asked.append(places.shape[:2])
            return np.zeros(places.shape[:2])

        return LazyDensity(
            np.zeros((len(examples), 2)),
            lambda rows, n, rng: np.zeros((len(rows), n, 2)),
            log_prob,
        )

    metrics = [
        installed().find("metric", name)()
        for name in ("nll", "calibration", "sharpness", "localizability")
    ]
    found = scored(lazy, metrics)
    assert not found.faults
    points = sum(photos * places for photos, places in asked)
    assert points == PHOTOS * (1 + PROTOCOL.samples)


class Heights(HeightOfSamples):
    """Log-densities at the samples of every photo; shows what a metric of densities was given."""

    name = "heights"

    def __init__(self):
        super().__init__()
        self.seen = []

    def applies(self, truth):
        return np.ones(len(truth), bool)

    def score(self, prediction, truth, context):
        assert context.samples is not None
        self.seen.append(context.samples)
        return super().score(prediction, truth, context)


@final
class Flow:
    """A density that comes with its draws, and counts what is asked of it."""

    def __init__(self):
        self.with_draws = self.alone = 0

    def __call__(self, examples):
        sound = around(examples)

        def draw(rows, n, rng):
            return sound.take(rows).sample(n, rng)

        def log_prob(rows, places):
            self.alone += places[..., 0].size
            return sound.take(rows).log_prob(places)

        def both(rows, n, rng):
            self.with_draws += len(rows) * n
            return sound.take(rows).sample_and_log_prob(n, rng)

        return LazyDensity(sound.point(), draw, log_prob, draw_with_log_prob=both)


FEWER = replace(PROTOCOL, photos=15, density_photos=6, density_samples=2)


@pytest.mark.parametrize("kind", ["closed form", "flow"])
def test_fewer_photos_and_draws_get_log_densities(kind):
    method = around if kind == "closed form" else Flow()
    heights, spread = Heights(), Spread()
    scores = scored(method, [heights, spread], protocol=FEWER)
    assert not scores.faults
    few, some = (np.isin(np.arange(PHOTOS), smallest_by_hash(IDS, n)) for n in (6, 15))
    assert (some | ~few).all()
    columns = scores.columns[heights.file_stem]
    np.testing.assert_array_equal(columns["mask"], np.where(few, SCORED, NOT_SAMPLED))
    np.testing.assert_array_equal(np.isfinite(columns["height"]), few)
    others = scores.columns[spread.file_stem]
    np.testing.assert_array_equal(others["mask"], np.where(some, SCORED, NOT_SAMPLED))
    given, drawn = np.concatenate(heights.seen), np.concatenate(spread.seen)
    assert (given.shape, drawn.shape) == ((6, 2, 2), (15, 4, 2))
    np.testing.assert_array_equal(given, drawn[few[some]][:, :2])


def test_draws_in_closed_form_do_not_depend_on_how_many_get_log_densities():
    plain, beside = Spread(), Spread()
    scored(around, [plain], protocol=replace(PROTOCOL, photos=15))
    scored(around, [Heights(), beside], protocol=FEWER)
    np.testing.assert_array_equal(np.concatenate(plain.seen), np.concatenate(beside.seen))


def test_no_log_density_is_worked_out_that_comes_with_a_draw():
    flow = Flow()
    scored(flow, [Likelihood(), Heights(), Spread()], protocol=FEWER)
    assert flow.with_draws == 6 * 2
    # At the truth by both metrics themselves, and by one of them at its samples, to compare.
    assert flow.alone == 6 + 6 * (1 + 1 + 2)
    quiet = Flow()
    scored(quiet, [Spread()], protocol=FEWER)
    assert (quiet.with_draws, quiet.alone) == (0, 0)


@pytest.mark.parametrize("protocol", [PROTOCOL, FEWER])
def test_draws_are_the_same_whether_densities_come_with_them_or_are_not_wanted(protocol):
    alone, beside = Spread(), Spread()
    scored(Flow(), [alone], protocol=protocol)
    scored(Flow(), [Heights(), beside], protocol=protocol)
    np.testing.assert_array_equal(np.concatenate(alone.seen), np.concatenate(beside.seen))
    if protocol is PROTOCOL:
        plain = Spread()
        scored(around, [plain], protocol=protocol)
        np.testing.assert_array_equal(np.concatenate(plain.seen), np.concatenate(alone.seen))


def test_a_metric_that_needs_no_density_is_given_none():
    class Curious(Spread):
        name = "curious"

        def score(self, prediction, truth, context):
            assert context.log_density is None
            return super().score(prediction, truth, context)

    assert not scored(around, [Curious(), Heights()]).faults


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
