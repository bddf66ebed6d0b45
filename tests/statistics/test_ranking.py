"""Comparisons and ranks agree with independent computations, and err as often as they say."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from clustered_scores import clustered
from geobench.statistics.intervals import replicate_quantile
from geobench.statistics.ranking import SeedPool, compare, compare_all, ranks, resolution
from geobench.statistics.replicates import (
    Replicates,
    Spread,
    replicate_mean,
)
from geobench.statistics.units import effective_units

RUNS = 300


def test_comparison_equals_the_paired_t_test_when_every_photo_is_its_own_unit():
    rng = np.random.default_rng(16)
    a = rng.normal(size=50)
    b = a + rng.normal(0.2, 0.5, size=50)
    expected = stats.ttest_rel(a, b)
    units = np.arange(50)
    found = compare(
        replicate_mean(a[None], units), replicate_mean(b[None], units), effective_units=50
    )
    interval = expected.confidence_interval(0.95)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.difference == pytest.approx(a.mean() - b.mean())


def test_equal_methods_whose_medians_are_ties_are_seldom_told_apart():
    # Half of the photos have the same score, as that of a density's floor.
    rng, apart, units = np.random.default_rng(5), 0, np.repeat(np.arange(40), 10)
    for _ in range(RUNS):
        tied = rng.random((2, 400)) < rng.beta(8, 7, (2, 40))[:, units]
        scores = np.where(tied, 5.2, rng.normal(0, 3, (2, 400)))
        a, b = (replicate_quantile(each[None], units, q=0.5) for each in scores)
        apart += compare(a, b, effective_units=40).p_value < 0.05
    assert apart <= 0.08 * RUNS


def test_comparison_of_three_seeds_adds_the_larger_of_each_methods_variance_and_the_average():
    one, units = clustered(17, seeds=3)
    other = one[:, ::-1] + np.array([[0.1], [0.6], [0.2]])
    a, b = replicate_mean(one, units), replicate_mean(other, units)
    paired = 59 / 60 * ((a.deviations - b.deviations) ** 2).sum()
    average = (a.seed_sd**2 + b.seed_sd**2) / 2
    assert a.seed_sd**2 < average < b.seed_sd**2
    terms = np.array([paired, (average + b.seed_sd**2) / 3])
    effective = effective_units(units)
    degrees = terms.sum() ** 2 / (terms**2 / [effective - 1, 4]).sum()
    expected = 2 * stats.t.sf(abs(a.value - b.value) / math.sqrt(terms.sum()), degrees)
    found = compare(a, b, effective_units=effective)
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_a_method_whose_seeds_all_say_the_same_draws_nothing():
    scores, units = clustered(29, seeds=3)
    steady = replicate_mean(np.repeat(scores[:1], 3, axis=0), units)
    moved = replicate_mean(scores + np.array([[0.0], [0.4], [0.1]]), units)
    paired = 59 / 60 * ((steady.deviations - moved.deviations) ** 2).sum()
    terms = np.array([paired, moved.seed_sd**2 / 3])
    effective = effective_units(units)
    degrees = terms.sum() ** 2 / (terms**2 / [effective - 1, 2]).sum()
    difference = abs(steady.value - moved.value)
    expected = 2 * stats.t.sf(difference / math.sqrt(terms.sum()), degrees)
    pool = SeedPool.of([steady] * 5 + [moved])
    assert pool.variance == pytest.approx(moved.seed_sd**2)
    assert pool.added(steady) == 0
    found = compare(steady, moved, effective_units=effective)
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_the_pool_of_methods_of_unlike_numbers_of_seeds_weighs_them_by_degrees_of_freedom():
    rng = np.random.default_rng(30)
    tables = [rng.normal(size=(seeds, 1)) + np.zeros(4) for seeds in (1, 2, 3, 5)]
    methods = [replicate_mean(table, np.arange(4)) for table in tables]
    three, five = tables[2][:, 0].var(ddof=1), tables[3][:, 0].var(ddof=1)
    pool = SeedPool.of(methods)  # one seed and two tell nothing
    assert (pool.variance, pool.degrees) == (pytest.approx((2 * three + 4 * five) / 6), 6)
    assert pool.added(methods[2]) == pytest.approx(max(three, pool.variance) / 3)
    assert pool.added(methods[3]) == pytest.approx(max(five, pool.variance) / 5)
    assert max(three, five) > pool.variance > min(three, five)
    assert pool.added(methods[0]) == pool.added(methods[1]) == 0


@pytest.mark.parametrize("units", [2, 5, 6, 12])
def test_all_hits_against_no_hits_are_tested_by_the_signs_of_units(units):
    codes = np.repeat(np.arange(units), 3)
    hits, misses = (replicate_mean(np.full((1, codes.size), x), codes) for x in (1.0, 0.0))
    signs = np.array(list(itertools.product([-1, 1], repeat=units)))
    as_large = np.mean(np.abs(signs.mean(axis=1)) >= 1)
    found = compare(hits, misses, effective_units=units + 0.9)
    assert (found.difference, found.low, found.high) == (1, 1, 1)
    assert found.p_value == as_large == 2.0 ** (1 - units)
    ranges = ranks([hits, misses], better="higher", effective_units=units)
    told_apart = [(1, 1), (2, 2)] if units >= 6 else [(1, 2), (1, 2)]
    assert [(each.low, each.high) for each in ranges] == told_apart


def test_without_variance_equal_values_have_p_one_and_others_almost_none_in_many_units():
    scores, units = clustered(18)
    a = replicate_mean(scores, units)
    b = Replicates(a.value + 1, a.deviations, a.seed_values + 1)
    same, other = compare(a, a, effective_units=50), compare(a, b, effective_units=50)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert (other.difference, other.low, other.high) == (-1, -1, -1)
    assert other.p_value == 2.0**-49
    assert compare(a, b, effective_units=1e6).p_value == 0


def test_rounding_is_no_variance():
    tenths, thirds = (replicate_mean(np.full((3, 4), x), np.arange(4)) for x in (0.1, 1 / 3))
    found = compare(tenths, thirds, effective_units=4)
    assert found.p_value == 2.0**-3
    assert found.low == found.high == pytest.approx(0.1 - 1 / 3)


def test_one_unit_proves_nothing():
    units = ["a"] * 4
    a, b = replicate_mean(np.zeros((1, 4)), units), replicate_mean(np.ones((1, 4)), units)
    found = compare(a, b, effective_units=effective_units(units))
    assert (found.difference, found.p_value) == (-1, 1)
    assert math.isnan(found.low)


def test_tests_of_equal_medians_reject_as_often_as_they_say():
    rejected = 0
    for run in range(RUNS):
        scores, units = clustered(3000 + run)
        noise = np.random.default_rng(run).normal(scale=0.7, size=(2, 1, units.size))
        a, b = (replicate_quantile(np.exp(scores + each), units, q=0.5) for each in noise)
        rejected += compare(a, b, effective_units=effective_units(units)).p_value < 0.05
    assert 0.02 <= rejected / RUNS <= 0.09


# Resolution


def test_the_resolution_is_the_difference_that_a_noncentral_t_exceeds_in_four_of_five():
    scores, units = clustered(29, seeds=3)
    a, b = replicate_mean(scores, units), replicate_mean(scores[:, ::-1], units)
    variance = 59 / 60 * ((a.deviations - b.deviations) ** 2).sum()
    terms = np.array([variance, a.seed_sd**2 / 3, b.seed_sd**2 / 3])
    for effective in (2.5, effective_units(units)):
        degrees = terms.sum() ** 2 / (terms**2 / [effective - 1, 2, 2]).sum()
        found = resolution(a, b, effective_units=effective) / math.sqrt(terms.sum())
        exceeded = stats.nct.sf(stats.t.ppf(0.975, degrees), degrees, found)
        assert exceeded == pytest.approx(0.8, abs=1e-4)


def test_a_true_difference_of_that_size_is_found_in_about_four_of_five_leaderboards():
    # What two methods differ by is drawn by unit; the size comes from boards like the tested ones.
    def pair(seed, shift):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(30), 8)
        common, own = rng.normal(size=(2, 30))[:, units]
        a = common + rng.normal(size=240)
        b = common + own + rng.normal(size=240) + shift
        return replicate_mean(a[None], units), replicate_mean(b[None], units)

    sizes = [resolution(*pair(seed, 0.0), effective_units=30) for seed in range(RUNS)]
    shift = float(np.median(sizes))
    tests = [compare(*pair(9000 + n, shift), effective_units=30) for n in range(2 * RUNS)]
    assert 0.75 <= np.mean([test.p_value < 0.05 for test in tests]) <= 0.85


def test_without_a_t_there_is_no_resolution():
    scores, units = clustered(30)
    a, b = replicate_mean(scores, units), replicate_mean(scores + 1, units)
    other = replicate_mean(scores[:, ::-1], units)
    undefined = Replicates(0.0, np.full(60, math.nan), np.zeros(1))
    assert math.isnan(resolution(a, b, effective_units=50))  # no variance
    assert math.isnan(resolution(a, other, effective_units=1.9))
    assert math.isnan(resolution(a, undefined, effective_units=50))
    assert resolution(a, other, effective_units=2) > resolution(a, other, effective_units=50) > 0


# Ranks


def orthogonal(values, errors):
    """Methods whose deviations are orthogonal, so that variances of differences add up."""
    units = 64
    found = []
    for index, (value, error) in enumerate(zip(values, errors, strict=True)):
        deviations = np.zeros(units)
        deviations[2 * index] = error * math.sqrt(units / (units - 1))
        found.append(Replicates(value, deviations, np.array([value])))
    return found


def test_two_equal_methods_share_the_ranks_behind_a_clearly_better_one():
    scores, units = clustered(19)
    rng = np.random.default_rng(20)
    tables = [scores + shift + rng.normal(size=scores.shape) for shift in (0.0, 0.0, -3.0)]
    replicates = [replicate_mean(table, units) for table in tables]
    lower = ranks(replicates, better="lower", effective_units=effective_units(units))
    higher = ranks(replicates, better="higher", effective_units=effective_units(units))
    assert [(r.low, r.high) for r in lower] == [(2, 3), (2, 3), (1, 1)]
    assert [(r.low, r.high) for r in higher] == [(1, 2), (1, 2), (3, 3)]


def test_ranks_correct_by_holm_over_all_pairs():
    # Values 0, 1.3, 2.5 with standard errors of each difference of 0.5: t is 2.6, 2.4 and 5.0, so
    # p is about 0.0116, 0.0194 and 5e-6. Bonferroni needs 0.0167 of all three and would miss the
    # second; Holm needs 0.0167, then 0.025, then 0.05, and finds all.
    found = orthogonal([0.0, 1.3, 2.5], [0.5 / math.sqrt(2)] * 3)
    p = [
        compare(found[i], found[j], effective_units=64).p_value for i, j in [(0, 1), (1, 2), (0, 2)]
    ]
    assert p == pytest.approx(2 * stats.t.sf([2.6, 2.4, 5.0], 63), rel=1e-9)
    assert p[1] > 0.05 / 3
    by_holm = ranks(found, better="lower", effective_units=64)
    assert [(r.low, r.high) for r in by_holm] == [(1, 1), (2, 2), (3, 3)]
    # At t = 2.2 and 2.1 (p = 0.031, 0.040) the second step fails at 0.025, and so does the third,
    # although 0.040 alone would pass its 0.05.
    stopped = orthogonal([0.0, 1.1, 2.15], [0.5 / math.sqrt(2)] * 3)
    by_holm = ranks(stopped, better="lower", effective_units=64)
    assert [(r.low, r.high) for r in by_holm] == [(1, 2), (1, 3), (2, 3)]


def test_ranks_equal_a_direct_reimplementation_on_many_methods():
    rng = np.random.default_rng(21)
    for _ in range(20):
        count = int(rng.integers(2, 8))
        found = orthogonal(list(rng.normal(size=count)), list(rng.uniform(0.1, 0.6, count)))
        pairs = [(i, j) for i in range(count) for j in range(i)]
        p = {(i, j): compare(found[i], found[j], effective_units=64).p_value for i, j in pairs}
        # Holm's adjusted p: the largest, over all p up to this one, of p x those not yet rejected.
        smaller = {pair: [q for q in pairs if p[q] <= p[pair]] for pair in pairs}
        adjusted = {
            pair: max(p[q] * sum(p[r] >= p[q] for r in pairs) for q in smaller[pair])
            for pair in pairs
        }
        low, high = [1] * count, [count] * count
        for i, j in pairs:
            if adjusted[i, j] <= 0.05:
                worse, best = (i, j) if found[i].value < found[j].value else (j, i)
                low[worse] += 1
                high[best] -= 1
        result = ranks(found, better="higher", effective_units=64)
        assert [(r.low, r.high) for r in result] == list(zip(low, high, strict=True))


@pytest.mark.parametrize("count", [2, 5])
def test_equal_methods_share_their_ranks_in_about_nineteen_of_twenty_leaderboards(count):
    rng, alike = np.random.default_rng(26), 0
    for run in range(RUNS):
        common, units = clustered(5000 + run, units=40)
        own = rng.normal(size=(count, 40))[:, units] + rng.normal(size=(count, units.size))
        tables = [replicate_mean(common + scores[None], units) for scores in own]
        found = ranks(tables, better="lower", effective_units=effective_units(units))
        alike += all((each.low, each.high) == (1, count) for each in found)
    assert 0.92 <= alike / RUNS <= 0.99


def twenty(rng, *, spread, step):
    """Twenty methods of three seeds, four fifths of the variance being due to these, on a ladder.

    Each of 60 units is a photo; steps in standard errors of a difference.
    """
    seeds = 12 / 60 * spread / spread.mean()  # s^2/3 is four times the variance of photos, 1 / 60
    own = rng.normal(size=(20, 1, 60)) + rng.normal(size=60)
    drawn = np.sqrt(seeds)[:, None, None] * rng.normal(size=(20, 3, 1))
    rungs = step * math.sqrt(2 * (1 / 60 + 4 / 60)) * np.arange(20)[:, None, None]
    return [replicate_mean(table, np.arange(60)) for table in own + drawn + rungs]


@pytest.mark.parametrize("spread", ["alike", "none of half", "five times of one"])
def test_of_twenty_equal_methods_with_three_seeds_two_are_told_apart_in_few_leaderboards(spread):
    spreads = {
        "alike": np.ones(20),
        "none of half": np.repeat([0.0, 1.0], 10),
        "five times of one": np.repeat([25.0, 1.0], [1, 19]),
    }
    rng, apart = np.random.default_rng(31), 0
    for _ in range(80):
        found = ranks(
            twenty(rng, spread=spreads[spread], step=0.0), better="lower", effective_units=60
        )
        apart += any(each.low > 1 for each in found)
    assert apart <= 5


def test_of_twenty_different_methods_with_three_seeds_most_pairs_are_told_apart():
    # With s^2 of each method alone, 59 % of these pairs are; were the variances known, 85 %.
    rng, boards = np.random.default_rng(32), 30
    lost = 0
    for _ in range(boards):
        methods = twenty(rng, spread=np.ones(20), step=1.5)
        lost += sum(r.low - 1 for r in ranks(methods, better="lower", effective_units=60))
    assert lost / (190 * boards) > 0.75


def test_of_two_methods_one_measured_better_by_three_standard_errors_is_above():
    for size in (5.0, 20.0, 60.0):
        pair = orthogonal([0.0, 3.001], [1 / math.sqrt(2)] * 2)
        found = ranks(pair, better="higher", effective_units=size)
        assert [(r.low, r.high) for r in found] == [(2, 2), (1, 1)], size
    few = ranks(pair, better="higher", effective_units=4.0)  # 3.18 would be needed
    assert [(r.low, r.high) for r in few] == [(1, 2), (1, 2)]


def test_rank_ranges_fit_together_whatever_the_values_and_their_errors():
    rng = np.random.default_rng(27)
    for _ in range(200):
        count = int(rng.integers(2, 9))
        values = rng.integers(0, 4, count).astype(float)  # with ties
        found = orthogonal(list(values), list(rng.lognormal(-1.5, 1, count)))
        ranges = ranks(found, better="higher", effective_units=64)
        assert all(1 <= each.low <= each.high <= count for each in ranges)
        assert all(ranges[i].low == 1 for i in np.flatnonzero(values == values.max()))
        assert all(ranges[i].high == count for i in np.flatnonzero(values == values.min()))
        for i, j in np.argwhere(values[:, None] == values):
            assert ranges[i].low <= ranges[j].high  # the same value: a rank in common
        order = rng.permutation(count)
        moved = ranks([found[i] for i in order], better="higher", effective_units=64)
        assert moved == [ranges[i] for i in order]
        negative = [Replicates(-r.value, -r.deviations, -r.seed_values) for r in found]
        assert ranks(negative, better="lower", effective_units=64) == ranges


def test_holm_finds_whatever_bonferroni_finds_and_nothing_beyond_single_tests():
    rng = np.random.default_rng(28)
    for _ in range(100):
        found = orthogonal(list(rng.normal(0, 1, 4)), [0.4] * 4)
        tests = [[compare(a, b, effective_units=64) for b in found] for a in found]
        single = np.array([[t.difference > 0 and t.p_value <= 0.05 for t in row] for row in tests])
        strict = np.array(
            [[t.difference > 0 and t.p_value <= 0.05 / 6 for t in row] for row in tests]
        )
        ranges = ranks(found, better="higher", effective_units=64)
        losses, wins = np.array([(each.low - 1, 4 - each.high) for each in ranges]).T
        assert (strict.sum(axis=0) <= losses).all()
        assert (losses <= single.sum(axis=0)).all()
        assert (strict.sum(axis=1) <= wins).all()
        assert (wins <= single.sum(axis=1)).all()


def test_a_method_alone_is_first():
    (only,) = ranks(orthogonal([1.0], [0.1]), better="lower", effective_units=64)
    assert (only.low, only.high) == (1, 1)
    assert ranks([], better="lower", effective_units=64) == []


def test_what_is_undefined_without_some_unit_is_told_apart_from_nothing():
    undefined = Replicates(0.0, np.array([math.nan, *[0.0] * 11]), np.zeros(1))
    found = compare(undefined, undefined, effective_units=12)
    assert found.p_value == 1
    assert math.isnan(found.low)
    ranges = ranks([undefined] * 2, better="lower", effective_units=12)
    assert [(each.low, each.high) for each in ranges] == [(1, 2), (1, 2)]


def crowd(kind, *, seeds):
    """Methods on the same photos: of usual scores, of equal ones, or undefined without a unit."""
    rng = np.random.default_rng(41)
    codes = np.repeat(np.arange(30), 4)
    tables = rng.normal(rng.normal(0, 0.3, (7, 1, 1)), 1, (7, seeds, 120))
    if kind == "shares":
        tables = (tables > 0.4).astype(float)
    found = [replicate_mean(table, codes) for table in tables]
    alike = np.ones((seeds, 120))
    found += [replicate_mean(alike * each, codes) for each in (0.0, 1.0, 1.0, 1 + 1e-15)]
    if kind == "undefined":
        holes = np.where(np.arange(30) == 3, np.nan, found[0].deviations)
        found[2] = Replicates(0.5, holes, found[2].seed_values)
    return found


@pytest.mark.parametrize("kind", ["usual", "shares", "undefined"])
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("size", [1.5, 12.7, 30.0])
def test_all_pairs_at_once_are_compared_as_one_by_one(kind, seeds, size):
    methods = crowd(kind, seeds=seeds)
    found, pool = compare_all(methods, effective_units=size), SeedPool.of(methods)
    pairs = list(itertools.combinations(range(len(methods)), 2))
    assert list(zip(found.first, found.second, strict=True)) == pairs
    for place, (i, j) in enumerate(pairs):
        a, b = methods[i], methods[j]
        spread = Spread(pool.added(a) + pool.added(b), pool.degrees)
        alone = compare(a, b, effective_units=size, seeds=spread)
        assert found.differences[place] == alone.difference
        assert found.p_values[place] == pytest.approx(alone.p_value, rel=1e-12)


def test_methods_on_other_units_cannot_be_compared():
    a = replicate_mean(np.zeros((1, 3)), [0, 1, 2])
    b = replicate_mean(np.zeros((1, 3)), [0, 1, 1])
    with pytest.raises(ValueError, match="same photos"):
        compare(a, b, effective_units=2)
    with pytest.raises(ValueError, match="same photos"):
        ranks([a, a, b], better="lower", effective_units=2)
    with pytest.raises(ValueError, match="'higher' or 'lower'"):
        ranks([a, a], better="best", effective_units=3)
