"""Areas and entropies of predictions against closed forms."""

import numpy as np
import pytest

from geobench import (
    LazyDensity,
    PredictionError,
    Quantile,
    ScoreContext,
    Truth,
    VonMisesFisherMixture,
    geo,
)
from geobench_basics.metrics.sharpness import LocalizabilityMetric, SharpnessMetric

RNG = np.random.default_rng
EARTH_KM2 = 4 * np.pi * 6371.0088**2


def score(metric, prediction, samples):
    count = len(prediction)
    nowhere = Truth(np.zeros((count, 2)), {}, np.full(count, np.nan))
    context = ScoreContext.of(prediction, nowhere, samples=samples)
    found = metric.score(prediction, nowhere, context)
    assert found.dtype == np.float32
    assert found.shape == (count, len(metric.columns))
    assert np.isfinite(found).all()
    return found.astype(np.float64)


def kernels(kappa, count):
    return VonMisesFisherMixture(np.array([[[-90.0, 0]]]), np.full((1, 1), kappa), count=count)


@pytest.mark.parametrize("kappa", [0.5, 8.0, 400.0, 1e5])
def test_the_area_of_a_von_mises_fisher_is_that_of_the_cap_which_holds_the_mass(kappa):
    """The region of mass q is a cap of angle a with 1 - exp(-kappa (1 - cos a)) =
    q (1 - exp(-2 kappa)), and has the area 2 pi R^2 (1 - cos a)."""
    prediction = kernels(kappa, 200)
    found = score(SharpnessMetric(), prediction, prediction.sample(4000, RNG(0)))
    for column, mass in enumerate((0.5, 0.9)):
        drop = -np.log1p(mass * np.expm1(-2 * kappa)) / kappa
        exact = 2 * np.pi * 6371.0088**2 * drop
        areas = found[:, column]
        assert areas.mean() == pytest.approx(exact, rel=0.01)
        assert np.median(areas) == pytest.approx(exact, rel=0.01)


def test_with_few_samples_areas_are_too_large_by_as_much_as_documented():
    for samples, mean, median in (
        (16, (0.05, 0.18), (0.02, 0.04)),
        (64, (0.02, 0.04), (0.01, 0.01)),
    ):
        prediction = kernels(450.0, 20_000)
        found = score(SharpnessMetric(), prediction, prediction.sample(samples, RNG(0)))
        drop = -np.log1p(np.array([0.5, 0.9]) * np.expm1(-900)) / 450
        ratio = found / (2 * np.pi * 6371.0088**2 * drop)
        assert np.all(ratio.mean(axis=0) - 1 < np.array(mean) + 0.005)
        assert np.all(np.abs(np.median(ratio, axis=0) - 1) < np.array(median) + 0.005)


def test_the_area_of_the_uniform_is_its_share_of_the_earth_exactly():
    prediction = kernels(0.0, 5)
    for samples in (2, 7, 64):
        found = score(SharpnessMetric(), prediction, prediction.sample(samples, RNG(0)))
        np.testing.assert_allclose(found, np.tile([0.5, 0.9], (5, 1)) * EARTH_KM2, rtol=1e-6)


def test_two_far_modes_have_the_areas_of_both():
    prediction = VonMisesFisherMixture(np.array([[[10.0, 0], [-40, 120]]]), 1000.0, count=300)
    found = score(SharpnessMetric(), prediction, prediction.sample(1000, RNG(0)))
    drop = -np.log1p(-np.array([0.5, 0.9])) / 1000
    np.testing.assert_allclose(found.mean(axis=0), 4 * np.pi * 6371.0088**2 * drop, rtol=0.02)


@pytest.mark.parametrize("floor", [-20.0, -2000.0, -np.inf])
def test_no_area_is_larger_than_the_earth(floor):
    def log_prob(indices, points):
        return np.where(np.arange(points.shape[1]) % 4, 5.0, floor) * np.ones((len(points), 1))

    here = geo.uniform(3, RNG(0))
    samples = geo.uniform((3, 16), RNG(1))
    found = score(SharpnessMetric(), LazyDensity(here, lambda *_: samples, log_prob), samples)
    # Half the mass is in the dense samples alone, nine tenths need the others.
    np.testing.assert_allclose(found[:, 0], 0.5 * np.exp(-5) * 6371.0088**2, rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], EARTH_KM2, rtol=1e-6)


def test_the_summaries_of_sharpness_are_medians_in_square_kilometres():
    summaries = SharpnessMetric().summaries
    assert [s.name for s in summaries] == ["area@50%", "area@90%"]
    assert all(isinstance(s, Quantile) and s.q == 0.5 and s.unit == "km2" for s in summaries)


@pytest.mark.parametrize("kappa", [0.5, 8.0, 400.0, 1e5])
def test_localizability_is_minus_the_entropy_of_a_von_mises_fisher(kappa):
    """-H = ln(kappa / (2 pi (1 - exp(-2 kappa)))) + kappa (coth kappa - 1/kappa - 1) in nats."""
    prediction = kernels(kappa, 2000)
    found = score(LocalizabilityMetric(), prediction, prediction.sample(50, RNG(0)))
    peak = np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa)))
    exact = (peak + kappa * (1 / np.tanh(kappa) - 1) - 1) / np.log(2)
    error = found.std() / 2000**0.5
    assert abs(found.mean() - exact) < 4 * error
    assert error < 0.01


def test_localizability_of_the_uniform_is_minus_the_logarithm_of_the_sphere_s_area():
    prediction = kernels(0.0, 4)
    found = score(LocalizabilityMetric(), prediction, prediction.sample(3, RNG(0)))
    np.testing.assert_allclose(found, -np.log2(4 * np.pi), rtol=1e-6)


@pytest.mark.parametrize("metric", [SharpnessMetric(), LocalizabilityMetric()])
def test_it_describes_predictions_and_needs_samples(metric):
    assert metric.describes_prediction
    prediction, place = kernels(9.0, 3), np.zeros((3, 2))
    nowhere = Truth(place, {}, np.full(3, np.nan))
    with pytest.raises(PredictionError, match="samples"):
        metric.score(prediction, nowhere, ScoreContext())
