"""The command line: what each door says, and the code that it exits with."""

import csv
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import geobench
from command_line import Done
from geobench.commands import console
from geobench.features.inputs import Lacking
from geobench.readable import number
from geobench.records import files

YAML = """\
benchmarks:
  - name: tiny
    dataset: {name: toy-planet, photos: 120}
    encoder: given
    splits: [random]
    methods:
      - uniform
      - prior
      - toy-oracle
      - {name: prior, label: NA, point: median}
      - {name: prior, label: "12", point: densest}
    metrics: [distance, accuracy, geoscore, nll]
    samples: 2
    photos: 10
"""
COLUMNS = [
    "benchmark",
    "part",
    "slice",
    "average",
    "label",
    "method",
    "summary",
    "unit",
    "better",
    "value",
    "low",
    "high",
    "seed_sd",
    "seeds",
    "photos",
    "not_applicable",
    "effective_units",
    "rank_low",
    "rank_high",
    "status",
    "note",
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A finished workspace, made once by the real command; nobody writes to it."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "tiny.yaml").write_text(YAML)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "geobench.cli", "run", "tiny.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "stdout").write_text(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture
def board(workspace, tmp_path):
    """A copy of the finished leaderboard, to tamper with."""
    shutil.copytree(workspace / "leaderboards" / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"


def rewritten(path, change):
    text = path.read_text()
    changed = change(text)
    assert changed != text
    path.write_text(changed)


def digit_changed(number, *, at):
    """A number with its digit `at` (from the first that is not 0) another one."""
    places = [i for i, character in enumerate(number) if character.isdigit()]
    first = next(i for i, place in enumerate(places) if number[place] != "0")
    place = places[first + at]
    return number[:place] + str((int(number[place]) + 5) % 10) + number[place + 1 :]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["run", "map", "list", "report", "verify", "worst", "--version"]),
        (["run"], ["--only", "--limit", "--dry-run", "--force", "--device", "--workspace"]),
        (["map"], ["--only", "--photos", "--limit", "--device", "nothing is trained"]),
        (["list"], ["dataset, split, encoder, method and metric"]),
        (["report"], ["--check", "--format", "{benchmark}", "its name below leaderboards/"]),
        (["verify"], ["--runs", "Recompute every number"]),
    ],
    ids=lambda value: " ".join(value) or "geobench" if isinstance(value, list) else "",
)
def test_help_says_what_a_command_does(words, expected, ask):
    answer = ask(*words, "--help")
    assert (answer.code, answer.err) == (0, "")
    flat = " ".join(answer.out.split())
    for text in expected:
        assert text in flat


def test_nothing_typed_shows_the_commands(ask):
    answer = ask()
    assert "Commands" in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_the_version_is_that_of_the_package(ask):
    assert ask("--version") == Done(0, f"geobench {geobench.__version__}\n", "")


def test_list_has_every_kind_with_one_line_each(ask):
    answer = ask("list")
    assert (answer.code, answer.err) == (0, "")
    flat = " ".join(answer.out.split())
    assert f"basics geobench-geolocation {geobench.__version__}" in flat
    for heading in ("datasets", "splits", "encoders", "methods", "metrics"):
        assert re.search(rf"^{heading} *$", answer.out, re.MULTILINE), heading
    assert "toy-planet A synthetic planet" in flat
    assert "nll Negative log-density at the truth" in flat


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["run", "nowhere.yaml"],
            "nowhere.yaml: there is no such file. Give the YAML file's path.",
        ),
        (
            ["report", "nowhere"],
            "nowhere or leaderboards/nowhere: there is no benchmark.json. `geobench run` makes",
        ),
        (["report", "--check", "nowhere"], "nowhere: there is no benchmark.json"),
        (["verify", "nowhere"], "nowhere: there is no benchmark.json"),
        (["run", "typo.yaml"], "typo.yaml:8: methods: there is no method 'priro'. Did you mean"),
        (["run", "good.yaml", "--only", "priro"], "--only names priro, and the file has neither"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_code_2(words, message, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(YAML)
    (tmp_path / "typo.yaml").write_text(YAML.replace("- prior", "- priro"))
    answer = ask(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(f"error: {message}") or f"/{message}" in answer.err, answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert not (tmp_path / "leaderboards").exists()


@pytest.mark.parametrize(
    "words", [["walk"], ["run"], ["run", "x.yaml", "--limit", "0"], ["list", "--all"]], ids=" ".join
)
def test_a_wrong_word_on_the_command_line_is_exit_code_2(words, ask):
    answer = ask(*words)
    assert answer.code == 2
    assert "Usage: geobench" in answer.err
    assert "Traceback" not in answer.err


def test_a_run_says_what_it_did_and_where_to_look(workspace):
    out = (workspace / "stdout").read_text()
    for text in (
        "5 to run",
        "split random: train ",
        "[5/5] random / 12 / seed 0: done in ",
        "geoscore ↑",
        "trainings: 5 run",
        "README.md and 5 pictures in leaderboards/tiny",
        "leaderboards/tiny/README.md",
        "geobench verify leaderboards/tiny",
    ):
        assert text in out, text
    board = workspace / "leaderboards" / "tiny"
    for name in ("benchmark.json", "table.csv", "curves.csv", "costs.csv", "README.md", "runs"):
        assert (board / name).exists()


def test_the_standings_of_a_run_are_the_numbers_of_all_photos(workspace):
    out = (workspace / "stdout").read_text()
    with (workspace / "leaderboards/tiny/table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    scores = [row for row in rows if row["summary"] == "geoscore" and row["label"] == "prior"]
    assert len(scores) > 1  # slices, too
    (shown,) = [
        line for line in out.splitlines() if line.startswith("prior  ") and "run" not in line
    ]
    whole = next(r for r in scores if (r["slice"], r["average"]) == ("all", "photo"))
    assert shown.split()[1] == number(float(whole["value"]), "points")


def test_a_second_run_skips_every_training(workspace, ask, tmp_path, monkeypatch):
    shutil.copytree(workspace, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    before = (tmp_path / "copy/leaderboards/tiny/table.csv").read_bytes()
    answer = ask("run", "tiny.yaml")
    assert answer.code == 0
    assert "5 recorded" in answer.out
    assert "trainings: 5 skipped" in answer.out
    assert (tmp_path / "copy/leaderboards/tiny/table.csv").read_bytes() == before


def test_a_plan_says_what_is_to_be_encoded_and_how_large_it_gets(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: small, dataset: {name: toy-planet, photos: 1200}, "
        "encoder: {name: im2gps, size: 16}, splits: [random], methods: [uniform, im2gps], "
        "metrics: [distance]}]"
    )
    line = "features of toy-planet: 1,200 photos to encode, of 1,012 numbers, 4.86 MB\n"
    assert line in ask("run", "b.yaml", "--dry-run").out
    assert "to encode" not in ask("run", "b.yaml", "--dry-run", "--only", "uniform").out


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (
            Lacking("a", "pooled", 14_437, (1876,)),
            "14,437 photos to encode, of 1,876 numbers, 108 MB",
        ),
        (
            Lacking("a", "tokens", 3, (2, 4)),
            "3 photos to encode, of 2 x 4 numbers (tokens), 96 bytes",
        ),
        (Lacking("a", "pooled", 5_000_000, (1024,)), "of 1,024 numbers, 20.5 GB"),
        (Lacking("a", "tokens", 5_000_000, (257, 1024)), "257 x 1,024 numbers (tokens), 5.3 TB"),
        (Lacking("a", "pooled", 7, None), "features of a: 7 photos to encode"),
    ],
)
def test_sizes_of_features_are_for_readers(lacking, said):
    assert console.to_encode(lacking).endswith(said)


def test_a_dry_run_writes_no_leaderboard(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(YAML)
    answer = ask("run", "tiny.yaml", "--dry-run")
    assert answer.code == 0
    assert "5 to run" in answer.out
    assert not (tmp_path / "leaderboards").exists()


def test_a_limited_run_of_one_method_lies_apart_and_is_not_ranked(ask, tmp_path, workspace):
    answer = ask(
        "run", workspace / "tiny.yaml", "--only", "prior", "--limit", "8", "--workspace", tmp_path
    )
    assert answer.code == 0, answer.err
    (place,) = (tmp_path / "leaderboards").iterdir()
    assert place.name == "tiny.limit-8"
    table = geobench.load(place)
    assert set(table["label"]) == {"prior", "oracle-training-place"}
    assert (table["photos"] == 8).all()
    assert table["rank_low"].isna().all()
    assert "not ranked" in (place / "README.md").read_text()


def test_fresh_tables_pass_the_check(board, ask):
    assert ask("report", "--check", board) == Done(
        0, f"{board}: tables and pictures are fresh\n", ""
    )


@pytest.mark.parametrize("name", ["table.csv", "curves.csv", "costs.csv", "README.md"])
def test_a_table_that_is_gone_or_older_fails_the_check_and_report_mends_it(name, board, ask):
    good = (board / name).read_bytes()
    rewritten(board / name, lambda text: "\n".join(text.splitlines()[:-1]))
    stale = ask("report", "--check", board)
    assert (stale.code, stale.err) == (1, "1 problem(s)\n")
    assert str(board / name) in stale.out
    (board / name).unlink()
    gone = ask("report", "--check", board)
    assert (gone.code, gone.out) == (1, f"{board / name} is missing\n")
    mended = ask("report", board)
    assert (mended.code, mended.err) == (0, "")
    files = "table.csv, curves.csv, costs.csv, README.md and 5 pictures"
    assert mended.out == f"wrote {files} in {board}\n"
    assert (board / name).read_bytes() == good


def test_the_check_allows_one_unit_of_the_sixth_digit_and_no_more(board, ask):
    path = board / "table.csv"
    lines = path.read_text().splitlines()
    where = next(i for i, line in enumerate(lines) if ",distance.mean," in line)
    cells = lines[where].split(",")
    value = cells[COLUMNS.index("value")]
    assert len(value.replace(".", "")) == 6
    for units, code in ((1, 0), (2, 1)):
        shifted = f"{float(value) + units * 10.0 ** -len(value.split('.')[1]):.6g}"
        cells[COLUMNS.index("value")] = shifted
        path.write_text("\n".join([*lines[:where], ",".join(cells), *lines[where + 1 :]]) + "\n")
        assert ask("report", "--check", board).code == code


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
    row = next(r for r in rows if r[4] == "prior" and r[6] == "geoscore")
    old = row[COLUMNS.index(column)]
    new = digit_changed(old, at=min(3, sum(map(str.isdigit, old)) - 1))
    row[COLUMNS.index(column)] = new
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    answer = ask("verify", board)
    assert answer.code == 1
    assert answer.out == (
        f"{path}:{rows.index(row) + 1}: row random/test / all / prior / geoscore: "
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


@pytest.mark.parametrize("column", ["id", "truth", "unit", "nearest", "novelty"])
def test_a_changed_truth_is_named_with_its_part(column, board, ask):
    path = record_of(board, "prior").parent / "part.npz"
    arrays = files.read_arrays(path)
    arrays[column][0] = "x" if arrays[column].dtype.kind == "U" else arrays[column][0] + 0.001
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"{path} is not the file that benchmark.json names" in answer.out
    if column in ("id", "truth", "unit"):
        assert (
            f"{path}: ids, truth or units of random/test are not those of its digest" in answer.out
        )
    if column in ("truth", "nearest", "novelty"):
        assert f"{path}: novelty is not the distance from truth to nearest" in answer.out


def test_an_array_that_is_gone_is_a_sentence_and_no_traceback(board, ask):
    path = record_of(board, "prior").parent / "part.npz"
    arrays = files.read_arrays(path)
    del arrays["truth"]
    files.write_arrays(path, arrays)  # by someone who knows how
    answer = ask("verify", board)
    assert answer.code == 1
    assert f"{path} lacks truth" in answer.out
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


def test_load_gives_the_table_with_its_own_columns(board):
    table = geobench.load(board)
    assert list(table.columns) == COLUMNS
    with (board / "table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(table) == len(rows)
    for column in ("value", "low", "high", "effective_units", "rank_low"):
        expected = [float(row[column]) if row[column] else np.nan for row in rows]
        np.testing.assert_array_equal(table[column].to_numpy(float), expected)
    for column in ("part", "label", "summary", "unit", "status", "note"):
        assert list(table[column]) == [row[column] for row in rows]
    assert table["photos"].dtype.kind == "i"


def test_load_keeps_labels_that_look_like_nothing_or_like_a_number(board):
    table = geobench.load(str(board))
    assert not table["label"].isna().any()
    table = table[table["summary"] != "nll.gain-over-prior"]  # of which the prior has no row
    for label in ("NA", "12"):
        assert len(table[table["label"] == label]) == len(table[table["label"] == "prior"])
