"""Counts of neighbours: those of scipy's tree, and of a comparison of all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from geobench import geo
from geobench.neighbour_counts import LEAF, count_within


def crowded(count, rng):
    """Unit vectors in a few crowds, at the poles, on the date line, and some twice."""
    centres = geo.uniform(5, rng)
    points = centres[rng.integers(5, size=count)] + rng.normal(0, 0.3, (count, 2))
    points[: count // 10] = [90, 0]
    points[count // 10 : count // 5, 1] = -180
    points[count - count // 4 :] = points[: count // 4]
    return geo.unit_vectors(np.clip(points, [-90, -180], [90, 180]))


@settings(max_examples=40)
@given(
    points=st.integers(1, 400),
    places=st.integers(1, 900),
    chord=st.sampled_from([0.0, 1e-7, 0.003, 0.05, 1.0, 1.5, 2.0, np.inf]),
    seed=st.integers(0, 1000),
)
def test_they_are_those_of_all_pairs(points, places, chord, seed):
    rng = np.random.default_rng(seed)
    ours, theirs = crowded(points, rng), crowded(places, rng)
    away = ours[:, None] - theirs
    wanted = ((away**2).sum(axis=-1) <= chord**2).sum(axis=1)
    np.testing.assert_array_equal(count_within(ours, theirs, chord), wanted)


@pytest.mark.parametrize("radius_km", [1.0, 200.0, 3000.0])
def test_of_many_points_they_are_those_of_a_tree(radius_km):
    rng = np.random.default_rng(3)
    ours, theirs = crowded(70_000, rng), crowded(9_000 + LEAF // 2, rng)
    chord = 2 * np.sin(radius_km / geo.EARTH_RADIUS_KM / 2)
    found = cKDTree(theirs).query_ball_point(ours, chord, return_length=True)
    np.testing.assert_array_equal(count_within(ours, theirs, chord), found)


@pytest.mark.parametrize("points", [20, 4000])
def test_places_count_few_points_and_many_alike(points):
    rng = np.random.default_rng(4)
    places = geo.Places(geo.uniform(3000, rng))
    asked = geo.uniform(points, rng)
    wanted = (geo.distance_km(asked[:, None], places.points) <= 800).sum(axis=1)
    np.testing.assert_array_equal(places.count_within(asked, 800.0), wanted)
