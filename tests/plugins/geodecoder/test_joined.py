"""Pooled features and tokens read as one row are what they are when read apart."""

import numpy as np

from geobench_geodecoder.joined import joined, parts
from scene_photos import scene_photos


def test_joined_rows_are_those_that_are_read_apart():
    photos = scene_photos(50)
    together = joined(photos.features)
    assert together.shape == (50, 4 + 4 * 6) == (len(together), *together[:].shape[1:])
    rng = np.random.default_rng(0)
    some = rng.integers(50, size=20)
    apart = [photos.pooled[some], photos.tokens[some].reshape(20, -1)]
    np.testing.assert_array_equal(together[some], np.concatenate(apart, axis=1))
    np.testing.assert_array_equal(together.take(some)[2:5], together[some[2:5]])


def test_the_parts_of_joined_rows_are_what_was_joined():
    photos = scene_photos(50)
    shapes = {kind: rows.shape[1:] for kind, rows in photos.features.items()}
    some = np.array([3, 1, 49, 1])
    for kinds in (["pooled"], ["tokens"], ["tokens", "pooled"]):
        together = joined({kind: photos.features[kind] for kind in kinds})
        found = parts(together, {kind: shapes[kind] for kind in kinds})
        assert set(found) == set(kinds)
        for kind in kinds:
            assert found[kind].shape == photos.features[kind].shape
            np.testing.assert_array_equal(found[kind][some], photos.features[kind][some])


def test_what_is_not_asked_for_is_not_read():
    class Counting:
        shape = (9, 2)

        def __init__(self):
            self.read = []

        def __len__(self):
            return 9

        def __getitem__(self, positions):
            self.read += positions.tolist()
            return np.zeros((len(positions), 2))

    from geobench import Rows

    counting = Counting()
    together = joined({"pooled": Rows([counting])})
    assert counting.read == []
    _ = together[np.array([4, 2])]
    assert counting.read == [4, 2]
