"""Scores of photos that depend on each other within their units."""

import numpy as np
from numpy.typing import NDArray

from geobench.geo import Floats


def clustered(seed: int, *, units: int = 60, seeds: int = 1) -> tuple[Floats, NDArray[np.int64]]:
    """Scores (S, N) around 0 with as much variance between units as within, in unequal units."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(units), rng.integers(4, 13, units))
    scores = rng.normal(size=units)[codes] + rng.normal(size=(seeds, codes.size))
    return scores, codes
