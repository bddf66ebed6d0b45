"""A small workspace with a file of every kind in .geobench, and what is left of it after damage."""

import csv
import io

import numpy as np

from colour_gallery import ColourEncoder, GalleryDataset
from geobench import Atoms, Method, Prediction, drafts
from geobench.records import verdicts
from geobench.records.workspace import Workspace

YAML = """\
benchmarks:
  - name: bits
    dataset: {name: gallery, broken: [9]}
    encoder: colour
    splits: [random]
    methods: [keeping, halted]
    metrics: [distance, energy]
    isolate: never
    samples: 2
    photos: 8
    seeds: [0]
"""
RUN = ("run", "bits.yaml", "--no-figures")


class Keeping(Method):
    """Answers by features, by its state and by what it keeps in the cache."""

    name = "keeping"
    predicts = Prediction
    wants = frozenset({"pooled", "tokens"})

    def fit(self, train, val, context):
        self.centre = np.asarray(train.points).mean(axis=0)
        context.fact("photos seen", len(train), "photos")

    def state(self):
        return {"centre": self.centre}

    def restore(self, state, train, context):
        self.centre = state["centre"]

        def make(folder):
            np.save(folder / "index.npy", np.linspace(0.0, 1.0, 40))

        self.index = np.load(context.cache("index", make) / "index.npy")

    def predict(self, examples, context):
        pooled, tokens = np.asarray(examples.pooled), np.asarray(examples.tokens)
        moved = pooled.mean(axis=1) % 17 + tokens.max(axis=(1, 2)) % 13
        points = self.centre + np.stack([moved, -2 * moved], axis=-1) + self.index.sum()
        return Atoms(np.clip(points[:, None], -80, 80))


class Halted(Keeping):
    """Keeps a checkpoint, and then fails as long as `halts` says so."""

    name = "halted"
    halts = False

    def fit(self, train, val, context):
        super().fit(train, val, context)
        kept = context.checkpoint / "half.npz"
        try:
            with kept.open("rb") as stream, np.load(stream) as stored:
                half = stored["half"]
        except Exception:  # it is not there, or damaged
            half = self.centre / 2
            stream = io.BytesIO()
            np.savez(stream, half=half)
            drafts.write_file(kept, stream.getvalue())
        if self.halts:
            raise RuntimeError("halted half way")
        self.centre = 2 * half


PLUGINS = (GalleryDataset, ColourEncoder, Keeping, Halted)


def make(folder, ask):
    """A workspace of which `halted` is to be tried again, and `keeping` was checked by the kit."""
    (folder / "bits.yaml").write_text(YAML)
    outcome = verdicts.Outcome("is good", "failed", "it is none", 0.1)
    verdicts.keep(Workspace(folder), verdicts.Verdict(Keeping, (outcome,)))
    Halted.halts = True
    try:
        done = ask(*RUN)
    finally:
        Halted.halts = False
    assert "halted half way" in done.text, done.text
    # The tables of `keeping` are made twice, so that `made/` holds what was made without problem.
    done = ask("run", "bits.yaml", "--no-figures", "--only", "keeping")
    assert done.code == 0, done.text


def files(folder):
    """The files of .geobench that hold something, in order."""
    hidden = folder / ".geobench"
    return sorted(p for p in hidden.rglob("*") if p.is_file() and p.stat().st_size)


def tables(folder):
    """The tables, and of the costs those that no clock goes into."""
    board = folder / "leaderboards" / "bits"
    found = {name: (board / name).read_bytes() for name in ("table.csv", "curves.csv")}
    rows = list(csv.DictReader(io.StringIO((board / "costs.csv").read_text())))
    timed = ("s", "photos/s", "MiB")
    found["costs"] = [
        (row["label"], row["quantity"], "" if row["unit"] in timed else row["value"])
        for row in rows
    ]
    return found
