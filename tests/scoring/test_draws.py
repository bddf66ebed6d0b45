"""Draws are the protocol's alone: of its seed, its task and its chunks, whatever the metrics."""

from dataclasses import replace

import numpy as np
import pytest

from geobench import PredictionError, VonMisesFisherMixture, geo
from geobench_basics.methods.given_draws import GivenDraws
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


def given(counts):
    """A prediction of which there are so many draws of each photo of the part."""

    def answer(examples):
        own = np.asarray(examples.pooled)[:, 0].astype(int)
        places = geo.uniform((len(own), max(counts)), np.random.default_rng(2))
        return GivenDraws(places[:, 0], places, np.array(counts)[own])

    return answer


@pytest.mark.parametrize("photos", ["all", 6])
def test_the_fewest_draws_are_those_of_a_photo_that_is_scored(photos):
    protocol = replace(PROTOCOL, photos=photos)
    counts = np.random.default_rng(3).permutation(PHOTOS) + 5
    wanted = counts[protocol.scored(IDS)].min()
    for metrics in ([], [Spread()]):
        assert scored(given(counts.tolist()), metrics, protocol=protocol).fewest_draws == wanted
    assert scored(around, [Spread()], protocol=protocol).fewest_draws is None


def test_draws_that_were_given_are_each_scored_once():
    spread = Spread()
    scored(given([PROTOCOL.samples] * PHOTOS), [spread])
    for own in np.concatenate(spread.seen):
        assert len(np.unique(own, axis=0)) == PROTOCOL.samples


def test_a_number_of_draws_that_is_not_said_of_every_photo_is_an_error():
    class Short(GivenDraws):
        draws_given = property(lambda self: np.array([3]))

    def answer(examples):
        places = np.zeros((len(examples), 3, 2))
        return Short(places[:, 0], places, np.full(len(examples), 3))

    with pytest.raises(PredictionError, match=r"draws_given of method told has shape \(1,\)"):
        scored(answer)
