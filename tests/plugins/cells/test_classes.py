"""Classes: the cells with enough photos."""

import numpy as np
import pytest

from geobench import DataError, geo
from geobench_cells import AdaptiveS2, Classes
from photographed_places import towns


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
