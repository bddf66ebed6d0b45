"""The kit on datasets: good ones pass, broken ones are caught by the check named for it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from complaints import complaints, skipped
from geobench import Config, Dataset, Table, geo
from geobench.testing.kit import examine
from sound_dataset import COUNT, Harbours, with_methods, with_table


class SetOrder(Harbours):
    def load(self):
        table = super().load()
        return replace(table, groups=np.array(list(set(table.groups.tolist()))))


class StringConfig(Config):
    root: str


class KeepsAPathAsText(Harbours):
    Config = StringConfig

    @classmethod
    def tiny(cls, folder):
        Harbours.tiny(folder)
        return StringConfig(root=str(folder))


class HoldsAFile(Harbours):
    def __init__(self, config=None):
        super().__init__(config)
        self._stream = (Path(config.root) / "harbours.csv").open()


class ForgetsItsFolder(Harbours):
    def __getstate__(self):
        return {"config": self.config.model_copy(update={"root": Path("/nowhere")})}


def seeds_globally(self):
    np.random.seed(0)
    return Harbours.load(self)


def draws_globally(self):
    table, state = Harbours.load(self), np.random.get_state()
    points = geo.wrap(table.points * np.random.uniform(0.5, 1))
    np.random.set_state(state)
    return replace(table, points=points)


def told_by_id(table):
    return np.array([f"{lat:.4f}_{lon:.4f}.jpg" for lat, lon in table.points])


MUTANTS = {
    "an empty table": (
        with_methods(load=lambda self: Table(np.empty(0, "U1"), np.empty((0, 2)), np.empty(0))),
        "loads-a-table",
        "no photos",
    ),
    "no table": (with_methods(load=lambda self: {"ids": []}), "loads-a-table", "returns a dict"),
    "groups of floats": (
        with_table(groups=lambda t: t.points[:, 0]),
        "columns-are-well-formed",
        "groups are float64",
    ),
    "unknown uploaders in one group": (
        with_table(groups=lambda t: np.where(t.points[:, 0] > 0, t.ids, "")),
        "columns-are-well-formed",
        "a group of its own",
    ),
    "missing values as text": (
        with_table(attributes=lambda t: {"country": np.full(COUNT, "nan")}),
        "columns-are-well-formed",
        "the attribute country is 'nan' in row 0",
    ),
    "longitude first": (
        with_table(points=lambda t: t.points[:, ::-1]),
        "places-are-on-the-globe",
        "Latitude comes first",
    ),
    "missing places as zeros": (
        with_table(points=lambda t: np.where(np.arange(COUNT)[:, None] < 3, 0, t.points)),
        "places-are-on-the-globe",
        "3 photos were taken at exactly (0, 0), the first is row 0",
    ),
    "photos lost in silence": (
        with_table(promised=lambda t: COUNT + 5),
        "every-photo-is-counted",
        "35 photos were promised, 30 are in the table, and 2",
    ),
    "a column that is drawn anew": (
        with_table(sizes=lambda t: np.frombuffer(os.urandom(COUNT), np.uint8).astype(np.int64)),
        "digest-is-stable",
        "the column sizes is another",
    ),
    "a path kept as text": (KeepsAPathAsText, "paths-leave-no-trace", "the digest is another"),
    "a set that decides an order": (
        SetOrder,
        "same-in-another-process",
        "the column groups is another in another process",
    ),
    "a global seed": (
        with_methods(load=seeds_globally),
        "global-random-state-untouched",
        "changes the global random state of numpy",
    ),
    "draws from the global generator": (
        with_methods(load=draws_globally),
        "global-random-state-untouched",
        "the column points is another",
    ),
    "a reach that is no number": (
        with_methods(reach_km=float("nan")),
        "reach-and-publishes-are-valid",
        "reach_km is nan",
    ),
    "a view that is no number": (
        with_methods(view_km=float("nan")),
        "reach-and-publishes-are-valid",
        "view_km is nan",
    ),
    "a reach within the view": (
        with_methods(reach_km=100.0, view_km=100.0),
        "reach-and-publishes-are-valid",
        "reach_km is 100, and photos that show squares of 100 km share ground as far apart as 141",
    ),
    "publishing what there is not": (
        with_methods(publishes="everything"),
        "reach-and-publishes-are-valid",
        "'everything'",
    ),
    "ids that hold the place": (
        with_table(ids=told_by_id),
        "labels-unseen",
        "30 ids hold latitude and longitude",
    ),
    "an open file": (HoldsAFile, "survives-pickling", "cannot be pickled"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", MUTANTS)
def test_a_broken_dataset_is_caught_by_the_check_named_for_it(what):
    mutant, check, said = MUTANTS[what]
    found = complaints(mutant, about=check)
    assert check in found, found
    assert said in found[check]


def test_a_good_dataset_passes_every_check():
    verdict = examine(Harbours)
    assert {o.check: o.reason for o in verdict.outcomes if o.status != "passed"} == {}


def test_a_copy_that_reads_elsewhere_is_caught():
    assert "survives-pickling" in complaints(ForgetsItsFolder)


def test_what_does_not_apply_is_skipped_with_its_reason():
    plain = with_methods(
        provides=frozenset(), images=Dataset.images, features=Dataset.features, licence=""
    )
    assert complaints(plain) == {}
    reasons = skipped(plain)
    assert reasons["licence-and-citation-are-stated"] == "the class states no licence"
    assert reasons["pictures-are-rgb-bytes"] == "it has no pictures"
    assert reasons["features-are-finite"] == "it has no features of its own"


def test_a_class_inside_a_function_is_not_looked_for_in_another_process():
    local = with_table(promised=lambda table: table.promised)
    verdict = examine(local)
    assert verdict.passed
    reasons = {o.check: o.reason for o in verdict.outcomes if o.status == "skipped"}
    elsewhere = {"same-in-another-process", "survives-pickling", "first-layer-is-light"}
    assert set(reasons) == elsewhere
    assert "no other process can import it" in reasons["survives-pickling"]


def test_a_given_configuration_is_not_written_elsewhere(tmp_path):
    verdict = examine(Harbours, config=Harbours.tiny(tmp_path))
    skips = [o.check for o in verdict.outcomes if o.status == "skipped"]
    assert verdict.passed
    assert skips == ["paths-leave-no-trace"]
