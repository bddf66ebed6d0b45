"""Boards of a split with its twin and without, and errors from their stored answers."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pandas
import pytest

import small_run
from geobench import Atoms, Config, GeobenchError, Mean, Method, Metric, geo
from geobench.names import CEILING
from lent_plugins import lent

SPLIT = "{name: unseen-cells, rows: 24, block_share: 0.4, photos_per_block: 8, buffer_km: 50}"
TWIN = SPLIT.replace("rows", "label: seen-cells, surroundings: train, rows")
YAML = f"""
benchmarks:
  - name: both
    dataset: {{name: toy-planet, photos: 2000}}
    encoder: given
    splits: [{SPLIT}, {TWIN}]
    methods: [nearest, {{name: nearest, label: late, place: 40}}, uniform, prior, weights,
      elsewhere, {{name: nearest, label: broken, place: -1}}]
    metrics: [distance, accuracy, nll, northern]
    samples: 4
    photos: 60
    seeds: [0, 1]
  - name: alone
    dataset: {{name: toy-planet, photos: 2000}}
    encoder: given
    splits: [{SPLIT}]
    methods: [nearest, uniform]
    metrics: [distance]
    seeds: [0]
"""
UNSEEN, SEEN, TWINS = "unseen-cells/unseen", "unseen-cells/seen", "seen-cells/unseen"
TRAINED = ("nearest", "late", "uniform", "prior")


class NearestConfig(Config):
    place: int = 0


class Nearest(Method):
    """Answers with a training photo of similar features, moved a little by the seed."""

    name = "nearest"
    Config = NearestConfig
    predicts = Atoms
    wants = frozenset({"pooled"})

    def fit(self, train, val, context):
        if self.config.place < 0:
            raise GeobenchError("it breaks")
        self.seen, self.places = np.asarray(train.pooled), train.points

    def predict(self, examples, context):
        away = ((np.asarray(examples.pooled)[:, None] - self.seen) ** 2).sum(axis=-1)
        chosen = self.places[np.argsort(away, axis=1)[:, self.config.place]]
        noise = context.noise(examples.ids, (3,), "answer")
        moved = geo.from_vectors(geo.unit_vectors(chosen) + 0.02 * noise)
        return Atoms(moved[:, None])

    def state(self):
        return {"seen": self.seen, "places": self.places}

    def restore(self, state, train, context):
        self.seen, self.places = state["seen"], state["places"]


class Weights(Method):
    """Weights that come from elsewhere: one answer to all."""

    name = "weights"
    origin = "released"
    trained_on = "all photos of the internet"
    deterministic = True
    needs_training = False
    predicts = Atoms

    def fit(self, train, val, context):
        pass

    def predict(self, examples, context):
        return Atoms(np.tile([[[10.0, 20.0]]], (len(examples), 1, 1)))

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Elsewhere(Weights):
    """Answers that come from a file."""

    name = "elsewhere"
    origin = "external"
    trained_on = ""


class Northern(Metric):
    """The distance, of photos of the northern hemisphere only."""

    name = "northern"
    columns = ("northern",)
    summaries = (Mean(name="northern", unit="km", better="lower", column="northern"),)

    def applies(self, truth):
        return truth.points[:, 0] >= 0

    def score(self, prediction, truth, context):
        return geo.distance_km(prediction.point(), truth.points)[:, None]


OURS = (Nearest, Weights, Elsewhere, Northern)


def away_km(a, b):
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(a).T, np.radians(b).T
    h = np.sin((lat_b - lat_a) / 2) ** 2
    h += np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(np.minimum(h, 1)))


class Board:
    """A leaderboard's tables, and errors from its stored answers, without geobench."""

    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads((folder / "benchmark.json").read_text())
        with (folder / "table.csv").open(newline="") as stream:
            self.table = pandas.DataFrame(list(csv.DictReader(stream)))
        self.curves = pandas.read_csv(folder / "curves.csv")
        for name in ("value", "low", "high", "effective_units"):
            self.table[name] = pandas.to_numeric(self.table[name])

    def arrays(self, part):
        place = self.folder / "runs" / self.manifest["parts"][part]["folder"]
        return dict(np.load(place / "part.npz"))

    def errors(self, part, label):
        """Distance of each answer from the truth, (S, N) km."""
        truth = self.arrays(part)["truth"]
        if label == CEILING:
            return away_km(self.arrays(part)["nearest"], truth)[None]
        rows = [r for r in self.manifest["rows"] if (r["part"], r["label"]) == (part, label)]
        answers = [np.load(self.folder / "runs" / r["folder"] / "answer.npz") for r in rows]
        return np.array([away_km(each["answer"], truth) for each in answers])

    def rows(self, part, summary, **more):
        wanted = {"slice": "all", "average": "photo", "part": part, "summary": summary} | more
        kept = np.logical_and.reduce([self.table[k] == v for k, v in wanted.items()])
        return self.table[kept]

    def row(self, part, summary, label, **more):
        (found,) = [row for _, row in self.rows(part, summary, label=label, **more).iterrows()]
        return found


@pytest.fixture(scope="session")
def twin_boards(tmp_path_factory):
    root = tmp_path_factory.mktemp("views")
    with lent(*OURS):
        both, alone = small_run.read(root, YAML)
        return SimpleNamespace(
            both=Board(small_run.run(both, root).board),
            alone=Board(small_run.run(alone, root).board),
            trial=Board(small_run.run(both, root, limit=60).board),
        )


@pytest.fixture(scope="module")
def made(twin_boards):
    """The boards, with their plugins among the installed ones."""
    with lent(*OURS):
        yield twin_boards


@pytest.fixture(scope="module")
def board(made):
    return made.both
