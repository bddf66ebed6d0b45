"""Costs: what is measured is what was asked for, and measuring changes nothing."""

import csv
import json
import logging
import random
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geobench import (
    Atoms,
    Context,
    Examples,
    Method,
    Rows,
    config,
    smallest_by_hash,
)
from geobench.board import cost_rows
from geobench.catalogue import Source, installed
from geobench.data import Fact
from geobench.features import encode, encoding_time, workers
from geobench.features.encoding_time import EncodingTime
from geobench.features.store import Store
from geobench.progress import untracked
from geobench.records import Record, Workspace
from geobench.run import execution, runner
from geobench.scoring import costs
from geobench.toy_planet import ToyPlanet
from geobench_basics.encoders import GivenEncoder

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
EVERYWHERE = {
    ("fit_seconds", "s"),
    ("restore_seconds", "s"),
    ("predict_seconds", "s"),
    ("score_seconds", "s"),
    ("peak_memory", "MiB"),
}
UNLESS_FROM_A_FILE = {
    ("latency_median_seconds", "s"),
    ("latency_p95_seconds", "s"),
    ("latency_photos", "photos"),
    ("throughput", "photos/s"),
}
OF_FEATURES = {("feature_seconds_per_photo", "s"), ("feature_workers", "processes")}


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
    for plugin in PLUGINS:
        installed().add(plugin, Source("here", "here", "0"))
    try:
        text = YAML.replace("METHODS", ", ".join(methods))
        (root / "b.yaml").write_text(text.replace("chunk: 16", f"chunk: {chunk}"))
        (benchmark,) = config.read(root / "b.yaml", installed())
        outcome = runner.run(
            benchmark,
            Workspace(root),
            options=execution.Options(figures=False, device=device),
            reporter=execution.Reporter(),
        )
    finally:
        for plugin in PLUGINS:
            del installed().registered[plugin.kind][plugin.name]
    assert outcome.failures == []
    manifest = json.loads((outcome.board / "benchmark.json").read_text())
    folders = {
        (r["label"], r["part"]): outcome.board / "runs" / r["folder"] for r in manifest["rows"]
    }
    records = {key: json.loads((f / "record.json").read_text()) for key, f in folders.items()}
    answers = {key: np.load(f / "answer.npz")["answer"] for key, f in folders.items()}
    with (outcome.board / "costs.csv").open(newline="") as stream:
        return SimpleNamespace(records=records, answers=answers, rows=list(csv.DictReader(stream)))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    grid = "{name: grid, hidden: [8], steps: 20}"
    root = tmp_path_factory.mktemp("costs")
    return run(root, "uniform", "prior", "toy-oracle", grid, "counting", "from-file")


def test_every_method_has_every_quantity_that_applies_to_it_on_every_part(toy):
    assert {label for label, _ in toy.records} == {
        *("uniform", "prior", "toy-oracle", "grid", "counting", "from-file")
    }
    for label, part in toy.records:
        mine = [r for r in toy.rows if (r["label"], r["part"]) == (label, part)]
        found = {(row["quantity"], row["unit"]) for row in mine}
        facts = {(n, unit) for n, (_, unit) in toy.records[label, part]["facts"].items()}
        wanted = EVERYWHERE | facts
        wanted |= UNLESS_FROM_A_FILE if label != "from-file" else set()
        wanted |= OF_FEATURES if label in ("toy-oracle", "grid") else set()
        assert found == wanted
        assert len(mine) == len(found)
        assert (("parameters", "parameters") in found) == (label == "grid")
        assert {row["device"] for row in mine} == {"cpu"}
        assert all(float(row["value"]) >= 0 for row in mine)


def test_the_time_of_a_fit_stands_with_the_device_that_fitted(tmp_path):
    run(tmp_path, "uniform", device="cuda:7")
    again = run(tmp_path, "uniform", chunk=100)  # answered anew from the stored state
    assert {(r["fit_device"], r["device"]) for r in again.records.values()} == {("cuda:7", "cpu")}
    devices = {(row["quantity"], row["device"]) for row in again.rows}
    assert ("fit_seconds", "cuda:7") in devices
    assert {device for quantity, device in devices if quantity != "fit_seconds"} == {"cpu"}


def test_a_record_that_names_one_device_was_fitted_there(toy):
    data = next(record for record in toy.records.values() if record["status"] == "ok")
    old = data | {"device": "cuda", "feature_time": None}
    del old["fit_device"]
    both = (Record.of(each, Path("record.json")) for each in (old, old | {"fit_device": "cpu"}))
    devices = [{each.name: each.device for each in cost_rows.quantities(one)} for one in both]
    assert set(devices[0].values()) == {"cuda"}
    assert devices[1] == devices[0] | {"fit_seconds": "cpu"}


def test_throughput_is_photos_divided_by_the_seconds_to_answer_them(toy):
    values = {(r["label"], r["part"], r["quantity"]): float(r["value"]) for r in toy.rows}
    for (label, part), record in toy.records.items():
        if label != "from-file":
            seconds = values[label, part, "predict_seconds"]
            rate = values[label, part, "throughput"]
            assert rate == pytest.approx(record["photos"] / seconds, rel=1e-4)
            low, high = (values[label, part, f"latency_{q}_seconds"] for q in ("median", "p95"))
            assert 0 < low <= high
            assert values[label, part, "latency_photos"] == record["latency_photos"] == 20


def test_photos_are_asked_about_once_in_chunks_and_then_twenty_alone_after_a_warm_up(tmp_path):
    toy_ids = ToyPlanet(ToyPlanet.Config(photos=700)).table.ids
    found = run(tmp_path, "counting")
    calls = list(Counting.calls)
    for _, part in found.records:
        mine = [ids for asked, ids in calls if asked == part]
        alone = mine[-21:]
        chunks = mine[:-21]
        asked = [photo for ids in chunks for photo in ids]
        assert set(asked) <= set(toy_ids.tolist())
        assert len(asked) == len(set(asked)) == found.records["counting", part]["photos"]
        assert all(len(ids) == 16 for ids in chunks[:-1])
        kept = np.array(asked)[smallest_by_hash(np.array(asked), 20)].tolist()
        assert [photo for ids in alone for photo in ids] == [kept[0], *kept]


@pytest.mark.parametrize("name", ["counting", "forgetful"])
def test_answers_and_facts_are_those_of_a_run_without_measuring(tmp_path, monkeypatch, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    measured = run(tmp_path / "a", name)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "latency", lambda method, examples, context: None)
        plain = run(tmp_path / "b", name)
    assert measured.answers.keys() == plain.answers.keys()
    assert len(measured.answers) == 2
    for key, answers in measured.answers.items():
        np.testing.assert_array_equal(answers, plain.answers[key])
        assert (np.abs(answers) > 0).any(axis=1).all()  # no photo was answered a second time
        first, second = (board.records[key] for board in (measured, plain))
        assert first["latency_photos"] == 20
        assert second["latency_photos"] is None
        assert first["facts"] == second["facts"]


def test_a_file_of_answers_is_never_asked_for_single_photos(tmp_path):
    found = run(tmp_path, "from-file")
    assert sum(len(ids) for _, ids in Counting.calls) == sum(
        record["photos"] for record in found.records.values()
    )
    assert all(record["latency_photos"] is None for record in found.records.values())


def test_a_method_that_cannot_answer_one_photo_has_answers_and_no_latency(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "geobench.scoring.costs"):
        found = run(tmp_path, "gregarious")
    for record in found.records.values():
        assert record["status"] == "ok"
        assert "latency_median_seconds" not in record["timings"]
    assert "latency of method gregarious is not measured: a photo alone" in caplog.text
    assert not {row["quantity"] for row in found.rows} & {"latency_photos", "latency_p95_seconds"}


class Slow(Counting):
    """Takes, by a clock of its own, as many seconds as it is told, and draws from everything."""

    def __init__(self, clock, takes):
        super().__init__()
        self.clock, self.takes = clock, iter(takes)
        self.contexts = []

    def predict(self, examples, context):
        self.contexts.append(context)
        context.fact("noise", 1.0, "1")
        context.log.warning("heard by nobody")
        random.random()
        np.random.random()
        torch.rand(3)
        self.clock.now += next(self.takes)
        return Atoms(np.zeros((len(examples), 1, 2)))


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        here = SimpleNamespace(perf_counter=lambda: self.now, monotonic=lambda: self.now)
        monkeypatch.setattr(costs, "time", here)


def photos(count):
    ids = np.array([f"photo-{n}" for n in range(count)])
    return Examples(ids, pooled=Rows([np.arange(3.0 * count).reshape(count, 3)]))


def test_median_and_95th_percentile_are_of_the_calls_after_the_first(monkeypatch):
    takes = [0.01 * ((7 * n) % 20 + 1) for n in range(20)]  # 0.01 ... 0.20, mixed
    found = costs.latency(Slow(Clock(monkeypatch), [3.0, *takes]), photos(50), Context(seed=0))
    assert found.photos == 20
    assert found.median_seconds == pytest.approx(statistics.median(takes))
    # Of 20 values, the 95th percentile lies 0.05 of the way from the 19th to the 20th.
    assert found.p95_seconds == pytest.approx(0.19 + 0.05 * 0.01)


@pytest.mark.parametrize(("takes", "count"), [(2.0, 2), (100.0, 1), (0.3, 16)])
def test_a_slow_method_is_asked_about_fewer_photos(monkeypatch, takes, count):
    slow = Slow(Clock(monkeypatch), [takes] * 30)
    found = costs.latency(slow, photos(50), Context(seed=0))
    assert found.photos == count
    assert found.median_seconds == pytest.approx(takes)


def test_measuring_leaves_context_and_random_states_and_puts_the_deadline_off(monkeypatch, caplog):
    clock = Clock(monkeypatch)
    slow = Slow(clock, [0.25] * 30)
    before = Context(seed=4, part="unseen-cells/seen", deadline=2000.0)
    before.fact("known", 1.0, "1")
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    states = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    found = costs.latency(slow, photos(5), before)
    assert found.photos == 5
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert after == states
    assert before.facts == {"known": Fact(1.0, "1")}
    assert before.deadline == 2000.0 + 6 * 0.25
    assert caplog.text == ""
    for own in slow.contexts:
        assert (own.seed, own.part, own.deadline) == (4, "unseen-cells/seen", None)


def test_a_part_without_photos_has_no_latency(monkeypatch):
    assert costs.latency(Slow(Clock(monkeypatch), []), photos(0), Context(seed=0)) is None


def test_features_are_in_memory_when_single_photos_are_asked_about(monkeypatch):
    reads = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            reads.append(key)
            return super().__getitem__(key)

    ids = np.array([f"photo-{n}" for n in range(50)])
    stored = np.arange(150.0).reshape(50, 3)
    examples = Examples(ids, pooled=Rows([stored.view(Watched)]))
    seen = []

    class Reading(Slow):
        def predict(self, one, context):
            before = len(reads)
            seen.append(np.asarray(one.pooled))
            assert len(reads) == before
            return super().predict(one, context)

    found = costs.latency(Reading(Clock(monkeypatch), [0.1] * 30), examples, Context(seed=0))
    assert found.photos == 20
    kept = smallest_by_hash(ids, 20)
    np.testing.assert_array_equal(np.concatenate(seen[1:]), stored[kept])


_PEAKS = """
import json
import numpy as np
from geobench.scoring import costs

def peak():
    return costs.peak_memory("cpu").process

def fill(mebibytes):
    np.ones(mebibytes * 2**20, np.uint8).sum()

costs.start_measuring_memory()
peaks = [peak()]
fill(300)
peaks.append(peak())
costs.start_measuring_memory()
peaks.append(peak())
fill(50)
peaks.append(peak())
print(json.dumps(peaks), costs.peak_memory("cpu").device)
"""


def _peaks_can_be_forgotten():
    """Whether the system lets a process reset its peak: Linux, unless a container forbids it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _peaks_can_be_forgotten(), reason="this system does not forget a peak")
def test_the_peak_holds_what_was_allocated_since_and_not_what_was_before():
    # In a process of its own: here the garbage of other tests may be collected in between.
    said = subprocess.run(
        [sys.executable, "-c", _PEAKS], capture_output=True, text=True, check=True
    ).stdout
    peaks, device = said.rsplit(" ", 1)
    start, large, again, small = json.loads(peaks)
    assert 280 <= large - start <= 400
    assert 30 <= small - again <= 150
    assert small < large
    assert device.strip() == "None"


def test_the_store_knows_how_long_its_features_took_when_it_is_opened_again(tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "SHARD", 40)
    monkeypatch.setattr(workers, "_BLOCK", 20)
    clock = SimpleNamespace(now=0.0)
    here = SimpleNamespace(perf_counter=lambda: clock.now)
    monkeypatch.setattr(encode, "time", here)

    class Timed(GivenEncoder):
        def encode(self, batch, *, tokens):
            clock.now += 0.5 * len(batch.pooled)
            return super().encode(batch, tokens=tokens)

    dataset, encoder = ToyPlanet(ToyPlanet.Config(photos=100)), Timed()

    def store():
        return Store(tmp_path, encoder, dataset, what="pooled")

    def fill(count):
        rows = np.arange(count)
        encode.encode(
            {"pooled": store()}, encoder=encoder, dataset=dataset, rows=rows, track=untracked
        )

    assert store().time is None
    fill(70)
    assert store().time == EncodingTime(35.0, 70, 1, "cpu")
    clock.now += 1000
    fill(100)
    assert store().time == EncodingTime(50.0, 100, 1, "cpu")
    assert store().time.seconds_per_photo == 0.5
    assert clock.now == 1050
    first, second, third = sorted(store().folder.glob("shard-*"))
    (first / "time.json").unlink()
    (second / "time.json").write_text("{")
    kept = json.loads((third / "time.json").read_text())
    assert store().time == EncodingTime(**kept)
    assert len(store().missing(np.arange(100))) == 0  # features without a time are features


@pytest.mark.parametrize(
    ("requires", "told", "started", "found"),
    [
        ((), "cuda", True, "cpu"),
        (("torch",), "cuda:1", True, "cuda:1"),
        (("torch",), "cuda", False, "cpu"),
        (("torch",), "cpu", True, "cpu"),
        (("torch",), "mps", False, "mps"),
    ],
)
def test_features_were_made_where_the_encoder_was_told_to_if_it_can(
    monkeypatch, requires, told, started, found
):
    torch = SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: started))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert encoding_time.device_of(requires, told) == found


def test_the_device_of_a_run_reaches_the_encoder(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(GivenEncoder, "to", lambda self, device: told.append(device))
    found = run(tmp_path, "toy-oracle", device="cuda:7")
    assert told == ["cuda:7"]
    # It needs no torch, and so it has worked on the processor all the same.
    assert {r["feature_time"]["device"] for r in found.records.values()} == {"cpu"}
    run(tmp_path, "toy-oracle", device="cuda:7")
    assert told == ["cuda:7"]


def test_of_several_settings_the_one_with_most_photos_counts():
    alone, helped = EncodingTime(3.0, 10, 1, "cpu"), EncodingTime(2.0, 40, 2, "cpu")
    assert encoding_time.of_all([alone, helped, alone]) == helped
    more = [alone, alone, alone, alone, alone]
    assert encoding_time.of_all([helped, *more]) == EncodingTime(15.0, 50, 1, "cpu")
    assert encoding_time.of_all([]) is None


def test_a_run_that_reads_features_says_what_the_run_that_made_them_measured(tmp_path):
    first = run(tmp_path, "toy-oracle").records
    second = run(tmp_path, "toy-oracle", "{name: toy-oracle, label: again}").records
    told = {json.dumps(record["feature_time"]) for record in [*first.values(), *second.values()]}
    assert len(told) == 1
    assert json.loads(told.pop())["workers"] == 1
