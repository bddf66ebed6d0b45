"""Runs of wild methods beside tame ones, and what is left of them."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import small_run
from geobench.records import Workspace
from geobench.run import runner
from geobench.run.execution import Options, Reporter
from lent_plugins import lent
from wild_methods import OnlyHere, Wild


@dataclass
class Told(Reporter):
    """Keeps what it is told."""

    lines: list[str] = field(default_factory=list)
    bars: list[tuple[str, int]] = field(default_factory=list)

    def say(self, text):
        self.lines.append(text)

    def track(self, items, total, what):
        self.bars.append((what, total))
        yield from items


@dataclass
class WildRun:
    """A run that has ended."""

    root: Path
    board: Path
    failures: list[str]
    told: Told

    def record(self, label, seed=0):
        """The record of a method, by what benchmark.json says."""
        return json.loads((self.folder(label, seed) / "record.json").read_text())

    def facts(self, label):
        """The facts of a record: name -> value."""
        return {what: fact[0] for what, fact in self.record(label)["facts"].items()}

    def folder(self, label, seed=0):
        rows = json.loads((self.board / "benchmark.json").read_text())["rows"]
        (row,) = [row for row in rows if row["label"] == label and row["seed"] == seed]
        return self.board / "runs" / row["folder"]

    def drafts(self):
        return list(self.root.rglob(".geobench-draft-*"))


def text_of(methods, *, keys="", metrics="distance"):
    """A benchmark of some methods, each an entry of YAML."""
    rows = "\n".join(f"      - {each}" for each in methods)
    return f"""\
benchmarks:
  - name: wild
    dataset: {{name: toy-planet, photos: 60}}
    splits: [random]
    methods:
{rows}
    metrics: [{metrics}]
    samples: 2
    photos: 10
{keys}"""


def name(fault="", when="fit"):
    """The label of the wild method with a fault."""
    return f"{fault or 'tame'} @ {when}"


def wild(fault="", when="fit", **more):
    """An entry of the wild method, labelled by its fault."""
    label = more.pop("label", name(fault, when))
    return json.dumps({"name": "wild", "label": label, "fault": fault, "when": when} | more)


def run(root, text, *, reporter=None, **options):
    """Run a benchmark's text where wild methods are installed."""
    root.mkdir(exist_ok=True)
    with lent(Wild, OnlyHere) as known:
        (benchmark,) = small_run.read(root, text, known=known)
        told = reporter or Told()
        options = Options(**{"figures": False} | options)
        outcome = runner.run(benchmark, Workspace(root), options=options, reporter=told)
    return WildRun(root, outcome.board, outcome.failures, told)


def offspring():
    """The processes below this one."""
    return psutil.Process().children(recursive=True)
