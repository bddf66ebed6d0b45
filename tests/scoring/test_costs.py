"""Costs of a run: the quantities that apply to each method, their devices, and peaks of memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from counted_calls import run
from geobench.board import cost_rows
from geobench.records import Record

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
