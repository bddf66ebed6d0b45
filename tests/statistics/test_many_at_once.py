"""What is made of many methods at once is what is made of each alone."""

import itertools
import math

import numpy as np
import pytest

from geobench.statistics import replicate_weights
from geobench.statistics.intervals import (
    estimate_all,
    estimate_quantile,
    estimate_reaches,
    estimate_replicates,
    estimate_share_replicates,
)
from geobench.statistics.ranking import resolution, resolutions
from geobench.statistics.replicate_weights import sums_by_code
from geobench.statistics.replicates import (
    Replicates,
    check_scores,
    deviations_of_seeds,
    over_seeds,
    replicate_mean,
    replicate_means,
    replicate_share,
    replicate_shares,
)

COUNTS = [(1,), (3,), (1, 3, 3, 1), (2, 9, 1, 2, 20)]
SHAPES = [(1, 1), (2, 1), (23, 5), (300, 60), (9001, 40)]


def drawn(counts, photos, units, *, kind="usual"):
    """Scores of all trainings, (T, N), and the units of the photos."""
    rng = np.random.default_rng([len(counts), photos])
    table = rng.lognormal(size=(sum(counts), photos)) * 1000
    if kind == "ties":
        table = np.round(table, -3)
    if kind == "hits":
        table = (table > 1500).astype(float)
    return table, rng.integers(units, size=photos)


def alone(table, counts):
    ends = np.cumsum([0, *counts]).tolist()
    return [table[first:last] for first, last in itertools.pairwise(ends)]


def same(one, other):
    np.testing.assert_array_equal(one.deviations, other.deviations)
    np.testing.assert_array_equal(one.seed_values, other.seed_values)
    assert one.value == other.value


def equal(one, other):
    """Whether two estimates say the same, NaN being NaN."""
    return repr(one) == repr(other)


@pytest.mark.parametrize("block", [1, 50, 1 << 18])
@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (5, 7), (3, 900)])
def test_sums_by_code_are_those_of_one_row_after_another(monkeypatch, block, shape):
    monkeypatch.setattr(replicate_weights, "_BLOCK", block)
    rng = np.random.default_rng(shape)
    values, codes = rng.normal(size=shape), rng.integers(6, size=shape[1])
    values[:, :1] = np.nan
    found = sums_by_code(values, codes, count=9)  # of some codes there is no item
    assert found.shape == (shape[0], 9)
    for row, sums in zip(values, found, strict=True):
        np.testing.assert_array_equal(sums, np.bincount(codes, row, 9))


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("photos", [1, 30, 9001])
def test_means_over_seeds_are_those_of_each_table_to_the_last_digit(counts, photos):
    table, _ = drawn(counts, photos, 1)
    expected = [each.mean(axis=0) for each in alone(table, counts)]
    np.testing.assert_array_equal(over_seeds(table, counts), expected)


@pytest.mark.parametrize("counts", COUNTS)
def test_deviations_of_seeds_are_those_of_numpy(counts):
    table, _ = drawn(counts, 1, 1)
    values = [each[:, 0] for each in alone(table, counts)]
    expected = [each.std(ddof=1) if each.size > 1 else math.nan for each in values]
    assert deviations_of_seeds(values) == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize(("photos", "units"), SHAPES)
def test_means_and_their_intervals_are_those_of_each_method_alone(counts, photos, units):
    table, of = drawn(counts, photos, units)
    found = replicate_means(check_scores(table, of, counts=counts))
    estimates = estimate_all(found, of)
    for own, many, estimate in zip(alone(table, counts), found, estimates, strict=True):
        one = replicate_mean(own, of)
        same(many, one)
        assert many.value == own.mean(axis=0).mean()
        np.testing.assert_array_equal(many.seed_values, own.mean(axis=1))
        residuals = np.bincount(of, own.mean(axis=0) - many.value)[np.unique(of)]
        rest = np.maximum(photos - np.bincount(of)[np.unique(of)], 1)
        np.testing.assert_array_equal(many.deviations, -residuals / rest)
        assert equal(estimate, estimate_replicates(one, of))


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize(("photos", "units"), SHAPES)
def test_shares_and_their_intervals_are_those_of_each_method_alone(counts, photos, units):
    table, of = drawn(counts, photos, units, kind="hits")
    table[: counts[0]] = photos % 2  # of one method all are hits, or none
    found = replicate_shares(check_scores(table, of, counts=counts))
    estimates = estimate_all(found, of, shares=True)
    for own, many, estimate in zip(alone(table, counts), found, estimates, strict=True):
        one = replicate_share(own, of)
        same(many, one)
        assert equal(estimate, estimate_share_replicates(one, of))


@pytest.mark.parametrize("kind", ["usual", "ties", "hits"])
@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize(("photos", "units"), SHAPES)
def test_quantiles_and_their_intervals_are_those_of_each_method_alone(kind, counts, photos, units):
    table, of = drawn(counts, photos, units, kind=kind)
    for q in (0.03, 0.5, 0.9):
        found = estimate_reaches(check_scores(table, of, counts=counts), q=q)
        for own, many in zip(alone(table, counts), found, strict=True):
            assert equal(many.estimate, estimate_quantile(own, of, q=q))
            assert many.estimate.value == np.quantile(own, q, axis=1).mean()


def test_what_is_undefined_without_some_unit_takes_no_interval_from_others():
    table, of = drawn((1, 3, 3), 300, 60)
    found = replicate_means(check_scores(table, of, counts=(1, 3, 3)))
    holes = np.where(np.arange(60) == 7, np.nan, found[1].deviations)
    found[1] = Replicates(found[1].value, holes, found[1].seed_values)
    estimates = estimate_all(found, of)
    assert [each.note for each in estimates] == ["", "undefined without some unit", ""]
    for each, many in zip(found, estimates, strict=True):
        assert equal(many, estimate_replicates(each, of))


def test_each_number_may_have_effective_units_of_its_own():
    table, of = drawn((1, 3, 1, 3), 80, 30)
    found = replicate_means(check_scores(table, of, counts=(1, 3, 1, 3)))
    sizes = [1.5, 7.0, 22.0, 400.0]
    for shares in (False, True):
        one = estimate_share_replicates if shares else estimate_replicates
        scaled = [Replicates(r.value / 1e5, r.deviations, r.seed_values) for r in found]
        for each, size, many in zip(
            scaled, sizes, estimate_all(scaled, of, effective=sizes, shares=shares), strict=True
        ):
            assert equal(many, one(each, of, effective=size))


def test_of_nothing_there_are_no_estimates_and_of_one_method_no_pairs():
    assert estimate_all([], np.arange(3)) == []
    assert not resolutions([], effective_units=9).size
    one = replicate_mean([[1.0, 2, 4]], np.arange(3))
    assert not resolutions([one], effective_units=9).size


@pytest.mark.parametrize("size", [1.5, 20.0])
def test_resolutions_of_all_pairs_are_those_of_two_at_a_time(size):
    table, of = drawn((1, 3, 3, 2, 1), 200, 40)
    table[-1] = table[0]  # a pair without any variance
    methods = replicate_means(check_scores(table, of, counts=(1, 3, 3, 2, 1)))
    found = resolutions(methods, effective_units=size)
    expected = [
        resolution(a, b, effective_units=size) for a, b in itertools.combinations(methods, 2)
    ]
    np.testing.assert_array_equal(found, expected)
    assert np.isnan(found).sum() == (1 if size > 2 else 10)
