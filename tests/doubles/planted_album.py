"""A dataset in which faults are planted: places, pictures, and pictures saved again."""

import io
from functools import cache

import numpy as np
from PIL import Image

from geobench import Dataset, Table, distance_km, gazetteer, geo


class Album(Dataset):
    """Places, and pictures if there are any."""

    name = "album"

    def __init__(
        self,
        points,
        pictures=None,
        *,
        prefix="photo",
        reach_km=0.0,
        publishes="pictures",
        promised=0,
        broken=None,
        **columns,
    ):
        super().__init__()
        points = np.asarray(points, dtype=float).reshape(-1, 2)
        ids = np.array([f"{prefix}-{number:04d}" for number in range(len(points))])
        lists = {name: np.asarray(c) for name, c in columns.items() if isinstance(c, list)}
        columns |= lists
        self._table = Table(
            **({"ids": ids, "points": points, "groups": ids} | columns),
            promised=promised,
            broken=broken or {},
        )
        self.pictures = pictures
        self._reach_km, self._publishes = reach_km, publishes

    reach_km = property(lambda self: self._reach_km)
    publishes = property(lambda self: self._publishes)
    provides = property(lambda self: frozenset({"images"} if self.pictures else ()))

    def load(self):
        return self._table

    def images(self, indices):
        for index in indices:
            yield self.pictures[index]


def photo(number, side=64):
    """A picture of 1/f noise in colours, as landscapes have it; another for every number."""
    rng = np.random.default_rng([7, number])
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        noise = rng.normal(size=(side, side // 2 + 1)) + 1j * rng.normal(size=(side, side // 2 + 1))
        plane = np.fft.irfft2(noise / frequency, (side, side))
        planes.append(128 + 40 * plane / plane.std())
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def saved_again(picture, *, quality=80, scale=1.0):
    shown = Image.fromarray(picture)
    width, height = (round(scale * side) for side in shown.size)
    stream = io.BytesIO()
    shown.resize((width, height)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def places(count, seed=0):
    return geo.uniform(count, np.random.default_rng(seed))


@cache
def towns():
    """Towns, and those of them whose swapped place is far from every town."""
    found = gazetteer.load(1000).points
    some = found[np.random.default_rng(0).permutation(len(found))[:220]]
    some = some[(np.abs(some[:, 1]) <= 90) & (some != np.rint(some)).any(axis=1)]
    away = np.array([distance_km(point, found).min() for point in some[:, ::-1]])
    return some, some[away > 250]
