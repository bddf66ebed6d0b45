"""Which columns of numbers name things, and which are quantities."""

import numpy as np
import pytest

from geobench import gazetteer
from geobench.identifiers import names_things

COUNT = 2000


def drawn(high):
    return np.random.default_rng(0).integers(0, int(high), COUNT)


@pytest.mark.parametrize(
    "name",
    [
        *("id", "img_id", "photoID", "imgId", "user id", "sequence-key", "country_code"),
        *("quadtree_10_5000", "Quadtree", "s2_cell", "S2Cell", "h3", "cluster"),
    ],
)
def test_a_column_may_say_by_its_name_that_it_names_things(name):
    assert names_things(name, drawn(1e3))
    assert names_things(name, drawn(1e3).astype(np.float64))
    assert names_things(name, np.where(drawn(2) == 0, np.nan, drawn(1e3)))


@pytest.mark.parametrize(
    "name", ["idea", "humid", "grid", "cells", "code_length", "road_index", "id2", "year", "", "7"]
)
def test_other_names_say_nothing(name):
    assert not names_things(name, drawn(1e3))


@pytest.mark.parametrize(
    "values",
    [
        drawn(1e3) + 0.5,
        drawn(4)[:3],
        drawn(3),
        drawn(1e3).astype(str),
        drawn(2).astype(bool),
        np.full(COUNT, np.nan),
        np.array([], np.int64),
    ],
    ids=["fractions", "few photos", "few values", "strings", "yes or no", "unknown", "none"],
)
def test_by_its_name_alone_no_column_names_things(values):
    assert not names_things("cluster_id", values)


@pytest.mark.parametrize("rows", [np.arange(COUNT), np.arange(COUNT) * 50 + 10**9])
def test_numbers_of_the_photos_name_things_whatever_they_are_called(rows):
    shuffled = np.random.default_rng(1).permutation(rows)
    assert names_things("number", shuffled)
    assert names_things("number", np.append(shuffled.astype(float), np.nan))
    assert not names_things("number", np.append(shuffled, shuffled[0]))


def test_years_altitudes_and_headings_are_quantities():
    for high in (30, 360, 4000):
        assert not names_things("x", drawn(high))


@pytest.mark.parametrize("count", [200, 1000, 14_000])
def test_populations_are_quantities_though_nearly_all_differ(count):
    people = np.sort(gazetteer.load(15_000).population)[::-1][:count]
    assert len(np.unique(people)) > 0.8 * count
    assert not names_things("population", people)


def test_times_are_quantities_though_all_differ():
    rng = np.random.default_rng(2)
    milliseconds = rng.integers(int(1.2e12), int(1.7e12), 100_000)
    assert len(np.unique(milliseconds)) == len(milliseconds)
    for times in (milliseconds, rng.integers(int(1.2e9), int(1.7e9), 5000)):
        assert not names_things("captured_at", times)
