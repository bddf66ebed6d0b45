"""A small leaderboard on the toy planet, on which much goes wrong: what a run can write, it has."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import small_run
from geobench import (
    Against,
    Answers,
    Atoms,
    Config,
    GeobenchError,
    Mean,
    Method,
    Metric,
    Prediction,
    Remark,
    distance_km,
    hashes,
    records,
)
from geobench.catalogue import installed
from geobench.errors import DeadlineError
from geobench.records import verdicts
from geobench.run import execution, mapping
from lent_plugins import lent

YAML = """
benchmarks:
  - name: toy
    dataset: {name: toy-planet, photos: 300}
    encoder: given
    splits: [unseen-cells, {name: unseen-cells, label: seen-cells, surroundings: train}]
    methods: [uniform, prior, toy-oracle, {name: im2gps, k: 8}, breaks,
      {name: breaks, label: late, how: late}, {name: breaks, label: silent, how: silent}, shy]
    metrics: [distance, geoscore, accuracy, nll, unscorable, nowhere, against-breaks]
    samples: 4
    photos: 20
    density_photos: 12
    density_samples: 3
    seeds: [0, 1]
"""


class BreaksConfig(Config):
    how: str = "error"


class Breaks(Method):
    """Gives no answer, in one of three ways."""

    name = "breaks"
    Config = BreaksConfig
    predicts = Atoms
    deterministic = True

    def answers(self, part):
        return self.config.how != "silent"

    def fit(self, train, val, context):
        if self.config.how != "silent":
            raise {"error": GeobenchError, "late": DeadlineError}[self.config.how]("it breaks")

    def predict(self, examples, context):
        raise NotImplementedError

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Shy(Method):
    """Declines every other photo, and says all that can be said along."""

    name = "shy"
    predicts = Prediction
    needs_training = False
    deterministic = True

    def fit(self, train, val, context):
        pass

    def predict(self, examples, context):
        answered = hashes(examples.ids) % 2 == 0
        count = len(examples)
        numbers = np.full(count, 0.5)
        return Answers(
            Atoms(np.ones((1, 1, 2)), count=int(answered.sum())),
            answered,
            instead=Atoms(np.zeros((1, 1, 2)), count=int((~answered).sum())),
            stand_in="the point (0, 0)",
            along={
                "confidence": Remark(numbers, "share"),
                "seconds": Remark(numbers, "s"),
                "cost": Remark(numbers, "USD"),
                "explanation": Remark(np.full(count, "so it seems")),
            },
        )

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Unscorable(Metric):
    """Raises whatever it is asked."""

    name = "unscorable"
    needs = Prediction
    columns = ("unscorable",)
    summaries = (Mean(name="unscorable", unit="km", better="lower", column="unscorable"),)

    def score(self, prediction, truth, context):
        raise ValueError("it cannot be scored")


class Nowhere(Metric):
    """Applies to no photo."""

    name = "nowhere"
    columns = ("nowhere",)
    summaries = (Mean(name="nowhere", unit="km", better="lower", column="nowhere"),)

    def applies(self, truth):
        return np.zeros(len(truth), bool)

    def score(self, prediction, truth, context):
        raise NotImplementedError


class AgainstBreaks(Metric):
    """The distance compared with that of a method that has no answers."""

    name = "against-breaks"
    columns = ("away",)
    summaries = (
        Against(name="away.difference", unit="km", better="lower", column="away", label="breaks"),
    )

    def score(self, prediction, truth, context):
        return distance_km(prediction.point(), truth.points)[:, None]


@dataclass
class Board:
    """A leaderboard's folder, read without geobench."""

    folder: Path

    def manifest(self):
        return json.loads((self.folder / "benchmark.json").read_text())

    def records(self):
        return [json.loads(p.read_text()) for p in self.folder.glob("runs/*/*/record.json")]

    def arrays(self, pattern):
        """The arrays of files that fit, without their stamps."""
        found = [dict(np.load(path)) for path in sorted(self.folder.glob(pattern))]
        assert found
        for each in found:
            del each["sha256"]
        return found

    def rows(self, name):
        with (self.folder / name).open(newline="") as stream:
            return list(csv.DictReader(stream))


def make(root):
    """Run the benchmark in a workspace where `prior` was checked, with every kind of outcome."""
    workspace = records.Workspace(root)
    statuses = ("passed", "failed", "skipped", "expected failure")
    outcomes = tuple(verdicts.Outcome(f"check-{s}", s, f"it {s}", 0.0) for s in statuses)
    verdicts.keep(workspace, verdicts.Verdict(installed().find("method", "prior"), outcomes))
    plugins = (Breaks, Shy, Unscorable, Nowhere, AgainstBreaks)
    with lent(*plugins):
        (benchmark,) = small_run.read(root, YAML)
        outcome = small_run.run(benchmark, root, figures=True)
        answering = execution.Options(only=("uniform", "prior", "toy-oracle", "im2gps"))
        reporter = execution.Reporter()
        mapped = mapping.add(benchmark, workspace, photos=3, options=answering, reporter=reporter)
        assert len(mapped.added) == 12  # of three parts
    return Board(outcome.board)
