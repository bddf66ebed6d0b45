"""A board whose only methods are files of answers made elsewhere: nothing trains on it."""

import csv

import numpy as np

import small_run

PHOTOS = 60
PART = "official/test"
AWKWARD = ["007", "12e4", "NA", "nan", "=1+1", "a, b", 'say "cheese"', "京都.jpg", "-0", "1_000"]
"""Ids that a careless writer or reader changes."""


def made(root, *, name="outside", more=(), metrics="distance, geoscore, accuracy, energy", **keys):
    """The folder of a board of two files of answers, and of `more` entries of methods."""
    rng = np.random.default_rng(3)
    ids = [*AWKWARD, *(f"album/photo-{number}.jpg" for number in range(PHOTOS - len(AWKWARD)))]
    lat, lon = rng.uniform(-60, 60, PHOTOS), rng.uniform(-170, 170, PHOTOS)
    write(root / "truth.csv", ["id", "lat", "lon", "part"], [ids, lat, lon, ["test"] * PHOTOS])
    for label, spread in (("near", 2), ("far", 8)):
        at = [lat + rng.normal(0, spread, PHOTOS), lon + rng.normal(0, spread, PHOTOS)]
        write(root / f"{label}.csv", ["id", "lat", "lon"], [ids, *at])
    outside = [
        f"{{name: predictions, label: {each}, file: {each}.csv}}" for each in ("near", "far")
    ]
    settings = "".join(f", {key}: {value}" for key, value in keys.items())
    text = (
        f"benchmarks: [{{name: {name}, dataset: {{name: table, file: truth.csv{settings}}}, "
        f"splits: [official], metrics: [{metrics}], methods: [{', '.join([*outside, *more])}]}}]"
    )
    return small_run.board(root, text, figures=True)


def write(path, head, columns):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(zip(*columns, strict=True))
