"""`geobench verify`: whatever was changed after a run is named."""

import csv
import json

import numpy as np
import pytest

from command_line import Done
from geobench.records import files
from tiny_benchmark import COLUMNS, rewritten


def digit_changed(number, *, at):
    """A number with its digit `at` (from the first that is not 0) another one."""
    places = [i for i, character in enumerate(number) if character.isdigit()]
    first = next(i for i, place in enumerate(places) if number[place] != "0")
    place = places[first + at]
    return number[:place] + str((int(number[place]) + 5) % 10) + number[place + 1 :]


def test_a_good_leaderboard_verifies(board, ask):
    answer = ask("verify", board)
    assert answer == Done(0, f"{board}: every number is what the records give\n", "")


def test_records_that_lie_elsewhere_verify_too(board, ask, tmp_path):
    (board / "runs").rename(tmp_path / "elsewhere")
    assert ask("verify", board).code == 1
    assert ask("verify", board, "--runs", tmp_path / "elsewhere").code == 0


@pytest.mark.parametrize("column", ["value", "low", "high", "photos", "rank_high", "seeds"])
def test_a_changed_number_of_the_table_is_named_with_its_row(column, board, ask):
    path = board / "table.csv"
    with path.open() as stream:
        rows = list(csv.reader(stream))
    row = next(r for r in rows if r[4] == "prior" and r[6] == "distance.mean")
    old = row[COLUMNS.index(column)]
    new = digit_changed(old, at=min(3, sum(map(str.isdigit, old)) - 1))
    row[COLUMNS.index(column)] = new
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    answer = ask("verify", board)
    assert answer.code == 1
    assert answer.out == (
        f"{path}:{rows.index(row) + 1}: row random/test / all / prior / distance.mean: "
        f"{column} is {new!r}, not {old!r}\n"
    )


def test_a_changed_cost_or_curve_is_named_with_its_row(board, ask):
    rewritten(
        board / "curves.csv",
        lambda text: text.replace("prior,accuracy,1,0", "prior,accuracy,1,0.5"),
    )
    rewritten(
        board / "costs.csv", lambda text: text.replace(",fit_seconds,s,", ",fit_seconds,s,9", 1)
    )
    answer = ask("verify", board)
    assert answer.code == 1
    assert "row random/test / all / prior / accuracy / 1: value is '0.5', not '0'" in answer.out
    assert "row random/test / uniform / 0 / fit_seconds: value is '9" in answer.out
    assert answer.err == "2 problem(s)\n"


def record_of(board, label):
    rows = json.loads((board / "benchmark.json").read_text())["rows"]
    folder = next(row["folder"] for row in rows if row["label"] == label)
    return board / "runs" / folder


@pytest.mark.parametrize("name", ["answer.npz", "nll"])
def test_a_changed_score_is_named_with_its_record_and_its_rows(name, board, ask):
    record = record_of(board, "prior")
    (path,) = record.glob(f"{name}*")
    arrays = files.read_arrays(path)
    column = "answer" if name == "answer.npz" else "nll"
    scored = np.flatnonzero(np.isfinite(arrays[column]).reshape(len(arrays[column]), -1)[:, 0])
    arrays[column][scored[0]] += 0.5
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"record {path} is not the file that benchmark.json names" in answer.out
    assert (
        "prior / distance.mean" in answer.out
        if name == "answer.npz"
        else "prior / nll" in answer.out
    )
    assert "toy-oracle / " not in answer.out


@pytest.mark.parametrize("column", ["id", "truth", "region", "unit", "nearest", "novelty"])
def test_a_changed_truth_is_named_with_its_part(column, board, ask):
    path = record_of(board, "prior").parent / "part.npz"
    arrays = files.read_arrays(path)
    arrays[column][0] = "x" if arrays[column].dtype.kind == "U" else arrays[column][0] + 0.001
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"{path} is not the file that benchmark.json names" in answer.out
    if column in ("id", "truth", "region"):
        text = f"{path}: ids, truth or regions of random/test are not those of its digest"
        assert text in answer.out
    if column == "unit":
        text = f"{path}: units of random/test are not those that its photos make"
        assert text in answer.out
    if column in ("truth", "nearest", "novelty"):
        assert f"{path}: novelty is not the distance from truth to nearest" in answer.out


def test_another_reason_for_the_units_of_a_part_is_named(board, ask):
    rewritten(
        board / "benchmark.json",
        lambda text: text.replace('"alone": false', '"alone": true', 1),
    )
    answer = ask("verify", board)
    assert answer.code == 1
    assert "part.npz: units of random/test are not those that its photos make" in answer.out


def test_an_array_that_is_gone_is_a_sentence_and_no_traceback(board, ask):
    path = record_of(board, "prior").parent / "part.npz"
    arrays = files.read_arrays(path)
    del arrays["truth"]
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"{path}: lacks the array truth" in answer.out
    assert "the tables cannot be computed" in answer.out


@pytest.mark.parametrize("damage", [b"", b"no arrays"])
def test_a_damaged_file_is_named(damage, board, ask):
    path = record_of(board, "prior") / "answer.npz"
    path.write_bytes(damage)
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"record {path} is not the file" in answer.out
    assert "the tables cannot be computed" in answer.out


def test_a_record_with_another_history_is_named(board, ask):
    path = record_of(board, "prior") / "record.json"
    data = json.loads(path.read_text())
    data["fit"]["method"]["config"]["places"] = 5
    path.write_text(json.dumps(data))
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"record {path.parent}: its key is not that of what went into it" in answer.out


def test_a_manifest_that_asks_for_something_else_is_named(board, ask):
    path = board / "benchmark.json"
    rewritten(path, lambda text: text.replace('"samples": 2', '"samples": 16'))
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"{path}: the benchmark is not of its digest" in answer.out


def test_a_row_that_is_left_out_of_the_manifest_is_noticed(board, ask):
    path = board / "benchmark.json"
    data = json.loads(path.read_text())
    data["rows"] = [row for row in data["rows"] if row["label"] != "uniform"]
    path.write_text(json.dumps(data))
    answer = ask("verify", board)
    assert answer.code == 1
    assert "table.csv has " in answer.out
