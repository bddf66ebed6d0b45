"""Partitions that follow the photos, against s2sphere and closed forms."""

import time

import numpy as np
import pytest
import s2sphere

from geobench import ConfigError, DataError, EqualAreaGrid, geo
from geobench_cells import AdaptiveS2, Classes
from geobench_cells.s2 import LeafCells


def towns(count=3000, seed=0):
    """Points around a few places, with repeats, poles and the date line."""
    rng = np.random.default_rng(seed)
    middles = np.array([[48.0, 2.0], [40.0, -74.0], [-1.0, 36.0], [65.0, 179.9], [-90.0, 0.0]])
    chosen = middles[rng.integers(len(middles), size=count)]
    spread = rng.exponential(400, count)
    points = geo.destination(chosen, rng.uniform(0, 360, count), spread)
    points[: count // 100] = points[0]
    return points


def awkward_points():
    """Random points, poles, the date line, and face edges and corners."""
    rng = np.random.default_rng(1)
    corner = np.rad2deg(np.arctan(np.sqrt(0.5)))
    special = [
        [90, 0], [-90, 0], [90, 123], [0, 0], [0, -180], [12, -180], [0, 90], [0, -90],
        [0, 45], [10, 45], [-20, -135], [45, 0], [-45, 90], [corner, 45], [-corner, -45],
        [0, np.nextafter(180, 0)], [1e-12, -1e-12],
    ]  # fmt: skip
    return np.concatenate([geo.uniform(3000, rng), np.array(special, dtype=float)])


def test_leaf_cells_are_those_of_s2sphere():
    points = awkward_points()
    leaves = LeafCells.of_points(points)
    for k, (lat, lon) in enumerate(points):
        cell = s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat, lon))
        face, i, j, _ = cell.to_face_ij_orientation()
        assert leaves.face[k] == face
        # On an edge between leaf cells (1 cm wide) rounding may choose either side.
        assert abs(leaves.i[k] - i) <= 1
        assert abs(leaves.j[k] - j) <= 1


@pytest.mark.parametrize("level", [0, 1, 3, 7, 12, 20, 24])
def test_cells_of_a_level_are_those_of_s2sphere(level):
    points = geo.uniform(400, np.random.default_rng(level))
    # With one photo allowed and the level bounded, every second photo forces its cell down.
    partition = AdaptiveS2.fit(np.repeat(points, 2, axis=0), max_photos=1, max_level=level)
    cells = partition.assign(points)
    assert (partition.levels[cells] == level).all()
    for k, (lat, lon) in enumerate(points):
        leaf = s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat, lon))
        theirs = s2sphere.Cell(leaf.parent(level))
        exact = theirs.exact_area()
        # s2sphere's own areas lose digits as cells shrink: an absolute 1e-15 or so.
        tolerance = max(1e-9, 2e-15 / exact)
        if tolerance < 0.1:
            assert partition.areas[cells[k]] == pytest.approx(exact, rel=tolerance)
        centre = leaf.parent(level).to_lat_lng()
        gap = geo.distance_km(
            partition.centres[cells[k]], [centre.lat().degrees, centre.lng().degrees]
        )
        assert gap < 1e-6


def test_keys_and_leaf_cells_are_each_others_inverse():
    leaves = LeafCells.of_points(awkward_points())
    again = LeafCells.of_keys(leaves.keys)
    for name in ("face", "i", "j"):
        np.testing.assert_array_equal(getattr(again, name), getattr(leaves, name))


@pytest.mark.parametrize("max_photos", [1, 10, 200, 10**9])
def test_areas_sum_to_the_sphere_and_centres_lie_in_their_cells(max_photos):
    partition = AdaptiveS2.fit(towns(), max_photos=max_photos)
    assert partition.areas.sum() == pytest.approx(4 * np.pi, abs=1e-10)
    assert (partition.areas > 0).all()
    np.testing.assert_array_equal(partition.assign(partition.centres), np.arange(len(partition)))


def test_areas_agree_with_counting_uniform_points():
    partition = AdaptiveS2.fit(towns(), max_photos=300)
    rng = np.random.default_rng(3)
    hits = np.bincount(partition.assign(geo.uniform(400_000, rng)), minlength=len(partition))
    expected = 400_000 * partition.areas / (4 * np.pi)
    large = expected > 50
    deviation = (hits - expected)[large] / np.sqrt(expected[large])
    assert np.abs(deviation).max() < 5
    assert np.mean(deviation**2) == pytest.approx(1, abs=0.4)


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


def test_nested_partitions_have_each_cell_inside_its_parent():
    points = towns()
    alone = AdaptiveS2.fit(points, max_photos=30)
    coarse, middle, fine = AdaptiveS2.fit_levels(points, [500, 100, 30])
    assert fine.digest == alone.digest
    assert coarse.parents is None
    places = geo.uniform(5000, np.random.default_rng(2))
    for outer, inner in ((coarse, middle), (middle, fine)):
        assert inner.parents is not None
        np.testing.assert_array_equal(inner.parents[inner.assign(places)], outer.assign(places))
        sums = np.bincount(inner.parents, inner.areas)
        np.testing.assert_allclose(sums, outer.areas, rtol=1e-12)


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


def test_a_million_points_are_assigned_in_about_a_second():
    partition = AdaptiveS2.fit(geo.uniform(20_000, np.random.default_rng(0)), max_photos=5)
    points = geo.uniform(1_000_000, np.random.default_rng(1))
    start = time.perf_counter()
    cells = partition.assign(points)
    assert time.perf_counter() - start < 2  # a quarter of a second on an idle machine
    assert cells.shape == (1_000_000,)


def test_points_of_any_shape_are_assigned():
    partition = AdaptiveS2.fit(towns(), max_photos=300)
    points = geo.uniform((4, 5), np.random.default_rng(0))
    assert partition.assign(points).shape == (4, 5)
    assert partition.assign(points[0, 0]).shape == ()


def test_classes_are_the_cells_with_enough_photos_and_others_take_the_nearest():
    points = towns()
    partition = AdaptiveS2.fit(points, max_photos=50)
    classes = Classes.of(partition, points, min_photos=20)
    assigned = partition.assign(points)
    photos = np.bincount(assigned, minlength=len(partition))
    np.testing.assert_array_equal(classes.cells, np.flatnonzero(photos >= 20))
    np.testing.assert_array_equal(classes.moved, photos[assigned] < 20)
    assert classes.moved.any()
    kept = ~classes.moved
    np.testing.assert_array_equal(classes.cells[classes.labels[kept]], assigned[kept])
    distances = geo.distance_km(points[classes.moved][:, None], classes.places)
    np.testing.assert_array_equal(classes.labels[classes.moved], distances.argmin(axis=1))
    for k in range(len(classes)):
        mean = geo.mean_point(points[assigned == classes.cells[k]])
        assert geo.distance_km(mean, classes.places[k]) < 1e-6


def test_where_no_cell_has_enough_photos_the_fullest_are_classes():
    points = np.array([[10.0, 10.0], [10.1, 10.1], [-40.0, 100.0]])
    partition = AdaptiveS2.fit(points, max_photos=2)
    classes = Classes.of(partition, points, min_photos=50)
    assert len(classes) == 1
    np.testing.assert_array_equal(classes.labels, 0)
    np.testing.assert_array_equal(classes.moved, [False, False, True])
    with pytest.raises(DataError, match="no training photo"):
        Classes.of(partition, np.empty((0, 2)))
