"""The density of a prediction in each cell of a grid, however narrow or wide it is."""

import math
from collections.abc import Iterator

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.partitions import EqualAreaGrid
from geobench.predictions import Density, Drawn, Prediction

ENOUGH = 50
"""Draws that tell a cell's share to 14 %."""
A_FEW = 10
"""Draws that tell it to a third: enough for a colour where places are dear."""

_SIDE = 2  # a side of a cell: a density is looked at in the middles of its quarters
_AT_ONCE = 2500  # draws of each photo
_COARSE = 2 / 3  # of all solves, those that are spread over the whole sphere
_LOOKED_AT = 16  # draws whose densities are solved, to see that they are numbers
_NEIGHBOURS = 4
_BY_CHANCE = 1e-4  # how rarely a cell may hold so many draws, if its middle is to be believed
_TOUCHING = 1e-9  # of the sphere's radius: a place that is solved itself


def cell_log_densities(
    prediction: Prediction, grid: EqualAreaGrid, rng: np.random.Generator, *, draws: int
) -> Floats:
    """The log of each mean density over each cell, nats per steradian, (N, cells).

    Four places of a cell tell a density that is smooth, and miss peaks between them; draws find
    whatever has mass, and scatter. So draws are counted where the density is high, so high that a
    whole cell like this would get ENOUGH of them, and elsewhere its values at four places, each of
    a quarter of the cell, are averaged. The two are added: what is high counts by its draws alone,
    what is low by its values alone, so that no mass counts twice or not at all (the maximum
    heuristic of Veach and Guibas, "Optimally combining sampling techniques for Monte Carlo
    rendering", SIGGRAPH 1995, with values preferred). Without a density all draws are counted.

    A cell that holds nothing of a prediction has minus infinity. One in which a density is not a
    number has NaN: without it a broken prediction would look sound.

    Args:
        prediction: N of them.
        grid: its cells.
        rng: gives the draws.
        draws: of each photo.
    """
    # Densities are compared in logs, and added so: far away from a kernel they are below e^-745.
    of_one_draw = 1 / (draws * geo.SPHERE_AREA / len(grid))
    high = np.log(ENOUGH * of_one_draw)
    counts = np.zeros((len(prediction), len(grid)))
    for start in range(0, draws, _AT_ONCE):
        drawn = _drawn(prediction, min(_AT_ONCE, draws - start), rng)
        cells = grid.assign(drawn.points)
        counted = np.where(np.isnan(drawn.log_prob), np.nan, drawn.log_prob > high)
        counts += [
            np.bincount(own, weights, minlength=len(grid))
            for own, weights in zip(cells, counted, strict=True)
        ]
    with np.errstate(divide="ignore"):
        total = np.log(counts * of_one_draw)
    if isinstance(prediction, Density):
        for points in _middles(grid):
            log_prob = prediction.log_prob(points[None])
            low = np.where(log_prob > high, -np.inf, log_prob)
            with np.errstate(invalid="ignore"):  # what is not a number
                total = np.logaddexp(total, low - 2 * np.log(_SIDE))
    return total


def solved_cell_log_densities(
    prediction: Density,
    grid: EqualAreaGrid,
    rng: np.random.Generator,
    *,
    draws: int,
    solves: int,
) -> Floats:
    """As `cell_log_densities`, of a density that is asked for at `solves` places a photo at most.

    Cells with A_FEW draws are told by their number. Elsewhere the density is solved in the middles
    of cells as large as two thirds of the solves allow, all over the sphere, and then in those
    cells of the grid that hold the most draws, or where there are none left, that promise the most.
    The rest lies between: a mean of the four solved log-densities around it, the nearer the
    weightier (Shepard, "A two-dimensional interpolation function for irregularly-spaced data", ACM
    1968). What is narrower than a cell is told by draws alone: where there are so many that the
    middle does not explain them, by a Poisson test, they count, and no middle stands for more than
    a cell with fewer than A_FEW draws can hold.

    Args:
        prediction: N of them.
        grid: its cells.
        rng: gives the draws.
        draws: of each photo; they are made without their densities, but for a few.
        solves: log-densities that each photo is asked for, 100 or more.
    """
    from scipy.stats import poisson

    coarse = EqualAreaGrid(math.floor(math.sqrt(_COARSE * solves * math.pi / 4)))
    fine = min(solves - len(coarse) - _LOOKED_AT, len(grid))
    drawn = geo.wrap(prediction.sample(draws, rng), name="samples")
    cells = grid.assign(drawn)
    counts = np.stack([np.bincount(own, minlength=len(grid)) for own in cells])
    one_draw = np.log(len(grid) / (draws * geo.SPHERE_AREA))  # of a cell that holds one
    middles, wide = geo.unit_vectors(grid.centres), geo.unit_vectors(coarse.centres)
    highest = np.log(A_FEW) + one_draw
    in_wide = np.minimum(prediction.log_prob(coarse.centres[None]), highest)
    counted = counts >= A_FEW
    rough = np.stack([_between(wide, values, middles) for values in in_wide])
    worth = np.lexsort((-rough, -np.where(counted, -1, counts)))  # cells, the worthiest first
    solved = worth[:, :fine]
    in_solved = np.minimum(prediction.log_prob(grid.centres[solved]), highest)
    found = np.stack(
        [
            _between(np.concatenate([wide, middles[own]]), np.concatenate(values), middles)
            for own, *values in zip(solved, in_wide, in_solved, strict=True)
        ]
    )
    counted |= poisson.sf(counts - 1, np.exp(found - one_draw)) < _BY_CHANCE
    found[counted] = np.log(counts[counted]) + one_draw
    photos, broken = np.nonzero(np.isnan(prediction.log_prob(drawn[:, :_LOOKED_AT])))
    found[photos, cells[photos, broken]] = np.nan
    return found


def _between(places: Floats, values: Floats, wanted: Floats) -> Floats:
    """Values at unit vectors (W, 3) by those (P,) at the nearest of (P, 3): at one of them its own,
    elsewhere a mean of what is finite."""
    from scipy.spatial import KDTree

    distances, nearest = map(np.asarray, KDTree(places).query(wanted, k=_NEIGHBOURS))
    near = values[nearest]
    weights = np.where(np.isneginf(near), 0, 1 / np.maximum(distances, _TOUCHING) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weights * np.where(weights > 0, near, 0)).sum(axis=1) / weights.sum(axis=1)
    mean = np.where((weights > 0).any(axis=1), mean, -np.inf)
    return np.where(distances[:, 0] < _TOUCHING, near[:, 0], mean)


def _drawn(prediction: Prediction, draws: int, rng: np.random.Generator) -> Drawn:
    """Draws on the globe; without a density their log-densities are infinite."""
    if isinstance(prediction, Density):
        points, log_prob = prediction.sample_and_log_prob(draws, rng)
    else:
        points = prediction.sample(draws, rng)
        log_prob = np.full(points.shape[:-1], np.inf)
    return Drawn(geo.wrap(points, name="samples"), log_prob)


def _middles(grid: EqualAreaGrid) -> Iterator[Points]:
    """Places in all cells, (cells, 2), each in the middle of a part of its cell; equal areas."""
    south, west, north, east = grid.bounds().T
    low, high = np.sin(np.deg2rad(south)), np.sin(np.deg2rad(north))
    middles = (np.arange(_SIDE) + 0.5) / _SIDE
    for up in middles:
        lat = np.rad2deg(np.arcsin(low + up * (high - low)))
        for along in middles:
            yield np.stack([lat, west + along * (east - west)], axis=-1)
