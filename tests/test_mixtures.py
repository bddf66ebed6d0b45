"""Mixtures of von Mises-Fisher densities, against scipy, closed forms and counts of draws."""

import tracemalloc

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chisquare, kstest, vonmises_fisher

from geobench import VonMisesFisherMixture, distance_km, geo, mixtures
from known_densities import LOG_UNIFORM, cells_prediction, rng

KAPPAS = [0.0, 1e-6, 1e-3, 1.0, 30.0, 1e3, 1e6]


def drop_from(mean, points):
    """1 - cos(angle) between a mean and points, without cancellation."""
    return 2 * np.sin(distance_km(mean, points) / (2 * geo.EARTH_RADIUS_KM)) ** 2


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize("mean", [[12.0, 34.0], [90.0, 0.0], [-45.0, -180.0]])
def test_a_von_mises_fisher_density_integrates_to_one(kappa, mean):
    prediction = VonMisesFisherMixture([[mean]], kappa)
    scale = max(kappa, 1.0)

    def density(scaled_drop):
        angle = 2 * np.arcsin(np.sqrt(min(scaled_drop / scale / 2, 1)))
        point = geo.destination(mean, 77.0, angle * geo.EARTH_RADIUS_KM)
        return float(np.exp(prediction.log_prob(point[None, None])[0, 0])) * 2 * np.pi / scale

    # Beyond 45 concentrations' worth of 1 - cos(angle) there is e^-45 left.
    total, _ = quad(density, 0, min(2 * scale, 45), epsabs=1e-9, epsrel=1e-9)
    assert total == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("kappa", [k for k in KAPPAS if k])
def test_a_von_mises_fisher_density_is_that_of_scipy(kappa):
    mean = np.array([-33.0, 151.0])
    spread = min(np.pi, 3 / np.sqrt(kappa)) * geo.EARTH_RADIUS_KM
    points = geo.destination(mean, rng().uniform(0, 360, 50), rng(1).uniform(0, spread, 50))
    ours = VonMisesFisherMixture([[mean]], kappa).log_prob(points[None])[0]
    theirs = vonmises_fisher(geo.unit_vectors(mean), kappa).logpdf(geo.unit_vectors(points))
    # scipy's exponent, kappa cos(angle), has lost this many digits at high concentrations.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 + 4e-16 * kappa)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_a_von_mises_fisher_density_has_its_closed_form(kappa):
    mean = np.array([61.0, -179.0])
    points = geo.uniform(50, rng(2))
    ours = VonMisesFisherMixture([[mean]], kappa).log_prob(points[None])[0]
    height = LOG_UNIFORM if kappa == 0 else np.log(kappa / (2 * np.pi * -np.expm1(-2 * kappa)))
    np.testing.assert_allclose(ours, height - kappa * drop_from(mean, points), rtol=1e-11)


@pytest.mark.parametrize("kappa", [0.0, 1e-13, 1e-6, 0.999, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("mean", [[12.0, 34.0], [-90.0, 0.0], [0.0, -180.0]])
def test_von_mises_fisher_draws_follow_the_closed_form(kappa, mean):
    drawn = VonMisesFisherMixture([[mean]], kappa).sample(20_000, rng(3))[0]
    drop = drop_from(np.array(mean), drawn)

    def cumulative(x):
        if kappa < 1e-9:
            return x / 2
        return np.expm1(-kappa * x) / np.expm1(-2 * kappa)

    assert kstest(drop, cumulative).pvalue > 1e-3
    # Around the pole "bearing" is longitude; elsewhere that of the compass.
    turn = drawn[:, 1] + 180 if abs(mean[0]) == 90 else geo.initial_bearing(mean, drawn)
    assert kstest(turn, "uniform", args=(0, 360)).pvalue > 1e-3
    assert (geo.wrap(drawn) == drawn).all()


def test_a_mixture_is_the_weighted_sum_of_its_components():
    means, kappas = geo.uniform((3, 4), rng()), 10 ** rng(1).uniform(-3, 4, (3, 4))
    weights = rng(2).random((3, 4))
    weights[1, 2] = 0
    points = geo.uniform((3, 9), rng(3))
    mixture = VonMisesFisherMixture(means, kappas, weights)
    total = np.zeros((3, 9))
    for k in range(4):
        single = VonMisesFisherMixture(means[:, [k]], kappas[:, [k]])
        total += (weights[:, [k]] / weights.sum(1, keepdims=True)) * np.exp(single.log_prob(points))
    np.testing.assert_allclose(mixture.log_prob(points), np.log(total), rtol=1e-12)


def test_a_mixture_draws_its_components_as_often_as_they_weigh():
    means = np.array([[[0, 0], [0, 90], [0, -90], [90, 0]]])
    weights = np.array([[4.0, 3, 0, 1]])
    drawn = VonMisesFisherMixture(means, [[1e3, 1e4, 1e4, 1e5]], weights).sample(20_000, rng(4))[0]
    nearest = distance_km(drawn[:, None], means[0]).argmin(axis=1)
    counts = np.bincount(nearest, minlength=4)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3]], 20_000 * np.array([4, 3, 1]) / 8).pvalue > 1e-3
    for k, kappa in ((0, 1e3), (1, 1e4), (3, 1e5)):
        drop = drop_from(means[0, k], drawn[nearest == k])
        assert drop.mean() == pytest.approx(1 / kappa, rel=0.1)


def test_what_photos_share_gives_the_same_as_copies():
    means, points = geo.uniform((5, 3), rng()), geo.uniform((5, 4), rng(1))
    cases = [
        (means, 50.0, None),
        (means, rng(2).random(3) * 100, rng(3).random((1, 3))),
        (means, rng(2).random((5, 1)) * 100, rng(3).random((5, 3))),
        (means[:1], rng(2).random((5, 3)) * 100, None),
        (means[:1], rng(2).random((1, 3)) * 100, rng(3).random((5, 3))),
        (means[:1], 7.0, None),
    ]
    for centres, kappa, weights in cases:
        shared = VonMisesFisherMixture(centres, kappa, weights, count=5)
        full = VonMisesFisherMixture(
            np.broadcast_to(centres, (5, 3, 2)),
            np.broadcast_to(kappa, (5, 3)),
            np.broadcast_to(np.ones((1, 1)) if weights is None else weights, (5, 3)),
        )
        assert len(shared) == len(full) == 5
        np.testing.assert_allclose(shared.log_prob(points), full.log_prob(points), rtol=1e-13)
        np.testing.assert_allclose(
            shared.log_prob(points[:1]), full.log_prob(points[:1]), rtol=1e-13
        )
        np.testing.assert_array_equal(shared.point(), full.point())
        np.testing.assert_array_equal(shared.sample(6, rng(4)), full.sample(6, rng(4)))
        some = np.array([4, 0, 4])
        np.testing.assert_allclose(
            shared.take(some).log_prob(points[some]), full.log_prob(points)[some], rtol=1e-13
        )
        np.testing.assert_array_equal(shared.take(some).point(), full.point()[some])


def test_the_answer_is_the_densest_mean_or_what_is_given():
    means = np.array([[[0, 0], [0, 1], [50, 50]], [[0, 0], [80, 1], [50, 50]]])
    mixture = VonMisesFisherMixture(means, [[2e3, 2e3, 3e3]], [[1, 1.1, 1.2]])
    assert mixture.point().tolist() == [[0, 1], [50, 50]]
    given = VonMisesFisherMixture(means, 1.0, point=[[3.0, 4.0], [5.0, 6.0]])
    assert given.point().tolist() == [[3, 4], [5, 6]]
    assert given.take(np.array([1])).point().tolist() == [[5, 6]]


def test_many_photos_points_and_components_are_worked_out_in_pieces(monkeypatch):
    means, points = geo.uniform((1, 11), rng()), geo.uniform((7, 13), rng(1))
    whole = VonMisesFisherMixture(means, 20.0, count=7).log_prob(points)
    for pairs in (1, 11, 50, 300):
        monkeypatch.setattr(mixtures, "_PAIRS", pairs)
        pieces = VonMisesFisherMixture(means, 20.0, count=7).log_prob(points)
        np.testing.assert_allclose(pieces, whole, rtol=1e-13)
    monkeypatch.setattr(mixtures, "_PAIRS", 1 << 16)
    big = VonMisesFisherMixture(geo.uniform((1, 500), rng()), 20.0)
    grid = geo.uniform((1, 20_000), rng(2))
    tracemalloc.start()
    big.log_prob(grid)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6  # all pairs at once would take 80 MB an array


def test_densities_at_no_points_are_empty():
    nowhere = np.empty((1, 0, 2))
    assert VonMisesFisherMixture([[[0, 0]]], 1.0, count=3).log_prob(nowhere).shape == (3, 0)
    assert cells_prediction().log_prob(nowhere).shape == (3, 0)
