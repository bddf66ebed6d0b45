"""Limits of intervals are values that a number can have."""

import numpy as np
import pytest

from geobench.data import Truth
from geobench.scoring.summaries import summarise
from geobench.statistics import estimate_mean
from geobench.summaries import Curve, Mean, Range, Share, Statistic

FOUR = np.array([[4900.0, 30, 5000, 4990]])
UNITS = np.arange(4)
TRUTH = Truth(np.zeros((4, 2)), {}, np.full(4, np.nan))


def estimate(summary, scores):
    (found,) = summarise(summary, {"score": scores}, truth=TRUTH, units=UNITS)
    return found.estimate


def mean(possible=None, unit="points"):
    return Mean(name="score", unit=unit, better="higher", column="score", possible=possible)


def test_limits_of_a_mean_are_cut_to_what_is_possible_and_no_further():
    plain = estimate_mean(FOUR, UNITS)
    assert plain.low < 0 < plain.high > 5000
    assert (estimate(mean(), FOUR).low, estimate(mean(), FOUR).high) == (plain.low, plain.high)
    found = estimate(mean(Range(0.0, 5000.0)), FOUR)
    assert (found.low, found.value, found.high) == (0, plain.value, 5000)
    found = estimate(mean(Range(low=-1e6)), FOUR)
    assert (found.low, found.high) == (plain.low, plain.high)


def test_a_mean_of_the_unit_share_is_a_share():
    found = estimate(mean(unit="share"), FOUR / 5000)
    assert (found.low, found.high) == (0, 1)


def test_a_value_beyond_the_possible_expectations_stays_in_its_interval():
    # The unbiased energy score of a photo can be below zero, its expectation cannot.
    found = estimate(mean(Range(low=0.0), unit="km"), np.array([[-3.0, -1, -2, -2]]))
    assert (found.low, found.value, found.high) == (-2, -2, 0)


def test_statistics_and_curves_are_cut_likewise_and_none_without_an_interval_gets_one():
    def high(columns, truth, weights):
        return weights.means(columns["score"])

    def both(columns, truth, weights):
        return weights.means(np.stack([columns["score"]] * 2, axis=-1))

    text = {"name": "score", "unit": "points", "better": "higher"}
    possible = Range(0.0, 5000.0)
    one = Statistic(**text, function=high, possible=possible)
    assert (estimate(one, FOUR).low, estimate(one, FOUR).high) == possible
    curve = Curve(**text, function=both, x=(1.0, 2.0), x_unit="km", possible=possible)
    found = summarise(curve, {"score": FOUR}, truth=TRUTH, units=UNITS)
    assert [(each.estimate.low, each.estimate.high) for each in found] == [possible] * 2
    (alone,) = summarise(mean(possible), {"score": FOUR}, truth=TRUTH, units=np.zeros(4, int))
    assert np.isnan([alone.estimate.low, alone.estimate.high]).all()


@pytest.mark.parametrize("summary", [Share(name="hit", better="higher", column="hit")])
def test_a_share_lies_between_nothing_and_all(summary):
    assert summary.range == (0, 1)
    assert summary.range.of_differences == (-1, 1)
    assert mean().range.of_differences == (-np.inf, np.inf)
