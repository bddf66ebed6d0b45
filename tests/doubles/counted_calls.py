"""Methods that remember every call, and a small run whose costs are read from its board."""

import csv
import json
from types import SimpleNamespace

import numpy as np

import small_run
from geobench import Atoms, Method
from lent_plugins import lent

YAML = """
benchmarks:
  - name: toy
    dataset: {name: toy-planet, photos: 700}
    encoder: given
    splits: [unseen-cells]
    methods: [METHODS]
    metrics: [distance, energy]
    samples: 4
    photos: 20
    chunk: 16
    seeds: [0]
"""


class Counting(Method):
    """Answers by the id of a photo, and remembers every call, whichever instance is asked."""

    name = "counting"
    predicts = Atoms
    deterministic = True
    calls: list[tuple[str, list[str]]] = []

    def fit(self, train, val, context):
        context.fact("fitted on", len(train), "photos")

    def predict(self, examples, context):
        self.calls.append((context.part, examples.ids.tolist()))
        return Atoms(places(examples.ids)[:, None])

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Forgetful(Counting):
    """Answers a photo wrongly when it was asked about before, by this instance or another; and
    all photos when this instance was asked about another part."""

    name = "forgetful"

    def predict(self, examples, context):
        self.count = getattr(self, "count", 0) + 1
        context.fact("calls", self.count, "calls")
        known = {photo for _, ids in self.calls for photo in ids}
        asked = getattr(self, "part", context.part)
        self.part = context.part
        wrong = np.array([photo in known or asked != self.part for photo in examples.ids.tolist()])
        answers = np.where(wrong[:, None], 0.0, places(examples.ids))
        super().predict(examples, context)
        return Atoms(answers[:, None])


class FromFile(Counting):
    """Answers that come from a file."""

    name = "from-file"
    origin = "external"


class Gregarious(Counting):
    """Answers no photo that comes alone."""

    name = "gregarious"

    def predict(self, examples, context):
        if len(examples) == 1:
            raise ValueError("a photo alone")
        return super().predict(examples, context)


PLUGINS = (Counting, Forgetful, FromFile, Gregarious)


def places(ids):
    return np.array([np.random.default_rng(list(i.encode())).uniform(-80, 80, 2) for i in ids])


def run(root, *methods, device="cpu", chunk=16):
    """The records of a run by method and part, and the rows of costs.csv."""
    Counting.calls.clear()
    text = YAML.replace("METHODS", ", ".join(methods))
    with lent(*PLUGINS):
        (benchmark,) = small_run.read(root, text.replace("chunk: 16", f"chunk: {chunk}"))
        outcome = small_run.run(benchmark, root, device=device)
    assert outcome.failures == []
    manifest = json.loads((outcome.board / "benchmark.json").read_text())
    folders = {
        (r["label"], r["part"]): outcome.board / "runs" / r["folder"] for r in manifest["rows"]
    }
    records = {key: json.loads((f / "record.json").read_text()) for key, f in folders.items()}
    answers = {key: np.load(f / "answer.npz")["answer"] for key, f in folders.items()}
    with (outcome.board / "costs.csv").open(newline="") as stream:
        return SimpleNamespace(records=records, answers=answers, rows=list(csv.DictReader(stream)))
