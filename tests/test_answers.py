"""Answers with refusals: what stands in for an answer, photo by photo."""

import numpy as np
import pytest

from geobench import Answers, Atoms, PredictionError, Remark, Sampled, VonMisesFisherMixture, geo

RNG = np.random.default_rng
ANSWERED = np.array([True, False, True, True, False])


def given(count):
    return Atoms(np.stack([np.arange(count), np.arange(count) * 10.0], axis=1)[:, None])


def uniform(count):
    places = np.zeros((1, 1, 2))
    point = np.full((count, 2), 77.0)
    return VonMisesFisherMixture(places, np.zeros((1, 1)), point=point, count=count)


def answers(**more):
    return Answers(given(3), ANSWERED, instead=uniform(2), stand_in="a guess", **more)


def test_each_photo_gets_its_own_answer_and_a_refusal_what_stands_in():
    assert answers().point().tolist() == [[0, 0], [77, 77], [1, 10], [2, 20], [77, 77]]
    drawn = answers().sample(4, RNG(0))
    assert drawn.shape == (5, 4, 2)
    assert (drawn[ANSWERED] == given(3).point()[:, None]).all()
    assert len(np.unique(drawn[~ANSWERED].reshape(-1, 2), axis=0)) == 8


@pytest.mark.parametrize("order", [[4, 0, 1], [1, 4], [0, 2, 3], [], [3, 3, 1, 1], [2, 1, 0]])
def test_some_photos_keep_what_was_said_of_them(order):
    said = Remark(np.arange(5.0), "s")
    some = answers(along={"seconds": said}).take(np.array(order, np.intp))
    assert len(some) == len(order)
    np.testing.assert_array_equal(some.answered, ANSWERED[order])
    np.testing.assert_array_equal(some.point(), answers().point()[order])
    np.testing.assert_array_equal(some.along["seconds"].values, np.arange(5.0)[order])
    assert some.along["seconds"].unit == "s"
    assert some.stand_in == "a guess"


def test_the_farthest_point_is_half_the_earth_from_the_truth_and_leaves_answers_alone():
    truth = geo.uniform(5, RNG(1))
    faced = answers(farthest=True).facing(truth)
    away = geo.distance_km(faced.point(), truth)
    np.testing.assert_allclose(away[~ANSWERED], np.pi * geo.EARTH_RADIUS_KM, rtol=1e-9)
    np.testing.assert_array_equal(faced.point()[ANSWERED], given(3).point())
    some = faced.take(np.array([4, 2]))
    np.testing.assert_array_equal(some.point(), faced.point()[[4, 2]])
    same = answers(farthest=True)
    np.testing.assert_array_equal(faced.sample(3, RNG(2)), same.sample(3, RNG(2)))


def test_what_is_not_to_be_farthest_does_not_look_at_the_truth():
    truth = geo.uniform(5, RNG(1))
    np.testing.assert_array_equal(answers().facing(truth).point(), answers().point())
    everything = Answers(given(5), farthest=True)
    np.testing.assert_array_equal(everything.facing(truth).point(), given(5).point())


def test_of_a_refusal_any_number_of_draws_can_be_had():
    drawn = Sampled(given(3).point(), lambda rows, n, rng: np.zeros((len(rows), n, 2)))
    assert Answers(drawn, ANSWERED, instead=uniform(2)).draws_given is None

    class Given:
        draws_given = np.array([7, 2, 9])

        def __len__(self):
            return 3

    found = Answers(Given(), ANSWERED, instead=uniform(2)).draws_given
    assert found[ANSWERED].tolist() == [7, 2, 9]
    assert (found[~ANSWERED] > 10**9).all()


def test_photos_that_are_neither_answered_nor_stood_in_for_are_an_error():
    with pytest.raises(PredictionError, match="3 photos are answered and 2 declined"):
        Answers(given(3), ANSWERED)
    with pytest.raises(PredictionError, match="of which 2 and 2 are predicted"):
        Answers(given(2), ANSWERED, instead=uniform(2))


@pytest.mark.parametrize(
    "along", [{"mood": Remark(np.zeros(5))}, {"seconds": Remark(np.zeros(4), "s")}]
)
def test_only_what_is_known_is_said_along_and_of_every_photo(along):
    with pytest.raises(PredictionError, match="is said along with 5 answers"):
        answers(along=along)
