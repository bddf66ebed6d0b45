"""Where photos were taken: around a few towns, and at the awkward places of the sphere."""

import numpy as np

from geobench import geo


def towns(count=3000, seed=0):
    """Points around a few places, with repeats, a pole and the date line."""
    rng = np.random.default_rng(seed)
    middles = np.array([[48.0, 2.0], [40.0, -74.0], [-1.0, 36.0], [65.0, 179.9], [-90.0, 0.0]])
    chosen = middles[rng.integers(len(middles), size=count)]
    spread = rng.exponential(400, count)
    points = geo.destination(chosen, rng.uniform(0, 360, count), spread)
    points[: count // 100] = points[0]
    return points


def awkward_points():
    """Random points, poles, the date line, and edges and corners of a cube's faces."""
    rng = np.random.default_rng(1)
    corner = np.rad2deg(np.arctan(np.sqrt(0.5)))
    special = [
        [90, 0], [-90, 0], [90, 123], [0, 0], [0, -180], [12, -180], [0, 90], [0, -90],
        [0, 45], [10, 45], [-20, -135], [45, 0], [-45, 90], [corner, 45], [-corner, -45],
        [0, np.nextafter(180, 0)], [1e-12, -1e-12],
    ]  # fmt: skip
    return np.concatenate([geo.uniform(3000, rng), np.array(special, dtype=float)])
