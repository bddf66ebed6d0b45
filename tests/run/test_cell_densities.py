"""The mean density over the cells of a grid, against counts of many draws and closed forms."""

import numpy as np
import pytest

from geobench import (
    Atoms,
    Cells,
    EqualAreaGrid,
    Floored,
    LazyDensity,
    Sampled,
    VonMisesFisherMixture,
    geo,
)
from geobench.run.cell_densities import (
    A_FEW,
    ENOUGH,
    cell_log_densities,
    solved_cell_log_densities,
)

GRID = EqualAreaGrid(49)  # of cells 400 km wide
AREA = 4 * np.pi / len(GRID)
DRAWS = 10_000


def rng(seed=0):
    return np.random.default_rng(seed)


def found(prediction, *, draws=DRAWS, seed=0):
    return cell_log_densities(prediction, GRID, rng(seed), draws=draws)


def masses(prediction, **given):
    """The share of each prediction in each cell, (N, cells)."""
    return np.exp(found(prediction, **given)) * AREA


def kernels(width_km, *, count=40, seed=1):
    """Two photos, each of many kernels of one width, with shares from a hundredth to a tenth."""
    drawn = rng(seed)
    means = geo.uniform(2 * count, drawn).reshape(2, count, 2)
    return VonMisesFisherMixture(
        means, geo.concentration_of(width_km), drawn.uniform(1, 9, (2, count))
    )


@pytest.mark.parametrize("width_km", [1.0, 10.0, 60.0, 200.0, 600.0, 2000.0])
def test_the_mass_of_every_cell_is_that_of_many_draws_whatever_the_width_of_kernels(width_km):
    prediction, many = kernels(width_km), 1_000_000
    cells = GRID.assign(prediction.sample(many, rng(2)))
    counted = np.stack([np.bincount(each, minlength=len(GRID)) for each in cells]) / many
    own = masses(prediction)
    error = np.sqrt(counted * (1 / DRAWS + 1 / many))
    assert (np.abs(own - counted) < 5 * error + 1e-4).all()
    np.testing.assert_allclose(own.sum(axis=1), 1, atol=0.02)


def test_what_is_smooth_is_exact_and_does_not_scatter():
    prediction = kernels(2000.0)
    exact = sum(
        np.exp(prediction.log_prob(GRID.sample(np.arange(len(GRID)), rng(seed))[None]))
        for seed in range(100)
    )
    one, other = (np.exp(found(prediction, seed=seed)) for seed in (0, 1))
    np.testing.assert_allclose(one, exact / 100, rtol=0.05)
    np.testing.assert_array_equal(one, other)
    assert abs(one.mean() * 4 * np.pi - 1) < 1e-3


def test_a_peak_between_the_places_that_are_looked_at_is_found():
    south, west, north, east = GRID.bounds()[1500]
    middle = np.array([[[(south + north) / 2, (west + east) / 2]]])
    own = masses(VonMisesFisherMixture(middle, geo.concentration_of(5.0)))[0]
    assert own[1500] == pytest.approx(1)
    assert np.delete(own, 1500).max() < 1e-12


def test_a_peak_at_a_place_that_is_looked_at_counts_once():
    south, west, north, east = GRID.bounds()[1500]
    sines = np.sin(np.deg2rad([south, north]))
    lat = np.rad2deg(np.arcsin(sines[0] + (sines[1] - sines[0]) / 4))
    place = np.array([[[lat, west + (east - west) / 4]]])
    for width in (5.0, 25.0):  # the nearest side of the cell is 100 km away
        own = masses(VonMisesFisherMixture(place, geo.concentration_of(width)))[0]
        assert own[1500] == pytest.approx(1, abs=0.02)


def test_a_density_that_is_even_in_every_cell_is_kept_as_it_is():
    share = rng().random((2, len(GRID)))
    density = Cells(GRID, np.log(share / share.sum(axis=1, keepdims=True)))
    np.testing.assert_allclose(found(density), density.log_prob(GRID.centres[None]))


@pytest.mark.parametrize("height", [0.01, 1.0])
def test_a_low_density_in_a_quarter_of_a_cell_counts_by_a_quarter(height):
    assert height < ENOUGH / (DRAWS * AREA)
    south, west, north, east = GRID.bounds()[1500]
    half = np.rad2deg(np.arcsin(np.sin(np.deg2rad([south, north])).mean()))

    def log_prob(indices, points):
        lat, lon = points[..., 0], points[..., 1]
        inside = (lat > south) & (lat < half) & (lon > west) & (lon < (west + east) / 2)
        return np.where(inside, np.log(height), -np.inf)

    def draw(indices, n, generator):
        return geo.uniform(len(indices) * n, generator).reshape(len(indices), n, 2)

    own = found(LazyDensity(np.zeros((1, 2)), draw, log_prob))[0]
    assert own[1500] == pytest.approx(np.log(height / 4))
    assert np.isneginf(np.delete(own, 1500)).all()


def test_a_floor_is_in_every_cell_whatever_stands_on_it():
    narrow = VonMisesFisherMixture(np.array([[[10.0, 20.0]]]), geo.concentration_of(10.0))
    own = masses(Floored(narrow, 0.2))[0]
    peak = own.argmax()
    assert peak == GRID.assign(np.array([10.0, 20.0]))
    assert own[peak] == pytest.approx(0.8, abs=0.02)
    np.testing.assert_allclose(np.delete(own, peak), 0.2 / len(GRID), rtol=0.01)


def test_of_a_prediction_without_a_density_draws_are_counted():
    places = np.array([[[10.0, 20.0], [-40.0, 100.0]]])
    own = masses(Atoms(places, [[0.7, 0.3]]), draws=3000)[0]
    there = GRID.assign(places[0])
    np.testing.assert_allclose(own[there], [0.7, 0.3], atol=0.04)
    assert own.sum() == pytest.approx(1)
    assert np.isneginf(found(Atoms(places))[0][np.delete(np.arange(len(GRID)), there)]).all()
    beyond = Sampled(np.zeros((1, 2)), lambda i, n, g: np.full((len(i), n, 2), [0.0, 540.0]))
    assert masses(beyond)[0][GRID.assign(np.array([0.0, -180.0]))] == pytest.approx(1)


@pytest.mark.parametrize("concentration", [0.0, 1e-9, 1e12])
def test_no_cell_is_not_a_number(concentration):
    own = found(VonMisesFisherMixture(np.array([[[90.0, 0.0]]]), concentration))
    assert not np.isnan(own).any()
    assert np.exp(own).mean() * 4 * np.pi == pytest.approx(1)


def test_a_density_that_is_not_a_number_does_not_look_like_none():
    place = np.array([[10.0, 20.0]])

    def draw(indices, n, generator):
        return np.tile(place, (len(indices), n, 1))

    def log_prob(indices, points):
        return np.where((points == place).all(axis=-1), np.nan, -np.inf)

    own = found(LazyDensity(place, draw, log_prob))[0]
    assert np.flatnonzero(np.isnan(own)).tolist() == GRID.assign(place).tolist()


class Solved:
    """A sound prediction whose density is solved, and the number of places it is asked for."""

    def __init__(self, sound):
        self.sound, self.asked = sound, 0

    def log_prob(self, indices, points):
        self.asked += points.shape[1]
        return self.sound.take(indices).log_prob(points)

    def cells(self, *, share=0.0, solves=1000):
        lazy = LazyDensity(
            self.sound.point(), lambda i, n, g: self.sound.take(i).sample(n, g), self.log_prob
        )
        prediction = Floored(lazy, share) if share else lazy
        assert prediction.density_is_solved
        return solved_cell_log_densities(prediction, GRID, rng(3), draws=2500, solves=solves)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("width_km", [10.0, 60.0, 200.0, 600.0, 2000.0])
def test_a_thousand_solves_of_a_photo_tell_its_cells_whatever_the_width_of_kernels(width_km, share):
    sound = kernels(width_km)
    solved = Solved(sound)
    own = np.exp(solved.cells(share=share)) * AREA
    assert 900 < solved.asked <= 1000
    many = masses(Floored(sound, share) if share else sound, draws=50_000)
    assert 0.5 * np.abs(own - many).sum(axis=1).max() < 0.15
    np.testing.assert_allclose(own.sum(axis=1), 1, atol=0.1)


def test_more_solves_than_there_are_cells_look_at_every_middle():
    sound = kernels(2000.0)
    solved = Solved(sound)
    own = solved.cells(solves=20_000)
    assert solved.asked < 20_000
    assert np.exp(own).max() * 2500 * AREA < A_FEW  # so that no cell is told by draws
    np.testing.assert_allclose(own, sound.log_prob(GRID.centres[None]), rtol=1e-9)


@pytest.mark.parametrize("width_km", [1.0, 10.0])
def test_many_peaks_with_few_draws_each_keep_their_mass(width_km):
    own = np.exp(Solved(kernels(width_km, count=500)).cells()) * AREA
    np.testing.assert_allclose(own.sum(axis=1), 1, atol=0.1)


def test_a_peak_in_the_middle_of_a_cell_stands_for_its_mass_alone():
    means = np.array([[GRID.centres[1500], [-40.0, 100.0]]])
    sound = VonMisesFisherMixture(means, geo.concentration_of(10.0), [[0.001, 0.999]])
    own = np.exp(Solved(sound).cells())[0] * AREA
    assert own[1500] < 1.001 * A_FEW / 2500
    assert own.sum() == pytest.approx(1, abs=0.1)


def test_a_cheap_density_is_not_solved():
    assert not kernels(100.0).density_is_solved
    assert not Floored(kernels(100.0), 0.1).density_is_solved


def test_where_nothing_is_there_is_nothing_and_what_is_not_a_number_stays():
    def half(value):
        def log_prob(indices, points):
            return np.where(points[..., 0] < 0, value, -np.log(2 * np.pi))

        def draw(indices, n, generator):
            points = geo.uniform(len(indices) * n, generator).reshape(len(indices), n, 2)
            return np.stack([np.abs(points[..., 0]), points[..., 1]], axis=-1)

        lazy = LazyDensity(np.zeros((1, 2)), draw, log_prob)
        return solved_cell_log_densities(lazy, GRID, rng(), draws=2500, solves=1000)[0]

    south = GRID.centres[:, 0] < -10
    assert np.isneginf(half(-np.inf)[south]).all()
    assert np.isnan(half(np.nan)[south]).all()
    np.testing.assert_allclose(half(-np.inf)[GRID.centres[:, 0] > 10], -np.log(2 * np.pi))


def test_a_solved_density_that_is_not_a_number_where_it_draws_does_not_look_sound():
    place = np.array([[10.0, 20.0]])
    near = np.tile([place[0], place[0] + 0.01], (1250, 1))  # in the same cell, by turns
    lazy = LazyDensity(
        place,
        lambda i, n, g: np.tile(near[:n], (len(i), 1, 1)),
        lambda i, points: np.where((points == place).all(axis=-1), np.nan, -np.inf),
    )
    own = solved_cell_log_densities(lazy, GRID, rng(), draws=2500, solves=1000)[0]
    assert np.flatnonzero(np.isnan(own)).tolist() == GRID.assign(place).tolist()
