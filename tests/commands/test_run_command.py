"""`geobench run`: what it says of what it plans and did, and what it leaves behind."""

import csv
import io
import shutil

import pytest
from rich.console import Console

import geobench
from geobench.board.tables import Row
from geobench.commands import console
from geobench.features.inputs import Lacking
from geobench.readable import number
from tiny_benchmark import YAML


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
    for name in (
        "benchmark.json",
        "table.csv",
        "curves.csv",
        "costs.csv",
        "resolution.csv",
        "README.md",
        "runs",
    ):
        assert (board / name).exists()


def test_the_standings_of_a_run_are_the_numbers_of_all_photos(workspace):
    out = (workspace / "stdout").read_text()
    with (workspace / "leaderboards/tiny/table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    scores = [row for row in rows if row["summary"] == "geoscore" and row["label"] == "prior"]
    (shown,) = [
        line for line in out.splitlines() if line.startswith("prior  ") and "run" not in line
    ]
    whole = next(r for r in scores if (r["slice"], r["average"]) == ("all", "photo"))
    assert shown.split()[1] == number(float(whole["value"]), "points")


def test_standings_leave_slices_out_and_cells_empty_where_there_is_no_number():
    def row(label, summary, unit, **more):
        return Row(
            "b", "s/p", more.pop("slice", "all"), "photo", label, label, summary, unit, "", **more
        )

    rows = [
        row("grid", "geoscore", "points", value=1000.0),
        row(
            "grid", "nll.hedged", "nats", note="what is fitted to fewer than 50 photos is not shown"
        ),
        row("grid", "geoscore", "points", value=2000.0, slice="continent=Asia"),
        row("lost", "geoscore", "points", status="failed"),
    ]
    screen = Console(file=io.StringIO(), width=100)
    console.standings(screen, rows)
    said = [line.split() for line in screen.file.getvalue().splitlines() if line.strip()]
    assert said == [["s/p", "geoscore", "nll.hedged"], ["grid", "1,000"], ["lost", "failed"]]


def test_a_second_run_skips_every_training(workspace, ask, tmp_path, monkeypatch):
    shutil.copytree(workspace, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    before = (tmp_path / "copy/leaderboards/tiny/table.csv").read_bytes()
    answer = ask("run", "tiny.yaml")
    assert answer.code == 0
    assert "5 recorded" in answer.out
    assert "trainings: 5 skipped" in answer.out
    assert "nothing has changed: benchmark.json, table.csv, " in ask("run", "tiny.yaml").out
    assert (tmp_path / "copy/leaderboards/tiny/table.csv").read_bytes() == before


def test_a_plan_says_what_is_to_be_encoded_and_how_large_it_gets(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: small, dataset: {name: toy-planet, photos: 1200}, "
        "encoder: {name: im2gps, size: 16}, splits: [{name: random, groups: shared}], "
        "methods: [uniform, im2gps], metrics: [distance]}]"
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
    fitted = table["summary"].str.match(r"nll\.(hedged|trust)|information-gain")  # to 50 or more
    assert (table[~fitted]["photos"] == 8).all()
    assert table[fitted]["value"].isna().all()
    assert table["rank_low"].isna().all()
    assert "not ranked" in (place / "README.md").read_text()
