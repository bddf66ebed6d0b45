"""Novelty curves, against naive loops, pandas, and a known function."""

import numpy as np
import pandas
import pytest

from geobench import statistics
from geobench.statistics.novelty import bins, smoothing


def photos(seed, count=200):
    """Scores of two trainings, novelties, and units of unequal sizes."""
    rng = np.random.default_rng(seed)
    novelty = rng.lognormal(6, 1, size=count)
    units = np.floor(12 * rng.random(count) ** 2).astype(int)
    return rng.gamma(2, novelty, size=(2, count)), novelty, units


@pytest.mark.parametrize("seed", range(3))
def test_smoothing_is_a_kernel_average_over_the_logarithm_of_novelty(seed):
    scores, novelty, units = photos(seed)
    logs = np.log(novelty)
    quartiles = np.percentile(logs, [25, 75])
    width = 0.9 * min(logs.std(), (quartiles[1] - quartiles[0]) / 1.349) / len(logs) ** (1 / 5)
    limits = np.percentile(logs, [2.5, 97.5])
    points = smoothing(novelty, units).means(scores)
    places = np.exp(np.linspace(*limits, 25))
    assert [point.novelty_km for point in points] == pytest.approx(places.tolist())

    def smooth(row, place, kept):
        total, mass = 0.0, 0.0
        for score, log in zip(row[kept], logs[kept], strict=True):
            weight = np.exp(-((np.log(place) - log) ** 2) / (2 * width**2))
            total, mass = total + weight * score, mass + weight
        return total / mass

    everyone = np.ones(len(units), bool)
    for point, place in zip(points[::6], places[::6], strict=True):
        value = np.mean([smooth(row, place, everyone) for row in scores])
        assert point.estimate.value == pytest.approx(value)
        average = scores.mean(axis=0)
        without = np.array([smooth(average, place, units != u) for u in np.unique(units)])
        weights = np.exp(-((np.log(place) - logs) ** 2) / (2 * width**2))
        replicates = statistics.Replicates(value, without - value, np.array([value]))
        effective = statistics.effective_units(units, weights=weights)
        expected = statistics.estimate_replicates(replicates, units, effective=effective)
        assert point.estimate.low == pytest.approx(expected.low)
        assert point.estimate.high == pytest.approx(expected.high)
        assert point.estimate.effective_units == pytest.approx(expected.effective_units)


def test_a_smoothed_curve_finds_the_function_that_errors_follow():
    rng = np.random.default_rng(11)
    novelty = np.exp(rng.uniform(np.log(5), np.log(5000), size=6000))
    units = rng.integers(150, size=6000)
    errors = 100 + 80 * np.log(novelty) + rng.normal(size=150)[units] * 20 + rng.normal(size=6000)
    points = smoothing(novelty, units).means(errors[None])
    inside = [
        point.estimate.low <= 100 + 80 * np.log(point.novelty_km) <= point.estimate.high
        for point in points[2:-2]  # at its ends a kernel average leans inwards
    ]
    assert np.mean(inside) >= 0.9
    assert all(point.estimate.high - point.estimate.low < 25 for point in points)
    # The bands do not hold whatever one draws.
    flat = errors.mean()
    assert not any(p.estimate.low <= flat <= p.estimate.high for p in (*points[:8], *points[-8:]))


@pytest.mark.parametrize(("count", "expected"), [(19, 0), (20, 1), (59, 2), (160, 8), (999, 8)])
def test_bins_hold_at_least_twenty_photos_and_are_at_most_eight(count, expected):
    scores, novelty, units = photos(1, count)
    points = bins(novelty, units).means(scores)
    assert len(points) == expected
    assert sum(point.estimate.photos for point in points) == expected * count  # of all, weighted


@pytest.mark.parametrize("seed", range(3))
def test_bins_are_those_of_pandas(seed):
    scores, novelty, units = photos(seed, 500)
    frame = pandas.DataFrame({"score": scores.mean(axis=0), "novelty": novelty, "unit": units})
    grouped = frame.groupby(pandas.qcut(frame.novelty, 8), observed=True)
    points = bins(novelty, units).means(scores)
    assert [point.novelty_km for point in points] == pytest.approx(grouped.novelty.median())
    assert [point.estimate.value for point in points] == pytest.approx(grouped.score.mean())
    for point, (_, inside) in zip(points, grouped, strict=True):
        # A unit without photos in the bin is a unit whose absence changes nothing.
        mean = inside.score.mean()
        changes = [inside.score[inside.unit != u].mean() - mean for u in np.unique(units)]
        replicates = statistics.Replicates(mean, np.array(changes), np.array([mean]))
        sizes = inside.groupby("unit").size()
        effective = sizes.sum() ** 2 / (sizes**2).sum()
        expected = statistics.estimate_replicates(replicates, units, effective=effective)
        assert point.estimate.effective_units == pytest.approx(effective)
        assert (point.estimate.low, point.estimate.high) == pytest.approx(
            (expected.low, expected.high)
        )


def test_equal_novelties_are_in_one_bin():
    novelty = np.repeat([0.0, 30.0, 40.0], [100, 30, 70])
    scores = np.repeat([1.0, 2.0, 3.0], [100, 30, 70])[None]
    points = bins(novelty, np.arange(200)).means(scores)
    assert [(p.novelty_km, p.estimate.value) for p in points] == [(0, 1), (30, 2), (40, 3)]


def test_what_cannot_be_drawn_is_no_curve():
    scores, novelty, units = photos(0, 30)
    assert smoothing(novelty[:19], units[:19]).means(scores[:, :19]) == []
    assert bins(novelty[:0], units[:0]).means(scores[:, :0]) == []
    assert smoothing(novelty[:0], units[:0]).means(scores[:, :0]) == []
    # Everything at one novelty, or nearer than can be told apart: no function of it.
    assert smoothing(np.full(30, 70.0), units).means(scores) == []
    assert smoothing(np.linspace(0, 1, 30), units).means(scores) == []
    (point,) = bins(np.full(30, 70.0), units).means(scores)
    assert point.estimate.value == pytest.approx(scores.mean())


def test_a_point_that_one_unit_holds_alone_has_no_interval():
    novelty = np.concatenate([np.linspace(1, 2, 20), np.linspace(900, 990, 20)])
    units = np.repeat([0, 1, 2], [10, 10, 20])
    near, far = bins(novelty, units).means(np.arange(40.0)[None])
    assert near.estimate.low < near.estimate.value < near.estimate.high
    assert far.estimate.value == pytest.approx(29.5)
    assert np.isnan([far.estimate.low, far.estimate.high]).all()
    assert far.estimate.note == "fewer than 2 effective units: no interval"
