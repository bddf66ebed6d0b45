"""Committed leaderboards verify, are fresh, are of their YAML files, and are what README says."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import geobench
from geobench import config
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.components import without
from geobench.pages import report, verification
from pages import Page, tables

ROOT = Path(__file__).parents[2]
FULL = ROOT / "leaderboards/blue-marble-full"
SOURCES = {
    "blue-marble-full": "benchmarks/blue-marble-full.yaml",
    "blue-marble-density-shift": "benchmarks/blue-marble-variants.yaml",
    "blue-marble-galleries": "benchmarks/blue-marble-variants.yaml",
    "blue-marble-apart": "benchmarks/blue-marble-variants.yaml",
    "blue-marble-validation": "benchmarks/blue-marble-variants.yaml",
    "blue-marble-cells": "benchmarks/blue-marble-cells.yaml",
    "blue-marble-less-data": "benchmarks/blue-marble-less-data.yaml",
    "blue-marble-locdiffusion": "benchmarks/blue-marble-locdiffusion.yaml",
    "blue-marble-generative": "benchmarks/blue-marble-generative.yaml",
}
every_board = pytest.mark.parametrize("name", SOURCES)


def folder(name):
    return ROOT / "leaderboards" / name


def manifest_of(name):
    return json.loads((folder(name) / "benchmark.json").read_text())


# That the full one verifies shows the command of README, below.
@pytest.mark.parametrize("name", [name for name in SOURCES if name != FULL.name])
def test_a_committed_leaderboard_verifies(name):
    assert verification.verify(folder(name), installed()) == []


@every_board
def test_its_tables_and_pictures_are_fresh(name):
    board = Leaderboard(folder(name), installed())
    assert verification.stale(board, report.contents(board, board.tables())) == []
    assert {Path(picture.file).name for picture in board.manifest.pictures} == {
        path.name for path in (folder(name) / "figures").iterdir()
    }


def test_every_benchmark_of_these_files_is_committed():
    found = [
        (benchmark.name, source)
        for source in dict.fromkeys(SOURCES.values())
        for benchmark in config.read(ROOT / source, installed())
    ]
    assert found == list(SOURCES.items())


@every_board
def test_it_is_what_its_yaml_file_asks_for(name):
    benchmarks = config.read(ROOT / SOURCES[name], installed())
    (benchmark,) = (each for each in benchmarks if each.name == name)
    manifest = manifest_of(name)
    # Fields that were added since stand in `resolved`, and leave out of keys what they were.
    shown = without(manifest["benchmark"], manifest.get("left_out", []))
    shown.pop("deadline", None)  # boards of layout 3 say it, and do not digest it
    assert shown == json.loads(json.dumps(benchmark.keyed))
    assert manifest["digest"] == benchmark.digest
    assert manifest["dataset"]["digest"] == benchmark.dataset.plugin.digest
    assert manifest["missing"] == []
    assert manifest["limit"] is None


@every_board
def test_every_record_was_made_from_a_clean_commit_by_a_checked_method(name):
    for row in manifest_of(name)["rows"]:
        record = json.loads((folder(name) / "runs" / row["folder"] / "record.json").read_text())
        assert record["status"] == "ok"
        assert record["environment"]["git"]["dirty"] is False
        assert record["check"]["failed"] == {}


@every_board
def test_its_records_are_small_enough_to_be_committed(name):
    for part, limit in (("runs", 25e6), ("figures", 5e6)):
        assert sum(path.stat().st_size for path in (folder(name) / part).rglob("*")) < limit


def test_no_system_changes_the_line_ends_of_what_has_a_digest():
    path = "leaderboards/blue-marble-full/README.md"
    done = subprocess.run(
        ["git", "check-attr", "text", path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:  # a source archive, or no git
        pytest.skip("this is no clone")
    assert done.stdout == f"{path}: text: unset\n"


@pytest.mark.slow
def test_the_commands_that_the_readme_shows_for_it_work(geobench, tmp_path):
    shown = [
        line.split("#")[0].split() for line in Page.read("README.md").blocks("sh")[1].splitlines()
    ]
    assert [words[:3] for words in shown] == [
        ["geobench", "verify", "blue-marble-full"],
        ["geobench", "worst", "blue-marble-full"],
        ["geobench", "compare", "blue-marble-full"],
        ["geobench", "run", "benchmarks/blue-marble-full.yaml"],
    ]
    (tmp_path / "leaderboards").symlink_to(ROOT / "leaderboards")
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    done = geobench(*shown[0][1:])
    assert (done.code, done.err) == (0, "")
    done = geobench(*shown[1][1:], "-n", "2")  # the last one counts; twenty take their time
    assert done.code == 0, done.text
    assert len(list(tmp_path.glob("worst-*.png"))) == 4
    assert "maps without pictures" not in done.text
    done = geobench(*shown[2][1:], "--part", "unseen-cells/unseen")
    assert done.code == 0, done.text
    assert "geoscore" in done.out
    done = geobench(*shown[3][1:], "--dry-run", "--workspace", "elsewhere")
    assert done.code == 0, done.text
    assert "69 to run" in done.out


def test_the_numbers_of_the_readme_are_those_of_the_leaderboard():
    table = geobench.load(FULL)
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    rows = table.set_index(["part", "summary", "label"])
    (shown,) = (t for t in tables(Page.read("README.md").text) if "oracle-training-place" in t)
    assert set(shown) == set(table.label)
    wanted = {
        "GeoScore (0 to 5000), trained on their surroundings, too": "seen-cells/unseen geoscore",
        "GeoScore, trained elsewhere only": "unseen-cells/unseen geoscore",
        "the gap": "unseen-cells/unseen geoscore.gap",
        "median error in km, trained elsewhere only": "unseen-cells/unseen distance.median",
        "bits that its density knows beyond the uniform, trained elsewhere only": (
            "unseen-cells/unseen information-gain"
        ),
    }
    for label, row in shown.items():
        first, *cells = row.items()
        assert (
            first[0] == f"on the same {int(rows.loc['unseen-cells/unseen'].photos.iloc[0])} photos"
        )
        assert [head for head, _ in cells] == list(wanted)
        for head, cell in cells:
            key = (*wanted[head].split(), label)
            if not cell:
                assert key not in rows.index
                continue
            numbers = [float(text.replace(",", "")) for text in re.findall(r"-?[\d.,]+", cell)]
            digits = 2 if "bits" in head else 0
            found = rows.loc[key, ["value", "low", "high"]].dropna()
            assert numbers == [round(number, digits) for number in found]
