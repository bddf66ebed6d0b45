"""Convex spherical polygons against closed forms."""

import numpy as np
import pytest

from geobench import geo
from geobench_cells.polygons import Polygons, Triangles


def side(a, b):
    return 2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2)


def triangle(points):
    return Triangles(geo.unit_vectors(points)[None], np.zeros(1, int))


def test_areas_are_those_of_lhuilier():
    rng = np.random.default_rng(0)
    corners = np.abs(rng.normal(size=(500, 3, 3)))
    corners /= np.linalg.norm(corners, axis=-1, keepdims=True)
    a, b, c = (side(corners[:, k], corners[:, k - 1]) for k in range(3))
    s = (a + b + c) / 2
    product = np.tan(s / 2) * np.tan((s - a) / 2) * np.tan((s - b) / 2) * np.tan((s - c) / 2)
    excess = 4 * np.arctan(np.sqrt(np.maximum(product, 0)))
    areas = Triangles(corners, np.arange(500)).areas()
    np.testing.assert_allclose(areas, excess, rtol=1e-6, atol=1e-9)


def test_a_triangle_a_centimetre_wide_keeps_its_digits():
    tiny = 1e-7
    areas = triangle([[0.0, 100.0], [0, 100 + tiny], [tiny, 100]]).areas()
    assert areas[0] == pytest.approx(np.deg2rad(tiny) ** 2 / 2, rel=1e-6)


def test_the_octants_are_the_sphere():
    areas = Polygons.octants().triangles().areas()
    np.testing.assert_allclose(areas, np.pi / 2)


@pytest.mark.parametrize("width", [10.0, 60.0, 180.0])
def test_two_cuts_leave_a_lune(width):
    west, east = (geo.unit_vectors([0.0, lon]) for lon in (90, width - 90))
    lune = Polygons.octants()
    for normal in (west, east):  # east of the meridian 0, west of the meridian `width`
        lune = lune.cut(np.tile(normal, (len(lune.counts), 1)))
    assert lune.triangles().areas().sum() == pytest.approx(2 * np.deg2rad(width))


def test_polygons_of_any_order_become_triangles_in_the_order_of_their_cells():
    octants = Polygons.octants()
    mixed = octants.taken(np.array([3, 0, 3]), np.array([1, 0, 0]))
    triangles = Polygons.joined([mixed, octants.taken(np.array([5]), np.array([1]))]).triangles()
    np.testing.assert_array_equal(triangles.cells, [0, 0, 1, 1])
    third = octants.triangles().corners[3]
    np.testing.assert_array_equal(triangles.corners[1:3], [third, third])


def test_draws_in_an_octant_have_the_moments_of_the_uniform_distribution():
    corners = np.tile(np.eye(3), (100_000, 1, 1))
    drawn = Triangles(corners, np.zeros(100_000, int)).sample(np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=-1), 1)
    assert (drawn >= 0).all()
    # Each coordinate is uniform in [0, 1] (Archimedes); products have the mean 2 / (3 pi).
    deciles = np.stack([np.histogram(axis, 10, (0, 1))[0] for axis in drawn.T])
    np.testing.assert_allclose(deciles / 10_000, 1, atol=0.05)
    products = (drawn * np.roll(drawn, 1, axis=-1)).mean(axis=0)
    np.testing.assert_allclose(products, 2 / (3 * np.pi), atol=0.003)
