"""Answers with all that can be said along with them, from a file to a board."""

import csv

import numpy as np

import small_run

PHOTOS, PART = 40, "official/test"
SECRET = "a secret reason"
TOLD = ["id", "lat", "lon", "confidence", "seconds", "cost", "explanation"]


def truth():
    """Where the photos were taken, (PHOTOS, 2)."""
    rng = np.random.default_rng(1)
    return np.stack([rng.uniform(-60, 60, PHOTOS), rng.uniform(-170, 170, PHOTOS)], 1).round(4)


def guesses():
    """What is answered, (PHOTOS, 2): some on the spot, some far off."""
    rng = np.random.default_rng(2)
    away = np.where(np.arange(PHOTOS) % 3, 0.5, 9)[:, None] * rng.normal(0, 1, (PHOTOS, 2))
    return (truth() + away).round(4)


def told_rows():
    """A row per photo, as in a file of answers: some cells are blank, some photos declined."""
    rng, found = np.random.default_rng(3), []
    for photo, (lat, lon) in enumerate(guesses().tolist()):
        row = [f"p{photo:02d}", lat, lon, photo % 11 / 10, round(rng.gamma(2, 2), 3)]
        row += [round(rng.gamma(2, 0.01), 5), f"{SECRET} №{photo}: a « church », and\na sign"]
        if photo % 10 == 7:
            row[1:4] = "NA", "", ""  # declined, and no confidence stated
        if photo % 10 == 4:
            row[4:] = "", "N/A", ""
        found.append(row)
    return found


def write(path, rows, head=TOLD):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([head, *rows])


def files(root, *, more=(), publishes="coordinates", metrics="distance, stated-confidence"):
    """The text of the benchmark of `board`, whose files are written."""
    rows = [[f"p{i:02d}", *place] for i, place in enumerate(truth().tolist())]
    write(root / "truth.csv", rows, ["id", "lat", "lon"])
    write(root / "told.csv", told_rows())
    write(root / "silent.csv", rows[::-1], ["id", "lat", "lon"])
    methods = [
        "{name: predictions, label: told, file: told.csv, missing: farthest, cost_unit: EUR}",
        "{name: predictions, label: silent, file: silent.csv}",
        *more,
    ]
    dataset = f"{{name: table, file: truth.csv, publishes: {publishes}}}"
    return (
        f"benchmarks: [{{name: told, dataset: {dataset}, splits: [official], "
        f"metrics: [{metrics}], methods: [{', '.join(methods)}]}}]"
    )


def board(root, *, figures=False, **about):
    """The folder of a board of the file `told.csv`, of one that tells nothing, and of `more`."""
    return small_run.board(root, files(root, **about), figures=figures)
