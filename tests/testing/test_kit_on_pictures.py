"""The kit on pictures and features: broken ones are caught by the check named for it."""

import numpy as np
import pytest

from complaints import complaints
from geobench import Features
from sound_dataset import COUNT, Harbours, with_methods


def without_broken(self, indices):
    yield from (self.pictures(row) for row in indices if row != COUNT - 1)


def sorted_rows(self, indices):
    yield from Harbours.images(self, np.sort(indices))


def one_buffer(self, indices):
    buffer = np.empty((6, 8, 3), np.uint8)
    for row in indices:
        buffer[:] = self.pictures(row)
        yield buffer


def random_crops(self, indices):
    for row in indices:
        generator = np.random.default_rng(self.__dict__.setdefault("reads", 0))
        self.__dict__["reads"] += len(indices) > 1
        yield np.roll(self.pictures(row), generator.integers(5), axis=1)


def moves_places(self, indices):
    self.table.points[indices] *= 0.5
    yield from Harbours.images(self, indices)


def latitudes(self, indices):
    found = Harbours.features(self, indices).pooled
    latitude = self.table.points[indices, :1].astype(np.float32)
    return Features(np.concatenate([found, 7 - 2 * latitude], axis=1))


def not_a_number(self, indices):
    found = Harbours.features(self, indices).pooled
    return Features(np.where(np.asarray(indices)[:, None] == 0, np.nan, found).astype(np.float32))


def centred(self, indices):
    found = Harbours.features(self, indices).pooled
    return Features(found - found.mean(axis=0))


def each_row_once(self, indices):
    return Harbours.features(self, np.unique(indices))


MUTANTS = {
    "provides something else": (
        with_methods(provides=frozenset({"pictures"})),
        "provides-what-it-names",
        "provides is frozenset({'pictures'})",
    ),
    "features that it does not name": (
        with_methods(provides=frozenset({"images"})),
        "provides-what-it-names",
        "features gives something",
    ),
    "grey pictures": (
        with_methods(images=lambda self, rows: (self.pictures(row)[..., 0] for row in rows)),
        "pictures-are-rgb-bytes",
        "has the shape (6, 8), not (H, W, 3)",
    ),
    "pictures of floats": (
        with_methods(images=lambda self, rows: (self.pictures(row) / 255 for row in rows)),
        "pictures-are-rgb-bytes",
        "float64, not uint8",
    ),
    "broken pictures left out": (
        with_methods(images=without_broken),
        "one-picture-per-row-in-order",
        "12 pictures for 13 rows",
    ),
    "pictures in another order": (
        with_methods(images=sorted_rows),
        "one-picture-per-row-in-order",
        "asked for with others",
    ),
    "one buffer for all pictures": (
        with_methods(images=one_buffer),
        "one-picture-per-row-in-order",
        "a new array for each row",
    ),
    "all pictures at once": (
        with_methods(images=lambda self, rows: [self.pictures(row) for row in rows]),
        "one-picture-per-row-in-order",
        "images gives a list",
    ),
    "random crops": (with_methods(images=random_crops), "pictures-stay-the-same", "read again"),
    "features that are not finite": (
        with_methods(features=not_a_number),
        "features-are-finite",
        "pooled of harbour-00 is not finite",
    ),
    "features relative to others": (
        with_methods(features=centred),
        "features-follow-the-rows",
        "asked for with others than alone",
    ),
    "features of each row once": (
        with_methods(features=each_row_once),
        "features-are-finite",
        "(12, 3) for 13 photos",
    ),
    "the latitude among the features": (
        with_methods(features=latitudes),
        "labels-unseen",
        "column 3 of the pooled features is the latitude",
    ),
    "reading that moves places": (
        with_methods(images=moves_places),
        "reading-leaves-the-table-alone",
        "the column points is another",
    ),
}


@pytest.mark.parametrize("what", MUTANTS)
def test_broken_pictures_and_features_are_caught_by_the_check_named_for_it(what):
    mutant, check, said = MUTANTS[what]
    found = complaints(mutant)
    assert check in found, found
    assert said in found[check]
