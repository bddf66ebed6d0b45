"""Layouts of stored files: older ones are read, newer ones are refused and never written over."""

import json
import shutil

import pytest

from command_line import Command
from geobench import StoreError, records
from geobench.catalogue import installed
from geobench.components import without
from geobench.pages.verification import verify
from geobench.records import StoredRecord, files

YAML = """\
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 120}
    encoder: given
    splits: [random]
    methods: [uniform, counted]
    metrics: [distance]
    samples: 2
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A finished workspace, made once."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "b.yaml").write_text(YAML)
    done = Command(folder)("run", "b.yaml")
    assert done.code == 0, done.text
    return folder


@pytest.fixture
def finished(template, tmp_path):
    """A copy of it, and the command there."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path)


def board(command):
    return command.folder / "leaderboards" / "small"


def record_of(command, method="counted"):
    (path,) = board(command).glob(f"runs/*/{method}-*/record.json")
    return path


def layout(path, number, *lost):
    """Write a record as it was, or will be, in another layout."""
    data = files.read_stamped(path)
    files.write_stamped(path, {k: v for k, v in data.items() if k not in lost} | {"schema": number})


def bytes_of(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in paths}


def test_a_leaderboard_of_layout_3_is_read_verified_and_recorded(finished):
    for path in board(finished).glob("runs/*/*/record.json"):
        layout(path, 3)
    path = board(finished) / "benchmark.json"
    data = files.read_json(path)
    # Layout 3 showed what it was digested from, and no fields that keys leave out.
    left_out = data.pop("left_out")
    assert ["deadline"] in left_out
    data["benchmark"] = without(data["benchmark"], left_out)
    for row in data["rows"]:
        folder = board(finished) / "runs" / row["folder"]
        row["files"] = StoredRecord.read(folder).files()
    files.write_json(path, data | {"schema": 3})
    assert verify(board(finished), installed()) == []
    fits = finished.fits()
    done = finished("run", "b.yaml")
    assert done.code == 0, done.text
    assert "2 recorded" in done.out
    assert finished.fits() == fits
    assert files.read_json(path)["schema"] == records.LAYOUT
    assert files.read_json(record_of(finished))["schema"] == 3  # records are not written again


def test_a_record_of_layout_2_is_made_again(finished):
    layout(record_of(finished), 2)
    done = finished("run", "b.yaml")
    assert done.code == 0, done.text
    assert "it will be made again" in " ".join(done.text.split())
    assert files.read_json(record_of(finished))["schema"] == records.LAYOUT


@pytest.mark.parametrize("stamped", [True, False], ids=["stamped", "stamped otherwise"])
@pytest.mark.parametrize("words", [[], ["--force"], ["--dry-run"], ["--only", "uniform"]], ids=str)
def test_a_newer_record_stops_the_run_before_anything_is_written(finished, words, stamped):
    path = record_of(finished)
    layout(path, records.LAYOUT + 1)
    if not stamped:
        path.write_text(json.dumps(files.read_json(path) | {"sha256": "another stamp"}))
    before, fits = bytes_of(board(finished)), finished.fits()
    done = finished("run", "b.yaml", *words)
    assert done.code == 1
    said = " ".join(done.text.split())
    assert f"is of layout {records.LAYOUT + 1}, and {records.LAYOUT} is the newest" in said
    assert "made by a newer geobench: install that" in said
    assert "Traceback" not in done.text
    assert bytes_of(board(finished)) == before
    assert finished.fits() == fits


@pytest.mark.parametrize(
    "words", [["run", "b.yaml"], ["map", "b.yaml"], ["report", "small"], ["verify", "small"]]
)
def test_a_newer_leaderboard_is_neither_read_nor_written_over(finished, words):
    path = board(finished) / "benchmark.json"
    files.write_json(path, files.read_json(path) | {"schema": records.LAYOUT + 1})
    before = bytes_of(board(finished))
    done = finished(*words)
    assert done.code in (1, 2), done.text
    assert "newer geobench: install that" in " ".join(done.text.split())
    assert bytes_of(board(finished)) == before


def test_a_newer_record_stops_a_map_before_anything_is_written(finished):
    layout(record_of(finished), records.LAYOUT + 1)
    before = bytes_of(board(finished))
    done = finished("map", "b.yaml", "--only", "uniform")
    assert done.code == 1, done.text
    assert "made by a newer geobench: install that" in " ".join(done.text.split())
    assert bytes_of(board(finished)) == before


def test_what_cannot_be_read_at_all_is_no_newer_record(tmp_path):
    (tmp_path / "record.json").write_text("{")
    records.refuse_newer(tmp_path / "record.json")
    assert StoredRecord.read(tmp_path) is None
    (tmp_path / "record.json").write_text(json.dumps({"schema": records.LAYOUT + 1}))
    with pytest.raises(StoreError, match="install that"):
        StoredRecord.read(tmp_path)
