"""Adaptive S2 against s2geometry, the official library, and closed forms."""

import numpy as np
import pytest
import s2geometry

from geobench import ConfigError, DataError, EqualAreaGrid, geo
from geobench_cells import AdaptiveS2
from geobench_cells.s2 import LeafCells
from photographed_places import awkward_points, towns


def leaf_cell(lat, lon):
    return s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(lat, lon))


def test_leaf_cells_are_those_of_s2geometry():
    points = awkward_points()
    leaves = LeafCells.of_points(points)
    for k, (lat, lon) in enumerate(points):
        face, i, j, *_ = leaf_cell(lat, lon).ToFaceIJOrientation()
        assert leaves.face[k] == face
        # On an edge between leaf cells (1 cm wide) rounding may choose either side.
        assert abs(leaves.i[k] - i) <= 1
        assert abs(leaves.j[k] - j) <= 1


@pytest.mark.parametrize("level", [0, 1, 3, 7, 12, 20, 24])
def test_cells_of_a_level_are_those_of_s2geometry(level):
    points = geo.uniform(400, np.random.default_rng(level))
    # With one photo allowed and the level bounded, every second photo forces its cell down.
    partition = AdaptiveS2.fit(np.repeat(points, 2, axis=0), max_photos=1, max_level=level)
    cells = partition.assign(points)
    assert (partition.levels[cells] == level).all()
    for k, (lat, lon) in enumerate(points):
        cell = leaf_cell(lat, lon).parent(level)
        exact = s2geometry.S2Cell(cell).ExactArea()
        # s2geometry's own areas lose digits as cells shrink: an absolute 1e-15 or so.
        tolerance = max(1e-9, 2e-15 / exact)
        if tolerance < 0.1:
            assert partition.areas[cells[k]] == pytest.approx(exact, rel=tolerance)
        centre = cell.ToLatLng()
        gap = geo.distance_km(
            partition.centres[cells[k]], [centre.lat().degrees(), centre.lng().degrees()]
        )
        assert gap < 1e-6


def test_keys_and_leaf_cells_are_each_others_inverse():
    leaves = LeafCells.of_points(awkward_points())
    again = LeafCells.of_keys(leaves.keys)
    for name in ("face", "i", "j"):
        np.testing.assert_array_equal(getattr(again, name), getattr(leaves, name))


def test_a_leaf_cells_area_keeps_its_digits():
    partition = AdaptiveS2.fit(np.repeat([[35.3, 17.1]], 2, axis=0), max_photos=1)
    deepest = int(partition.levels.argmax())
    assert partition.levels[deepest] == 30
    u, v = np.tan(np.deg2rad(17.1)), np.tan(np.deg2rad(35.3)) / np.cos(np.deg2rad(17.1))
    du, dv = (2 / 3 * np.sqrt(1 + 3 * x) * 2 / 2**30 for x in (u, v))
    assert partition.areas[deepest] == pytest.approx(du * dv / (1 + u * u + v * v) ** 1.5, rel=1e-6)


def test_no_cell_holds_more_photos_than_allowed_and_every_parent_did():
    points = towns()
    partition = AdaptiveS2.fit(points, max_photos=50, max_level=20)
    photos = np.bincount(partition.assign(points), minlength=len(partition))
    assert photos.sum() == len(points)
    assert (photos[partition.levels < 20] <= 50).all()
    family = partition.starts >> (2 * (31 - partition.levels))
    for level in np.unique(partition.levels[partition.levels > 0]):
        of_level = np.flatnonzero(partition.levels == level)
        for parent in np.unique(family[of_level]):
            first, size = parent << (2 * (31 - level)), 1 << (2 * (31 - level))
            inside = (partition.starts >= first) & (partition.starts < first + size)
            assert photos[inside].sum() > 50


def test_repeated_photos_stop_at_the_deepest_level():
    partition = AdaptiveS2.fit(np.tile([[10.0, 20.0]], (5, 1)), max_photos=1, max_level=4)
    assert len(partition) == 6 + 4 * 3
    assert partition.levels.max() == 4


def test_no_photo_gives_the_six_faces_of_equal_area():
    partition = AdaptiveS2.fit(np.empty((0, 2)), max_photos=10)
    np.testing.assert_allclose(partition.areas, 4 * np.pi / 6, rtol=1e-14)


def test_samples_lie_in_their_cells_and_are_uniform_by_area():
    partition = AdaptiveS2.fit(towns(), max_photos=300)
    cells = np.tile(np.arange(len(partition)), (3, 1))
    drawn = partition.sample(cells, np.random.default_rng(0))
    assert drawn.shape == (3, len(partition), 2)
    np.testing.assert_array_equal(partition.assign(drawn), cells)
    faces = AdaptiveS2.fit(np.empty((0, 2)), max_photos=1)
    many = faces.sample(np.repeat(np.arange(6), 20_000), np.random.default_rng(1))
    grid = EqualAreaGrid(12)
    hits = np.bincount(grid.assign(many), minlength=len(grid))
    expected = 120_000 / len(grid)
    assert np.sum((hits - expected) ** 2 / expected) == pytest.approx(len(grid), rel=0.35)


def test_arrays_restore_the_partition_and_only_a_whole_sphere_is_accepted():
    partition = AdaptiveS2.fit_levels(towns(), [500, 30])[1]
    again = AdaptiveS2.from_arrays(partition.to_arrays())
    assert again.digest == partition.digest
    np.testing.assert_array_equal(again.areas, partition.areas)
    assert partition.parents is not None
    assert again.parents is not None
    np.testing.assert_array_equal(again.parents, partition.parents)
    with pytest.raises(DataError, match="exactly once"):
        AdaptiveS2(partition.starts[1:], partition.levels[1:])
    other = AdaptiveS2.fit(towns(seed=1), max_photos=30)
    assert other.digest != partition.digest


def test_impossible_limits_are_errors_that_name_them():
    with pytest.raises(ConfigError, match="max_photos"):
        AdaptiveS2.fit_levels(towns(), [100, 100])
    with pytest.raises(ConfigError, match="max_photos"):
        AdaptiveS2.fit(towns(), max_photos=0)
    with pytest.raises(ConfigError, match="max_level"):
        AdaptiveS2.fit(towns(), max_photos=10, max_level=31)
