"""A small benchmark whose runs are struck at a chosen moment, and what a workspace holds of it."""

import json
from collections import Counter

from geobench.catalogue import installed
from geobench.errors import GeobenchError
from geobench.pages.verification import verify

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 300}
    encoder: glance
    splits: [striped]
    methods: [uniform, counted, {name: sighted, tag: b}]
    metrics: [distance, geoscore, energy]
    samples: 2
    photos: 10
    seeds: [0]
"""
ENCODED_AGAIN = ["encode 128"]
FITTED_AGAIN = ["start a 0 75"]


def strike(event, where, nth, *, torn=False, sent="SIGKILL"):
    """The variables that make a run strike itself; "torn": at the first, its file cut in half."""
    if nth == "torn":
        nth, torn = 1, True
    what = {"event": event, "where": where, "nth": nth, "torn": torn, "signal": sent}
    return {"STRIKE": json.dumps(what)}


def board(folder):
    return folder / "leaderboards" / "small"


def problems(folder):
    """What `geobench verify` says; anything but a sentence of its own fails the test."""
    try:
        return verify(board(folder), installed())
    except GeobenchError as error:
        return [str(error)]


def results(folder):
    """Every file of the leaderboard, with its content where no clock goes into it."""
    timed = ("record.json", "benchmark.json", "costs.csv", "README.md")
    paths = [p for p in board(folder).rglob("*") if p.is_file() and not is_draft(p)]
    return {str(p.relative_to(folder)): b"" if p.name in timed else p.read_bytes() for p in paths}


def is_draft(path):
    """Whether a file lies in a draft, which nobody reads."""
    return any(part.startswith(".geobench-draft-") for part in path.parts)


def work(command):
    """How often each batch was encoded and each method fitted."""
    return Counter(line for line in command.fits() if not line.startswith("restored"))


def forget_scores(folder):
    """Remove the columns of a metric, as if it had just been added."""
    for path in board(folder).rglob("energy-1-*.npz"):
        path.unlink()
