"""Random states: whatever is drawn or seeded inside, they are afterwards what they were."""

import random

import numpy as np
import pytest
import torch

from geobench import random_states


def drawn():
    return [random.random(), float(np.random.random()), float(torch.rand(1))]


@random_states.kept()
def draw_and_fail():
    random_states.seed(4)
    drawn()
    raise ZeroDivisionError


def test_states_are_put_back_even_after_an_error():
    with random_states.kept():
        random_states.seed(3)
        expected = drawn()
        random_states.seed(3)
        with pytest.raises(ZeroDivisionError):
            draw_and_fail()
        assert drawn() == expected


def test_they_are_seeded_alike_and_told_by_the_name_of_whose_they_are():
    with random_states.kept():
        random_states.seed(5)
        first = random_states.now()
        random_states.seed(5)
        second = random_states.now()
    assert list(first) == ["Python", "numpy", "torch"]
    assert first["Python"] == second["Python"]
    assert first["numpy"][1].tolist() == second["numpy"][1].tolist()
    assert first["torch"].equal(second["torch"])
