"""Classes of nested partitions: none is an orphan, and ancestors are where their photos are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geobench import DataError, geo
from geobench_cells import AdaptiveS2, Hierarchy


def clustered(count, seed):
    """Places around a few towns, some of them several times."""
    rng = np.random.default_rng(seed)
    towns = geo.uniform(1 + seed % 7, rng)[rng.integers(1 + seed % 7, size=count)]
    points = geo.destination(towns, rng.uniform(0, 360, count), rng.exponential(300, count))
    points[: count // 5] = points[0]
    return points


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 300),
    min_photos=st.integers(1, 60),
    most=st.lists(st.integers(1, 150), min_size=1, max_size=5, unique=True),
)
def test_no_class_is_an_orphan_and_ancestors_are_where_places_lie(seed, count, min_photos, most):
    points = clustered(count, seed)
    partitions = AdaptiveS2.fit_levels(points, sorted(most, reverse=True), max_level=20)
    hierarchy = Hierarchy.of(partitions, points, min_photos=min_photos)
    assert hierarchy.partition is partitions[-1]
    assert hierarchy.ancestors.shape == (len(most), len(hierarchy.finest))
    assert hierarchy.sizes == tuple(len(level) for level in hierarchy.levels)
    np.testing.assert_array_equal(hierarchy.ancestors[-1], np.arange(len(hierarchy.finest)))
    inside = hierarchy.partition.centres[hierarchy.finest.cells]
    for partition, level, ancestors in zip(
        partitions, hierarchy.levels, hierarchy.ancestors, strict=True
    ):
        assert (ancestors >= 0).all()
        np.testing.assert_array_equal(level.cells[ancestors], partition.assign(inside))


@pytest.mark.parametrize("min_photos", [1, 3, 10, 50, 10**6])
def test_a_class_holds_enough_photos_or_as_many_as_the_fullest_of_the_finest(min_photos):
    points = clustered(500, 4)
    partitions = AdaptiveS2.fit_levels(points, [120, 40, 12], max_level=12)
    hierarchy = Hierarchy.of(partitions, points, min_photos=min_photos)
    counts = [np.bincount(each.assign(points), minlength=len(each)) for each in partitions]
    enough = min(min_photos, counts[-1].max())
    for photos, level in zip(counts, hierarchy.levels, strict=True):
        np.testing.assert_array_equal(level.cells, np.flatnonzero(photos >= enough))


def test_photos_of_a_class_are_labelled_with_its_ancestors_at_every_level():
    points = clustered(500, 4)
    hierarchy = Hierarchy.of(AdaptiveS2.fit_levels(points, [120, 40, 12]), points, min_photos=3)
    finest = hierarchy.finest
    assert finest.moved.any()
    for level, ancestors in zip(hierarchy.levels, hierarchy.ancestors, strict=True):
        own = ~finest.moved
        assert not level.moved[own].any()
        np.testing.assert_array_equal(level.labels[own], ancestors[finest.labels[own]])


def test_without_photos_there_is_no_class():
    nowhere = np.empty((0, 2))
    with pytest.raises(DataError, match="no training photo"):
        Hierarchy.of(AdaptiveS2.fit_levels(nowhere, [10, 5]), nowhere)
