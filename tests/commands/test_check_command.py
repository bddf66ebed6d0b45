"""`geobench check`: what it prints, what it keeps, and what it says of what cannot be checked."""

import json
import re

import pytest

from geobench.catalogue import installed
from geobench.records import verdicts
from geobench.records.record import Checked
from geobench.records.workspace import Workspace

MODULE = '''
import numpy as np
from geobench import Atoms, Config, Method, geo


class Place(Method):
    """Answers every photo with the mean training place."""

    name = "place"
    predicts = Atoms
    deterministic = True

    def fit(self, train, val, context):
        context.check_deadline()
        self.place = geo.mean_point(train.points)

    def predict(self, examples, context):
        return Atoms(self.place[None, None], count=len(examples))

    def state(self):
        return {"place": self.place}

    def restore(self, state, train, context):
        self.place = state["place"]


class Radians(Place):
    """Looks at photos, answers all alike, and is surprised by a single one."""

    name = "radians"
    wants = frozenset({"pooled"})

    def predict(self, examples, context):
        if len(examples) == 1:
            raise RuntimeError("a single photo\\nis too few")
        return super().predict(examples, context)


class NeedsFile(Place):
    """Has a configuration that only a user can give."""

    name = "needs-file"

    class Config(Config):
        file: str


class NeedsPackage(Place):
    """Needs what nobody has."""

    name = "needs-package"
    requires = ("no_such_package",)


class Unfinished(Method):
    """Lacks most of a method."""

    name = "unfinished"


def place():
    return Place
'''

BENCHMARK = """
benchmarks:
  - {name: small, dataset: toy-planet, splits: [official], methods: [uniform, prior],
     metrics: [geoscore]}
"""


@pytest.fixture
def package(geobench, tmp_path):
    (tmp_path / "places.py").write_text(MODULE)
    (tmp_path / "torn.py").write_text("import nothing_of_that_name\n")
    return geobench


def kept(folder, name):
    return json.loads((folder / ".geobench" / "checks" / f"{name}.json").read_text())


def test_a_sound_plugin_passes_and_its_outcome_is_kept(package, tmp_path):
    done = package("check", "places.Place")
    assert done.code == 0, done.text
    found = kept(tmp_path, "method-place")
    assert found["plugin"] == "method:place"
    assert found["class"] == "places.Place"
    assert (found["version"], found["kit"], found["passed"]) == (1, verdicts.KIT_VERSION, True)
    for each in found["checks"]:
        assert each["check"] in done.out
        assert each["status"] in ("passed", "skipped")
        assert each["reason"] or each["status"] == "passed"
    assert "it wants no features, so it cannot tell photos apart" in done.out
    assert ".geobench/checks/method-place.json" in done.out


def test_a_failure_is_named_with_its_promise_and_gives_exit_code_one(package, tmp_path):
    done = package("check", "places.Radians")
    assert done.code == 1
    text = re.sub(r" [0-9.]+ s(?= )", "", " ".join(done.out.split()))  # how long each took
    assert "failed beats-chance answers are no nearer to their own photos' places" in text
    assert "the promise: Answers are nearer to their own photos' places" in text
    assert "failed one-prediction-per-photo RuntimeError: a single photo is too few" in text
    found = {each["check"]: each for each in kept(tmp_path, "method-radians")["checks"]}
    assert "in predict" in found["one-prediction-per-photo"]["traceback"]
    assert found["state-round-trips"]["status"] == "passed"


def test_json_is_what_is_kept(package, tmp_path):
    done = package("check", "places.Place", "--json")
    stored = kept(tmp_path, "method-place")
    assert len(stored.pop("sha256")) == 64  # by which a changed file is known
    assert json.loads(done.out) == stored


def test_an_expected_failure_needs_a_reason_and_must_fail(package, tmp_path):
    expect = [
        *("--expect", "beats-chance=it answers all photos alike"),
        *("--expect", "samples-beat-chance=it answers all photos alike"),
        *("--expect", "one-prediction-per-photo=it is surprised"),
        *("--expect", "points-on-the-globe=it is surprised"),
        *("--expect", "batching-does-not-matter=it is surprised"),
    ]
    done = package("check", "places.Radians", *expect)
    assert done.code == 0, done.text
    assert "it answers all photos alike" in done.out
    assert kept(tmp_path, "method-radians")["counts"]["expected failure"] == 5
    done = package("check", "places.Place", "--expect", "labels-unseen=it might read them")
    assert done.code == 1
    assert "it was expected to fail (it might read them) and passes" in " ".join(done.out.split())
    done = package("check", "places.Place", "--expect", "labels-unsen=it might read them")
    assert done.code == 2
    assert "Did you mean labels-unseen?" in done.err
    done = package("check", "places.Place", "--expect", "labels-unseen")
    assert done.code == 2
    assert "is no CHECK=REASON" in done.err


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("prio", "no dataset, split, encoder, method or metric is named 'prio'", "Did you mean"),
        ("method:prio", "there is no method 'prio'", "Did you mean prior"),
        ("recipe:prior", "there is no kind of plugin 'recipe'", "There are: dataset, split"),
        ("im2gps", "one encoder and of one method", "Type encoder:im2gps or method:im2gps"),
        ("basics", "basics is a whole plugin", "Name one of dataset:folder"),
        ("places.place", "function place is no plugin", "derived from one of geobench.Dataset"),
        ("geobench.geo.Places", "class Places is no plugin", "derived from one of"),
        ("places.Plaec", "module places has no Plaec", "Did you mean Place?"),
        ("places.Unfinished", "method unfinished lacks fit", "predict"),
        ("places.NeedsFile", "tiny(folder) raises ValidationError", "Define a classmethod `tiny`"),
        ("places.NeedsPackage", "needs no_such_package", "documentation of places, which"),
        ("plaecs.Place", "plaecs does not import", "Check the spelling, or install its package"),
        ("torn.Method", "No module named 'nothing_of_that_name'", "python -c 'import torn'"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence_and_a_remedy(package, name, what, remedy):
    done = package("check", name)
    assert done.code == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert what in done.err
    assert remedy in done.err


def test_a_plugin_whose_entry_point_does_not_import_is_named_with_its_reason(geobench, tmp_path):
    installation = tmp_path / "site" / "geobench_torn-2.0.dist-info"
    installation.mkdir(parents=True)
    (installation / "METADATA").write_text("Name: geobench-torn\nVersion: 2.0\n")
    (installation / "entry_points.txt").write_text("[geobench]\ntorn = torn_plugin\n")
    (tmp_path / "site" / "torn_plugin.py").write_text("raise RuntimeError('no licence key')\n")
    geobench.extra = (tmp_path / "site",)
    for name in ("torn", "geobench-torn"):
        done = geobench("check", name)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
        assert "plugin torn (geobench-torn 2.0) cannot be used" in done.err
        assert "RuntimeError: no licence key" in done.err
        assert "Mend it" in done.err


def records(folder):
    paths = sorted((folder / "leaderboards" / "small").rglob("record.json"))
    found = [json.loads(path.read_text()) for path in paths]
    return {record["fit"]["method"]["name"]: record["check"] for record in found}


def test_a_new_record_copies_the_outcome_or_says_not_checked(geobench, tmp_path):
    (tmp_path / "b.yaml").write_text(BENCHMARK)
    assert geobench("check", "prior").code == 0
    assert geobench("run", "b.yaml").code == 0
    found = records(tmp_path)
    assert found["uniform"] == "not checked"
    assert found["prior"]["kit"] == verdicts.KIT_VERSION
    assert found["prior"]["failed"] == {}
    assert "density-integrates-to-one" not in found["prior"]["skipped"]
    assert found["prior"]["passed"] == kept(tmp_path, "method-prior")["counts"]["passed"]
    page = (tmp_path / "leaderboards" / "small" / "README.md").read_text()
    assert "- `uniform`: not checked" in page
    assert f"- `prior`: passed {found['prior']['passed']} checks of kit" in page
    assert geobench("verify", "leaderboards/small").code == 0


def test_an_outcome_of_another_version_or_other_code_is_none(geobench, tmp_path):
    assert geobench("check", "uniform").code == 0
    workspace, plugin = Workspace(tmp_path), installed().find("method", "uniform")
    path = tmp_path / ".geobench" / "checks" / "method-uniform.json"
    assert isinstance(verdicts.recall(workspace, plugin), Checked)
    good = path.read_text()
    for key, value in (("version", 99), ("code", "0" * 64)):
        path.write_text(json.dumps(json.loads(good) | {key: value}))
        assert verdicts.recall(workspace, plugin) == verdicts.NOT_CHECKED
    path.write_text(good[:100])
    assert verdicts.recall(workspace, plugin) == verdicts.NOT_CHECKED
