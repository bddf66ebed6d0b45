"""Draws are the protocol's alone: of its seed, its task and its chunks, whatever the metrics."""

from dataclasses import replace

import numpy as np

from geobench import VonMisesFisherMixture
from told_method import PROTOCOL, TRUTH, Likelihood, Northern, Spread, around, scored


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
