"""The stated confidence against plain loops, and against answerers whose calibration is known."""

import numpy as np
import pytest
from pydantic import ValidationError

from bare_truth import truth
from geobench import Atoms, ConfigError, ReplicateWeights, ScoreContext, geo, statistics
from geobench_basics.metrics.decision import KEPT, RiskCoverageMetric
from geobench_basics.metrics.stated import StatedConfidenceConfig, StatedConfidenceMetric

RNG = np.random.default_rng


def answered(right, *, radius_km=200.0):
    """Answers (N, 2) and truths (N, 2): as near as 199 km where right, and 201 km where not."""
    there = geo.uniform(len(right), RNG(0))
    away = np.where(right, radius_km - 1, radius_km + 1)
    return geo.destination(there, RNG(1).uniform(0, 360, len(right)), away), there


def columns_of(answers, there, confidence, **config):
    """The scores as they are kept, by column, and the metric."""
    metric = StatedConfidenceMetric(StatedConfidenceConfig(**config))
    context = ScoreContext(along={"confidence": np.asarray(confidence)})
    found = metric.score(Atoms(answers[:, None]), truth(there), context)
    assert found.dtype == np.float32
    return metric, dict(zip(metric.columns, found.astype(np.float64).T, strict=True))


def value(metric, columns, name, weights=None):
    (summary,) = (each for each in metric.summaries if each.name == name)
    count = len(columns["confidence"])
    given = np.ones(count) if weights is None else np.asarray(weights, float)
    return summary.function(columns, None, ReplicateWeights.of(given))[0]


def ece_of(right, confidence, **config):
    metric, columns = columns_of(*answered(right), confidence, **config)
    return value(metric, columns, "stated-confidence.ece@200km")


def naive_ece(right, confidence, bins):
    """As Guo et al. write it: bins ((m - 1) / M, m / M], the first with its lower end."""
    total = 0.0
    for m in range(1, bins + 1):
        inside = [
            i
            for i, stated in enumerate(confidence)
            if (m - 1) / bins < stated <= m / bins or (m == 1 and stated == 0)
        ]
        if inside:
            share = sum(right[i] for i in inside) / len(inside)
            stated = sum(confidence[i] for i in inside) / len(inside)
            total += len(inside) / len(right) * abs(share - stated)
    return total


@pytest.mark.parametrize("bins", [1, 4, 10, 15, 16, 100])
@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_error_is_that_of_a_plain_loop(bins, seed):
    confidence = RNG(seed).uniform(0, 1, 500)
    confidence[:3] = 0, 1, 0
    right = RNG(seed + 9).random(500) < confidence**2
    expected = naive_ece(right, confidence, bins)
    assert ece_of(right, confidence, bins=bins) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("bins", [3, 10, 20, 100])
def test_a_confidence_on_the_edge_of_a_bin_lies_below_it_however_it_is_rounded(bins):
    """Whole percents: what language models say. In floating point 0.29 * 100 is below 29."""
    hundredths = np.arange(101)
    right = RNG(0).random(101) < 0.5
    member = np.maximum(-(-hundredths * bins // 100) - 1, 0)  # in whole numbers
    expected = sum(
        abs(right[member == m].sum() - hundredths[member == m].sum() / 100) for m in range(bins)
    )
    for confidence in (hundredths / 100, hundredths * 0.01):
        assert ece_of(right, confidence, bins=bins) == pytest.approx(expected / 101, abs=1e-9)


def test_one_who_is_as_often_right_as_said_has_next_to_no_error():
    """Of 20,000 photos: the expected |share right - stated| of a bin is sqrt(2 p (1-p) / pi n)."""
    stated = np.repeat([0.1, 0.35, 0.65, 0.9], 5000)
    found = [ece_of(RNG(s).random(20_000) < stated, stated) for s in range(8)]
    chance = np.mean([np.sqrt(2 * p * (1 - p) / (np.pi * 5000)) for p in (0.1, 0.35, 0.65, 0.9)])
    assert np.mean(found) == pytest.approx(chance, rel=0.35)
    assert max(found) < 0.015


def test_one_who_is_calibrated_to_the_last_photo_has_no_error_at_all():
    stated = np.repeat([0.3, 0.7], 10)
    right = np.concatenate([np.arange(10) < 3, np.arange(10) < 7])
    assert ece_of(right, stated) == 0


def test_one_who_is_too_sure_errs_by_how_much():
    right = np.arange(100) < 40
    assert ece_of(right, np.full(100, 0.95)) == pytest.approx(0.55, abs=1e-9)
    assert ece_of(right, np.full(100, 0.15)) == pytest.approx(0.25, abs=1e-9)
    assert ece_of(right, np.ones(100)) == pytest.approx(0.6, abs=1e-9)
    assert ece_of(right, np.zeros(100)) == pytest.approx(0.4, abs=1e-9)
    # Said the wrong way round, both ends are wrong.
    assert ece_of(right, np.where(right, 0.0, 1.0)) == 1
    assert ece_of(right, np.where(right, 1.0, 0.0)) == 0


def test_photos_count_by_their_weights():
    confidence, right = RNG(0).uniform(0, 1, 300), RNG(1).random(300) < 0.4
    times = RNG(2).integers(0, 4, 300)
    metric, columns = columns_of(*answered(right), confidence)
    many, again = columns_of(*answered(right.repeat(times)), confidence.repeat(times))
    for name in ("stated-confidence.ece@200km", "stated-confidence.reliability@200km"):
        found, wanted = value(metric, columns, name, times), value(many, again, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_each_radius_has_an_error_of_its_own_and_the_radius_counts():
    there = np.zeros((2, 2))
    answers = np.array([[0.0, 1.0], [0.0, 5.0]])
    km = float(geo.distance_km(answers[0], there[0]))
    metric, columns = columns_of(answers, there, [1.0, 1.0], radii_km=[25, km, 750])
    names = [each.name for each in metric.summaries if ".ece" in each.name]
    assert names == [f"stated-confidence.ece@{r}km" for r in ("25", f"{km:g}", "750")]
    assert [value(metric, columns, name) for name in names] == [1, 0.5, 0]


def test_the_reliability_curve_is_the_share_right_by_bin_and_nothing_where_nothing_is_stated():
    right = np.array([0, 0, 1, 1, 1, 0], bool)
    metric, columns = columns_of(*answered(right), [0.0, 0.25, 0.2, 0.8, 0.9, 1.0], bins=4)
    (curve,) = (e for e in metric.summaries if e.name == "stated-confidence.reliability@200km")
    assert curve.x == (0.125, 0.375, 0.625, 0.875)
    np.testing.assert_allclose(value(metric, columns, curve.name), [1 / 3, np.nan, np.nan, 2 / 3])
    assert curve.better is None


def test_risk_and_coverage_are_those_of_the_stated_confidence():
    """The same numbers as of `risk-coverage` where the two are equally sure, ties included."""
    confidence = RNG(0).integers(0, 11, 200) / 10
    there = geo.uniform(200, RNG(1))
    answers = geo.uniform(200, RNG(2))
    metric, columns = columns_of(answers, there, confidence)
    by_samples = RiskCoverageMetric()
    own = {"error_km": columns["error_km"], "confidence": 1000 * columns["confidence"]}
    for name, other in (
        ("stated-confidence.area", "risk-coverage.area"),
        ("stated-confidence", "risk-coverage"),
    ):
        found, wanted = value(metric, columns, name), value(by_samples, own, other)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    # In the mean over all orders, a plain loop with noise among equals.
    error, areas = geo.distance_km(answers, there), []
    for seed in range(400):
        order = np.lexsort([RNG(seed).random(200), -confidence])
        areas.append(np.mean(np.cumsum(error[order]) / np.arange(1, 201)))
    wanted = value(metric, columns, "stated-confidence.area")
    assert abs(np.mean(areas) - wanted) < 4 * np.std(areas) / 20
    (curve,) = (each for each in metric.summaries if each.name == "stated-confidence")
    assert curve.x == KEPT


def test_one_confidence_for_all_gives_the_plain_mean():
    metric, columns = columns_of(*answered(np.arange(30) < 7), np.full(30, 0.8))
    mean = columns["error_km"].mean()
    assert value(metric, columns, "stated-confidence.area") == pytest.approx(mean, rel=1e-12)


def test_the_error_has_an_interval_by_units():
    confidence, right = RNG(0).uniform(0, 1, 300), RNG(1).random(300) < 0.4
    metric, columns = columns_of(*answered(right), confidence)
    (summary,) = (e for e in metric.summaries if ".ece" in e.name)
    units = np.repeat(np.arange(30), 10)
    (found,) = statistics.estimate_statistic([lambda w: summary.function(columns, None, w)], units)
    assert 0 < found.low < found.value < found.high < 1


@pytest.mark.parametrize(
    "config",
    [
        *({"radii_km": radii} for radii in ([], [0], [-1], [200, 200], [float("inf")])),
        *({"bins": bins} for bins in (0, -1, 101, 2.5)),
    ],
)
def test_radii_and_bins_that_are_none_are_refused(config):
    with pytest.raises((ConfigError, ValidationError)):
        StatedConfidenceMetric(StatedConfidenceConfig(**config))
