"""The truth of photos of which only the places are known."""

import numpy as np

from geobench import Truth


def truth(points):
    """No labels, and no training place to be far from; points (N, 2)."""
    points = np.asarray(points, np.float64)
    return Truth(points, {}, np.full(len(points), np.nan))
