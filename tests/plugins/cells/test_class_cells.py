"""The cells that are classes, and the rest of the sphere as one more."""

import numpy as np
import pytest

from geobench import EqualAreaGrid, geo
from geobench_cells import AdaptiveS2, ClassCells

WHOLE = AdaptiveS2.fit(geo.uniform(500, np.random.default_rng(0)), max_photos=20)
CELLS = np.arange(3, len(WHOLE), 4)


@pytest.fixture
def some():
    return ClassCells(WHOLE, CELLS)


def test_every_point_lies_in_its_class_or_in_the_rest(some):
    points = geo.uniform((50, 40), np.random.default_rng(1))
    found, own = some.assign(points), WHOLE.assign(points)
    inside = np.isin(own, CELLS)
    np.testing.assert_array_equal(CELLS[found[inside]], own[inside])
    assert (found[~inside] == len(CELLS)).all()
    np.testing.assert_array_equal(some.assign(some.centres), np.arange(len(CELLS) + 1))


def test_areas_are_those_of_the_cells_and_sum_to_the_sphere(some):
    assert len(some) == len(CELLS) + 1
    np.testing.assert_array_equal(some.areas[:-1], WHOLE.areas[CELLS])
    assert some.areas.sum() == pytest.approx(4 * np.pi, rel=1e-12)


def test_where_all_cells_are_classes_there_is_no_rest():
    every = ClassCells(WHOLE, np.arange(len(WHOLE)))
    np.testing.assert_array_equal(every.areas, WHOLE.areas)
    np.testing.assert_array_equal(every.centres, WHOLE.centres)
    points = geo.uniform(300, np.random.default_rng(1))
    np.testing.assert_array_equal(every.assign(points), WHOLE.assign(points))


def test_samples_lie_in_their_cells_and_are_uniform_by_area(some):
    everywhere = np.tile(np.arange(len(some)), (3, 1))
    drawn = some.sample(everywhere, np.random.default_rng(2))
    assert drawn.shape == (3, len(some), 2)
    np.testing.assert_array_equal(some.assign(drawn), everywhere)
    rest = some.sample(np.full(20_000, len(CELLS)), np.random.default_rng(3))
    uniform = geo.uniform(200_000, np.random.default_rng(4))
    uniform = uniform[some.assign(uniform) == len(CELLS)]
    grid = EqualAreaGrid(6)
    shares = [np.bincount(grid.assign(p), minlength=len(grid)) / len(p) for p in (rest, uniform)]
    assert np.abs(shares[0] - shares[1]).max() < 5 * 0.5 / np.sqrt(20_000)


def test_digests_tell_classes_and_partitions_apart(some):
    coarse = AdaptiveS2.fit(np.empty((0, 2)), max_photos=1)
    others = [ClassCells(WHOLE, CELLS[1:]), ClassCells(coarse, np.array([3]))]
    assert len({each.digest for each in (some, *others)}) == 3
    assert ClassCells(WHOLE, CELLS.copy()).digest == some.digest
