"""The simulation of many methods draws what it says, and its other rules are the textbook's."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from geobench import statistics

KINDS = ["alike", "half none", "unequal", "one more"]


@pytest.fixture
def many_ranks(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import many_ranks

    return many_ranks


def test_every_number_of_methods_is_simulated_with_every_number_of_seeds_and_share(many_ranks):
    found = {(c.methods, c.seeds, c.share) for c in many_ranks.crowds() if c.spread == "alike"}
    assert found == set(product((2, 4, 10, 20), (3, 5), (0.0, 0.5, 0.8)))
    assert {crowd.spread for crowd in many_ranks.crowds()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_have_their_share_of_the_variance_of_a_mean(many_ranks, kind):
    crowd, rng = many_ranks.Crowd(8, 3, 0.8, kind), np.random.default_rng(0)
    spreads = np.array([crowd.spreads(rng) for _ in range(4000)])
    assert spreads.mean() == pytest.approx(1, rel=0.3)
    drawn = [many_ranks._drawn(many_ranks.Crowd(8, 3, 0.8), rng) for _ in range(800)]
    values = np.array([[method.value for method in methods] for methods, _ in drawn])
    seeds = np.array([[m.seed_values.var(ddof=1) / 3 for m in methods] for methods, _ in drawn])
    of_difference = np.var(values[:, 0] - values[:, 1], ddof=1)
    assert 2 * seeds.mean() / of_difference == pytest.approx(0.8, rel=0.15)
    assert drawn[0][1] ** 2 == pytest.approx(of_difference, rel=0.15)


def test_by_each_methods_own_s2_two_methods_are_compared_as_welch_would_where_seeds_are_all(
    many_ranks,
):
    rng, units = np.random.default_rng(1), np.arange(many_ranks.UNITS)
    for _ in range(50):
        tables = rng.normal(size=(2, 3, 1)) * [[[1.0]], [[3.0]]] + np.zeros(units.size)
        tables[1] += rng.normal(scale=6)
        methods = [statistics.replicate_mean(table, units) for table in tables]
        expected = stats.ttest_ind(*tables[:, :, 0], equal_var=False).pvalue <= 0.05
        assert many_ranks._told_apart(methods)[1] == expected
        pooled = stats.ttest_ind(*tables[:, :, 0], equal_var=True).pvalue <= 0.05
        assert many_ranks._told_apart(methods)[2] == pooled
