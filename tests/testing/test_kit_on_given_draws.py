"""The kit on draws that were made elsewhere: calls may share them, and what is said must hold."""

from types import SimpleNamespace

import numpy as np
import pytest

from geobench import geo
from geobench.testing import Failure
from geobench.testing.check import Skip
from geobench.testing.independence_checks import draws_are_independent
from geobench_basics.methods.given_draws import GivenDraws

PHOTOS = 40


class Fewer(GivenDraws):
    """Says that there are half as many draws as there are."""

    draws_given = property(lambda self: self._counts // 2)


class Many(GivenDraws):
    """Says that there are more draws than any test could see."""

    draws_given = property(lambda self: self._counts * 1_000_000)


def subject(plugin, draws):
    places = geo.uniform((PHOTOS, draws), np.random.default_rng(0))
    made = plugin(places[:, 0], places, np.full(PHOTOS, draws))
    return SimpleNamespace(prediction=made)


def test_calls_may_share_draws_that_were_given():
    with pytest.raises(Skip, match="made elsewhere"):
        draws_are_independent(subject(GivenDraws, 16))


def test_who_says_that_draws_are_fewer_than_they_are_is_told():
    with pytest.raises(Failure, match=r"has 8 draws, and they lie at 1[0-6] places"):
        draws_are_independent(subject(Fewer, 16))


def test_to_have_very_many_draws_does_not_keep_the_kit_from_looking():
    with pytest.raises(Failure, match="depend on each other"):
        draws_are_independent(subject(Many, 16))
    assert draws_are_independent(subject(GivenDraws, 4000)).startswith("p = ")
