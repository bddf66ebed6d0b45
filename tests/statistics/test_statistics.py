"""Intervals agree with independent computations, and cover."""

import math

import numpy as np
import pytest
from scipy import stats

from clustered_scores import clustered
from geobench.statistics.intervals import (
    estimate_mean,
    estimate_quantile,
    estimate_share,
    estimate_statistic,
    replicate_quantile,
)
from geobench.statistics.replicates import (
    Replicates,
    replicate_mean,
    replicate_statistic,
)
from geobench.statistics.units import Units, effective_units, unit_codes


def weighted_mean(scores):
    return lambda weights: weights.means(scores)


SKEWED = "too few photos for skewed scores"
FEW_HITS = "fewer than 5 effective hits or misses"


def jackknife_by_hand(summary, scores, units):
    labels = np.asarray(units)
    return np.array([summary(scores[labels != u]) - summary(scores) for u in np.unique(labels)])


# Units


def test_equal_units_count_fully_and_unequal_units_count_less():
    assert effective_units(["b", "a", "b", "a", "c", "c"]) == 3
    assert effective_units([0, 0, 0, 1]) == pytest.approx(16 / 10)
    assert effective_units([7, 7]) == 1


def test_codes_follow_the_sorted_order_of_whatever_names_the_units():
    expected = [1, 0, 2, 1]
    for units in (["b", "a", "c", "b"], [3, 0, 9, 3], [-5, -9, 4, -5], [2**60, 1, 2**62, 2**60]):
        assert unit_codes(units).tolist() == expected
    assert unit_codes(np.array([3, 0, 9, 3], np.uint64)).tolist() == expected


def test_units_that_many_numbers_share_give_the_same_numbers():
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


def test_mean_interval_equals_students_t_when_every_photo_is_its_own_unit():
    scores = np.random.default_rng(0).normal(size=57)
    expected = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)
    found = estimate_mean(scores[None], np.arange(57))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.value == pytest.approx(scores.mean())
    assert (found.photos, found.seeds, found.effective_units, found.note) == (57, 1, 57, "")
    assert math.isnan(found.seed_sd)


def test_mean_replicates_equal_a_loop_that_leaves_out_one_unit_at_a_time():
    scores, units = clustered(1, units=23)
    expected = jackknife_by_hand(np.mean, scores[0], units)
    found = replicate_mean(scores, units)
    np.testing.assert_allclose(found.deviations, expected, rtol=1e-9)
    half = stats.t.ppf(0.975, effective_units(units) - 1) * math.sqrt(22 / 23 * (expected**2).sum())
    assert estimate_mean(scores, units).high == pytest.approx(scores.mean() + half, rel=1e-9)


def test_intervals_move_and_stretch_with_the_scores():
    scores, units = clustered(22, seeds=3)
    for estimate in (
        estimate_mean,
        lambda x, u: estimate_quantile(x, u, q=0.8),
        lambda x, u: estimate_statistic([weighted_mean(row) for row in x], u)[0],
    ):
        one, other = estimate(scores, units), estimate(1000 + 50 * scores, units)
        expected = (1000 + 50 * one.low, 1000 + 50 * one.high, 50 * one.seed_sd)
        assert (other.low, other.high, other.seed_sd) == pytest.approx(expected)


def test_copies_of_all_photos_within_their_units_change_no_interval_of_a_mean():
    scores, units = clustered(23)
    one, copied = estimate_mean(scores, units), estimate_mean(np.tile(scores, 4), np.tile(units, 4))
    assert (copied.low, copied.high) == pytest.approx((one.low, one.high))
    assert copied.effective_units == pytest.approx(one.effective_units)


def test_the_names_and_the_order_of_units_change_nothing():
    scores, units = clustered(2)
    order = np.random.default_rng(0).permutation(units.size)
    named = np.array([f"country-{unit:02d}" for unit in units])
    for estimate in (estimate_mean, lambda x, u: estimate_quantile(x, u, q=0.5)):
        expected, found = estimate(scores, units), estimate(scores[:, order], named[order])
        limits = (found.value, found.low, found.high)
        assert limits == pytest.approx((expected.value, expected.low, expected.high), rel=1e-9)


def test_one_unit_gives_a_value_without_an_interval():
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


def test_an_interval_on_few_effective_units_is_marked():
    scores, units = clustered(3, units=9)
    assert estimate_mean(scores, units).note == "fewer than 10 effective units"
    assert estimate_quantile(scores, units, q=0.5).note == "fewer than 10 effective units"
    both = estimate_share(np.eye(1, units.size), units).note
    assert both == "fewer than 10 effective units; fewer than 5 effective hits or misses"


@pytest.mark.parametrize("photos", [30, 49])
def test_every_interval_of_a_mean_of_under_fifty_photos_is_marked_and_long_tails_need_it(photos):
    rng, covers, runs = np.random.default_rng(33), 0, 600
    for _ in range(runs):
        found = estimate_mean(rng.lognormal(size=(1, photos)), np.arange(photos))
        assert found.note == SKEWED
        covers += found.low <= math.exp(0.5) <= found.high
    assert covers / runs < 0.92
    normal = rng.normal(size=(1, photos))
    assert estimate_mean(normal, np.arange(photos)).note == SKEWED
    assert estimate_quantile(normal, np.arange(photos), q=0.5).note == ""


@pytest.mark.parametrize(("draw", "most"), [("lognormal", 1.0), ("exponential", 0.2)])
def test_a_mean_of_many_photos_is_marked_where_it_is_itself_skewed_by_a_quarter(draw, most):
    rng, marked = np.random.default_rng(34), []
    for _ in range(100):
        scores = getattr(rng, draw)(size=100)
        skewness = abs(stats.skew(scores)) * 100 / 99**1.5
        found = estimate_mean(scores[None], np.arange(100))
        assert found.note == (SKEWED if skewness > 0.25 else "")
        marked.append(found.note == SKEWED)
    assert most - 0.5 < np.mean(marked) < most


def test_units_decide_how_skewed_a_mean_is_and_not_photos():
    rng = np.random.default_rng(35)
    units = np.repeat(np.arange(20), 20)
    noise = rng.normal(scale=0.1, size=(1, 400))
    assert estimate_mean(rng.lognormal(size=20)[units] + noise, units).note == SKEWED
    assert estimate_mean(rng.exponential(size=(1, 400)), units).note == ""


def test_scores_that_differ_by_rounding_are_not_skewed():
    scores = np.full((1, 60), 0.1)
    scores[0, 0] += 1e-16
    assert estimate_mean(scores, np.arange(60)).note == ""


# Shares


@pytest.mark.parametrize("photos", [10, 13, 18, 21, 50, 400])
def test_five_hits_are_not_fewer_than_five_whatever_the_rounding(photos):
    for hits in (5, photos - 5):
        scores = np.r_[np.ones(hits), np.zeros(photos - hits)][None]
        assert estimate_share(scores, np.arange(photos)).note == ""
    four = np.r_[np.ones(4), np.zeros(photos - 4)][None]
    assert estimate_share(four, np.arange(photos)).note == FEW_HITS


@pytest.mark.parametrize(("hits", "photos"), [(0, 12), (1, 30), (7, 30), (150, 400), (40, 40)])
def test_share_interval_is_the_exact_binomial_one_when_every_photo_is_its_own_unit(hits, photos):
    # Korn and Graubard's effective size is then the photos: the design effect and the factor of
    # the t quantiles are both 1.
    scores = np.r_[np.ones(hits), np.zeros(photos - hits)][None]
    expected = stats.binomtest(hits, photos).proportion_ci(0.95, method="exact")
    found = estimate_share(scores, np.arange(photos))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (found.note == "") == (5 <= hits <= photos - 5)


def test_share_interval_has_korn_and_graubards_effective_size():
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


def test_share_of_perfectly_clustered_hits_counts_units_not_photos():
    units = np.repeat(np.arange(40), 25)
    found = estimate_share((units < 12)[None].astype(float), units)
    expected = stats.binomtest(12, 40).proportion_ci(0.95, method="exact")
    assert found.low == pytest.approx(expected.low, abs=0.02)
    assert found.high == pytest.approx(expected.high, abs=0.02)
    assert found.high - found.low > expected.high - expected.low  # the factor of the t quantiles


def test_share_without_hits_or_misses_counts_the_effective_units():
    units = np.repeat(np.arange(20), 50)
    expected = stats.binomtest(0, 20).proportion_ci(0.95, method="exact")
    none = estimate_share(np.zeros((1, 1000)), units)
    every = estimate_share(np.ones((1, 1000)), units)
    assert (none.low, none.high) == (0.0, pytest.approx(expected.high))
    assert (every.low, every.high) == (pytest.approx(1 - expected.high), 1.0)
    assert none.note == every.note == "fewer than 5 effective hits or misses"


def test_share_interval_never_claims_more_than_independent_photos():
    units = np.repeat(np.arange(50), 2)
    alike = np.tile([0.0, 1.0], 50)[None]  # each unit hits once: the jackknife finds no variance
    expected = stats.binomtest(50, 100).proportion_ci(0.95, method="exact")
    found = estimate_share(alike, units)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3])
def test_the_interval_of_the_misses_mirrors_that_of_the_hits(rate):
    scores, units = clustered(24, units=40, seeds=3)
    hits = (scores < stats.norm.ppf(rate) * math.sqrt(2)).astype(float)
    found, mirrored = estimate_share(hits, units), estimate_share(1 - hits, units)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-9)
    assert mirrored.note == found.note


# Quantiles


def test_median_interval_reads_students_t_for_the_share_below_it_through_the_quantiles():
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


def test_quantile_replicates_have_the_standard_error_of_woodruffs_interval():
    scores, units = clustered(6)
    found = estimate_quantile(scores, units, q=0.3)
    replicates = replicate_quantile(scores, units, q=0.3)
    t = stats.t.ppf(0.975, effective_units(units) - 1)
    assert 2 * t * math.sqrt(replicates.variance) == pytest.approx(found.high - found.low)
    assert replicates.deviations.shape == (60,)


def test_quantile_replicates_follow_the_quantile_without_each_unit():
    scores, units = clustered(6, units=15)
    expected = jackknife_by_hand(np.median, scores[0], units)
    found = replicate_quantile(scores, units, q=0.5).deviations
    assert np.corrcoef(found, expected)[0, 1] > 0.9


def test_a_quantile_that_most_photos_tie_on_has_no_width():
    scores = np.r_[np.zeros(90), np.arange(10.0)][None]
    found = estimate_quantile(scores, np.arange(100), q=0.5)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    constant = estimate_quantile(np.ones((1, 100)), np.arange(100), q=0.5)
    assert (constant.low, constant.high) == (1, 1)
    assert not replicate_quantile(np.ones((1, 100)), np.arange(100), q=0.5).deviations.any()


def test_a_tied_quantile_moves_as_fast_as_the_way_to_the_next_score_is_long():
    # The share below 0 must rise from 0.5 to 0.9 before the median is 1.
    scores = np.r_[np.zeros(90), np.arange(1, 11.0)]
    found = replicate_quantile(scores[None], np.arange(100), q=0.5)
    below = np.where(scores == 0, 0.5 / 0.9, 0.0)
    without = np.array([np.delete(below, photo).mean() for photo in range(100)])
    np.testing.assert_allclose(found.deviations, -(without - 0.5) / 0.4)


# Any statistic


def test_statistic_of_a_mean_has_the_means_interval_up_to_two_hundred_units():
    scores, units = clustered(7, units=200, seeds=3)
    (found,) = estimate_statistic([weighted_mean(row) for row in scores], units)
    expected = estimate_mean(scores, units)
    for name in ("value", "low", "high", "seed_sd", "effective_units"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9)


def test_statistic_of_many_units_leaves_out_two_hundred_groups():
    scores, units = clustered(8, units=1500)
    (found,) = replicate_statistic([weighted_mean(scores[0])], units)
    expected = replicate_mean(scores, units)
    assert found.deviations.shape == (200,)
    assert math.sqrt(found.variance / expected.variance) == pytest.approx(1, abs=0.12)
    (again,) = replicate_statistic([weighted_mean(scores[0])], [f"{unit:05d}" for unit in units])
    np.testing.assert_array_equal(found.deviations, again.deviations)


@pytest.mark.parametrize("trend", ["size", "order"])
def test_groups_keep_the_variance_between_small_and_large_and_between_neighbours(trend):
    rng, ratios = np.random.default_rng(9), []
    for _ in range(5):
        sizes = np.maximum(1, rng.lognormal(1.5, 1, 1000)).astype(int)
        units = np.repeat(np.arange(1000), sizes)
        scores = np.log(sizes)[units] if trend == "size" else units / 1000
        (grouped,) = replicate_statistic([weighted_mean(scores)], units)
        ratios.append(grouped.variance / replicate_mean(scores[None], units).variance)
    assert np.mean(ratios) == pytest.approx(1, abs=0.12)


def test_a_curve_is_estimated_point_by_point():
    scores, units = clustered(10, units=30, seeds=2)
    thresholds = np.array([-1.0, 0.0, 1.0])
    curves = [lambda weights, row=row: weights.means(row[:, None] > thresholds) for row in scores]
    found = estimate_statistic(curves, units)
    assert len(found) == 3
    for estimate, threshold in zip(found, thresholds, strict=True):
        expected = estimate_mean((scores > threshold).astype(float), units)
        assert estimate.value == pytest.approx(expected.value)
        assert estimate.low == pytest.approx(expected.low)


def test_a_statistic_that_is_undefined_without_some_unit_has_no_interval():
    units = np.repeat(np.arange(12), 3)
    first = (units == 0).astype(float)

    def mean_of_the_first_unit(weights):
        with np.errstate(invalid="ignore"):
            return weights.sums(first * units) / weights.sums(first)

    (found,) = estimate_statistic([mean_of_the_first_unit], units)
    assert found.value == 0
    assert math.isnan(found.low)
    assert found.note == "undefined without some unit"


# Seeds


def test_three_seeds_add_their_variance_with_satterthwaites_degrees_of_freedom():
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


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_seeds_that_differ_by_rounding_have_a_standard_deviation_of_zero(seeds):
    one = np.random.default_rng(0).normal(size=(1, 30))
    assert np.full(3, one.mean()).std(ddof=1) > 0  # of three equal numbers, by numpy
    values = np.full(seeds, one.mean())
    assert estimate_mean(np.repeat(one, seeds, axis=0), np.arange(30)).seed_sd == 0
    values[0] *= 1 + 1e-15
    assert Replicates(values[1], np.zeros(2), values).seed_sd == 0
    values[0] *= 1 + 1e-9
    assert Replicates(values[1], np.zeros(2), values).seed_sd > 0


def test_two_seeds_are_averaged_and_show_their_spread_but_do_not_widen():
    scores, units = clustered(12, seeds=2)
    scores += np.array([[0.0], [5.0]])
    found, averaged = estimate_mean(scores, units), estimate_mean(scores.mean(axis=0)[None], units)
    assert (found.low, found.high) == pytest.approx((averaged.low, averaged.high))
    assert found.seed_sd == pytest.approx(scores.mean(axis=1).std(ddof=1))


def test_seeds_that_differ_widen_shares_and_quantiles_too():
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


def test_quantile_of_several_seeds_is_the_mean_of_theirs():
    scores, units = clustered(14, seeds=4)
    expected = np.median(scores, axis=1)
    found = estimate_quantile(scores, units, q=0.5)
    assert found.value == pytest.approx(expected.mean())
    assert found.seed_sd == pytest.approx(expected.std(ddof=1))


# Coverage

RUNS = 300


def covered(estimates, truth):
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
def test_intervals_cover_the_truth_in_clustered_photos_and_ignoring_units_does_not(estimate, truth):
    draws = [clustered(1000 + run) for run in range(RUNS)]
    assert 0.90 <= covered([estimate(*draw) for draw in draws], truth) <= 0.99
    assert covered([estimate(x, np.arange(u.size)) for x, u in draws], truth) < 0.88


def test_intervals_cover_the_expectation_over_trainings_from_three_seeds_on():
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


def test_the_interval_of_a_nonlinear_statistic_covers_it():
    def ratio(errors, others):
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


def test_shares_that_vary_from_unit_to_unit_are_covered_and_wilsons_interval_does_not():
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
def test_what_cannot_be_estimated_is_said_in_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
