"""Averages over classes and gaps between trainings, against naive loops, scipy and simulation."""

import numpy as np
import pytest
from scipy import stats

from geobench import statistics
from geobench.board.contrast_rows import NO_DIFFERENCE, NO_VARIANCE, limits_of, paired_gap
from geobench.board.part_rows import PartNumber
from geobench.board.tables import Row
from geobench.scoring.macro_means import macro_mean
from geobench.statistics import ranking
from geobench.summaries import Range


def macro(scores, classes):
    """The mean over classes that are there of the means of their photos."""
    return float(np.mean([scores[classes == each].mean() for each in np.unique(classes)]))


def drawn(seed, *, seeds=1):
    """Scores (S, N), units of unequal sizes, and classes that some units have for themselves."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 15, size=rng.integers(3, 25))
    units = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    classes = rng.integers(6, size=len(units))
    alone = units % 4 == 0
    classes[alone] = 10 + units[alone]  # these classes vanish with their unit
    scores = rng.lognormal(size=(seeds, len(units))) + classes
    names = np.array([f"unit {unit}" for unit in units])
    return scores, names, np.array([f"class {each}" for each in classes])


@pytest.mark.parametrize("seeds", [1, 2, 4])
@pytest.mark.parametrize("seed", range(8))
def test_a_macro_mean_leaves_out_one_unit_at_a_time(seed, seeds):
    scores, units, classes = drawn(seed, seeds=seeds)
    found = macro_mean(scores, units, classes).replicates
    average = scores.mean(axis=0)
    whole = macro(average, classes)
    without = [macro(average[units != u], classes[units != u]) for u in np.unique(units)]
    assert found.value == pytest.approx(whole)
    assert found.deviations == pytest.approx(np.array(without) - whole, abs=1e-12)
    assert found.seed_values == pytest.approx([macro(row, classes) for row in scores])


def test_a_macro_mean_of_one_class_is_the_mean():
    scores, units, _ = drawn(1)
    found = macro_mean(scores, units, np.zeros(len(units), int))
    expected = statistics.estimate_mean(scores, units)
    for name in ("value", "low", "high", "photos", "effective_units", "seeds", "note"):
        assert getattr(found.estimate, name) == pytest.approx(getattr(expected, name)), name


@pytest.mark.parametrize("hits", [0, 0.1, 0.5, 1])
def test_a_macro_mean_of_zeros_and_ones_has_the_interval_of_a_share(hits):
    _, units, classes = drawn(9)
    scores = (np.random.default_rng(1).random((1, len(units))) < hits).astype(float)
    one = macro_mean(scores, units, np.zeros(len(units), int), share=True).estimate
    expected = statistics.estimate_share(scores, units)
    for name in ("value", "low", "high", "photos", "effective_units", "seeds", "note"):
        assert getattr(one, name) == pytest.approx(getattr(expected, name)), name
    found = macro_mean(scores, units, classes, share=True).estimate
    assert found.value == pytest.approx(macro(scores[0], classes))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.1  # not even where all photos are hits, or none


def test_where_each_unit_is_a_class_a_macro_mean_is_the_mean_of_the_means_of_units():
    scores, units, _ = drawn(2)
    found = macro_mean(scores, units, units)
    names = np.unique(units)
    means = np.array([scores[0, units == name].mean() for name in names])
    low, high = stats.t.interval(0.95, len(means) - 1, means.mean(), stats.sem(means))
    assert found.estimate.value == pytest.approx(means.mean())
    assert found.estimate.effective_units == pytest.approx(len(names))
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high))


def test_a_macro_mean_of_one_unit_has_no_interval():
    found = macro_mean([[1.0, 2.0, 6.0]], ["a", "a", "a"], [0, 0, 1])
    assert found.estimate.value == 3.75
    assert np.isnan([found.estimate.low, found.estimate.high]).all()
    assert found.replicates.deviations.tolist() == [0]
    assert found.estimate.note == "fewer than 2 effective units: no interval"


def test_effective_units_of_a_macro_mean_weigh_photos_as_it_does():
    _, units, classes = drawn(3)
    found = macro_mean(np.ones((1, len(units))), units, classes)
    names, sizes = np.unique(classes, return_counts=True)
    weight = {name: 1 / (len(names) * size) for name, size in zip(names, sizes, strict=True)}
    of_unit = [sum(weight[c] for c in classes[units == unit]) for unit in np.unique(units)]
    assert sum(of_unit) == pytest.approx(1)
    assert found.estimate.effective_units == pytest.approx(1 / np.square(of_unit).sum())


def sampled(seed):
    """A part whose classes of many photos are the easy ones, and some of it that is scored."""
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(5, 200, 24).astype(int)
    classes = np.repeat(np.arange(len(sizes)), sizes)
    scores = rng.normal(3000 - 10 * sizes[classes], 300)
    return scores, classes, rng


def test_a_macro_mean_of_a_sample_is_about_that_of_all_photos():
    scores, classes, rng = sampled(1)
    whole, found, anew = macro(scores, classes), [], []
    for _ in range(300):
        chosen = np.sort(rng.permutation(len(scores))[: len(scores) // 8])
        found.append(
            macro_mean(scores[None, chosen], np.arange(len(scores)), classes, scored=chosen)
        )
        anew.append(macro(scores[chosen], classes[chosen]))
    error = np.std([each.estimate.value for each in found]) / np.sqrt(300)
    assert abs(np.mean([each.estimate.value for each in found]) - whole) < 4 * error
    assert abs(np.mean(anew) - whole) > 15 * error  # as if the classes were those of the sample
    assert {each.estimate.photos for each in found} == {len(scores) // 8}


def test_the_interval_of_a_macro_mean_of_a_sample_covers_the_truth():
    covered, trials = 0, 400
    for seed in range(trials):
        scores, classes, rng = sampled(seed)
        chosen = np.sort(rng.permutation(len(scores))[: len(scores) // 4])
        found = macro_mean(scores[None, chosen], np.arange(len(scores)), classes, scored=chosen)
        truth = np.mean(3000 - 10 * np.bincount(classes))
        covered += found.estimate.low <= truth <= found.estimate.high
    assert 0.92 <= covered / trials <= 0.98


@pytest.mark.parametrize("seed", range(6))
def test_a_macro_mean_of_a_sample_leaves_out_units_of_the_whole_part(seed):
    scores, units, classes = drawn(seed, seeds=2)
    average = scores.mean(axis=0)
    chosen = np.flatnonzero(np.random.default_rng(seed).random(len(units)) < 0.6)

    def weighted(kept):
        """The mean of the scored photos that are kept, each over the kept photos of its class."""
        names, counts = np.unique(classes[kept], return_counts=True)
        size = dict(zip(names, counts, strict=True))
        there = [photo for photo in chosen if kept[photo]]
        weights = np.array([1 / size[classes[photo]] for photo in there])
        return np.average(average[there], weights=weights)

    everything = np.ones(len(units), bool)
    whole, without = weighted(everything), [weighted(units != u) for u in np.unique(units)]
    found = macro_mean(scores[:, chosen], units, classes, scored=chosen).replicates
    assert found.value == pytest.approx(whole)
    assert found.deviations == pytest.approx(np.array(without) - whole, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_macro_mean_of_hits_alone_is_exactly_one(value):
    _, units, classes = drawn(4)
    chosen = np.arange(0, len(units), 3)
    scores = np.full((1, len(chosen)), value)
    found = macro_mean(scores, units, classes, scored=chosen, share=True).estimate
    assert found.value == value
    assert 0 <= found.low <= value <= found.high <= 1
    assert np.isfinite([found.low, found.high]).all()


def test_the_interval_of_a_macro_mean_covers_the_truth():
    rng = np.random.default_rng(20)
    truth = np.array([3.0, -1.0, 4.0, 0.0, 2.0])
    covered, ignoring, trials = 0, 0, 400
    for _ in range(trials):
        home = np.arange(60) % len(truth)
        units = np.repeat(np.arange(60), rng.integers(2, 20, size=60))
        moved = rng.random(len(units)) < 0.1
        classes = np.where(moved, rng.integers(len(truth), size=len(units)), home[units])
        noise = rng.normal(size=60)[units] + rng.normal(size=len(units))
        scores = (truth[classes] + noise)[None]
        found = macro_mean(scores, units, classes).estimate
        covered += found.low <= truth.mean() <= found.high
        photos = macro_mean(scores, np.arange(len(units)), classes).estimate
        ignoring += photos.low <= truth.mean() <= photos.high
    assert 0.92 <= covered / trials <= 0.98
    assert ignoring / trials < 0.75


def test_a_gap_where_photos_are_units_is_a_paired_t_test():
    rng = np.random.default_rng(4)
    plain = rng.normal(size=40)
    twin = plain + rng.normal(0.3, 0.5, size=40)
    photos = np.arange(40)
    found = paired_gap(
        statistics.replicate_mean(twin[None], photos),
        statistics.replicate_mean(plain[None], photos),
        photos,
    )
    expected = stats.ttest_rel(twin, plain)
    interval = expected.confidence_interval(0.95)
    assert found.estimate.value == pytest.approx((twin - plain).mean())
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high))
    assert found.estimate.photos == 40


def test_a_gap_is_resampled_by_unit():
    scores, units, _ = drawn(5)
    twin, plain = scores, 0.5 * scores + np.random.default_rng(0).normal(size=scores.shape)
    found = paired_gap(
        statistics.replicate_mean(twin, units), statistics.replicate_mean(plain, units), units
    )
    expected = statistics.estimate_mean(twin - plain, units)
    for name in ("value", "low", "high", "effective_units"):
        assert getattr(found.estimate, name) == pytest.approx(getattr(expected, name)), name


def test_from_three_seeds_on_a_gap_holds_for_trainings():
    rng = np.random.default_rng(6)
    units, plain = np.arange(30), rng.normal(size=(3, 30))
    shifts = np.array([[0.0], [1.0], [5.0]])
    # The same spread over seeds in both: differences by seed have none.
    alike = paired_gap(
        statistics.replicate_mean(plain + shifts + 2, units),
        statistics.replicate_mean(plain + shifts, units),
        units,
    ).estimate
    assert (alike.low, alike.value, alike.high) == pytest.approx((2, 2, 2))
    assert alike.seed_sd == pytest.approx(0)
    apart = paired_gap(
        statistics.replicate_mean(plain + shifts, units),
        statistics.replicate_mean(plain, units),
        units,
    ).estimate
    spread = np.std([0, 1, 5], ddof=1)
    half = stats.t.ppf(0.975, 2) * spread / np.sqrt(3)
    assert apart.seed_sd == pytest.approx(spread)
    assert (apart.low, apart.high) == pytest.approx((2 - half, 2 + half))


def test_parts_of_independent_photos_are_compared_by_welchs_test():
    rng = np.random.default_rng(7)
    a, b = rng.normal(1, 3, size=25), rng.normal(0, 0.7, size=60)
    found = ranking.compare_independent(
        statistics.replicate_mean(a[None], np.arange(25)),
        statistics.replicate_mean(b[None], np.arange(60)),
        effective_units=(25, 60),
    )
    expected = stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.difference == pytest.approx(a.mean() - b.mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_parts_of_one_unit_or_without_variance_are_compared_as_far_as_they_can():
    steady = statistics.replicate_mean([[2.0] * 5], np.arange(5))
    other = statistics.replicate_mean([[3.0] * 4], np.arange(4))
    single = statistics.replicate_mean([[1.0, 3.0]], np.zeros(2, int))
    equal = ranking.compare_independent(steady, steady, effective_units=(5, 5))
    assert (equal.difference, equal.low, equal.high, equal.p_value) == (0, 0, 0, 1)
    differs = ranking.compare_independent(steady, other, effective_units=(5, 4))
    assert (differs.difference, differs.low, differs.high) == (-1, -1, -1)
    assert differs.p_value == 2.0**-3  # as the signs of the fewer units
    unknown = ranking.compare_independent(steady, single, effective_units=(5, 1))
    assert unknown.difference == 0
    assert unknown.p_value == 1
    assert np.isnan([unknown.low, unknown.high]).all()


def part_number(estimate, unit="share", possible=Range()):  # noqa: B008
    text = ("b", "p", "all", "photo", "l", "m", "s", unit, "higher")
    row = Row(
        *text,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        effective_units=estimate.effective_units,
    )
    bounds = Range(0.0, 1.0) if unit == "share" else possible
    return PartNumber(row, None, np.arange(8), (0,), exact=unit == "share", range=bounds)


@pytest.mark.parametrize("values", [(1.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
def test_shares_that_differ_alike_in_every_unit_have_the_limits_of_their_single_intervals(values):
    scores, units = [np.full((1, 8), x) for x in values], np.arange(8)
    a, b = (statistics.replicate_mean(each, units) for each in scores)
    own = [part_number(statistics.estimate_share(each, units)) for each in scores]
    # Eight hits of eight, or none: Clopper and Pearson's limits in closed form.
    exact = {1.0: (0.025 ** (1 / 8), 1.0), 0.0: (0.0, 1 - 0.025 ** (1 / 8))}
    (low_a, high_a), (low_b, high_b) = (exact[x] for x in values)
    d = values[0] - values[1]
    low = d - ((values[0] - low_a) ** 2 + (high_b - values[1]) ** 2) ** 0.5
    high = d + ((high_a - values[0]) ** 2 + (values[1] - low_b) ** 2) ** 0.5
    paired = ranking.compare(a, b, effective_units=8)
    apart = ranking.compare_independent(a, b, effective_units=(8, 8))
    gap = paired_gap(a, b, units).estimate
    for found in (paired, apart, gap):
        limits = limits_of(found, *own, paired=False)
        assert limits.note == NO_VARIANCE
        assert limits[:2] == pytest.approx((max(low, -1), min(high, 1)))
        assert limits.low <= d <= limits.high
        assert limits.low < limits.high
        in_km = [part_number(statistics.estimate_mean(each, units), "km") for each in scores]
        assert limits_of(found, *in_km, paired=False) == (d, d, "")
    varied = statistics.replicate_mean([[0.0, 1] * 4], units)
    found = ranking.compare(a, varied, effective_units=8)
    assert limits_of(found, *own, paired=True) == (max(found.low, -1), min(found.high, 1), "")


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_of_the_same_photos_that_differ_on_none_have_the_limits_of_no_hit_among_units(share):
    units = np.arange(20)
    scores = (units < 20 * share).astype(float)[None]
    number = part_number(statistics.estimate_share(scores, units))
    same = statistics.replicate_mean(scores, units)
    most = stats.binomtest(0, 20).proportion_ci(0.95, method="exact").high
    assert most == pytest.approx(3.69 / 20, rel=0.1)
    paired = ranking.compare(same, same, effective_units=20)
    for found in (paired, paired_gap(same, same, units).estimate):
        low, high, note = limits_of(found, number, number, paired=True)
        assert (low, high, note) == (pytest.approx(-most), pytest.approx(most), NO_DIFFERENCE)
    # Of other photos, nothing is known of their differing alike: wider, unless all or none hit.
    apart = limits_of(paired, number, number, paired=False)
    assert apart.high > most + 0.05 or share in (0, 1)
    assert apart.note == NO_VARIANCE


def test_many_photos_of_few_units_of_which_none_differs_have_the_limits_of_the_single_shares():
    units = np.repeat(np.arange(20), 50)
    scores = (np.arange(1000) % 50 < 15).astype(float)[None]
    number = part_number(statistics.estimate_share(scores, units))
    same = statistics.replicate_mean(scores, units)
    found = ranking.compare(same, same, effective_units=20)
    limits = limits_of(found, number, number, paired=True)
    assert limits == limits_of(found, number, number, paired=False)
    assert limits.note == NO_VARIANCE


def test_shares_of_which_no_photo_differs_hold_the_truth_as_often_as_they_say():
    # Two methods differ on 2 % of all units; in 60 of them none does with a chance of 0.3.
    rng, alike, held = np.random.default_rng(35), 0, 0
    units = np.arange(60)
    for _ in range(400):
        a = (rng.random(60) < 0.4).astype(float)
        b = np.where(rng.random(60) < 0.02, 1.0, a)
        one, other = (statistics.replicate_mean(each[None], units) for each in (a, b))
        if (a != b).any():
            continue
        alike += 1
        own = [part_number(statistics.estimate_share(each[None], units)) for each in (a, b)]
        found = ranking.compare(one, other, effective_units=60)
        low, high, _ = limits_of(found, *own, paired=True)
        held += low <= -0.02 * 0.6 <= high
    assert alike > 50
    assert held == alike


def test_limits_of_differences_are_possible_differences():
    units = np.arange(4)
    tables = [np.array([[4900.0, 200, 5000, 4800]]), np.array([[100.0, 0, 0, 4000]])]
    a, b = (statistics.replicate_mean(each, units) for each in tables)
    own = [
        part_number(statistics.estimate_mean(each, units), "points", Range(0.0, 5000.0))
        for each in tables
    ]
    found = ranking.compare(a, b, effective_units=4)
    assert found.high > 5000
    limits = limits_of(found, *own, paired=True)
    assert limits == (pytest.approx(found.low), 5000, "")
