"""Rows of a leaderboard: every number is what independent arithmetic makes of the stored arrays."""

import json

import numpy as np
import pytest

import small_run
from dots_board import GOOD, PHOTOS, TRAIN, Dots, Near, Whole, basics, benchmark, method
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import ROW_COLUMNS
from geobench.names import CEILING
from geobench.pages.verification import verify
from recount import Recount, close, jackknife, the


@pytest.mark.parametrize(("part", "label"), GOOD)
def test_a_row_is_what_the_stored_answers_give(part, label, rows, folder, manifest):
    recount = Recount(folder, manifest, part, label)
    errors = recount.errors
    mean = the(rows, part, label, "distance.mean")
    assert close(mean["value"], errors.mean())
    low, high = jackknife(errors, recount.units)
    assert close(mean["low"], low)
    assert close(mean["high"], high)
    median = the(rows, part, label, "distance.median")
    assert close(median["value"], np.mean([np.median(seed) for seed in errors]))
    assert float(median["low"]) <= float(median["value"]) <= float(median["high"])
    for radius in (1, 25, 200, 750, 2500):
        share = the(rows, part, label, f"accuracy@{radius}km")
        assert close(share["value"], (errors <= radius).mean())
        assert 0 <= float(share["low"]) <= float(share["value"]) <= float(share["high"]) <= 1
    _, counts = np.unique(recount.units, return_counts=True)
    deterministic = label in ("elsewhere", "released", CEILING)
    for row in (mean, median):
        assert row["photos"] == str(errors.shape[1])
        assert row["seeds"] == str(len(errors)) == ("1" if deterministic else "2")
        assert row["not_applicable"] == "0"
        assert close(row["effective_units"], counts.sum() ** 2 / (counts**2).sum())
    if deterministic:
        assert mean["seed_sd"] == median["seed_sd"] == ""
    else:
        assert close(mean["seed_sd"], errors.mean(axis=1).std(ddof=1))


def test_every_row_carries_what_it_is_about(rows, folder):
    assert (folder / "table.csv").read_text().split("\n")[0] == ",".join(ROW_COLUMNS)
    for row in rows:
        assert (row["benchmark"], row["slice"], row["average"]) == ("dots", "all", "photo")
    keys = [(row["part"], row["label"], row["summary"]) for row in rows]
    assert len(set(keys)) == len(keys)
    assert list(dict.fromkeys(row["part"] for row in rows)) == ["halves/old", "halves/new"]
    far = the(rows, "halves/old", "far", "distance.median")
    assert (far["method"], far["unit"], far["better"]) == ("near", "km", "lower")


def test_the_ceiling_answers_with_the_nearest_training_place(rows, folder, manifest):
    table = Dots().table
    for name, tested in (("old", range(TRAIN, 80)), ("new", range(80, PHOTOS))):
        nearest = [
            min(Recount.away(table.points[i], table.points[j]) for j in range(TRAIN))
            for i in tested
        ]
        row = the(rows, f"halves/{name}", CEILING, "distance.mean")
        assert close(row["value"], float(np.mean(nearest)))
        assert (row["status"], row["rank_low"], row["rank_high"]) == ("ceiling", "", "")
    assert not [row for row in rows if row["label"] == CEILING and row["summary"] == "nll"]


def test_status_says_where_answers_come_from(rows):
    expected = {
        "close": "ok",
        "far": "ok",
        "broken": "ok",
        "elsewhere": "external",
        "released": "released",
        CEILING: "ceiling",
    }
    for label, status in expected.items():
        assert the(rows, "halves/old", label, "distance.mean")["status"] == status


def test_a_part_that_is_not_answered_reads_so_and_is_not_ranked(rows):
    for summary in ("distance.mean", "accuracy@25km", "probe.mean", "fussy"):
        row = the(rows, "halves/new", "elsewhere", summary)
        assert row["status"] == "not-answered"
        for column in ("value", "low", "high", "effective_units", "rank_low", "rank_high", "note"):
            assert row[column] == ""


def test_a_failure_is_a_row_that_says_why(rows, outcome, curves):
    for summary in ("distance.mean", "accuracy@25km", "nll", "probe.mean"):
        row = the(rows, "halves/new", "broken", summary)
        assert row["status"] == "failed"
        assert "method broken: RuntimeError: out of | memory" in row["note"]
        assert row["note"].startswith("seed 0: ")
        assert row["value"] == row["rank_low"] == ""
    assert [f for f in outcome.failures if "halves / broken / seed 7" in f]
    assert not [c for c in curves if (c["part"], c["label"]) == ("halves/new", "broken")]


def test_a_metric_that_fails_fails_its_own_rows_and_no_others(rows, outcome):
    for label, failed in (("close", False), ("far", False), ("released", True), (CEILING, True)):
        row = the(rows, "halves/old", label, "fussy")
        assert (row["status"] == "failed") is failed, label
        assert ("metric fussy" in row["note"]) is failed
        assert the(rows, "halves/old", label, "distance.mean")["status"] != "failed"
    text = "halves/old / released: metric fussy: "
    assert [failure for failure in outcome.failures if failure.startswith(text)]


def test_only_what_competes_is_ranked(rows):
    for row in rows:
        ranked = row["rank_low"] != ""
        assert ranked == (row["rank_high"] != "")
        competes = row["status"] in ("ok", "external", "released") and row["value"] != ""
        competes &= row["better"] != "" and "a constant on" not in row["note"]
        assert ranked == competes, row
        if ranked:
            assert 1 <= int(row["rank_low"]) <= int(row["rank_high"])


def test_ranks_count_the_methods_that_are_clearly_better_and_worse(rows):
    # close (20 km) < elsewhere, broken (100 km) < far (400 km) < released (2,000 km)
    expected = {
        "close": ("1", "1"),
        "elsewhere": ("2", "3"),
        "broken": ("2", "3"),
        "far": ("4", "4"),
        "released": ("5", "5"),
    }
    for label, ranks in expected.items():
        row = the(rows, "halves/old", label, "distance.mean")
        assert (row["rank_low"], row["rank_high"]) == ranks
    worst = the(rows, "halves/old", "released", "accuracy@200km")
    assert worst["rank_high"] == "5"
    # On the other part two do not answer, and only three compete.
    assert the(rows, "halves/new", "released", "distance.mean")["rank_high"] == "3"


def test_without_training_there_is_no_ceiling(catalogue, workspace):
    asked = benchmark("untrained", Whole, [method(Near)], [basics("distance")])
    outcome = small_run.run(asked, workspace.root)
    assert outcome.board is not None
    labels = {row.label for row in Leaderboard(outcome.board, catalogue).tables().rows}
    assert labels == {"near"}
    assert verify(outcome.board, catalogue) == []


def test_from_three_seeds_on_the_interval_holds_for_trainings(catalogue, workspace):
    asked = benchmark("seeds", Whole, [method(Near, away_km=900.0)], [basics("distance")])
    widths = {}
    for seeds in ([0, 1], [0, 1, 2]):
        asked = asked.model_copy(update={"seeds": seeds, "name": f"seeds-{len(seeds)}"})
        outcome = small_run.run(asked, workspace.root)
        assert outcome.board is not None
        (row, *_) = Leaderboard(outcome.board, catalogue).tables().rows
        assert row.seeds == len(seeds)
        widths[len(seeds)] = row
        page = (outcome.board / "README.md").read_text()
        assert ("fewer than three seeds" in page) == (len(seeds) == 2)
    recount = Recount(
        workspace.board("seeds-3"),
        json.loads((workspace.board("seeds-3") / "benchmark.json").read_text()),
        "whole/all",
        "near",
    )
    low, high = jackknife(recount.errors, recount.units)
    row = widths[3]
    assert row.high - row.low > high - low
    between = recount.errors.mean(axis=1).std(ddof=1)
    assert row.seed_sd == pytest.approx(between, rel=1e-5)
