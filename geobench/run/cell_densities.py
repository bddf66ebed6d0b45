"""The mean density of a prediction over each cell of a grid, however narrow or wide it is."""

from collections.abc import Iterator

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.partitions import EqualAreaGrid
from geobench.predictions import Density, Drawn, Prediction

ENOUGH = 50
"""Draws that tell a cell's share to 14 %."""

_SIDE = 2  # a side of a cell: a density is looked at in the middles of its quarters
_AT_ONCE = 2500  # draws of each photo


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
