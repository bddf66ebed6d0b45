"""Scores of photos that depend on each other within their units."""

import numpy as np


def clustered(seed, *, units=60, seeds=1):
    """Scores (S, N) around 0 with as much variance between units as within, in unequal units."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(units), rng.integers(4, 13, units))
    scores = rng.normal(size=units)[codes] + rng.normal(size=(seeds, codes.size))
    return scores, codes
