"""What is mutated: a small workspace with a leaderboard, tables, pictures, answers and a plugin."""

import csv
import random
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd

from geobench_basics import sample
from tiny_benchmark import YAML

PHOTOS = 12
"""Photos in each folder and table: enough for a split of each kind."""

PICTURED = """\
benchmarks:
  - name: pictured
    dataset: {name: folder, root: photos, group: folder}
    encoder: im2gps
    splits: [by-group]
    methods: [{name: im2gps, k: 2}, {name: prior, label: median, point: median}]
    metrics: [distance]
"""
TABLED = """\
benchmarks:
  - name: tabled
    dataset: {name: table, file: photos.csv, images: images, part_column: split}
    encoder: im2gps
    splits: [official]
    methods:
      - {name: im2gps, k: 2, gallery: {source: file, file: places.npy}}
      - {name: predictions, file: answers.csv, missing: farthest}
    metrics: [distance, continent-accuracy]
"""
PLUGIN = '''\
import geobench


class Acme(geobench.Metric):
    """How far answers lie north of the truth."""

    name = "acme"
    columns = ("north",)
    summaries = (geobench.Mean(name="acme", unit="degrees", better="lower", column="north"),)

    def score(self, prediction, truth, context):
        return (prediction.point() - truth.points)[:, :1]


@geobench.hookimpl
def register_metrics():
    return [Acme]
'''
METADATA = "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"
BOARD = "leaderboards/tiny"
MAP = "map tiny.yaml --photos 1 --only prior"


@dataclass(frozen=True)
class Door:
    """A way in for a stranger's bytes: the files that are mutated, and the verbs that read them."""

    name: str
    files: tuple[str, ...]
    verbs: tuple[str, ...]

    def found(self, folder):
        """The files of a workspace that are mutated, in order."""
        paths = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*"))
        paths = [path for path in paths if (folder / path).is_file()]
        return [path for path in paths if any(fnmatch(path, wanted) for wanted in self.files)]


DOORS = (
    Door(
        "yaml",
        ("tiny.yaml", "tabled.yaml", "pictured.yaml"),
        ("run {file} --dry-run", "run {file} --dry-run --limit 3", "run {file} --no-figures"),
    ),
    Door(
        "tables",
        ("truth.csv", "truth.parquet", "answers.csv", "answers.parquet", "photos.csv"),
        (
            "score truth.csv answers.csv --no-figures",
            "score truth.parquet answers.parquet --no-figures",
            "score truth.csv answers.csv --no-figures --missing farthest",
            "data table --config file=photos.csv --config part_column=split",
            "run tabled.yaml --no-figures",
        ),
    ),
    Door(
        "pictures",
        ("photos/*", "images/*"),
        (
            "data folder --config root=photos",
            "data table --config file=photos.csv --config images=images",
            "run pictured.yaml --no-figures",
            "score photos answers.csv --no-figures --missing farthest",
        ),
    ),
    Door("gallery", ("places.npy",), ("run tabled.yaml --dry-run", "run tabled.yaml --no-figures")),
    Door(
        "board",
        (f"{BOARD}/*",),
        (
            f"report --check {BOARD}",
            f"report --check {BOARD}",
            f"verify {BOARD}",
            f"verify {BOARD}",
            f"worst {BOARD} --method prior --json",
            f"compare {BOARD} prior uniform --json",
            f"compare {BOARD} prior uniform --photos who.csv --json",
            f"report {BOARD}",
            f"worst {BOARD} --method toy-oracle",
            "run tiny.yaml --no-figures",
            MAP,
        ),
    ),
    Door(
        "workspace",
        (".geobench/*",),
        (
            "run tiny.yaml --no-figures",
            "run tiny.yaml --dry-run",
            MAP,
        ),
    ),
    Door(
        "plugin",
        ("site/acme-1.0.dist-info/*", "site/acme.py"),
        ("list", "list", f"verify {BOARD}", "run tiny.yaml --dry-run", "check acme"),
    ),
)
"""Every reader; a verb that is named twice is tried twice as often."""


def make(base):
    """Write the workspace `base/work`, and beside it what nobody may touch; of fixed bytes."""
    work, outside = base / "work", base / "outside"
    for folder in (work / "site/acme-1.0.dist-info", outside / "photos", base / "tmp"):
        folder.mkdir(parents=True)
    (outside / "victim.txt").write_text("stays\n")
    (outside / "photos" / "victim.csv").write_text("id,lat,lon\na,1,2\n")
    for name, text in (("tiny", YAML), ("pictured", PICTURED), ("tabled", TABLED)):
        (work / f"{name}.yaml").write_text(text)
    _write_photos(work)
    _write_tables(work)
    np.save(work / "places.npy", sample.sample_points()[:PHOTOS])
    facts = work / "site/acme-1.0.dist-info"
    (facts / "METADATA").write_text(METADATA)
    (facts / "entry_points.txt").write_text("[geobench]\nacme = acme\n")
    (facts / "RECORD").write_text("acme.py,,\nacme-1.0.dist-info/METADATA,,\n")
    (work / "site/acme.py").write_text(PLUGIN)


def _write_photos(work):
    sample.write_folder(work / "all")
    sample.write_table(work / "all")
    for folder in ("photos", "images"):
        (work / folder).mkdir()
    for index, path in enumerate(sorted((work / "all").glob("walk-*/*.jpg"))[:PHOTOS]):
        place = work / "photos" / f"walk-{index // 3}" / path.name
        place.parent.mkdir(exist_ok=True)
        path.rename(place)
    for path in sorted((work / "all/images").iterdir())[:PHOTOS]:
        path.rename(work / "images" / path.name)
    with (work / "all/photos.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[: PHOTOS + 1]
    with (work / "photos.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    for path in sorted((work / "all").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (work / "all").rmdir()


def _write_tables(work):
    rng = random.Random(0)
    photos = pd.read_csv(work / "photos.csv", dtype={"id": str})[["id", "lat", "lon"]]
    answers = photos.assign(lon=[lon + 1 for lon in photos["lon"]])
    answers["confidence"] = [rng.random() for _ in range(len(answers))]
    for name, table in (("truth", photos), ("answers", answers)):
        table.to_csv(work / f"{name}.csv", index=False)
        table.to_parquet(work / f"{name}.parquet", index=False)


def make_board(ask):
    """Make the tiny benchmark's leaderboard and the kit's word on one method, by `ask(*words)`."""
    for words in (("run", "tiny.yaml"), ("check", "uniform")):
        assert ask(*words) == 0, words


def whole_files():
    """Whole files that were made to harm: what a mutation can put in the place of any other."""
    deep = "[" * 100_000
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    wide = b"GIF89a" + bytes.fromhex(
        "01ff80008000 00ffffff000000 2c00000000 01ff8000 00 0202440100 3b"
    )
    return (
        b"",
        b"\x00" * 4096,
        deep.encode(),
        bomb.encode(),
        wide,
        b'{"a": ' * 50_000,
        b"\xff\xfe\xff\xfe",
        b'"' * 300_000,
        ("x," * 200_000).encode(),
        b"NaN",
        b"null",
        b"PK\x05\x06" + b"\x00" * 18,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00",
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 2), }".ljust(117)
        + b"\n",
        "id,lat,lon\n=1+1,\u202e,\ud7ff\n".encode(),
        Path(__file__).read_bytes()[:2000],
    )
