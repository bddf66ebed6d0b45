"""Offsets in cells, kernels at them, and their width."""

import numpy as np
import pytest

from geobench import geo
from geobench_cells import AdaptiveS2
from geobench_cells.quadtree import Quadtree
from geobench_grid.offsets import CellFrames, LikeliestPlaces, least


def places(count=4000, seed=0):
    rng = np.random.default_rng(seed)
    towns = np.array([[48.0, 2.0], [-17.0, 179.9], [89.0, 10.0], [-89.5, 0.0], [5.0, -75.0]])
    chosen = towns[rng.integers(len(towns), size=count)]
    return geo.destination(chosen, rng.uniform(0, 360, count), rng.exponential(800, count))


def framed(kind, points):
    partition = kind.fit(points, max_photos=60, max_level=10)
    own = partition.assign(points)
    cells = np.unique(own)
    return partition, CellFrames.of(partition, cells, partition.centres[cells]), own, cells


@pytest.mark.parametrize("kind", [AdaptiveS2, Quadtree])
def test_places_and_offsets_are_each_others_inverse_at_poles_and_the_date_line_too(kind):
    points = places()
    _, frames, own, cells = framed(kind, points)
    classes = np.searchsorted(cells, own)
    again = frames.places(classes, frames.offsets(classes, points))
    assert geo.distance_km(again, points).max() < 1e-5
    several = np.tile(classes[:, None], (1, 3))
    offsets = np.random.default_rng(0).uniform(-1, 1, (*several.shape, 2))
    moved = frames.places(several, offsets)
    small = np.hypot(*frames.half_km.T)[several] < 0.4 * np.pi * geo.EARTH_RADIUS_KM
    np.testing.assert_allclose(frames.offsets(several, moved)[small], offsets[small], atol=1e-6)


def test_an_offset_of_one_is_the_edge_of_a_small_rectangle():
    points = places()
    partition, frames, _, cells = framed(Quadtree, points)
    south, west, north, east = partition.bounds[cells].T
    middle_lat, middle_lon = (south + north) / 2, (west + east) / 2
    small = (north - south < 2) & (east - west < 2) & (np.abs(middle_lat) < 60)
    assert small.sum() > 5
    classes = np.flatnonzero(small)
    edges = {
        (1, 0): (north, middle_lon),
        (-1, 0): (south, middle_lon),
        (0, 1): (middle_lat, east),
        (0, -1): (middle_lat, west),
    }
    for offset, (lat, lon) in edges.items():
        found = frames.places(classes, np.tile(offset, (len(classes), 1)).astype(float))
        edge = np.stack([lat, lon], axis=-1)[small]
        assert geo.distance_km(found, edge).max() < 3  # a parallel is no great circle


def test_cells_that_are_no_rectangles_are_taken_as_squares_of_their_area():
    points = places()
    partition, frames, _, cells = framed(AdaptiveS2, points)
    side = np.sqrt(partition.areas[cells]) * geo.EARTH_RADIUS_KM
    np.testing.assert_allclose(frames.half_km, np.stack([side, side], -1) / 2, rtol=1e-12)


def test_a_frame_reaches_to_the_place_of_its_class():
    whole = Quadtree.fit(np.empty((0, 2)), max_photos=1)
    for place in ((12.0, -180.0), (-90.0, 0.0), (80.0, 179.0), (0.0, 0.0)):
        frames = CellFrames.of(whole, np.zeros(1, int), np.array([place]))
        offset = frames.offsets(np.zeros(1, int), np.array([place]))
        assert np.abs(offset).max() <= 1
        assert geo.distance_km(frames.places(np.zeros(1, int), offset), [place]) < 1e-5


def found():
    rng = np.random.default_rng(0)
    masses = -np.sort(-rng.dirichlet(np.ones(3), 5), axis=-1) * 0.9
    scales = rng.uniform(0.01, 0.2, (5, 3))
    return LikeliestPlaces(np.zeros((5, 3), int), masses, geo.uniform((5, 3), rng), scales)


def test_kernels_lie_at_the_places_are_as_wide_as_their_cells_and_their_weights_sum_to_one():
    likely = found()
    density = likely.density(0.5)
    np.testing.assert_allclose(density.means, likely.places, atol=1e-12)
    np.testing.assert_allclose(density.concentrations, 4 / likely.scales**2)
    np.testing.assert_allclose(density.weights.sum(axis=1), 1)
    np.testing.assert_allclose(density.weights, likely.masses / 0.9)
    np.testing.assert_array_equal(density.point(), likely.places[:, 0])
    # Per axis a kernel has that standard deviation: by its samples.
    (first,) = likely.density(0.5).take(np.zeros(1, int)).sample(20_000, np.random.default_rng(1))
    away = geo.distance_km(first[:, None], likely.places[0]).min(axis=1) / geo.EARTH_RADIUS_KM
    nearest = geo.distance_km(first[:, None], likely.places[0]).argmin(axis=1)
    for k in range(3):
        own = away[nearest == k]
        if len(own) > 500:
            assert np.sqrt((own**2).mean() / 2) == pytest.approx(likely.scales[0, k] / 2, rel=0.1)


@pytest.mark.parametrize("width", [1e-9, 1e9])
def test_widths_without_end_stay_within_what_the_mixture_is_exact_for(width):
    density = found().density(width)
    assert density.concentrations.min() >= 1e-6
    assert density.concentrations.max() <= 1e6
    assert np.isfinite(density.log_prob(found().places)).all()


@pytest.mark.parametrize("best", [1e-2, 0.29, 1.0, 40.0])
def test_the_least_of_a_loss_is_found_to_a_thousandth(best):
    assert least(lambda width: np.log(width / best) ** 2) == pytest.approx(best, rel=2e-3)
    wavy = least(lambda w: np.log(w / best) ** 2 + 0.3 * np.cos(9 * np.log(w / best) + np.pi))
    assert wavy == pytest.approx(best, rel=2e-3)
