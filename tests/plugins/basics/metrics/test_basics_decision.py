"""Risk-coverage against a naive loop, bayes-geoscore against brute force."""

from functools import partial

import numpy as np
import pytest

from bare_truth import truth
from geobench import (
    Atoms,
    Curve,
    ReplicateWeights,
    Sampled,
    ScoreContext,
    Statistic,
    distance_km,
    geo,
    statistics,
)
from geobench_basics.metrics.decision import KEPT, BayesGeoScoreMetric, RiskCoverageMetric
from geobench_basics.metrics.distance import GeoScoreMetric

RNG = np.random.default_rng


def score(metric, prediction, points, samples):
    found = metric.score(prediction, truth(points), ScoreContext(samples=samples))
    assert found.dtype == np.float32
    assert found.shape == (len(points), len(metric.columns))
    assert np.isfinite(found).all()
    return found.astype(np.float64)


def summary_of(kind):
    (found,) = (each for each in RiskCoverageMetric().summaries if isinstance(each, kind))
    return found


def area(columns, weights):
    return summary_of(Statistic).function(columns, None, ReplicateWeights.of(weights))[0]


def curve(columns, weights):
    return summary_of(Curve).function(columns, None, ReplicateWeights.of(weights))[0]


def naive_area(error, confidence):
    """The mean error of the k most confident answers, averaged over k."""
    ordered = [e for _, e in sorted(zip(-confidence, error, strict=True))]
    return float(np.mean([np.mean(ordered[:k]) for k in range(1, len(ordered) + 1)]))


def some_columns(count, seed=0):
    confidence = -RNG(seed).exponential(900, count)
    error = -confidence * RNG(seed + 1).exponential(1, count)
    return {"error_km": error, "confidence": confidence}


def test_error_and_confidence_are_those_of_the_answer_and_the_samples():
    here, there = geo.uniform(50, RNG(0)), geo.uniform(50, RNG(1))
    samples = geo.uniform((50, 16), RNG(2))
    prediction = Sampled(here, lambda *_: samples)
    found = score(RiskCoverageMetric(), prediction, there, samples)
    np.testing.assert_allclose(found[:, 0], distance_km(here, there), rtol=1e-6)
    expected = [
        -np.mean([distance_km(a, b) for b in s]) for a, s in zip(here, samples, strict=True)
    ]
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 57])
def test_the_area_is_that_of_a_naive_loop_also_without_the_photos_of_weight_zero(count):
    columns = some_columns(count)
    assert area(columns, np.ones(count)) == pytest.approx(naive_area(*columns.values()), rel=1e-12)
    for seed in range(5):
        weights = np.append(RNG(seed).integers(0, 2, count - 1), 1).astype(float)
        kept = {name: column[weights > 0] for name, column in columns.items()}
        wanted = naive_area(kept["error_km"], kept["confidence"])
        assert area(columns, weights) == pytest.approx(wanted, rel=1e-12)
        assert area(columns, 3 * weights) == pytest.approx(wanted, rel=1e-12)


def test_a_photo_of_weight_two_counts_as_two_photos_nearly():
    columns, weights = some_columns(400), RNG(5).integers(1, 4, 400)
    twice = {name: column.repeat(weights) for name, column in columns.items()}
    wanted = naive_area(*twice.values())
    assert area(columns, weights.astype(float)) == pytest.approx(wanted, rel=0.01)
    np.testing.assert_allclose(
        curve(columns, weights.astype(float)), curve(twice, np.ones(weights.sum())), rtol=1e-9
    )


def test_photos_of_equal_confidence_count_as_if_in_the_mean_over_all_their_orders():
    error = np.array([50.0, 10, 400, 20, 1000, 0])
    confidence = np.array([-1.0, -3, -3, -3, -8, -8])
    columns = {"error_km": error, "confidence": confidence}
    found = []
    for seed in range(3000):
        noise = RNG(seed).uniform(0, 1e-6, 6)
        found.append(naive_area(error, confidence + noise))
    wanted = area(columns, np.ones(6))
    assert abs(np.mean(found) - wanted) < 4 * np.std(found) / 3000**0.5
    for seed in range(5):
        order = RNG(seed).permutation(6)
        shuffled = {name: column[order] for name, column in columns.items()}
        assert area(shuffled, np.ones(6)) == pytest.approx(wanted, rel=1e-12)
        weights = np.array([1.0, 2, 1, 3, 1, 5])
        again = area(shuffled, weights[order])
        assert again == pytest.approx(area(columns, weights), rel=1e-12)


def test_one_confidence_for_all_gives_the_plain_mean_at_every_fraction():
    columns = {"error_km": RNG(0).exponential(500, 33), "confidence": np.zeros(33)}
    mean = columns["error_km"].mean()
    assert area(columns, np.ones(33)) == pytest.approx(mean, rel=1e-12)
    np.testing.assert_allclose(curve(columns, np.ones(33)), mean, rtol=1e-12)


def test_the_curve_is_the_mean_error_of_the_fraction_that_is_kept():
    assert np.array(KEPT) == pytest.approx(np.linspace(0.05, 1, 20))
    columns = some_columns(40)
    order = np.argsort(-columns["confidence"])
    expected = [columns["error_km"][order[: 2 * step]].mean() for step in range(1, 21)]
    np.testing.assert_allclose(curve(columns, np.ones(40)), expected, rtol=1e-12)
    # Of three photos, one half is the first and half of the second.
    three = {"error_km": np.array([6.0, 1, 100]), "confidence": np.array([-2.0, -1, -3])}
    assert curve(three, np.ones(3))[9] == pytest.approx((1 + 6 / 2) / 1.5)


def test_a_confidence_that_knows_the_errors_lowers_the_area_and_its_reverse_raises_it():
    error = RNG(0).exponential(800, 500)
    areas = [
        area({"error_km": error, "confidence": confidence}, np.ones(500))
        for confidence in (-error, RNG(1).normal(size=500), error)
    ]
    assert areas[0] < 0.6 * error.mean()
    assert areas[1] == pytest.approx(error.mean(), rel=0.15)
    assert areas[2] > 1.4 * error.mean()


def test_the_area_has_an_interval_by_units():
    columns, units = some_columns(300), np.repeat(np.arange(30), 10)
    functions = [partial(summary_of(Statistic).function, columns, None)]
    (estimate,) = statistics.estimate_statistic(functions, units)
    assert estimate.low < naive_area(*columns.values()) < estimate.high
    assert np.isnan(area(columns, np.zeros(300)))
    assert np.isnan(curve(columns, np.zeros(300))).all()


def brute_force(samples, there):
    """The GeoScore of the best sample, by loops in plain arithmetic."""
    best, best_expected = 0, -1.0
    for i, candidate in enumerate(samples):
        apart = [float(geo.distance_km(candidate, other)) for other in samples]
        expected = sum(5000 * np.exp(-d / 1492.7) for d in apart) / len(samples)
        if expected > best_expected + 1e-6:
            best, best_expected = i, expected
    return 5000 * np.exp(-float(geo.distance_km(samples[best], there)) / 1492.7)


def test_bayes_geoscore_is_that_of_brute_force_whatever_the_block(monkeypatch):
    there, samples = geo.uniform(30, RNG(0)), geo.uniform((30, 12), RNG(1))
    samples[:10, 1:] = geo.destination(samples[:10, :1], 60, RNG(2).exponential(900, (10, 11)))
    expected = [brute_force(drawn, place) for drawn, place in zip(samples, there, strict=True)]
    for pairs in (1, 300, 1 << 20):
        monkeypatch.setattr("geobench_basics.metrics.decision.PAIRS", pairs)
        found = score(BayesGeoScoreMetric(), Atoms(samples), there, samples)
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-4)


def test_of_equal_samples_the_first_is_the_answer():
    here = np.array([[0.0, 0.0]])
    pair = np.array([[[0.0, 1.0], [0.0, -1.0]], [[0.0, -1.0], [0.0, 1.0]]])
    there = np.array([[0.0, 1.0], [0.0, 1.0]])
    found = score(BayesGeoScoreMetric(), Atoms(pair), there, pair)
    assert found[0] == 5000
    assert found[1] == pytest.approx(5000 * np.exp(-2 * 111.1951 / 1492.7), rel=1e-5)
    alone = score(BayesGeoScoreMetric(), Atoms(here[None]), there[:1], here[None])
    plain = GeoScoreMetric().score(Atoms(here[None]), truth(there[:1]), ScoreContext())
    assert alone == pytest.approx(plain)


def test_bayes_geoscore_answers_with_the_heart_of_the_larger_mode():
    """Nine samples near one place and seven scattered: the likeliest single one may be any."""
    here = geo.uniform(40, RNG(0))
    near = geo.destination(here[:, None], RNG(1).uniform(0, 360, (40, 9)), 200)
    samples = np.concatenate([geo.uniform((40, 7), RNG(2)), near], axis=1)
    found = score(BayesGeoScoreMetric(), Atoms(samples), here, samples)
    assert found.min() > 4300
