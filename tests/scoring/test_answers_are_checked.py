"""Answers and samples of a method are asked for once, in chunks, and checked."""

import numpy as np
import pytest

from geobench import (
    Atoms,
    Context,
    DeadlineError,
    Prediction,
    PredictionError,
    VonMisesFisherMixture,
)
from told_method import IDS, PHOTOS, Likelihood, Northern, Spread, Told, around, scored


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
