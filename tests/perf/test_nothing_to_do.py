"""The script that times a run with nothing to do makes the board that it says."""

import json
from pathlib import Path

import pytest
import yaml

import small_run


@pytest.fixture
def nothing_to_do(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import nothing_to_do

    return nothing_to_do


def test_all_methods_are_on_four_parts_and_told_apart(nothing_to_do, tmp_path):
    text = yaml.safe_dump(nothing_to_do.many_methods(4, 400))
    manifest = json.loads((small_run.board(tmp_path, text) / "benchmark.json").read_text())
    assert len(manifest["parts"]) == 4
    assert len({(row["part"], row["record_key"]) for row in manifest["rows"]}) == 4 * 4


def test_what_a_command_takes_is_that_of_its_own_process(nothing_to_do, tmp_path):
    found = nothing_to_do.cost_of("--help", folder=tmp_path)
    assert found.processors > 0
    assert 10 < found.memory_mb < 1000
