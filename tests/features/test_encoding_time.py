"""The time that features took: measured where they are made, kept in the store, told by runs."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from counted_calls import run
from geobench.features import encode, encoding_time, workers
from geobench.features.encoding_time import EncodingTime
from geobench.features.store import Store
from geobench.progress import untracked
from geobench.toy_planet import ToyPlanet
from geobench_basics.encoders import GivenEncoder


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
