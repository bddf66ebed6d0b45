"""What kind of country a view shows: clusters of colour and texture."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from geobench import Points, geo
from geobench_bluemarble.views import BLOCK_PIXELS, World, render

_SIZE = 12
_RESTARTS = 4
_STEPS = 40
_SEED = 0


def describe(earth: World, points: Points, *, width_km: float) -> geo.Floats:
    """Colour and texture around each of `points` (N, 2), from a coarse view of 12 x 12 pixels.

    Returns:
        (N, 8): mean of red, green and blue, their standard deviations, and the mean absolute
        difference of brightness from pixel to pixel eastwards and southwards; levels of 0..255.
    """
    described = np.empty((len(points), 8))
    step = BLOCK_PIXELS // _SIZE**2
    for start in range(0, len(points), step):
        rows = slice(start, start + step)
        # Double precision here: a pixel that rounds differently on another machine could move
        # a town to another scene, and with it the digest of the dataset.
        views = render(
            earth,
            points[rows],
            size=_SIZE,
            km_per_pixel=width_km / _SIZE,
            dtype=np.float64,
        ).astype(np.float64)
        brightness = views.mean(axis=3)
        described[rows, :3] = views.mean(axis=(1, 2))
        described[rows, 3:6] = views.std(axis=(1, 2))
        described[rows, 6] = np.abs(np.diff(brightness, axis=2)).mean(axis=(1, 2))
        described[rows, 7] = np.abs(np.diff(brightness, axis=1)).mean(axis=(1, 2))
    return described


def cluster(described: geo.Floats, count: int) -> NDArray[np.str_]:
    """Labels (N,) "00", "01", ... of k-means clusters, the largest first.

    Columns are standardised; the best of four restarts from k-means++ (Arthur and Vassilvitskii,
    2007) is taken. Labels come from centres rounded to a thousandth of a standard deviation, so
    that the last digit of a sum, which differs between machines, decides nothing. There are
    fewer than `count` clusters where fewer descriptions differ.

    Args:
        described: (N, D) numbers.
        count: how many clusters, at most 100.
    """
    spread = described.std(axis=0)
    scaled = (described - described.mean(axis=0)) / np.where(spread > 0, spread, 1)
    scaled = np.round(scaled, 9)
    count = min(count, len(np.unique(scaled, axis=0)))
    rng = np.random.default_rng(_SEED)
    best, centres = np.inf, scaled[:1]
    for _ in range(_RESTARTS):
        with warnings.catch_warnings():
            # An emptied cluster keeps its centre and comes last.
            warnings.filterwarnings("ignore", "One of the clusters is empty")
            found, _ = kmeans2(scaled, count, iter=_STEPS, minit="++", seed=rng)
        cost = round(float(_squared_distances(scaled, found).min(axis=1).mean()), 6)
        if cost < best:
            best, centres = cost, found
    centres = np.round(centres, 3)
    nearest = _squared_distances(scaled, centres).argmin(axis=1)
    sizes = np.bincount(nearest, minlength=count)
    order = np.lexsort((*centres.T, -sizes))
    rank = np.empty(count, np.intp)
    rank[order] = np.arange(count)
    labels: NDArray[np.str_] = np.array([f"{k:02d}" for k in range(count)])[rank[nearest]]
    return labels


def _squared_distances(values: geo.Floats, centres: geo.Floats) -> geo.Floats:
    distances = np.zeros((len(values), len(centres)))
    for value, centre in zip(values.T, centres.T, strict=True):
        distances += (value[:, None] - centre) ** 2
    return distances
