"""A finished board of the dots, and its tables as they lie on disk."""

import csv
import json

import pytest

import small_run
from dots_board import (
    OURS,
    Broken,
    Elsewhere,
    Fussy,
    Halves,
    Near,
    Nowhere,
    Probe,
    Released,
    basics,
    benchmark,
    method,
)
from geobench import Component, Metric
from geobench.records.workspace import Workspace
from lent_plugins import lent


@pytest.fixture(scope="module")
def catalogue():
    """The installed catalogue, with the plugins of the dots."""
    with lent(*OURS) as found:
        yield found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("boards"))


@pytest.fixture(scope="module")
def outcome(catalogue, workspace):
    methods = [
        method(Near, "close", away_km=20.0),
        method(Near, "far", away_km=400.0),
        method(Elsewhere),
        method(Released, away_km=2000.0),
        method(Broken),
    ]
    metrics = [basics("distance"), basics("accuracy"), basics("nll")]
    metrics += [Component[Metric].of(plugin()) for plugin in (Probe, Fussy, Nowhere)]
    asked = benchmark("dots", Halves, methods, metrics)
    return small_run.run(asked, workspace.root)


@pytest.fixture(scope="module")
def folder(outcome):
    assert outcome.board is not None
    return outcome.board


@pytest.fixture(scope="module")
def rows(folder):
    """The rows of all photos, each counting once."""
    with (folder / "table.csv").open() as stream:
        found = list(csv.DictReader(stream))
    return [row for row in found if (row["slice"], row["average"]) == ("all", "photo")]


@pytest.fixture(scope="module")
def curves(folder):
    with (folder / "curves.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def manifest(folder):
    return dict(json.loads((folder / "benchmark.json").read_text()))
