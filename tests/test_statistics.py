"""Intervals, comparisons and ranks agree with independent computations, and cover."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geobench.statistics import (
    Estimate,
    Replicates,
    Units,
    compare,
    effective_units,
    estimate_mean,
    estimate_quantile,
    estimate_share,
    estimate_statistic,
    ranks,
    replicate_mean,
    replicate_quantile,
    replicate_statistic,
    unit_codes,
)
from geobench.weights import Weights

Floats = NDArray[np.float64]


def clustered(seed: int, *, units: int = 60, seeds: int = 1) -> tuple[Floats, NDArray[np.int64]]:
    """Scores (S, N) around 0 with as much variance between units as within, in unequal units."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(units), rng.integers(4, 13, units))
    scores = rng.normal(size=units)[codes] + rng.normal(size=(seeds, codes.size))
    return scores, codes


def weighted_mean(scores: Floats) -> Callable[[Weights], Floats]:
    return lambda weights: weights.means(scores)


def jackknife_by_hand(summary: Callable[[Floats], float], scores: Floats, units: object) -> Floats:
    labels = np.asarray(units)
    return np.array([summary(scores[labels != u]) - summary(scores) for u in np.unique(labels)])


# Units


def test_equal_units_count_fully_and_unequal_units_count_less() -> None:
    assert effective_units(["b", "a", "b", "a", "c", "c"]) == 3
    assert effective_units([0, 0, 0, 1]) == pytest.approx(16 / 10)
    assert effective_units([7, 7]) == 1


def test_codes_follow_the_sorted_order_of_whatever_names_the_units() -> None:
    expected = [1, 0, 2, 1]
    for units in (["b", "a", "c", "b"], [3, 0, 9, 3], [-5, -9, 4, -5], [2**60, 1, 2**62, 2**60]):
        assert unit_codes(units).tolist() == expected
    assert unit_codes(np.array([3, 0, 9, 3], np.uint64)).tolist() == expected


def test_units_that_many_numbers_share_give_the_same_numbers() -> None:
    scores, units = clustered(40, units=250, seeds=2)
    known = Units.of([f"unit-{unit:03d}" for unit in units])
    assert Units.of(known) is known
    assert known.effective == effective_units(units)
    assert unit_codes(known).tolist() == units.tolist()
    for estimate in (estimate_mean, lambda table, of: estimate_quantile(table, of, q=0.3)):
        assert estimate(scores, known) == estimate(scores, units)
    functions = [weighted_mean(row) for row in scores]
    assert estimate_statistic(functions, known) == estimate_statistic(functions, units)


# Means


def test_mean_interval_equals_students_t_when_every_photo_is_its_own_unit() -> None:
    scores = np.random.default_rng(0).exponential(size=37)
    expected = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)
    found = estimate_mean(scores[None], np.arange(37))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.value == pytest.approx(scores.mean())
    assert (found.photos, found.seeds, found.effective_units, found.note) == (37, 1, 37, "")
    assert math.isnan(found.seed_sd)


def test_mean_replicates_equal_a_loop_that_leaves_out_one_unit_at_a_time() -> None:
    scores, units = clustered(1, units=23)
    expected = jackknife_by_hand(np.mean, scores[0], units)
    found = replicate_mean(scores, units)
    np.testing.assert_allclose(found.deviations, expected, rtol=1e-9)
    half = stats.t.ppf(0.975, effective_units(units) - 1) * math.sqrt(22 / 23 * (expected**2).sum())
    assert estimate_mean(scores, units).high == pytest.approx(scores.mean() + half, rel=1e-9)


def test_intervals_move_and_stretch_with_the_scores() -> None:
    scores, units = clustered(22, seeds=3)
    for estimate in (
        estimate_mean,
        lambda x, u: estimate_quantile(x, u, q=0.8),
        lambda x, u: estimate_statistic([weighted_mean(row) for row in x], u)[0],
    ):
        one, other = estimate(scores, units), estimate(1000 + 50 * scores, units)
        expected = (1000 + 50 * one.low, 1000 + 50 * one.high, 50 * one.seed_sd)
        assert (other.low, other.high, other.seed_sd) == pytest.approx(expected)


def test_copies_of_all_photos_within_their_units_change_no_interval_of_a_mean() -> None:
    scores, units = clustered(23)
    one, copied = estimate_mean(scores, units), estimate_mean(np.tile(scores, 4), np.tile(units, 4))
    assert (copied.low, copied.high) == pytest.approx((one.low, one.high))
    assert copied.effective_units == pytest.approx(one.effective_units)


def test_the_names_and_the_order_of_units_change_nothing() -> None:
    scores, units = clustered(2)
    order = np.random.default_rng(0).permutation(units.size)
    named = np.array([f"country-{unit:02d}" for unit in units])
    for estimate in (estimate_mean, lambda x, u: estimate_quantile(x, u, q=0.5)):
        expected, found = estimate(scores, units), estimate(scores[:, order], named[order])
        limits = (found.value, found.low, found.high)
        assert limits == pytest.approx((expected.value, expected.low, expected.high), rel=1e-9)


def test_one_unit_gives_a_value_without_an_interval() -> None:
    scores, units = np.array([[0.0, 1.0, 1.0]]), ["a", "a", "a"]
    for found in (
        estimate_mean(scores, units),
        estimate_share(scores, units),
        estimate_quantile(scores, units, q=0.5),
        *estimate_statistic([weighted_mean(scores[0])], units),
    ):
        assert found.value in (pytest.approx(2 / 3), 1.0)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.note == "fewer than 2 effective units: no interval"


def test_an_interval_on_few_effective_units_is_marked() -> None:
    scores, units = clustered(3, units=9)
    assert estimate_mean(scores, units).note == "fewer than 10 effective units"
    assert estimate_quantile(scores, units, q=0.5).note == "fewer than 10 effective units"
    both = estimate_share(np.eye(1, units.size), units).note
    assert both == "fewer than 10 effective units; fewer than 5 effective hits or misses"


# Shares


@pytest.mark.parametrize(("hits", "photos"), [(0, 12), (1, 30), (7, 30), (150, 400), (40, 40)])
def test_share_interval_is_the_exact_binomial_one_when_every_photo_is_its_own_unit(
    hits: int, photos: int
) -> None:
    # Korn and Graubard's effective size is then the photos: the design effect and the factor of
    # the t quantiles are both 1.
    scores = np.r_[np.ones(hits), np.zeros(photos - hits)][None]
    expected = stats.binomtest(hits, photos).proportion_ci(0.95, method="exact")
    found = estimate_share(scores, np.arange(photos))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (found.note == "") == (5 <= hits <= photos - 5)


def test_share_interval_has_korn_and_graubards_effective_size() -> None:
    scores, units = clustered(4, units=30)
    scores = (scores > 0.3).astype(float)
    share, photos = scores.mean(), units.size
    variance = 29 / 30 * (jackknife_by_hand(np.mean, scores[0], units) ** 2).sum()
    factor = stats.t.ppf(0.975, photos - 1) / stats.t.ppf(0.975, effective_units(units) - 1)
    size = share * (1 - share) / variance * photos / (photos - 1) * factor**2
    assert size < 0.6 * photos
    found = estimate_share(scores, units)
    low = stats.beta.ppf(0.025, size * share, size * (1 - share) + 1)
    high = stats.beta.ppf(0.975, size * share + 1, size * (1 - share))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_share_of_perfectly_clustered_hits_counts_units_not_photos() -> None:
    units = np.repeat(np.arange(40), 25)
    found = estimate_share((units < 12)[None].astype(float), units)
    expected = stats.binomtest(12, 40).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)
    assert found.high - found.low > expected.high - expected.low  # the factor of the t quantiles


def test_share_without_hits_or_misses_counts_the_effective_units() -> None:
    units = np.repeat(np.arange(20), 50)
    expected = stats.binomtest(0, 20).proportion_ci(0.95, method="exact")
    none = estimate_share(np.zeros((1, 1000)), units)
    every = estimate_share(np.ones((1, 1000)), units)
    assert (none.low, none.high) == (0.0, pytest.approx(expected.high))
    assert (every.low, every.high) == (pytest.approx(1 - expected.high), 1.0)
    assert none.note == every.note == "fewer than 5 effective hits or misses"


def test_share_interval_never_claims_more_than_independent_photos() -> None:
    units = np.repeat(np.arange(50), 2)
    alike = np.tile([0.0, 1.0], 50)[None]  # each unit hits once: the jackknife finds no variance
    expected = stats.binomtest(50, 100).proportion_ci(0.95, method="exact")
    found = estimate_share(alike, units)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3])
def test_the_interval_of_the_misses_mirrors_that_of_the_hits(rate: float) -> None:
    scores, units = clustered(24, units=40, seeds=3)
    hits = (scores < stats.norm.ppf(rate) * math.sqrt(2)).astype(float)
    found, mirrored = estimate_share(hits, units), estimate_share(1 - hits, units)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)
    assert mirrored.note == found.note


# Quantiles


def test_median_interval_reads_students_t_for_the_share_below_it_through_the_quantiles() -> None:
    scores = np.random.default_rng(5).lognormal(size=101)
    below = (scores <= np.median(scores)).astype(float)
    half = stats.t.ppf(0.975, 100) * below.std(ddof=1) / math.sqrt(101)
    found = estimate_quantile(scores[None], np.arange(101), q=0.5)
    assert found.value == np.median(scores)
    # The score on the quantile itself counts half, so the two agree to 1/N.
    assert found.low == pytest.approx(np.quantile(scores, 0.5 - half), rel=0.02)
    assert found.high == pytest.approx(np.quantile(scores, 0.5 + half), rel=0.02)
    exact = np.sort(scores)[[40, 60]]  # ranks 41 and 61, from the binomial distribution
    assert (found.low, found.high) == pytest.approx(exact, rel=0.1)


def test_quantile_replicates_have_the_standard_error_of_woodruffs_interval() -> None:
    scores, units = clustered(6)
    found = estimate_quantile(scores, units, q=0.3)
    replicates = replicate_quantile(scores, units, q=0.3)
    t = stats.t.ppf(0.975, effective_units(units) - 1)
    assert 2 * t * math.sqrt(replicates.variance) == pytest.approx(found.high - found.low)
    assert replicates.deviations.shape == (60,)


def test_quantile_replicates_follow_the_quantile_without_each_unit() -> None:
    scores, units = clustered(6, units=15)
    expected = jackknife_by_hand(np.median, scores[0], units)
    found = replicate_quantile(scores, units, q=0.5).deviations
    assert np.corrcoef(found, expected)[0, 1] > 0.9


def test_a_quantile_that_most_photos_tie_on_has_no_width() -> None:
    scores = np.r_[np.zeros(90), np.arange(10.0)][None]
    found = estimate_quantile(scores, np.arange(100), q=0.5)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert not replicate_quantile(scores, np.arange(100), q=0.5).deviations.any()
    constant = estimate_quantile(np.ones((1, 100)), np.arange(100), q=0.5)
    assert (constant.low, constant.high) == (1, 1)


# Any statistic


def test_statistic_of_a_mean_has_the_means_interval_up_to_two_hundred_units() -> None:
    scores, units = clustered(7, units=200, seeds=3)
    (found,) = estimate_statistic([weighted_mean(row) for row in scores], units)
    expected = estimate_mean(scores, units)
    for name in ("value", "low", "high", "seed_sd", "effective_units"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9)


def test_statistic_of_many_units_leaves_out_two_hundred_groups() -> None:
    scores, units = clustered(8, units=1500)
    (found,) = replicate_statistic([weighted_mean(scores[0])], units)
    expected = replicate_mean(scores, units)
    assert found.deviations.shape == (200,)
    assert math.sqrt(found.variance / expected.variance) == pytest.approx(1, abs=0.12)
    (again,) = replicate_statistic([weighted_mean(scores[0])], [f"{unit:05d}" for unit in units])
    np.testing.assert_array_equal(found.deviations, again.deviations)


@pytest.mark.parametrize("trend", ["size", "order"])
def test_groups_keep_the_variance_between_small_and_large_and_between_neighbours(
    trend: str,
) -> None:
    rng, ratios = np.random.default_rng(9), []
    for _ in range(5):
        sizes = np.maximum(1, rng.lognormal(1.5, 1, 1000)).astype(int)
        units = np.repeat(np.arange(1000), sizes)
        scores = np.log(sizes)[units] if trend == "size" else units / 1000
        (grouped,) = replicate_statistic([weighted_mean(scores)], units)
        ratios.append(grouped.variance / replicate_mean(scores[None], units).variance)
    assert np.mean(ratios) == pytest.approx(1, abs=0.12)


def test_a_curve_is_estimated_point_by_point() -> None:
    scores, units = clustered(10, units=30, seeds=2)
    thresholds = np.array([-1.0, 0.0, 1.0])
    curves = [lambda weights, row=row: weights.means(row[:, None] > thresholds) for row in scores]
    found = estimate_statistic(curves, units)
    assert len(found) == 3
    for estimate, threshold in zip(found, thresholds, strict=True):
        expected = estimate_mean((scores > threshold).astype(float), units)
        assert estimate.value == pytest.approx(expected.value)
        assert estimate.low == pytest.approx(expected.low)


def test_a_statistic_that_is_undefined_without_some_unit_has_no_interval() -> None:
    units = np.repeat(np.arange(12), 3)
    first = (units == 0).astype(float)

    def mean_of_the_first_unit(weights: Weights) -> Floats:
        with np.errstate(invalid="ignore"):
            return weights.sums(first * units) / weights.sums(first)

    (found,) = estimate_statistic([mean_of_the_first_unit], units)
    assert found.value == 0
    assert math.isnan(found.low)
    assert found.note == "undefined without some unit"
    (undefined,) = replicate_statistic([mean_of_the_first_unit], units)
    assert compare(undefined, undefined, effective_units=12).p_value == 1
    assert [
        (r.low, r.high) for r in ranks([undefined] * 2, better="lower", effective_units=12)
    ] == [
        (1, 2),
        (1, 2),
    ]


# Seeds


def test_three_seeds_add_their_variance_with_satterthwaites_degrees_of_freedom() -> None:
    scores, units = clustered(11, units=25, seeds=3)
    scores += np.array([[0.0], [0.4], [-0.1]])
    per_seed = scores.mean(axis=1)
    jackknife = 24 / 25 * (jackknife_by_hand(np.mean, scores.mean(axis=0), units) ** 2).sum()
    seeds = per_seed.var(ddof=1) / 3
    degrees = (jackknife + seeds) ** 2 / (
        jackknife**2 / (effective_units(units) - 1) + seeds**2 / 2
    )
    half = stats.t.ppf(0.975, degrees) * math.sqrt(jackknife + seeds)
    found = estimate_mean(scores, units)
    assert found.value == pytest.approx(per_seed.mean())
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert (found.seeds, found.seed_sd) == (3, pytest.approx(per_seed.std(ddof=1)))


def test_two_seeds_are_averaged_and_show_their_spread_but_do_not_widen() -> None:
    scores, units = clustered(12, seeds=2)
    scores += np.array([[0.0], [5.0]])
    found, averaged = estimate_mean(scores, units), estimate_mean(scores.mean(axis=0)[None], units)
    assert (found.low, found.high) == pytest.approx((averaged.low, averaged.high))
    assert found.seed_sd == pytest.approx(scores.mean(axis=1).std(ddof=1))


def test_seeds_that_differ_widen_shares_and_quantiles_too() -> None:
    scores, units = clustered(13, seeds=1)
    equal, shifted = np.repeat(scores, 3, axis=0), scores + np.array([[-0.5], [0.0], [0.5]])
    for estimate in (
        lambda table: estimate_share((table > 0).astype(float), units),
        lambda table: estimate_quantile(table, units, q=0.5),
    ):
        one, same, different = estimate(scores), estimate(equal), estimate(shifted)
        assert (same.low, same.high) == pytest.approx((one.low, one.high), abs=0.02)
        assert different.high - different.low > 1.3 * (one.high - one.low)
        assert different.low < different.value < different.high


def test_quantile_of_several_seeds_is_the_mean_of_theirs() -> None:
    scores, units = clustered(14, seeds=4)
    expected = np.median(scores, axis=1)
    found = estimate_quantile(scores, units, q=0.5)
    assert found.value == pytest.approx(expected.mean())
    assert found.seed_sd == pytest.approx(expected.std(ddof=1))


# Coverage

RUNS = 300


def covered(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in estimates]))


@pytest.mark.parametrize(
    ("estimate", "truth"),
    [
        (lambda x, u: estimate_mean(x, u), 0.0),
        (lambda x, u: estimate_share((x > 1).astype(float), u), stats.norm.sf(1 / math.sqrt(2))),
        (lambda x, u: estimate_quantile(np.exp(x), u, q=0.5), 1.0),
    ],
    ids=["mean", "share", "median"],
)
def test_intervals_cover_the_truth_in_clustered_photos_and_ignoring_units_does_not(
    estimate: Callable[[Floats, NDArray[np.int64]], Estimate], truth: float
) -> None:
    draws = [clustered(1000 + run) for run in range(RUNS)]
    assert 0.90 <= covered([estimate(*draw) for draw in draws], truth) <= 0.99
    assert covered([estimate(x, np.arange(u.size)) for x, u in draws], truth) < 0.88


def test_intervals_cover_the_expectation_over_trainings_from_three_seeds_on() -> None:
    rng, means, medians, two = np.random.default_rng(15), [], [], []
    for run in range(RUNS):
        scores, units = clustered(2000 + run, units=40, seeds=3)
        scores = scores + rng.normal(scale=0.4, size=(3, 1))
        means.append(estimate_mean(scores, units))
        medians.append(estimate_quantile(scores, units, q=0.5))
        two.append(estimate_mean(scores[:2], units))
    assert 0.90 <= covered(means, 0.0) <= 0.99
    assert 0.90 <= covered(medians, 0.0) <= 0.99
    assert covered(two, 0.0) < 0.88  # it holds for the trained models at hand only


def test_the_interval_of_a_nonlinear_statistic_covers_it() -> None:
    def ratio(errors: Floats, others: Floats) -> Callable[[Weights], Floats]:
        return lambda weights: weights.sums(errors) / weights.sums(others)

    own, plain = [], []
    for run in range(RUNS):
        scores, units = clustered(4000 + run, units=40)
        others = np.random.default_rng(run).exponential(size=units.size) + 1
        function = [ratio(np.exp(scores[0] / 2), others)]
        own += estimate_statistic(function, units)
        plain += estimate_statistic(function, np.arange(units.size))
    truth = math.exp(2 / 8) / 2  # exp(x / 2) of a variance of 2, over the mean of the others
    assert 0.90 <= covered(own, truth) <= 0.99
    assert covered(plain, truth) < 0.85


def test_shares_that_vary_from_unit_to_unit_are_covered_and_wilsons_interval_does_not() -> None:
    rng, found, wilson = np.random.default_rng(25), [], 0
    for _ in range(RUNS):
        sizes = np.maximum(1, rng.lognormal(2.5, 0.7, 60)).astype(int)
        units = np.repeat(np.arange(60), sizes)
        hits = (rng.random(units.size) < rng.beta(0.8, 3.2, 60)[units]).astype(float)  # by 0.2
        found.append(estimate_share(hits[None], units))
        plain = stats.binomtest(int(hits.sum()), hits.size).proportion_ci(method="wilson")
        wilson += plain.low <= 0.2 <= plain.high
    assert 0.92 <= covered(found, 0.2) <= 0.99
    assert wilson / RUNS < 0.75


# Comparisons


def test_comparison_equals_the_paired_t_test_when_every_photo_is_its_own_unit() -> None:
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


def test_comparison_of_three_seeds_adds_the_variance_of_both_methods_seeds() -> None:
    one, units = clustered(17, seeds=3)
    other = one[:, ::-1] + np.array([[0.1], [0.6], [0.2]])
    a, b = replicate_mean(one, units), replicate_mean(other, units)
    paired = 59 / 60 * ((a.deviations - b.deviations) ** 2).sum()
    terms = np.array([paired, a.seed_sd**2 / 3, b.seed_sd**2 / 3])
    effective = effective_units(units)
    degrees = terms.sum() ** 2 / (terms**2 / [effective - 1, 2, 2]).sum()
    expected = 2 * stats.t.sf(abs(a.value - b.value) / math.sqrt(terms.sum()), degrees)
    found = compare(a, b, effective_units=effective)
    assert found.p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("units", [2, 5, 6, 12])
def test_all_hits_against_no_hits_are_tested_by_the_signs_of_units(units: int) -> None:
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


def test_without_variance_equal_values_have_p_one_and_others_almost_none_in_many_units() -> None:
    scores, units = clustered(18)
    a = replicate_mean(scores, units)
    b = Replicates(a.value + 1, a.deviations, a.seed_values + 1)
    same, other = compare(a, a, effective_units=50), compare(a, b, effective_units=50)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert (other.difference, other.low, other.high) == (-1, -1, -1)
    assert other.p_value == 2.0**-49
    assert compare(a, b, effective_units=1e6).p_value == 0


def test_rounding_is_no_variance() -> None:
    tenths, thirds = (replicate_mean(np.full((3, 4), x), np.arange(4)) for x in (0.1, 1 / 3))
    found = compare(tenths, thirds, effective_units=4)
    assert found.p_value == 2.0**-3
    assert found.low == found.high == pytest.approx(0.1 - 1 / 3)


def test_one_unit_proves_nothing() -> None:
    units = ["a"] * 4
    a, b = replicate_mean(np.zeros((1, 4)), units), replicate_mean(np.ones((1, 4)), units)
    found = compare(a, b, effective_units=effective_units(units))
    assert (found.difference, found.p_value) == (-1, 1)
    assert math.isnan(found.low)


def test_tests_of_equal_medians_reject_as_often_as_they_say() -> None:
    rejected = 0
    for run in range(RUNS):
        scores, units = clustered(3000 + run)
        noise = np.random.default_rng(run).normal(scale=0.7, size=(2, 1, units.size))
        a, b = (replicate_quantile(np.exp(scores + each), units, q=0.5) for each in noise)
        rejected += compare(a, b, effective_units=effective_units(units)).p_value < 0.05
    assert 0.02 <= rejected / RUNS <= 0.09


# Ranks


def orthogonal(values: list[float], errors: list[float]) -> list[Replicates]:
    """Methods whose deviations are orthogonal, so that variances of differences add up."""
    units = 64
    found = []
    for index, (value, error) in enumerate(zip(values, errors, strict=True)):
        deviations = np.zeros(units)
        deviations[2 * index] = error * math.sqrt(units / (units - 1))
        found.append(Replicates(value, deviations, np.array([value])))
    return found


def test_two_equal_methods_share_the_ranks_behind_a_clearly_better_one() -> None:
    scores, units = clustered(19)
    rng = np.random.default_rng(20)
    tables = [scores + shift + rng.normal(size=scores.shape) for shift in (0.0, 0.0, -3.0)]
    replicates = [replicate_mean(table, units) for table in tables]
    lower = ranks(replicates, better="lower", effective_units=effective_units(units))
    higher = ranks(replicates, better="higher", effective_units=effective_units(units))
    assert [(r.low, r.high) for r in lower] == [(2, 3), (2, 3), (1, 1)]
    assert [(r.low, r.high) for r in higher] == [(1, 2), (1, 2), (3, 3)]


def test_ranks_correct_by_holm_over_all_pairs() -> None:
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


def test_ranks_equal_a_direct_reimplementation_on_many_methods() -> None:
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
def test_equal_methods_share_their_ranks_in_about_nineteen_of_twenty_leaderboards(
    count: int,
) -> None:
    rng, alike = np.random.default_rng(26), 0
    for run in range(RUNS):
        common, units = clustered(5000 + run, units=40)
        own = rng.normal(size=(count, 40))[:, units] + rng.normal(size=(count, units.size))
        tables = [replicate_mean(common + scores[None], units) for scores in own]
        found = ranks(tables, better="lower", effective_units=effective_units(units))
        alike += all((each.low, each.high) == (1, count) for each in found)
    assert 0.92 <= alike / RUNS <= 0.99


def test_of_two_methods_one_measured_better_by_three_standard_errors_is_above() -> None:
    for size in (5.0, 20.0, 60.0):
        pair = orthogonal([0.0, 3.001], [1 / math.sqrt(2)] * 2)
        found = ranks(pair, better="higher", effective_units=size)
        assert [(r.low, r.high) for r in found] == [(2, 2), (1, 1)], size
    few = ranks(pair, better="higher", effective_units=4.0)  # 3.18 would be needed
    assert [(r.low, r.high) for r in few] == [(1, 2), (1, 2)]


def test_rank_ranges_fit_together_whatever_the_values_and_their_errors() -> None:
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


def test_holm_finds_whatever_bonferroni_finds_and_nothing_beyond_single_tests() -> None:
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


def test_a_method_alone_is_first() -> None:
    (only,) = ranks(orthogonal([1.0], [0.1]), better="lower", effective_units=64)
    assert (only.low, only.high) == (1, 1)
    assert ranks([], better="lower", effective_units=64) == []


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: estimate_mean([[1.0, math.nan]], [0, 1]), r"photo 1 \(seed row 0\) is nan"),
        (lambda: estimate_mean([[1.0, math.inf]], [0, 1]), "is inf"),
        (lambda: estimate_mean([1.0, 2.0], [0, 1]), r"scores have shape \(2,\)"),
        (lambda: estimate_mean([[1.0, 2.0]], [0, 1, 2]), r"give \(S, 3\)"),
        (lambda: estimate_mean(np.zeros((0, 2)), [0, 1]), r"scores have shape \(0, 2\)"),
        (lambda: estimate_mean(np.zeros((1, 0)), []), "integers or strings"),
        (lambda: estimate_mean([[1.0, 2.0]], [0.5, 1.5]), "units are float64"),
        (lambda: estimate_share([[0.0, 0.5]], [0, 1]), "0 or 1"),
        (lambda: estimate_quantile([[0.0, 0.5]], [0, 1], q=50), "between 0 and 1"),
        (lambda: estimate_statistic([], [0, 1]), "one function per seed"),
        (lambda: estimate_statistic([lambda w: np.ones(2)], [0, 1]), r"\(3,\) or \(3, K\)"),
        (lambda: estimate_statistic([lambda w: np.ones((3, 2, 1))], [0, 1]), r"or \(3, K\)"),
        (
            lambda: estimate_statistic([lambda w: w.totals, lambda w: 1.0], [0, 1]),
            "that all return",
        ),
    ],
)
def test_what_cannot_be_estimated_is_said_in_a_sentence(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_methods_on_other_units_cannot_be_compared() -> None:
    a = replicate_mean(np.zeros((1, 3)), [0, 1, 2])
    b = replicate_mean(np.zeros((1, 3)), [0, 1, 1])
    with pytest.raises(ValueError, match="same photos"):
        compare(a, b, effective_units=2)
    with pytest.raises(ValueError, match="'higher' or 'lower'"):
        ranks([a, a], better="best", effective_units=3)  # type: ignore[arg-type]
