"""Likelihood metrics against closed forms, and against scipy's von Mises-Fisher distribution."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import vonmises_fisher

from bare_truth import truth
from geobench import (
    Against,
    Atoms,
    Floored,
    LazyDensity,
    PredictionError,
    ReplicateWeights,
    ScoreContext,
    VonMisesFisherMixture,
    geo,
)
from geobench.scoring.summaries import summarise
from geobench_basics.metrics.likelihood import (
    LogLikelihoodMetric,
    SmoothedConfig,
    SmoothedLikelihoodMetric,
)

RNG = np.random.default_rng
UNIFORM_NLL = np.log(4 * np.pi)


def score(metric, prediction, points, samples=None):
    context = ScoreContext.of(prediction, truth(points), samples=samples)
    found = metric.score(prediction, truth(points), context)
    assert found.dtype == np.float32
    assert found.shape == (len(points), len(metric.columns))
    assert np.isfinite(found).all()
    return found.astype(np.float64)


def flat(count):
    return VonMisesFisherMixture(np.zeros((1, 1, 2)), np.zeros((1, 1)), count=count)


def test_the_uniform_s_log_likelihood_is_that_of_the_sphere_s_area():
    there = geo.uniform(20, RNG(0))
    for density in (flat(20), Floored(flat(20), 0.3), Floored(flat(20), 1.0)):
        found = score(LogLikelihoodMetric(), density, there)
        np.testing.assert_allclose(found[:, 0], UNIFORM_NLL, rtol=1e-6)
        assert found[:, 1].max() == 0
        np.testing.assert_allclose(found[:, 2], -UNIFORM_NLL, rtol=1e-6)


def test_log_likelihood_is_that_of_the_closed_form_and_says_what_is_worse_than_uniform():
    kappa, there = 50.0, geo.uniform(200, RNG(0))
    mean = geo.destination(there, 90, RNG(1).uniform(0, 4000, 200))
    density = VonMisesFisherMixture(mean[:, None], np.full((1, 1), kappa))
    cosine = np.cos(geo.distance_km(mean, there) / geo.EARTH_RADIUS_KM)
    expected = -np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa))) - kappa * (cosine - 1)
    found = score(LogLikelihoodMetric(), density, there)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[:, 1], expected > UNIFORM_NLL)
    assert 0 < found[:, 1].mean() < 1
    np.testing.assert_allclose(found[:, 2], -expected, rtol=1e-5)
    assert found[:, 3].max() == 0


@pytest.mark.parametrize("halvings", [1, 5, 20])
def test_knowing_the_place_to_one_half_of_the_earth_gains_one_bit_and_so_on(halvings):
    cap = 4 * np.pi / 2**halvings

    def draw(indices, n, rng):
        raise NotImplementedError

    def log_prob(indices, points):
        return np.full(points.shape[:2], -np.log(cap))

    there = geo.uniform(5, RNG(0))
    found = score(LogLikelihoodMetric(), LazyDensity(there, draw, log_prob), there)
    gain = value_of(found, "information-gain", there)
    np.testing.assert_allclose(gain, halvings, rtol=1e-6)


def value_of(scores, name, points):
    metric = LogLikelihoodMetric()
    (summary,) = (each for each in metric.summaries if each.name == name)
    columns = dict(zip(metric.columns, scores.T, strict=True))
    weights = ReplicateWeights.of(np.ones(len(points)))
    return summary.function(columns, truth(points), weights)[0]


def test_the_gain_over_the_prior_is_the_difference_of_hedged_gains_on_the_same_photos():
    metric, there = LogLikelihoodMetric(), geo.uniform(60, RNG(0))
    (gain,) = (summary for summary in metric.summaries if isinstance(summary, Against))
    assert (gain.name, gain.label, gain.unit) == ("nll.gain-over-prior", "prior", "bits")
    near = geo.destination(there, 0, RNG(1).exponential(500, 60))
    method = Floored(VonMisesFisherMixture(near[:, None], 200.0), 0.1)
    prior = Floored(VonMisesFisherMixture(geo.uniform((1, 9), RNG(2)), 10.0, count=60), 0.2)
    scores = [score(metric, density, there) for density in (method, prior)]
    columns = [dict(zip(metric.columns, each.T[:, None], strict=True)) for each in scores]
    (found,) = summarise(
        gain, columns[0], truth=truth(there), units=np.arange(60), other=columns[1]
    )
    gains = [value_of(each, "information-gain", there) for each in scores]
    expected = gains[0] - gains[1]
    assert gains[1] >= 0
    assert found.estimate.value == pytest.approx(expected, rel=1e-9)
    assert found.estimate.low < expected < found.estimate.high


def test_a_log_density_that_is_not_a_number_is_an_error_with_a_remedy():
    def log_prob(indices, points):
        return np.full(points.shape[:2], np.nan)

    here = geo.uniform(3, RNG(0))
    density = LazyDensity(here, lambda *_: here[:, None], log_prob)
    context = ScoreContext.of(density, truth(here))
    with pytest.raises(PredictionError, match="3 of 3 log-densities are not a number"):
        LogLikelihoodMetric().score(density, truth(here), context)


def test_what_has_no_density_has_no_likelihood():
    here = geo.uniform(3, RNG(0))
    answers = Atoms(here[:, None])
    context = ScoreContext.of(answers, truth(here))
    with pytest.raises(PredictionError, match="metric nll needs a density"):
        LogLikelihoodMetric().score(answers, truth(here), context)


@pytest.mark.parametrize(("bandwidth_km", "floor"), [(200, 0.05), (50, 0.3), (1500, 1e-6)])
def test_the_smoothed_likelihood_is_that_of_scipy_s_kernels_around_the_samples(bandwidth_km, floor):
    there = np.concatenate([geo.uniform(20, RNG(0)), [[90, 0], [-90, 7], [12, -180]]])
    samples = geo.destination(
        there[:, None], RNG(1).uniform(0, 360, (23, 16)), RNG(2).exponential(600, (23, 16))
    )
    samples[0] = -samples[0]
    concentration = (6371.0088 / bandwidth_km) ** 2
    expected = []
    for place, drawn in zip(there, samples, strict=True):
        kernels = [
            vonmises_fisher(mean, concentration).pdf(geo.unit_vectors(place))
            for mean in geo.unit_vectors(drawn)
        ]
        expected.append(-np.log((1 - floor) * np.mean(kernels) + floor / (4 * np.pi)))
    metric = SmoothedLikelihoodMetric(SmoothedConfig(bandwidth_km=bandwidth_km, floor=floor))
    found = score(metric, Atoms(samples), there, samples)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-5)


def test_the_smoothed_likelihood_lies_between_its_two_closed_forms():
    here = geo.uniform(40, RNG(0))
    antipode = geo.wrap(here * [-1, 1] + [0, 180])
    metric, kappa = SmoothedLikelihoodMetric(), (6371.0088 / 200) ** 2
    best = score(metric, Atoms(here[:, None]), here, np.repeat(here[:, None], 8, axis=1))
    worst = score(metric, Atoms(here[:, None]), antipode, np.repeat(here[:, None], 8, axis=1))
    density = 0.95 * kappa / (2 * np.pi) + 0.05 / (4 * np.pi)
    np.testing.assert_allclose(best, -np.log(density), rtol=1e-6)
    np.testing.assert_allclose(worst, np.log(4 * np.pi / 0.05), rtol=1e-6)


def test_the_smoothed_likelihood_is_named_as_smoothed_and_refuses_what_would_not_be_finite():
    (summary,) = SmoothedLikelihoodMetric().summaries
    assert "smoothed" in summary.name
    assert "smoothed" in summary.unit
    for wrong in ({"floor": 0}, {"floor": 1}, {"bandwidth_km": 0}, {"bandwidth_km": 9}):
        with pytest.raises(ValidationError):
            SmoothedConfig(**wrong)
    here = geo.uniform(3, RNG(0))
    with pytest.raises(PredictionError, match="samples"):
        SmoothedLikelihoodMetric().score(Atoms(here[:, None]), truth(here), ScoreContext())
