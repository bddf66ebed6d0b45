"""Spherical harmonics against scipy, by quadrature, and their gradients; what windows do."""

import numpy as np
import pytest
from scipy.special import roots_legendre, sph_harm_y

from geobench import geo

torch = pytest.importorskip("torch")

from geobench_locdiffusion.harmonics import (  # noqa: E402
    by_coefficient,
    count,
    disc_window,
    harmonics,
    heat_window,
    unit_vectors,
)
from geobench_locdiffusion.recurrence import degree_of  # noqa: E402

AWKWARD = [[90, 0], [-90, 0], [90, 77], [89.9999, 10], [0, -180], [0, 0], [-33, 179.999], [0, 90]]
PLACES = np.concatenate([AWKWARD, geo.uniform(6, np.random.default_rng(0))])


def exact(points, degree):
    return harmonics(unit_vectors(torch.tensor(points)), degree, dtype=torch.float64)


def of_scipy(points, degree):
    """By scipy's complex harmonics, without the sign (-1)^m that they have."""
    degrees = np.repeat(np.arange(degree + 1), 2 * np.arange(degree + 1) + 1)
    orders = np.arange(count(degree)) - degrees * (degrees + 1)
    colatitudes, lons = np.deg2rad(90 - points[:, 0]), np.deg2rad(points[:, 1])
    found = sph_harm_y(degrees, abs(orders), colatitudes[:, None], lons[:, None])
    signed = found * np.where(orders == 0, 1, np.sqrt(2)) * (-1.0) ** orders
    return np.where(orders < 0, signed.imag, signed.real)


@pytest.mark.parametrize("degree", [0, 1, 2, 20, 30, 47, 100])
def test_harmonics_are_those_of_scipy_at_the_poles_too(degree):
    known = of_scipy(PLACES, degree)
    vectors = torch.tensor(geo.unit_vectors(PLACES))
    np.testing.assert_allclose(harmonics(vectors, degree, dtype=torch.float64), known, atol=1e-12)
    single = harmonics(vectors, degree)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, known, atol=1e-6)


def test_harmonics_of_degree_300_still_have_the_length_that_the_addition_theorem_says():
    lengths = exact(PLACES, 300).square().sum(dim=1)
    np.testing.assert_allclose(lengths, 301**2 / (4 * np.pi), rtol=1e-10)


def test_harmonics_are_orthonormal():
    degree = 25
    heights, weights = roots_legendre(degree + 1)
    lons = 360 / (2 * degree + 1) * np.arange(2 * degree + 1)
    lats = np.rad2deg(np.arcsin(heights))
    points = np.stack(np.meshgrid(lats, lons, indexing="ij"), axis=-1).reshape(-1, 2)
    areas = torch.tensor(np.repeat(weights * 2 * np.pi / len(lons), len(lons)))
    values = exact(points, degree)
    products = values.T @ (areas[:, None] * values)
    np.testing.assert_allclose(products, np.eye(count(degree)), atol=1e-12)


def test_many_points_and_points_of_any_shape_are_harmonics_of_single_ones():
    points = geo.uniform((4, 1500), np.random.default_rng(1))
    vectors = torch.tensor(geo.unit_vectors(points))
    together = harmonics(vectors, 47, scale=2.0)
    assert together.shape == (4, 1500, 2304)
    for row, column in ((0, 0), (1, 1259), (1, 1260), (3, 1499)):  # on either side of a block's end
        alone = 2 * harmonics(vectors[row, column], 47, dtype=torch.float64)
        np.testing.assert_allclose(together[row, column], alone, atol=1e-6)
    assert harmonics(vectors[:0], 47).shape == (0, 1500, 2304)


def test_unit_vectors_are_those_of_geo():
    np.testing.assert_allclose(
        unit_vectors(torch.tensor(PLACES)), geo.unit_vectors(PLACES), atol=1e-15
    )


@pytest.mark.parametrize("degree", [0, 1, 6])
def test_gradients_are_those_of_finite_differences_along_the_sphere(degree):
    points = torch.tensor(PLACES[6:10], requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda given: harmonics(unit_vectors(given), degree, dtype=torch.float64, scale=3.0), points
    )


def test_gradients_are_tangents_at_the_poles_too_and_as_exact_as_what_they_are_asked_for():
    for dtype, accuracy in ((torch.float64, 1e-10), (torch.float32, 1e-3)):
        vectors = torch.tensor(geo.unit_vectors(PLACES), dtype=dtype, requires_grad=True)
        weights = torch.linspace(-1, 1, 441, dtype=dtype)
        with torch.enable_grad():
            values = harmonics(vectors, 20, dtype=dtype) @ weights
            (gradients,) = torch.autograd.grad(values.sum(), vectors)
        assert gradients.dtype == dtype
        along = (gradients * vectors).sum(dim=1).detach()
        np.testing.assert_allclose(along, 0, atol=accuracy)
        # North along the meridian of Greenwich, from the pole on.
        step = 1e-5
        north = torch.tensor([[np.sin(step), 0, np.cos(step)], [-np.sin(step), 0, np.cos(step)]])
        ahead, behind = harmonics(north, 20, dtype=torch.float64) @ weights.double()
        np.testing.assert_allclose(
            gradients[0, 0], (ahead - behind) / (2 * step), rtol=max(1e-6, accuracy)
        )


def test_a_code_has_as_many_numbers_as_there_are_harmonics():
    assert [count(degree) for degree in (0, 1, 47)] == [1, 4, 2304]
    assert [degree_of(numbers) for numbers in (1, 4, 2304)] == [0, 1, 47]
    for wrong in (0, 2, 2303):
        with pytest.raises(ValueError, match=f"not {wrong}"):
            degree_of(wrong)


@pytest.mark.parametrize("radius_km", [0.001, 250.0, 3000.0, 12000.0])
def test_the_disc_window_makes_of_harmonics_their_mean_over_a_disc(radius_km):
    degree, centre = 12, [[61.0, -149.0]]
    edge = np.cos(radius_km / geo.EARTH_RADIUS_KM)
    nodes, weights = roots_legendre(degree + 1)
    angles = np.arccos(np.clip((1 + edge) / 2 + (1 - edge) / 2 * nodes, -1, 1))
    bearings = np.arange(0, 360, 360 / (2 * degree + 2))
    ring = geo.destination(centre, bearings, geo.EARTH_RADIUS_KM * angles[:, None])
    means = exact(ring, degree).mean(dim=1)
    mean = (torch.tensor(weights / 2)[:, None] * means).sum(dim=0)
    window = by_coefficient(disc_window(degree, radius_km))
    np.testing.assert_allclose(window * exact(centre, degree)[0], mean, atol=1e-9)


def test_the_disc_window_is_the_formula_of_jekeli():
    degrees, cosine = np.arange(1, 48), np.cos(1000 / geo.EARTH_RADIUS_KM)
    legendre = np.polynomial.legendre.legvander(np.array([cosine]), 48)[0]
    known = (legendre[:-2] - legendre[2:]) / ((2 * degrees + 1) * (1 - cosine))
    np.testing.assert_allclose(disc_window(47, 1000)[1:], known, atol=1e-13)


def test_a_disc_of_no_size_changes_nothing_and_one_of_the_whole_sphere_leaves_the_mean():
    np.testing.assert_array_equal(disc_window(30, 0), 1)
    everything = disc_window(30, np.pi * geo.EARTH_RADIUS_KM)
    np.testing.assert_allclose(everything, [1] + 30 * [0], atol=1e-12)
    for wrong in (-1, 20_100, np.nan):
        with pytest.raises(ValueError, match=str(wrong)):
            disc_window(30, wrong)


def test_heat_makes_of_a_point_mass_a_gaussian_that_is_nowhere_negative():
    width, point = 800.0, [[-41.0, 174.0]]
    window = by_coefficient(heat_window(47, width))
    spread = window * exact(point, 47)[0]
    everywhere = exact(geo.uniform(5000, np.random.default_rng(2)), 47) @ spread
    peak = float(exact(point, 47)[0] @ spread)
    assert everywhere.min() > -1e-6 * peak
    assert peak == pytest.approx(geo.concentration_of(width) / (2 * np.pi), rel=0.01)
    distances = np.array([400.0, 800.0, 1600.0])
    there = exact(geo.destination(point, 30, distances), 47) @ spread
    np.testing.assert_allclose(there / peak, np.exp(-((distances / width) ** 2) / 2), rtol=0.03)


def test_by_coefficient_a_degree_has_its_factor_for_every_order():
    np.testing.assert_array_equal(
        by_coefficient(torch.tensor([1.0, 2, 3])), [1] + 3 * [2] + 5 * [3]
    )
