"""A run with nothing to do leaves a board alone, and makes it again whatever of it has changed."""

import json
import shutil
import sys
from types import SimpleNamespace

import pytest

import small_run
from geobench import Mean, Metric, distance_km
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.pages import report, unchanged
from geobench.records import files, verdicts
from lent_plugins import lent

YAML = """
benchmarks:
  - name: small
    dataset: {name: toy-planet, photos: 120}
    encoder: given
    splits: [random]
    methods: [uniform, prior]
    metrics: [METRICS]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace whose board has pictures, made once."""
    root = tmp_path_factory.mktemp("finished")
    small_run.board(root, YAML.replace("METRICS", "distance, accuracy"), figures=True)
    return root


@pytest.fixture
def made(finished, tmp_path, monkeypatch):
    """A copy of that workspace, its board, and how often tables were computed since."""
    root = shutil.copytree(finished, tmp_path / "workspace")
    count, tables = SimpleNamespace(tables=0), Leaderboard.tables

    def counted(board):
        count.tables += 1
        return tables(board)

    monkeypatch.setattr(Leaderboard, "tables", counted)
    return SimpleNamespace(root=root, board=root / "leaderboards/small", count=count)


def again(made, *, metrics="distance, accuracy", **options):
    """Run the benchmark again, pictures and all; how often its tables were computed, and what
    failed."""
    before = made.count.tables
    (benchmark,) = small_run.read(made.root, YAML.replace("METRICS", metrics))
    outcome = small_run.run(benchmark, made.root, **{"figures": True, **options})
    assert outcome.board == made.board
    return SimpleNamespace(computed=made.count.tables - before, failures=outcome.failures)


def contents(made):
    return {path: path.read_bytes() for path in made.board.rglob("*") if path.is_file()}


def test_a_run_with_nothing_to_do_computes_no_table_and_writes_no_file(made):
    before = {path: path.stat().st_mtime_ns for path in made.board.rglob("*")}
    assert again(made).computed == 0
    assert {path: path.stat().st_mtime_ns for path in made.board.rglob("*")} == before


@pytest.mark.parametrize("how", ["gone", "edited"])
@pytest.mark.parametrize(
    "name",
    ["table.csv", "curves.csv", "costs.csv", "resolution.csv", "README.md", "figures/cost.png"],
)
def test_a_file_that_is_not_as_it_was_written_is_made_again(name, how, made):
    before, path = contents(made), made.board / name
    if how == "edited":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        path.unlink()
    assert again(made).computed == 1
    assert contents(made) == before
    assert again(made).computed == 0


def test_another_benchmark_json_or_none_is_written_again(made):
    before, path = contents(made), made.board / "benchmark.json"
    for text in (path.read_text() + "\n", path.read_text().replace('"tables"', '"unknown"'), "{}"):
        path.write_text(text)
        assert again(made).computed == 1
        assert again(made).computed == 0
    assert {**contents(made), path: before[path]} == before


def test_a_record_of_other_content_gives_other_tables(made):
    path = next(made.board.glob("runs/*/prior-*/record.json"))
    record = files.read_stamped(path)
    record["timings"]["predict_seconds"] = 1234.5
    files.write_stamped(path, record)
    assert again(made).computed == 1
    assert ",1234.5\n" in (made.board / "costs.csv").read_text()
    assert again(made).computed == 0


@pytest.mark.parametrize(
    "name",
    [
        "geobench/pages/markdown.py",
        "geobench/statistics/ranking.py",
        "geobench/board/part_rows.py",
        "geobench/figures/cost.py",
        "geobench_basics/metrics/distance.py",
    ],
)
def test_other_sources_make_the_board_again(name, made, monkeypatch):
    real = verdicts.file_digest

    def other(path):
        return "0" * 64 if path.as_posix().endswith(name) else real(path)

    monkeypatch.setattr(verdicts, "file_digest", other)
    assert again(made).computed == 1
    assert again(made).computed == 0


def test_another_version_of_an_installed_package_makes_the_board_again(made, monkeypatch, tmp_path):
    (tmp_path / "numbers-2.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert again(made).computed == 1
    (tmp_path / "numbers-2.0.dist-info").rename(tmp_path / "numbers-2.1.dist-info")
    assert again(made).computed == 1
    monkeypatch.setattr(sys, "version", "4.0")
    assert again(made).computed == 1


class Away(Metric):
    """How far an answer is off."""

    name = "away"
    columns = ("away",)
    summaries = (Mean(name="away", unit="km", better="lower", column="away"),)

    def score(self, prediction, truth, context):
        return distance_km(prediction.point(), truth.points)[:, None]


class AwayInMetres(Away):
    """The same with another version and other numbers."""

    version = 2

    def score(self, prediction, truth, context):
        return 1000 * super().score(prediction, truth, context)


class AwayUnknown(Away):
    """The same, but for its scores, which it has none of."""

    version = 3

    def score(self, prediction, truth, context):
        raise ValueError("it is not known how far")


def test_a_metric_of_another_version_gives_other_tables(made):
    with lent(Away):
        assert again(made, metrics="away").computed == 1
        assert again(made, metrics="away").computed == 0
        before = (made.board / "table.csv").read_text()
    with lent(AwayInMetres):
        assert again(made, metrics="away").computed == 1
    assert (made.board / "table.csv").read_text() != before


def test_what_went_wrong_in_the_tables_is_said_by_every_run(made):
    with lent(AwayUnknown):
        for _ in range(2):
            done = again(made, metrics="away")
            assert done.computed == 1
            assert any("it is not known how far" in each for each in done.failures)


def test_pictures_that_were_not_wanted_are_drawn_when_they_are(made):
    for path in made.board.glob("figures/*"):
        path.unlink()
    assert again(made, figures=False).computed == 1
    assert again(made, figures=False).computed == 0
    assert not list(made.board.glob("figures/*"))
    assert again(made).computed == 1
    assert list(made.board.glob("figures/*"))
    assert again(made, figures=False).computed == 0  # nor are they taken away


def test_pictures_of_another_format_stay(made):
    assert report.rewrite(made.board, installed(), file_format="svg") == []
    before = contents(made)
    again(made)
    assert again(made).computed == 0
    assert contents(made) == before
    assert {path.suffix for path in made.board.glob("figures/*")} == {".svg"}


def test_a_board_that_is_made_while_its_code_changes_is_made_again(made, monkeypatch):
    (made.board / "table.csv").unlink()
    codes = iter(["before", *["after"] * 4])
    monkeypatch.setattr(unchanged, "code", lambda catalogue: next(codes))
    assert again(made).computed == 1
    assert again(made).computed == 1
    assert again(made).computed == 0


def test_what_was_last_made_is_forgotten_when_the_workspace_forgets_it(made):
    (kept,) = (made.root / ".geobench/made").iterdir()
    kept.write_text(json.dumps({"made": "of another", "pictures": True}))
    assert again(made).computed == 1
    shutil.rmtree(made.root / ".geobench")
    assert again(made).computed == 1
    assert again(made).computed == 0


def test_a_report_computes_what_it_writes_in_any_case(made):
    assert report.rewrite(made.board, installed()) == []
    assert made.count.tables == 1
