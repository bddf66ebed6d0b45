"""Replicate weights: sums by group are sums by photo, and blocks are all replicates in order."""

import numpy as np
import pytest

from geobench import ReplicateWeights
from geobench.statistics import replicate_weights as module

RNG = np.random.default_rng


def rows_of(weights, order=None):
    """All weights, (R, N)."""
    return np.concatenate(list(weights.blocks(order)))


def some(count=90, groups=7):
    return ReplicateWeights.leaving_out(RNG(0).integers(0, groups, count))


def test_leaving_out_groups_has_all_photos_first_and_then_those_without_each_group():
    groups = np.array([0, 2, 1, 0, 2])
    found = rows_of(ReplicateWeights.leaving_out(groups))
    expected = [np.ones(5), *((groups != g).astype(float) for g in range(3))]
    np.testing.assert_array_equal(found, expected)


def test_without_the_only_group_there_would_be_nothing_so_it_stays():
    np.testing.assert_array_equal(
        rows_of(ReplicateWeights.leaving_out(np.zeros(3, int))), np.ones((2, 3))
    )


@pytest.mark.parametrize("shape", [(90,), (90, 4), (90, 1), (90, 0)])
@pytest.mark.parametrize("kind", ["groups", "photos"])
def test_sums_and_means_are_those_of_each_replicate(shape, kind):
    weights = some() if kind == "groups" else ReplicateWeights.of(RNG(2).random((5, 90)))
    values, rows = RNG(1).normal(size=shape), rows_of(weights)
    np.testing.assert_allclose(weights.sums(values), rows @ values, rtol=1e-10, atol=1e-12)
    expected = np.array([(row @ values) / row.sum() for row in rows])
    np.testing.assert_allclose(weights.means(values), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(weights.totals, rows.sum(axis=1))


def test_where_nothing_counts_a_mean_is_undefined_and_a_sum_is_zero():
    nothing = ReplicateWeights.of(np.zeros(3))
    assert np.isnan(nothing.means(np.ones((3, 2)))).all()
    assert nothing.sums(np.ones(3)) == [0]
    empty = ReplicateWeights.of(np.ones(0))
    assert empty.sums(np.ones(0)) == [0]


def test_each_replicate_is_asked_for_by_itself_and_results_are_stacked():
    weights = some()
    assert weights.each(lambda row: row.sum()).tolist() == weights.totals.tolist()
    assert weights.each(lambda row: np.stack([row[:3]] * 2)).shape == (len(weights), 2, 3)


@pytest.mark.parametrize("numbers", [1, 200, 1 << 18])
def test_blocks_are_a_few_replicates_each_in_the_order_asked_for(numbers, monkeypatch):
    weights, order = some(), RNG(3).permutation(90)
    plain = rows_of(weights)
    monkeypatch.setattr(module, "_BLOCK", numbers)
    blocks = list(weights.blocks(order))
    assert max(len(block) for block in blocks) == min(max(1, numbers // 90), 8)
    np.testing.assert_array_equal(np.concatenate(blocks), plain[:, order])
    blocks[0][:] = 5  # a block is the caller's own
    np.testing.assert_array_equal(rows_of(weights), plain)
