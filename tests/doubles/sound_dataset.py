"""A good dataset, and ways to break it."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from geobench import BrokenPicture, Config, Dataset, Features, InputPath, Table, geo

COUNT = 30


class HarboursConfig(Config):
    root: InputPath


class Harbours(Dataset):
    """Harbours in a folder: a CSV of places, and pictures in an array."""

    name = "harbours"
    Config = HarboursConfig
    licence = "CC0-1.0"
    citation = "Nobody, 2024"

    @classmethod
    def tiny(cls, folder):
        rng = np.random.default_rng(0)
        with (folder / "harbours.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(geo.uniform(COUNT, rng).tolist())
        np.save(folder / "pictures.npy", rng.integers(0, 256, (COUNT, 6, 8, 3), dtype=np.uint8))
        return cls.Config(root=folder)

    @property
    def provides(self):
        return frozenset({"images", "features"})

    def load(self):
        with (Path(self.config.root) / "harbours.csv").open() as stream:
            points = np.array([[float(value) for value in row] for row in csv.reader(stream)])
        ids = np.array([f"harbour-{row:02d}" for row in range(COUNT)])
        return Table(
            ids=ids,
            points=points,
            groups=ids,
            attributes={"country": np.where(points[:, 1] > 0, "NA", ""), "depth": points[:, 0] / 3},
            promised=COUNT + 2,
            broken={"no place": 2},
        )

    def pictures(self, rows):
        return np.load(Path(self.config.root) / "pictures.npy")[rows]

    def images(self, indices):
        for row in indices:
            yield BrokenPicture("cut short") if row == COUNT - 1 else self.pictures(row)

    def features(self, indices):
        return Features(self.pictures(indices).mean(axis=(1, 2)).astype(np.float32))


def with_table(**changes):
    """The harbours with some columns replaced: column -> function of the table."""

    class Mutant(Harbours):
        def load(self):
            table = super().load()
            return replace(table, **{name: change(table) for name, change in changes.items()})

    return Mutant


def with_methods(**methods):
    """The harbours with some methods replaced."""
    return type("Mutant", (Harbours,), methods)
