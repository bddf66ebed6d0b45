"""Weights outside a configuration: changed, absent, of a width, and what they have seen."""

import csv

import numpy as np
import pytest

from answering_mutants import AveragesLongitudes
from command_line import FAULTY, HYBRIDS, Command
from geobench import Component, DataError, Gallery, Method, Metric, digests
from geobench.catalogue import installed
from geobench.pages.verification import verify
from geobench.records import files
from geobench.testing.check import Failure, Skip
from geobench.testing.kit import checks_of, examine, subject_of
from retrieving_mutants import SoundRetriever
from sound_method import Sound, SoundConfig

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 200}
    encoder: given
    splits: [striped]
    methods:
      - counted
      - weighted
      - {name: weighted, label: own, tag: own, weights: own}
      - {name: pair, label: hybrid, second: {name: weighted, tag: inner}}
    metrics: [distance]
    samples: 2
"""


class Weighing(Command):
    """The command where the weights lie in its folder."""

    def environment(self, **variables):
        return super().environment(WEIGHTS=str(self.folder / "weights.npy"), **variables)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "b.yaml").write_text(YAML)
    np.save(tmp_path / "weights.npy", np.array([0.25, 0.5]))
    return Weighing(tmp_path, extra=(FAULTY, HYBRIDS))


def rows(folder, name="table.csv"):
    with (folder / "leaderboards/small" / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def folders(board):
    """Label -> the folder of its record."""
    found = files.read_json(board / "benchmark.json")["rows"]
    return {row["label"]: row["folder"] for row in found}


def test_a_changed_byte_of_weights_runs_again_exactly_what_used_them(run, tmp_path):
    done = run("run", "b.yaml")
    assert done.code == 0, done.text
    first = run.fits()
    assert [line for line in first if line.startswith("start")] == [
        f"start {tag} 0 50" for tag in ("a", "a", "own", "inner", "pair")
    ]
    board = tmp_path / "leaderboards/small"
    before = folders(board)
    path = tmp_path / "weights.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    dry = run("run", "b.yaml", "--dry-run")
    assert "2 recorded, 2 to run" in dry.out, dry.text
    assert run("run", "b.yaml").code == 0
    again = [line for line in run.fits()[len(first) :] if line.startswith("start")]
    assert again == ["start a 0 50", "start inner 0 50", "start pair 0 50"]
    after = folders(board)
    assert {label for label in after if after[label] != before[label]} == {"weighted", "hybrid"}
    assert verify(board, installed()) == []
    path.write_bytes(whole)  # what was made of the first weights is still there
    assert "4 recorded" in run("run", "b.yaml", "--dry-run").out
    # What they have seen, and who says it, follow from the configuration.
    manifest = files.read_json(board / "benchmark.json")
    said = {row["label"]: (row["origin"], row["trained_on"]) for row in manifest["rows"]}
    seen = "a million photos of elsewhere"
    assert said["weighted"] == ("released", seen)
    assert said["own"] == said["counted"] == ("trained", "")
    for row in manifest["rows"]:
        record = files.read_json(board / "runs" / row["folder"] / "record.json")
        assert (record["origin"], record["trained_on"]) == said[row["label"]]
        assert ("content" in record["method"]) == (row["label"] == "weighted")
        brings = "geobench-faulty" if row["label"] == "counted" else "geobench-hybrids"
        packages = record["environment"]["packages"]
        assert packages[brings] == {"geobench-faulty": "1.0", "geobench-hybrids": "1.5"}[brings]
        assert {"geobench-geolocation", "numpy"} <= set(packages)
    page = (board / "README.md").read_text()
    assert f"- `weighted`: {seen}" in page
    assert f"- `hybrid`: {seen} (by `weighted`)" in page
    assert "- `own`:" not in page.split("## Released weights")[1].split("##")[0]
    costs = {(row["label"], row["quantity"]) for row in rows(tmp_path, "costs.csv")}
    assert {(label, "restore_seconds") for label in said} <= costs


def test_weights_that_are_not_there_stop_what_needs_them_and_nothing_else(run, tmp_path):
    path = tmp_path / "weights.npy"
    kept = path.read_bytes()
    path.unlink()
    assert run("list").code == 0
    done = run("run", "b.yaml")
    assert done.code == 1, done.text
    assert "Traceback" not in done.text
    found = {row["label"]: row for row in rows(tmp_path)}
    assert {label: row["status"] for label, row in found.items()} == {
        "counted": "ok",
        "own": "ok",
        "weighted": "absent",
        "hybrid": "absent",
        "oracle-training-place": "ceiling",
    }
    for label in ("weighted", "hybrid"):
        assert "weighted has no weights at weights.npy. Copy them there" in found[label]["note"]
    page = (tmp_path / "leaderboards/small/README.md").read_text()
    assert "## Failures" in page
    assert "`hybrid` on striped/third: method hybrid: weighted has no weights" in page
    assert verify(tmp_path / "leaderboards/small", installed()) == []
    dry = run("run", "b.yaml", "--dry-run")
    assert "2 recorded, 2 failed before, to run again" in dry.out, dry.text
    before = [line for line in run.fits() if line.startswith("start")]
    path.write_bytes(kept)
    assert run("run", "b.yaml").code == 0
    starts = [line for line in run.fits() if line.startswith("start")]
    assert starts[len(before) :] == ["start a 0 50", "start inner 0 50", "start pair 0 50"]
    assert {row["status"] for row in rows(tmp_path)} == {"ok", "released", "ceiling"}


WIDE = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 60}
    encoder: ENCODER
    splits: [striped]
    methods: [uniform, METHOD]
    metrics: [distance]
"""


@pytest.mark.parametrize(
    ("encoder", "width", "method"),
    [
        ("said", 7, "wide"),
        ("unsaid", 16, "wide"),
        ("given", 16, "wide"),
        ("said", 7, "{name: pair, label: hybrid, second: wide}"),
    ],
)
def test_weights_of_another_width_than_the_encoders_stop_the_plan_before_anything_is_encoded(
    run, tmp_path, encoder, width, method
):
    text = WIDE.replace("ENCODER", encoder).replace("METHOD", method)
    (tmp_path / "b.yaml").write_text(text)
    done = run("run", "b.yaml")
    assert done.code == 1, done.text
    said = " ".join(done.text.split())
    label = "hybrid" if "hybrid" in method else "wide"
    assert f"method {label} has weights for pooled features of 768 numbers" in said
    assert f"encoder {encoder} gives {width} of a photo of toy-planet" in said
    assert "Choose the encoder that the weights were trained with" in said
    assert not (tmp_path / ".geobench/features").exists()
    assert not (tmp_path / "leaderboards").exists()
    assert run.fits().count("prepare") == (encoder == "unsaid")  # one photo tells


def test_weights_of_the_width_that_there_is_are_run(run, tmp_path):
    text = WIDE.replace("ENCODER", "given").replace("METHOD", "{name: wide, width: 16}")
    (tmp_path / "b.yaml").write_text(text)
    assert run("run", "b.yaml").code == 0


def test_a_digest_of_files_that_are_not_there_is_a_sentence(tmp_path):
    (tmp_path / "one").write_text("1")
    with pytest.raises(DataError, match=r"two.*is not there"):
        digests.of_files(tmp_path / "one", tmp_path / "two")


class Fixed(Sound):
    """Learns from features of the width that its weights need."""

    name = "fixed"
    feature_width = 768

    def fit(self, train, val, context):
        assert train.pooled.shape[1] == 768
        super().fit(train, val, context)


class FixedAndReleased(Fixed):
    """From elsewhere, where nobody knows the toy planet."""

    name = "fixed-and-released"
    origin = "released"
    trained_on = "a million photos of elsewhere"
    needs_training = False

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.learnt.weights = np.random.default_rng(0).standard_normal(self.learnt.weights.shape)


def test_a_method_with_weights_of_width_768_passes_the_kit():
    verdict = examine(Fixed, config=SoundConfig(steps=20))
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "failed"} == {}
    assert "beats-chance" in {o.check for o in verdict.outcomes if o.status == "passed"}


def test_released_weights_need_not_know_the_toy_planet_and_the_kit_says_so():
    subject = subject_of(FixedAndReleased)
    checks = {check.name: check for check in checks_of("method")}
    checks["declared-types"](subject)
    for name in ("beats-chance", "samples-beat-chance"):
        with pytest.raises(Skip, match="released, and need not know the toy planet"):
            checks[name](subject)


class ReleasedAndEverywhere(FixedAndReleased, SoundRetriever):
    """Chooses among training places and a grid, by weights that know neither."""

    name = "released-and-everywhere"
    needs_training = True
    gallery_source = Gallery(source="both", rows=6)

    def fit(self, train, val, context):
        super().fit(train, val, context)
        self.learnt.places = self.gallery_source.fixed()[: len(self.learnt.places)]  # in the south


class ReleasedAndAveraging(AveragesLongitudes):
    """Fits kernels to training places, and averages their longitudes."""

    origin = "released"
    trained_on = "a million photos of elsewhere"


def test_released_weights_need_not_answer_at_the_poles_where_their_gallery_is_everywhere():
    (check,) = [check for check in checks_of("method") if check.name == "poles-and-date-line"]
    assert "km from the north pole" in check(subject_of(ReleasedAndEverywhere))
    with pytest.raises(Failure, match="all training places lie at the date line"):
        check(subject_of(ReleasedAndAveraging))


def test_components_of_two_widths_cannot_see_the_same_features():
    class Config(SoundConfig):
        other: Component[Method]

    class Torn(Fixed):
        @classmethod
        def tiny(cls, folder):
            other = type("Narrow", (Fixed,), {"feature_width": 12})()
            return cls.Config(other={"plugin": other})

    Torn.Config = Config
    with pytest.raises(Failure, match=r"widths \['12', '768'\]"):
        _ = subject_of(Torn).train


class Judge(Metric):
    """A metric with a model of its own."""

    name = "judge"
    columns = ("away",)
    summaries = ()
    weights = "one"

    def content(self):
        return "" if self.weights == "none" else digests.digest(self.weights)

    def score(self, prediction, truth, context):
        raise NotImplementedError


def test_columns_of_a_metric_are_known_by_its_weights_too():
    one, same, other, none = Judge(), Judge(), Judge(), Judge()
    other.weights, none.weights = "two", "none"
    assert one.file_stem == same.file_stem
    assert len({each.file_stem for each in (one, other, none)}) == 3
    assert none.file_stem == f"judge-1-{digests.digest({})[:8]}"
