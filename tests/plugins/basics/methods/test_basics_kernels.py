"""Kernels of several widths against scipy, and their weights against those that drew the photos."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import vonmises_fisher

from geobench import EqualAreaGrid, VonMisesFisherMixture, distance_km, geo
from geobench_basics.methods.kernels import Kernels, counted, fit_weights, mixture

RNG = np.random.default_rng
WIDTHS = (100.0, 400.0, 1600.0)
TRUE = np.array([0.2, 0.3, 0.1, 0.4])  # the uniform's weight, and that of each width


def places(count, *, seed, spread_km=1500.0):
    """Places around two towns."""
    towns = np.array([[48.0, 10.0], [-33.0, 151.0]])
    kappa = geo.concentration_of(spread_km)
    means = towns[RNG(seed).integers(0, 2, count)]
    return VonMisesFisherMixture(means[:, None], kappa).sample(1, RNG(seed))[:, 0]


def widths(points, *, cells_once=False):
    return [Kernels(points, width, cells_once) for width in WIDTHS]


def ratios(photos, kernels, *, away_km=1.0):
    blocks = list(counted(photos, kernels, away_km=away_km))
    return (np.concatenate([getattr(block, each) for block in blocks]) for each in ("near", "away"))


def by_scipy(photo, points, width, weights):
    """The density at one photo as a multiple of the uniform's."""
    pdf = vonmises_fisher(geo.unit_vectors(photo), geo.concentration_of(width)).pdf
    return 4 * np.pi * np.average(pdf(geo.unit_vectors(points)), weights=weights)


def drawn_from(kernels, weights, count, *, seed):
    """Photos drawn from the uniform and from kernels around places."""
    chosen = RNG(seed).choice(len(weights), count, p=weights)
    photos = geo.uniform(count, RNG(seed + 1))
    for index, each in enumerate(kernels):
        here = np.flatnonzero(chosen == index + 1)
        means = each.places[RNG(seed + 2 + index).integers(0, len(each.places), len(here))]
        drawn = VonMisesFisherMixture(means[:, None], each.concentration)
        photos[here] = drawn.sample(1, RNG(seed + 9 + index))[:, 0]
    return photos


def test_the_weights_of_a_known_mixture_are_recovered_and_are_those_that_scipy_finds():
    kernels = widths(places(300, seed=0))
    found, _ = ratios(drawn_from(kernels, TRUE, 20_000, seed=1), kernels)
    weights = fit_weights(found, least=1 / 20_001)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights, TRUE, atol=0.03)
    everything = np.concatenate([np.ones((len(found), 1)), found], axis=1)

    def loss(logits):
        shares = np.exp(logits - np.logaddexp.reduce(logits))
        return -np.log(everything @ shares).mean()

    best = minimize(loss, np.zeros(4), method="L-BFGS-B", tol=1e-12).fun
    assert -np.log(everything @ weights).mean() == pytest.approx(best, abs=2e-5)


@pytest.mark.parametrize(("near", "share"), [(True, 1 / 41), (False, 40 / 41)])
def test_the_uniform_weighs_at_least_one_of_n_plus_1_and_leaves_as_much(near, share):
    points = places(50, seed=0, spread_km=100.0)
    photos = points[:40] if near else geo.destination(points[:40], 0, 9000)
    found, _ = ratios(photos, widths(points))
    weights = fit_weights(found, least=1 / 41)
    assert weights[0] == pytest.approx(share, rel=1e-9)
    assert weights.sum() == pytest.approx(1)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()


def test_weights_depend_neither_on_the_order_of_photos_nor_on_that_of_widths():
    kernels = widths(places(100, seed=0))
    found, _ = ratios(drawn_from(kernels, TRUE, 500, seed=1), kernels)
    weights = fit_weights(found, least=0.01)
    turned = fit_weights(found[RNG(0).permutation(500)][:, ::-1], least=0.01)
    np.testing.assert_allclose(np.append(turned[0], turned[:0:-1]), weights, rtol=1e-6)


@pytest.mark.parametrize("cells_once", [False, True])
@pytest.mark.parametrize("away_km", [300.0, 2000.0])
def test_a_photo_is_counted_among_all_places_and_among_those_away_from_it(away_km, cells_once):
    points = places(120, seed=0)
    photos = np.concatenate([points[:5], places(5, seed=1), geo.uniform(5, RNG(2))])
    kernels = widths(points, cells_once=cells_once)
    near, away = ratios(photos, kernels, away_km=away_km)
    for row, photo in enumerate(photos):
        far = distance_km(photo, points) >= away_km
        assert far.mean() > 0.5
        for column, each in enumerate(kernels):
            every = by_scipy(photo, points, each.bandwidth_km, each.weights)
            left = by_scipy(photo, points[far], each.bandwidth_km, each.weights[far])
            assert near[row, column] == pytest.approx(every, rel=1e-6, abs=1e-12)
            assert away[row, column] == pytest.approx(left, rel=1e-6, abs=1e-12)


def test_of_places_that_are_all_near_the_farther_half_is_kept():
    points = geo.destination(np.array([48.0, 10.0]), np.arange(40.0), np.arange(1.0, 41.0))
    _, away = ratios(np.array([[48.0, 10.0]]), widths(points), away_km=5000.0)
    wanted = [by_scipy(np.array([48.0, 10.0]), points[20:], width, np.ones(20)) for width in WIDTHS]
    np.testing.assert_allclose(away[0], wanted, rtol=1e-6)
    (only,) = counted(points[:1], widths(points[:1]), away_km=5000.0)
    np.testing.assert_array_equal(only.away, only.near)


def test_a_town_that_is_photographed_a_thousand_times_counts_once_where_cells_do():
    # Two towns far apart, one of them with many photos.
    points = np.concatenate([np.full((1000, 2), [48.0, 10.0]), [[-33.0, 151.0]]])
    photos = points[[0, -1]]
    once, _ = ratios(photos, widths(points, cells_once=True))
    np.testing.assert_allclose(once[0], once[1], rtol=1e-6)
    each, _ = ratios(photos, widths(points))
    np.testing.assert_allclose(each[0], 1000 * each[1], rtol=1e-6)


@pytest.mark.parametrize("cells_once", [False, True])
def test_kernels_that_are_merged_in_cells_are_within_a_few_percent_of_those_around_places(
    cells_once,
):
    points = places(2000, seed=0)
    photos = places(300, seed=1)
    for each in widths(points, cells_once=cells_once):
        merged = each.merged()
        assert len(merged.means) < len(points)
        assert merged.weights.sum() == pytest.approx(1)
        found = mixture([each], np.ones(1)).log_prob(photos[None])[0]
        wanted = [by_scipy(photo, points, each.bandwidth_km, each.weights) for photo in photos]
        assert np.abs(found + np.log(4 * np.pi) - np.log(wanted)).mean() < 0.03


def test_a_mixture_of_widths_is_that_of_its_kernels_and_leaves_out_those_of_no_weight():
    kernels, shares = widths(places(200, seed=0)), np.array([0.0, 0.3, 0.7])
    found = mixture(kernels, shares, point=np.array([1.0, 2.0]))
    assert found.means.shape[1] == sum(len(each.merged().means) for each in kernels[1:])
    np.testing.assert_allclose(found.point(), [[1, 2]])
    queries = geo.uniform(100, RNG(0))[None]
    alone = [mixture([each], np.ones(1)).log_prob(queries) for each in kernels[1:]]
    wanted = np.logaddexp(np.log(0.3) + alone[0], np.log(0.7) + alone[1])
    np.testing.assert_allclose(found.log_prob(queries), wanted, rtol=1e-9)
    centres = EqualAreaGrid(180).centres
    density = np.exp(found.log_prob(centres[None]))
    assert 4 * np.pi * density.mean() == pytest.approx(1, abs=1e-3)
