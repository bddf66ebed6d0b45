"""What a configuration says of cells and levels, and what it must not say."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from geobench import geo
from geobench_cells import config
from geobench_cells.config import LevelsChoice, PartitionChoice

KEYS = {
    "max_photos": ("s2", "quadtree"),
    "max_level": ("s2", "quadtree"),
    "depth": ("healpix",),
    "cells": ("k-means",),
}
OWN = {"s2": "max_photos", "quadtree": "max_photos", "healpix": "depth", "k-means": "cells"}
POINTS = geo.uniform(400, np.random.default_rng(0))


@pytest.mark.parametrize("partition", OWN)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_another_kind_is_an_error_that_names_both(partition, key):
    said = {"partition": partition, key: 7}
    if partition in KEYS[key]:
        assert getattr(PartitionChoice(**said), key) == 7
        return
    with pytest.raises(ValidationError) as raised:
        PartitionChoice(**said)
    kinds = " and ".join(KEYS[key])
    assert f"{key} is of {kinds}: `partition: {partition}` takes {OWN[partition]}" in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"max_photos": (10, 10)}, "fall"),
        ({"max_photos": (10, 20)}, "fall"),
        ({"partition": "quadtree", "max_photos": (50, 20, 30)}, "fall"),
        ({"partition": "healpix", "depth": (3, 1)}, "rise"),
        ({"partition": "healpix", "depth": (3, 3)}, "rise"),
        ({"partition": "k-means", "cells": (100, 50)}, "rise"),
    ],
)
def test_levels_out_of_order_are_an_error_that_says_how_they_go(said, word):
    *_, (key, values) = said.items()
    with pytest.raises(ValidationError) as raised:
        LevelsChoice(**said)
    assert f"{key} are {list(values)}; from coarse to fine they must {word}" in str(raised.value)


@pytest.mark.parametrize(
    "said",
    [
        {"max_photos": 0},
        {"partition": "healpix", "depth": 13},
        {"partition": "k-means", "cells": 0},
        {"partition": "hexagons"},
        {"min_photos": 0},
    ],
)
def test_values_out_of_range_are_errors(said):
    *_, key = said
    with pytest.raises(ValidationError, match=key):
        PartitionChoice(**said)


def test_without_its_package_healpix_is_an_error_with_the_pip_command(monkeypatch):
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    with pytest.raises(ValidationError) as raised:
        PartitionChoice(partition="healpix")
    assert "healpix-geo, which is not installed" in str(raised.value)
    assert "pip install 'geobench-geolocation[methods]'" in str(raised.value)
    assert PartitionChoice(partition="s2").partition == "s2"
    stored = {"partition": "healpix", "depth": 3, "max_photos": 12, "cells": 9}
    assert PartitionChoice.from_stored(stored).depth == 3


@pytest.mark.parametrize("choice", [PartitionChoice, LevelsChoice])
@pytest.mark.parametrize("partition", OWN)
def test_what_is_stored_shows_every_field_and_is_read_without_complaint(choice, partition):
    made = choice(partition=partition)
    assert choice.from_stored(made.model_dump()) == made


def test_a_stored_configuration_without_a_partition_is_of_s2():
    stored = {"max_photos": 30, "min_photos": 4, "max_level": 9}
    read = PartitionChoice.from_stored(stored)
    assert read == PartitionChoice(**stored)
    assert read.partition == "s2"


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ({"max_photos": 50}, 8, 100),
        ({"partition": "quadtree", "max_photos": 50}, 8, 100),
        ({"partition": "healpix", "depth": 2}, 192, 192),
        ({"partition": "k-means", "cells": 30}, 30, 30),
    ],
)
def test_each_kind_gives_its_partition(said, least, most):
    choice = PartitionChoice(**said)
    (partition,) = choice.partitions(POINTS)
    assert partition.kind == choice.partition
    assert least <= len(partition) <= most


@pytest.mark.parametrize(
    "said",
    [
        {"max_photos": (200, 60, 20)},
        {"partition": "quadtree", "max_photos": (200, 60, 20)},
        {"partition": "healpix", "depth": (0, 1, 3)},
        {"partition": "k-means", "cells": (4, 12, 40)},
    ],
)
def test_each_kind_gives_nested_partitions(said):
    partitions = LevelsChoice(**said).partitions(POINTS)
    assert len(partitions) == 3
    for coarse, fine in pairwise(partitions):
        np.testing.assert_array_equal(fine.parents[fine.assign(POINTS)], coarse.assign(POINTS))
