"""Small densities that tests of predictions work out by hand."""

import numpy as np

from geobench import Cells, EqualAreaGrid

LOG_UNIFORM = -np.log(4 * np.pi)


def rng(seed=0):
    return np.random.default_rng(seed)


def cells_prediction(rows=4, count=3):
    grid = EqualAreaGrid(rows)
    scores = rng(5).normal(0, 1.5, (count, len(grid)))
    return Cells(grid, scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
