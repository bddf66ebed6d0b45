"""Gaps between a split and its twin, and differences of parts where there is none."""

import json

import numpy as np
import pytest
from scipy import stats

from geobench.board.contrast_rows import NO_DIFFERENCE, NO_VARIANCE
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.names import CEILING
from twin_boards import SEEN, TRAINED, TWINS, UNSEEN


def jackknife(values, units):
    """The 95 % interval of a mean, leaving out a unit at a time."""
    names, sizes = np.unique(units, return_counts=True)
    without = np.array([values[units != name].mean() for name in names])
    error = np.sqrt((1 - 1 / len(names)) * ((without - values.mean()) ** 2).sum())
    half = error * stats.t.ppf(0.975, sizes.sum() ** 2 / (sizes**2).sum() - 1)
    return values.mean() - half, values.mean() + half


@pytest.mark.parametrize("label", [*TRAINED, CEILING])
def test_a_gap_is_the_twin_minus_the_plain_training_on_the_same_photos(board, label):
    here, there = board.arrays(UNSEEN), board.arrays(TWINS)
    assert (here["id"] == there["id"]).all()
    plain, twin = (board.errors(part, label).mean(axis=0) for part in (UNSEEN, TWINS))
    low, high = jackknife(twin - plain, here["unit"])
    row = board.row(UNSEEN, "distance.mean.gap", label)
    scale = max(abs(plain.mean()), 1)
    assert row.value == pytest.approx((twin - plain).mean(), abs=1e-5 * scale)
    assert (row.low, row.high) == pytest.approx((low, high), abs=2e-5 * scale)
    assert int(row.photos) == len(plain)
    assert row.better == "higher"  # of distances, of which less is better, the gap is below 0
    level = board.row(TWINS, "distance.mean", label)
    assert level.value == pytest.approx(twin.mean(), rel=1e-5)
    assert row.note == f"the twin {TWINS} has {level.value:.6g}"


def test_other_summaries_have_gaps_too(board):
    plain, twin = (board.errors(part, "nearest") for part in (UNSEEN, TWINS))
    median = board.row(UNSEEN, "distance.median.gap", "nearest").value
    expected = np.median(twin, axis=1).mean() - np.median(plain, axis=1).mean()
    assert median == pytest.approx(expected, rel=1e-5)
    share = board.row(UNSEEN, "accuracy@750km.gap", "nearest")
    assert share.value == pytest.approx((twin <= 750).mean() - (plain <= 750).mean(), abs=1e-5)
    assert share.better == "lower"
    nll = board.row(UNSEEN, "nll.gap", "prior")
    levels = [board.row(part, "nll", "prior").value for part in (TWINS, UNSEEN)]
    assert nll.value == pytest.approx(levels[0] - levels[1], abs=2e-5)
    assert int(nll.photos) == 60
    uniform = board.row(UNSEEN, "nll.gap", "uniform")
    assert (uniform.value, uniform.low, uniform.high) == (0, 0, 0)


def test_gaps_stand_on_the_rows_of_the_unseen_part_alone_and_are_not_ranked(board):
    gaps = board.table[board.table.summary.str.endswith(".gap")]
    assert set(gaps.part) == {UNSEEN}
    assert set(zip(gaps.slice, gaps.average, strict=True)) == {("all", "photo")}
    assert (gaps.rank_low == "").all()
    assert not board.table.summary.str.endswith(".part-difference").any()


def test_what_was_not_trained_here_has_neither_gap_nor_novelty_curve(board):
    gaps = board.table[board.table.summary.str.endswith(".gap")]
    assert set(gaps.label) == {*TRAINED, CEILING}
    novelty = board.curves[board.curves.curve.str.contains("novelty")]
    assert set(novelty.label) == {*TRAINED, CEILING}
    assert set(novelty.part) == {UNSEEN, SEEN, TWINS}


@pytest.mark.parametrize("label", ["nearest", "uniform", CEILING])
def test_without_a_twin_the_parts_are_compared_and_the_row_says_what_that_is(made, label):
    board = made.alone
    assert not board.table.summary.str.endswith(".gap").any()
    row = board.row(UNSEEN, "distance.mean.part-difference", label)
    seen, unseen = (board.errors(part, label).mean(axis=0) for part in (SEEN, UNSEEN))
    assert row.value == pytest.approx(seen.mean() - unseen.mean(), abs=0.02)
    assert row.low < row.value < row.high
    assert "of other photos: the difference holds the difficulty of the places, too" in row.note
    level = board.row(SEEN, "distance.mean", label)
    assert f"{SEEN} has {level.value:.6g}" in row.note
    assert row.rank_low == row.seed_sd == ""
    assert int(row.photos) == len(unseen)
    # Welch: the variances of both add.
    widths = [
        np.diff(jackknife(e, board.arrays(p)["unit"]))[0] / 2
        for e, p in ((seen, SEEN), (unseen, UNSEEN))
    ]
    assert max(widths) < (row.high - row.low) / 2 < sum(widths)
    assert set(board.table[board.table.summary.str.endswith("difference")].part) == {UNSEEN}


def test_contrasts_of_shares_are_never_without_an_interval(made):
    noted = 0
    for board, kind in ((made.both, "gap"), (made.alone, "part-difference")):
        rows = board.table[board.table.summary.str.endswith(f".{kind}") & board.table.value.notna()]
        alike = rows.note.str.contains(f"{NO_VARIANCE}|{NO_DIFFERENCE}")
        assert set(rows[alike].unit) <= {"share"}
        assert not ((rows.unit == "share") & (rows.low == rows.high)).any()
        noted += alike.sum()
    assert noted


def test_a_trial_has_gaps_and_no_ranks(made):
    table = made.trial.table
    assert set(table[table.summary.str.endswith(".gap")].label) == {*TRAINED, CEILING}
    assert (table.rank_low == "").all()
    plain, twin = (made.trial.errors(part, "nearest").mean() for part in (UNSEEN, TWINS))
    row = made.trial.row(UNSEEN, "distance.mean.gap", "nearest")
    assert row.value == pytest.approx(twin - plain, abs=0.05)
    assert int(row.photos) == 60
    resolved = (made.trial.folder / "resolution.csv").read_text().splitlines()
    assert len(resolved) == 1  # its head: where nobody is ranked, nobody is told apart


def test_a_gap_waits_until_the_same_trainings_are_there_of_both(made, tmp_path):
    manifest = json.loads((made.both.folder / "benchmark.json").read_text())
    manifest["rows"] = [
        row
        for row in manifest["rows"]
        if (row["part"], row["label"], row["seed"]) != (TWINS, "nearest", 1)
    ]
    (tmp_path / "benchmark.json").write_text(json.dumps(manifest))
    tables = Leaderboard(tmp_path, installed(), runs=made.both.folder / "runs").tables()
    gaps = {row.label: row for row in tables.rows if row.summary == "distance.mean.gap"}
    assert set(gaps) == {*TRAINED, CEILING}
    missing = {label for label, row in gaps.items() if np.isnan(row.value)}
    assert missing == {"nearest"}
    assert gaps["nearest"].note == f"the twin {TWINS} was trained with other seeds"
