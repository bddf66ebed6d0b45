"""Places to split, with photos at the poles and across the date line, and what was made of them."""

from typing import final

import numpy as np

from geobench import Dataset, Table, geo


@final
class Places(Dataset):
    """Places alone."""

    name = "places"

    def __init__(self, points, groups=None, part=None, reach_km=0.0, attributes=None):
        super().__init__()
        self._points, self._groups, self._part = points, groups, part
        self._reach_km, self._attributes = reach_km, attributes or {}

    @property
    def reach_km(self):
        return self._reach_km

    def load(self):
        ids = np.array([f"photo-{index}" for index in range(len(self._points))])
        groups = ids if self._groups is None else np.asarray(self._groups)
        part = None if self._part is None else np.asarray(self._part)
        attributes = {name: np.asarray(column) for name, column in self._attributes.items()}
        return Table(ids=ids, points=self._points, groups=groups, part=part, attributes=attributes)


def towns(count, *, seed=0, spread_km=500.0):
    """Places clustered around a few random ones, the poles and the date line."""
    rng = np.random.default_rng(seed)
    special = np.array([[90.0, 0.0], [-90.0, 0.0], [10.0, 179.99], [-60.0, -180.0]])
    centres = np.concatenate([special, geo.uniform(max(count // 40, 4), rng)])
    chosen = centres[rng.integers(0, len(centres), count)]
    return geo.destination(chosen, rng.uniform(0, 360, count), rng.exponential(spread_km, count))


def far_and_wide(count, *, seed=0, twice=0.2):
    """Towns, of which a share are photographed twice at exactly the same place."""
    rng = np.random.default_rng([seed, 1])
    points = towns(count, seed=seed)
    again = rng.random(count) < twice
    points[again] = points[rng.integers(0, count, again.sum())]
    return points


def sizes(drawn):
    """Part -> how many photos it has."""
    return {part.name: len(part) for part in drawn.all_parts}


def everything(drawn):
    """The rows of all parts and of what is left out, sorted."""
    home = [part.rows for part in drawn.all_parts if part.dataset is drawn.train.dataset]
    return sorted(np.concatenate([*home, *drawn.left_out.values()]).tolist())
