"""What holds of every kind of partition, whatever photos it is fitted to."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import ConfigError, geo
from geobench_cells import AdaptiveS2, Healpix, KeptPartition, Quadtree, SphericalKMeans
from photographed_places import awkward_points, towns


@dataclass(frozen=True)
class Kind:
    """A class of partitions, how it is fitted coarsely, and how finely by three levels."""

    partition: type[KeptPartition]
    one: Callable
    levels: tuple[int, ...]


KINDS = {
    "s2": Kind(AdaptiveS2, lambda points: AdaptiveS2.fit(points, max_photos=300), (500, 100, 30)),
    "quadtree": Kind(Quadtree, lambda points: Quadtree.fit(points, max_photos=300), (500, 100, 30)),
    "healpix": Kind(Healpix, lambda points: Healpix.fit(points, depth=2), (0, 2, 3)),
    "k-means": Kind(
        SphericalKMeans, lambda points: SphericalKMeans.fit(points, cells=40), (7, 40, 300)
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

# Whole degrees, so that places repeat, lie on one meridian or parallel, and at the poles.
places = st.lists(
    st.tuples(st.integers(-9, 9).map(lambda k: 10 * k), st.integers(-19, 18).map(lambda k: 10 * k)),
    max_size=30,
)


def photos_of(pairs):
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def check_cells(partition):
    """The cells cover the sphere once, and each holds its centre and what is drawn in it."""
    cells = np.arange(len(partition))
    assert (partition.areas > 0).all()
    assert partition.areas.sum() == pytest.approx(4 * np.pi, rel=1e-11)
    np.testing.assert_array_equal(partition.assign(partition.centres), cells)
    drawn = partition.sample(np.tile(cells, (3, 1)), np.random.default_rng(0))
    assert drawn.shape == (3, len(partition), 2)
    assert (np.abs(drawn[..., 0]) <= 90).all()
    assert ((drawn[..., 1] >= -180) & (drawn[..., 1] < 180)).all()
    np.testing.assert_array_equal(partition.assign(drawn), np.tile(cells, (3, 1)))
    found = partition.assign(awkward_points())
    assert found.dtype == np.intp
    assert ((found >= 0) & (found < len(partition))).all()


def check_families(levels, points):
    """Each cell lies inside its parent, and none is an orphan or childless."""
    assert levels[0].parents is None
    for outer, inner in pairwise(levels):
        np.testing.assert_array_equal(inner.parents[inner.assign(points)], outer.assign(points))
        own = inner.sample(np.arange(len(inner)), np.random.default_rng(1))
        np.testing.assert_array_equal(outer.assign(own), inner.parents)
        sums = np.bincount(inner.parents, inner.areas, len(outer))
        np.testing.assert_allclose(sums, outer.areas, rtol=1e-9)


@every_kind
def test_every_point_lies_in_one_cell_and_areas_sum_to_the_sphere(kind):
    check_cells(kind.one(towns()))
    for partition in kind.partition.fit_levels(towns(), kind.levels):
        check_cells(partition)


@every_kind
def test_a_cell_of_a_nested_partition_lies_inside_its_parent(kind):
    levels = kind.partition.fit_levels(towns(), kind.levels)
    assert len(levels[0]) < len(levels[1]) < len(levels[2])
    check_families(levels, np.concatenate([towns(seed=3), awkward_points()]))


@settings(deadline=None, max_examples=40)
@given(pairs=places, repeats=st.integers(1, 4))
@every_kind
def test_invariants_hold_for_any_photos(kind, pairs, repeats):
    photos = np.repeat(photos_of(pairs), repeats, axis=0)
    fineness = {"healpix": (0, 1), "k-means": (2, 9)}.get(kind.partition.kind, (8, 1))
    levels = kind.partition.fit_levels(photos, fineness)
    for partition in levels:
        check_cells(partition)
    check_families(levels, np.concatenate([photos, geo.uniform(50, np.random.default_rng(0))]))


@every_kind
def test_the_date_line_is_one_place_whether_it_is_west_or_east(kind):
    partition = kind.one(towns())
    lat = np.linspace(-90, 90, 181)
    west, east = (np.stack([lat, np.full(181, lon)], axis=-1) for lon in (-180.0, 180.0))
    np.testing.assert_array_equal(partition.assign(west), partition.assign(east))
    once_around = towns() + [0, 360]
    # A turn more moves a point by its last digits.
    assert np.mean(partition.assign(once_around) == partition.assign(towns())) > 0.99


@every_kind
@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_is_one_place_whatever_its_longitude(kind, pole):
    partition = kind.one(towns())
    lon = np.arange(-180.0, 180.0, 7.0)
    found = partition.assign(np.stack([np.full_like(lon, pole), lon], axis=-1))
    assert len(np.unique(found)) == 1


@every_kind
@pytest.mark.parametrize("level", [0, 1])
def test_arrays_restore_a_partition_exactly(kind, level):
    partition = kind.partition.fit_levels(towns(), kind.levels)[level]
    arrays = {name: np.array(array) for name, array in partition.to_arrays().items()}
    again = kind.partition.from_arrays(arrays)
    assert again.digest == partition.digest
    np.testing.assert_array_equal(again.areas, partition.areas)
    np.testing.assert_array_equal(again.centres, partition.centres)
    np.testing.assert_array_equal(again.assign(towns(seed=2)), partition.assign(towns(seed=2)))
    np.testing.assert_equal(again.parents, partition.parents)


@every_kind
def test_the_same_photos_give_the_same_partition_and_other_cells_another_digest(kind):
    first, second = (kind.partition.fit_levels(towns(), kind.levels) for _ in range(2))
    assert [each.digest for each in first] == [each.digest for each in second]
    assert len({each.digest for each in first}) == 3


@every_kind
def test_areas_agree_with_counting_uniform_points(kind):
    partition = kind.one(towns())
    rng = np.random.default_rng(3)
    hits = np.bincount(partition.assign(geo.uniform(200_000, rng)), minlength=len(partition))
    expected = 200_000 * partition.areas / (4 * np.pi)
    large = expected > 20
    assert large.sum() >= 10
    deviation = (hits - expected)[large] / np.sqrt(expected[large])
    assert np.abs(deviation).max() < 5
    spread = 5 * np.sqrt(2 / large.sum())
    assert np.mean(deviation**2) == pytest.approx(1, abs=spread)


@every_kind
def test_what_is_drawn_in_a_cell_is_uniform_by_area(kind):
    # Children of one cell get of its draws what their areas say.
    coarse, fine = kind.partition.fit_levels(towns(), kind.levels[:2])
    cells = np.repeat(np.arange(len(coarse)), 4000)
    hits = np.bincount(fine.assign(coarse.sample(cells, np.random.default_rng(2))))
    hits = np.pad(hits, (0, len(fine) - len(hits)))
    expected = 4000 * fine.areas / coarse.areas[fine.parents]
    large = expected > 20
    assert large.sum() > len(coarse)
    deviation = (hits - expected)[large] / np.sqrt(expected[large])
    assert np.abs(deviation).max() < 5.5
    # A child that is nearly its whole parent varies less than a Poisson count does.
    share = np.minimum(expected[large] / 4000, 1)
    assert np.mean(deviation**2) == pytest.approx(np.mean(1 - share), abs=0.3)


@every_kind
def test_points_of_any_shape_are_assigned_and_drawn(kind):
    partition = kind.one(towns())
    points = geo.uniform((4, 5), np.random.default_rng(0))
    cells = partition.assign(points)
    assert cells.shape == (4, 5)
    assert partition.assign(points[1, 2]).shape == ()
    assert partition.assign(points[1, 2]) == cells[1, 2]
    assert partition.assign(np.empty((0, 2))).shape == (0,)
    assert partition.sample(cells[1, 2], np.random.default_rng(0)).shape == (2,)
    assert partition.sample(cells[:0], np.random.default_rng(0)).shape == (0, 5, 2)


@every_kind
def test_photos_at_one_place_or_two_or_none_make_a_partition(kind):
    one = np.tile([[10.0, 20.0]], (60, 1))
    for photos in (np.empty((0, 2)), one[:1], one, np.concatenate([one, one + [0, 1e-4]])):
        check_cells(kind.one(photos))


@every_kind
def test_levels_out_of_order_are_errors_that_name_them(kind):
    word = {"healpix": "depths", "k-means": "cells"}.get(kind.partition.kind, "max_photos")
    for wrong in ((5, 5), kind.levels[::-1], ()):
        with pytest.raises(ConfigError, match=word):
            kind.partition.fit_levels(towns(), wrong)


@pytest.mark.parametrize("partition", [AdaptiveS2, Quadtree])
@pytest.mark.parametrize("max_photos", [1, 10, 200])
def test_no_cell_holds_more_photos_than_allowed_unless_all_are_at_one_place(partition, max_photos):
    photos = towns()
    fitted = partition.fit(photos, max_photos=max_photos, max_level=30)
    assigned = fitted.assign(photos)
    crowded = np.flatnonzero(np.bincount(assigned, minlength=len(fitted)) > max_photos)
    for cell in crowded:
        assert len(np.unique(photos[assigned == cell], axis=0)) == 1
    assert len(crowded) == (max_photos < 30)  # the repeated photo


@pytest.mark.parametrize("partition", [AdaptiveS2, Quadtree])
def test_the_finest_of_nested_partitions_is_the_one_fitted_alone(partition):
    alone = partition.fit(towns(), max_photos=30)
    assert partition.fit_levels(towns(), [500, 100, 30])[-1].digest == alone.digest
