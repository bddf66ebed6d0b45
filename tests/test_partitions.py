"""EqualAreaGrid, against closed forms and counts of random points."""

import numpy as np
import pytest
from scipy.stats import chisquare

from geobench import EqualAreaGrid, distance_km, geo

ROWS = [2, 3, 7, 36, 180, 400]


def area_of(bounds):
    """Steradians between two parallels and two meridians: (sin north - sin south) times width."""
    south, west, north, east = bounds.T
    # The difference of sines as a product, and the cosine from the pole, lose no digits.
    from_pole = np.deg2rad(90 - np.abs(north + south) / 2)
    height = 2 * np.sin(from_pole) * np.sin(np.deg2rad(north - south) / 2)
    return np.asarray(height * np.deg2rad(east - west))


@pytest.mark.parametrize("rows", ROWS)
def test_every_cell_has_the_same_area(rows):
    grid = EqualAreaGrid(rows)
    areas = area_of(grid.bounds())
    np.testing.assert_allclose(areas, 4 * np.pi / len(grid), rtol=1e-12)
    np.testing.assert_allclose(grid.areas, areas, rtol=1e-12)
    assert grid.areas.sum() == pytest.approx(4 * np.pi, rel=1e-12)


@pytest.mark.parametrize("rows", ROWS)
def test_cells_touch_and_cover_the_sphere(rows):
    bounds = EqualAreaGrid(rows).bounds()
    south, west, north, east = bounds.T
    assert (south[0], north[-1]) == (-90, 90)
    starts = np.flatnonzero(np.diff(south, prepend=-np.inf))
    assert len(starts) == rows
    for first, last in zip(starts, [*starts[1:], len(bounds)], strict=True):
        band = slice(first, last)
        assert (west[first], east[last - 1]) == (-180, pytest.approx(180))
        np.testing.assert_allclose(west[band][1:], east[band][:-1], atol=1e-12)
        assert np.ptp(north[band]) == 0
        if last < len(bounds):
            assert north[first] == south[last]


def test_the_default_cells_are_about_560_km_wide():
    grid = EqualAreaGrid()
    side = np.sqrt(grid.areas[0]) * geo.EARTH_RADIUS_KM
    assert 540 < side < 580
    south, west, north, east = grid.bounds().T
    # Away from the poles cells are about as wide as high.
    middle = (south + north) / 2
    width = distance_km(np.stack([middle, west], -1), np.stack([middle, east], -1))
    ratio = width / distance_km(np.stack([south, west], -1), np.stack([north, west], -1))
    assert (np.abs(np.log2(ratio[np.abs(middle) < 80])) < 0.5).all()


@pytest.mark.parametrize("rows", ROWS)
def test_centres_lie_in_their_cells(rows):
    grid = EqualAreaGrid(rows)
    np.testing.assert_array_equal(grid.assign(grid.centres), np.arange(len(grid)))


def test_points_are_assigned_to_the_cell_whose_bounds_hold_them():
    grid = EqualAreaGrid(23)
    points = geo.uniform((40, 50), np.random.default_rng(0))
    cells = grid.assign(points)
    assert cells.shape == (40, 50)
    south, west, north, east = np.moveaxis(grid.bounds()[cells], -1, 0)
    lat, lon = points[..., 0], points[..., 1]
    assert ((south <= lat) & (lat <= north) & (west <= lon) & (lon <= east)).all()


@pytest.mark.parametrize("rows", ROWS)
def test_poles_and_the_date_line_have_their_cells(rows):
    grid = EqualAreaGrid(rows)
    bounds = grid.bounds()
    for lon in (-180.0, 0.0, np.nextafter(180, 0)):
        assert bounds[grid.assign([90, lon]), 2] == 90
        assert bounds[grid.assign([-90, lon]), 0] == -90
    for lat in (-80.0, 0.5, 45.0):
        assert bounds[grid.assign([lat, -180]), 1] == -180
        assert bounds[grid.assign([lat, 180 - 1e-9]), 3] == pytest.approx(180)


def test_a_longitude_is_the_same_place_whole_turns_away():
    grid = EqualAreaGrid(11)
    points = geo.uniform(500, np.random.default_rng(1))
    np.testing.assert_array_equal(grid.assign(points + [0, 360]), grid.assign(points))
    np.testing.assert_array_equal(grid.assign(points - [0, 360]), grid.assign(points))
    assert grid.assign([10, 180]) == grid.assign([10, -180])


def test_random_points_fall_into_all_cells_alike():
    grid = EqualAreaGrid(12)
    points = geo.uniform(200_000, np.random.default_rng(2))
    counts = np.bincount(grid.assign(points), minlength=len(grid))
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("rows", [2, 5, 36])
def test_samples_are_uniform_inside_their_cell(rows):
    grid, rng = EqualAreaGrid(rows), np.random.default_rng(3)
    cells = np.unique([0, 1, len(grid) // 3, len(grid) // 2, len(grid) - 1])
    drawn = grid.sample(np.repeat(cells[:, None], 8000, axis=1), rng)
    np.testing.assert_array_equal(grid.assign(drawn), np.repeat(cells[:, None], 8000, axis=1))
    for points, (south, west, north, east) in zip(drawn, grid.bounds()[cells], strict=True):
        low, high = np.sin(np.deg2rad([south, north]))
        row = np.floor(8 * (np.sin(np.deg2rad(points[:, 0])) - low) / (high - low))
        column = np.floor(8 * (points[:, 1] - west) / (east - west))
        sixty_four = np.clip(row, 0, 7) * 8 + np.clip(column, 0, 7)
        counts = np.bincount(sixty_four.astype(int), minlength=64)
        assert chisquare(counts).pvalue > 1e-3


def test_samples_are_points_with_the_shape_of_the_cells():
    grid = EqualAreaGrid(6)
    cells = np.arange(len(grid)).reshape(2, -1)
    drawn = grid.sample(cells, np.random.default_rng(4))
    assert drawn.shape == (*cells.shape, 2)
    np.testing.assert_array_equal(geo.wrap(drawn), drawn)
    np.testing.assert_array_equal(drawn, grid.sample(cells, np.random.default_rng(4)))


def test_a_grid_has_no_parents_and_a_digest_of_its_rows():
    assert EqualAreaGrid(36).parents is None
    assert EqualAreaGrid(36).digest == EqualAreaGrid().digest != EqualAreaGrid(37).digest
    expected = "bbebb5df"
    assert EqualAreaGrid().digest.startswith(expected)


def test_a_single_row_is_an_error():
    with pytest.raises(ValueError, match="at least 2 rows, not 1"):
        EqualAreaGrid(1)
