"""The committed leaderboard verifies, is fresh, is of its YAML file, and is what README says."""

import json
import re
from pathlib import Path

import pytest
from pages import Page, tables

import geobench
from geobench import config, report, verification
from geobench.catalogue import installed
from geobench.leaderboard import Leaderboard

ROOT = Path(__file__).parents[1]
BOARD = ROOT / "leaderboards/blue-marble-full"


@pytest.fixture(scope="module")
def manifest():
    return json.loads((BOARD / "benchmark.json").read_text())


def test_the_committed_leaderboard_verifies():
    assert verification.verify(BOARD, installed()) == []


def test_its_tables_and_pictures_are_fresh():
    board = Leaderboard(BOARD, installed())
    assert verification.stale(board, report.contents(board, board.tables())) == []
    assert {Path(entry["file"]).name for entry in board.manifest["figures"]} == {
        path.name for path in (BOARD / "figures").iterdir()
    }


def test_it_is_what_its_yaml_file_asks_for(manifest):
    (benchmark,) = config.read(ROOT / "benchmarks/blue-marble-full.yaml", installed())
    assert manifest["benchmark"] == json.loads(json.dumps(benchmark.resolved))
    assert manifest["digest"] == benchmark.digest
    assert manifest["dataset"]["digest"] == benchmark.dataset.plugin.digest
    assert manifest["missing"] == []
    assert manifest["limit"] is None


def test_every_record_was_made_from_a_clean_commit_by_a_checked_method(manifest):
    for row in manifest["rows"]:
        record = json.loads((BOARD / "runs" / row["folder"] / "record.json").read_text())
        assert record["status"] == "ok"
        assert record["environment"]["git"]["dirty"] is False
        assert record["check"]["failed"] == {}


def test_its_records_are_small_enough_to_be_committed():
    size = sum(path.stat().st_size for path in (BOARD / "runs").rglob("*"))
    assert size < 25e6
    size = sum(path.stat().st_size for path in (BOARD / "figures").rglob("*"))
    assert size < 5e6


def test_the_numbers_of_the_readme_are_those_of_the_leaderboard():
    table = geobench.load(BOARD)
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    rows = table.set_index(["part", "summary", "label"])
    (shown,) = (t for t in tables(Page.read("README.md").text) if "oracle-training-place" in t)
    assert set(shown) == set(table.label)
    for label, row in shown.items():
        cells = {head: cell for head, cell in row.items() if head}
        assert len(cells) == 4
        for head, cell in cells.items():
            summary = "geoscore" if "GeoScore" in head else "distance.median"
            part = f"unseen-cells/{head.split(', ')[-1]}"
            found = rows.loc[(part, summary, label)]
            numbers = [float(text.replace(",", "")) for text in re.findall(r"[\d,]+", cell)]
            assert numbers == [round(found["value"]), round(found.low), round(found.high)]
