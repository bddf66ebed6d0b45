"""A page, a picture or a table that fails takes nothing else down, and its sentence leads on."""

import json

import pytest

from geobench.board.leaderboard import Leaderboard
from geobench.figures import album
from geobench.pages import report
from geobench.run import runner

TWO = """\
benchmarks:
  - name: first
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform]
    metrics: [distance, geoscore]
  - name: second
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform]
    metrics: [distance, geoscore]
"""


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A folder with a file of two benchmarks, which is where we are."""
    (tmp_path / "two.yaml").write_text(TWO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failing(monkeypatch, place, name):
    """Let a function fail on the leaderboard of the first benchmark, and on no other."""
    whole = getattr(place, name)

    def called(board, *more, **options):
        shown = getattr(board, "board", getattr(board, "folder", board))
        if "first" in str(shown):
            raise ValueError("cannot convert float NaN\nto integer")
        return whole(board, *more, **options)

    monkeypatch.setattr(place, name, called)


@pytest.mark.parametrize(
    ("place", "name", "lost", "kept"),
    [
        (report, "page", "README.md", {"table.csv", "curves.csv", "figures", "benchmark.json"}),
        (report.figures, "draw", "the pictures", {"table.csv", "README.md", "benchmark.json"}),
        (album, "planned", "the pictures", {"table.csv", "README.md", "benchmark.json"}),
        (Leaderboard, "tables", "the tables", {"benchmark.json"}),
    ],
)
def test_what_fails_on_one_board_is_said_and_all_else_is_made(
    place, name, lost, kept, two, ask, monkeypatch
):
    with monkeypatch.context() as patch:
        failing(patch, place, name)
        answer = ask("run", "two.yaml")
    assert answer.code == 1
    assert "Traceback" not in answer.text
    (said,) = [line for line in answer.out.splitlines() if line.startswith("FAILED")]
    assert f"leaderboards/first: {lost}" in said
    assert "ValueError: cannot convert float NaN to integer (test_pages_that_fail.py:" in said
    boards = two / "leaderboards"
    assert kept | {"runs"} <= {path.name for path in (boards / "first").iterdir()}
    assert list((boards / "first").glob("runs/*/uniform-*/record.json"))
    assert (boards / "second" / "README.md").exists()
    command = said.split("`")[1]
    assert command.startswith("geobench report ")
    assert ask(*command.split()[1:]).code == 0
    assert ask("report", "--check", "first").code == 0
    assert (boards / "first" / "README.md").exists()


def test_a_page_that_fails_is_tried_again_by_the_next_run(two, ask, monkeypatch):
    with monkeypatch.context() as patch:
        failing(patch, report, "page")
        assert ask("run", "two.yaml").code == 1
        assert ask("run", "two.yaml").code == 1
    answer = ask("run", "two.yaml")
    assert (answer.code, answer.out.count("nothing has changed")) == (0, 1)


@pytest.mark.parametrize("name", ["_written", "_provide", "_asked_for"])
def test_a_benchmark_in_which_anything_fails_does_not_stop_the_next(name, two, ask, monkeypatch):
    failing(monkeypatch, runner, name)
    answer = ask("run", "two.yaml")
    assert answer.code == 1
    assert "FAILED benchmark first: ValueError: cannot convert float NaN to integer" in answer.out
    assert (two / "leaderboards" / "second" / "README.md").exists()


def test_standings_that_fail_do_not_stop_the_next_benchmark(two, ask, monkeypatch):
    from geobench.commands import console

    with monkeypatch.context() as patch:
        patch.setattr(console, "_HEADLINES", None)
        answer = ask("run", "two.yaml")
    assert answer.code == 1
    assert answer.out.count("FAILED benchmark") == 2
    known = json.loads((two / "leaderboards/second/benchmark.json").read_text())
    assert known["tables"]


def test_a_manifest_that_fails_leaves_the_records_and_says_so(two, ask, monkeypatch):
    with monkeypatch.context() as patch:
        failing(patch, runner.manifest, "write")
        answer = ask("run", "two.yaml")
    (said,) = [line for line in answer.out.splitlines() if line.startswith("FAILED")]
    assert "nothing can be made of the records, which are kept: ValueError" in said
    assert ask("run", "two.yaml").code == 0
