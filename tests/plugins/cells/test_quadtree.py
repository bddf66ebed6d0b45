"""Quadtrees against a plain recursion, and closed forms."""

import numpy as np
import pytest

from geobench import ConfigError, DataError, geo
from geobench_cells import Quadtree
from photographed_places import towns


def next_split(values, low):
    """The median, or the next value above the edge where that is the median; None at one value."""
    median = float(np.median(values))
    if median > low:
        return median
    return min((float(value) for value in values if value > low), default=None)


def plainly_split(photos, limit, deepest, box=(-90.0, -180.0, 90.0, 180.0)):
    """The rectangles of the tree, by recursion."""
    south, west, north, east = box
    lat = lon = None
    if len(photos) > limit and deepest > 0:
        lat, lon = next_split(photos[:, 0], south), next_split(photos[:, 1], west)
    if lat is None and lon is None:
        return [box]
    rows = [(south, north)] if lat is None else [(south, lat), (lat, north)]
    columns = [(west, east)] if lon is None else [(west, lon), (lon, east)]
    found = []
    for low, high in rows:
        for left, right in columns:
            inside = (photos >= [low, left]) & (photos < [high, right])
            child = photos[inside.all(axis=1)]
            found += plainly_split(child, limit, deepest - 1, (low, left, high, right))
    return found


@pytest.mark.parametrize(("max_photos", "max_level"), [(1, 30), (20, 13), (20, 3), (500, 13)])
@pytest.mark.parametrize("digits", [0, 12])
def test_cells_are_those_of_a_plain_recursion(max_photos, max_level, digits):
    # Whole degrees make photos lie on the edges of cells.
    photos = geo.wrap(np.round(towns(800), digits))
    photos = photos[np.abs(photos[:, 0]) < 90]
    fitted = Quadtree.fit(photos, max_photos=max_photos, max_level=max_level)
    plain = plainly_split(photos, max_photos, max_level)
    assert len(fitted) == len(plain)
    np.testing.assert_array_equal(np.unique(fitted.bounds, axis=0), np.unique(plain, axis=0))
    south, west, north, east = fitted.bounds[fitted.assign(photos)].T
    lat, lon = photos.T
    assert ((south <= lat) & (lat < north) & (west <= lon) & (lon < east)).all()


def test_areas_are_widths_times_differences_of_sines():
    fitted = Quadtree.fit(towns(), max_photos=100)
    south, west, north, east = np.deg2rad(fitted.bounds).T
    closed = (east - west) * (np.sin(north) - np.sin(south))
    np.testing.assert_allclose(fitted.areas, closed, rtol=1e-9)


def test_a_cell_a_metre_wide_keeps_its_digits():
    corner, metre = np.array([40.0, 15.0]), 1e-5
    photos = corner + metre * np.array([[0.0, 0.0], [0, 0], [1, 1], [1, 1]])
    fitted = Quadtree.fit(photos, max_photos=1)
    cell = fitted.areas.argmin()
    width = np.deg2rad(fitted.half_widths[cell] * 2)
    expected = width[0] * width[1] * np.cos(np.deg2rad(fitted.centres[cell, 0]))
    assert fitted.areas[cell] < 1e-13
    assert fitted.areas[cell] == pytest.approx(expected, rel=1e-9)


def test_half_widths_lead_from_the_centre_to_the_edges():
    fitted = Quadtree.fit(towns(), max_photos=100)
    bounds = fitted.bounds
    np.testing.assert_allclose(fitted.centres - fitted.half_widths, bounds[:, :2], atol=1e-12)
    np.testing.assert_allclose(fitted.centres + fitted.half_widths, bounds[:, 2:], atol=1e-12)


def test_four_photos_in_four_quarters_make_four_cells():
    photos = np.array([[10.0, 20], [-10, 20], [10, -20], [-10, -20]])
    fitted = Quadtree.fit(photos, max_photos=1)
    assert len(fitted) == 4
    np.testing.assert_array_equal(np.sort(fitted.assign(photos)), np.arange(4))
    np.testing.assert_allclose(fitted.areas, np.pi)


def test_photos_on_one_meridian_are_split_in_latitude_only():
    photos = np.stack([np.linspace(-40, 40, 8), np.full(8, -180.0)], axis=-1)
    fitted = Quadtree.fit(photos, max_photos=1)
    assert len(fitted) == 8
    np.testing.assert_array_equal(fitted.half_widths[:, 1], 180)


def test_photos_at_a_pole_are_at_one_place():
    photos = np.stack([np.full(9, 90.0), np.linspace(-170, 170, 9)], axis=-1)
    fitted = Quadtree.fit(photos, max_photos=1)
    assert (fitted.areas > 0).all()
    assert len(np.unique(fitted.assign(photos))) == 1


def test_arrays_that_are_no_tree_are_an_error():
    splits = Quadtree.fit(towns(), max_photos=300).to_arrays()["splits"]
    outside = splits.copy()
    outside[0] = [95.0, 0.0]
    for wrong in (splits[:-1], np.concatenate([splits, splits[-1:]]), outside, splits[:0]):
        with pytest.raises(DataError, match="quadtree"):
            Quadtree(wrong)


def test_impossible_limits_are_errors_that_name_them():
    with pytest.raises(ConfigError, match="max_photos"):
        Quadtree.fit(towns(), max_photos=0)
    with pytest.raises(ConfigError, match="max_level"):
        Quadtree.fit(towns(), max_photos=10, max_level=-1)
