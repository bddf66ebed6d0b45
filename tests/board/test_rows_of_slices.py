"""Rows of slices and of averages, and their ranks: what pandas makes of the stored answers."""

from itertools import combinations

import numpy as np
import pandas
import pytest
from pandas.testing import assert_series_equal
from scipy import stats

from geobench import EqualAreaGrid
from geobench.board.leaderboard import Leaderboard
from geobench.board.part_rows import PartNumber
from geobench.board.ranks import UNRANKED, rank
from geobench.board.tables import Row
from geobench.catalogue import installed
from geobench.names import CEILING
from geobench.scoring.columns import truth_of
from geobench.scoring.summaries import summarise
from twin_boards import SEEN, TRAINED, UNSEEN


@pytest.mark.parametrize("label", ["nearest", "weights", CEILING])
@pytest.mark.parametrize("part", [UNSEEN, SEEN])
@pytest.mark.parametrize("name", ["hemisphere", "scene"])
def test_slices_are_what_pandas_groups(board, part, label, name):
    values = board.arrays(part)[f"attribute.{name}"]
    errors = pandas.Series(board.errors(part, label).mean(axis=0))
    frequent = pandas.Series(values).value_counts()
    frequent = frequent[frequent >= 20]
    assert len(frequent) >= 2
    expected = errors.groupby(values).mean()[sorted(frequent.index)]
    mean = board.table[
        (board.table.part == part)
        & (board.table.label == label)
        & (board.table.summary == "distance.mean")
        & board.table.slice.str.startswith(f"{name}=")
    ]
    found = mean.set_index(mean.slice.str.removeprefix(f"{name}=")).value
    assert_series_equal(found, expected, rtol=1e-5, check_names=False)
    assert (mean.photos.astype(int).to_numpy() == frequent[expected.index].to_numpy()).all()
    assert (mean.low < mean.value).all()
    assert (mean.value < mean.high).all()


def test_a_slice_has_medians_and_shares_too(board):
    north = board.arrays(UNSEEN)["attribute.hemisphere"] == "north"
    errors = board.errors(UNSEEN, "nearest")[:, north]
    wanted = {"label": "nearest", "slice": "hemisphere=north"}
    median = board.row(UNSEEN, "distance.median", **wanted)
    assert median.value == pytest.approx(np.median(errors, axis=1).mean(), rel=1e-5)
    share = board.row(UNSEEN, "accuracy@2500km", **wanted)
    assert share.value == pytest.approx((errors <= 2500).mean(), rel=1e-5)


def test_training_slices_count_the_training_photos_around(board):
    part = board.arrays(UNSEEN)
    around = pandas.Series(part["neighbours"])
    assert (around == 0).mean() > 1 / 3  # no training photo is near them: rarely seen, all of them
    third = np.floor(3 * (around.rank(method="min") - 1) / len(around) + 1e-9).to_numpy()
    errors = board.errors(UNSEEN, "nearest").mean(axis=0)
    shown = []
    for number, name in enumerate(("rarely", "sometimes", "often")):
        inside = third == number
        rows = board.rows(UNSEEN, "distance.mean", label="nearest", slice=f"training={name}")
        assert len(rows) == (inside.sum() >= 20)
        for row in rows.itertuples():
            shown.append(name)
            assert int(row.photos) == inside.sum()
            assert row.value == pytest.approx(errors[inside].mean(), rel=1e-5)
    assert shown[0] == "rarely"
    assert len(shown) >= 2


def test_cells_count_once_each_where_the_average_says_so(board):
    cells, enough = cells_of(board)
    assert enough.sum() < len(enough)
    errors = pandas.Series(board.errors(UNSEEN, "late").mean(axis=0))[enough]
    row = board.row(UNSEEN, "distance.mean", "late", average="cell")
    assert row.value == pytest.approx(errors.groupby(cells[enough]).mean().mean(), rel=1e-5)
    assert int(row.photos) == enough.sum()
    share = board.row(UNSEEN, "accuracy@2500km", "late", average="cell")
    hits = pandas.Series((board.errors(UNSEEN, "late") <= 2500).mean(axis=0))[enough]
    assert share.value == pytest.approx(hits.groupby(cells[enough]).mean().mean(), rel=1e-5)
    assert not len(board.rows(UNSEEN, "distance.median", average="cell"))
    assert set(board.table.average) == {"photo", "cell"}  # no continents on the toy planet


def cells_of(board):
    """The cell of each unseen photo, and whether five photos of the part or more are there."""
    cells = pandas.Series(EqualAreaGrid(36).assign(board.arrays(UNSEEN)["truth"]))
    return cells, cells.map(cells.value_counts()) >= 5


def test_every_metric_averages_over_the_same_cells_of_which_the_note_counts_the_others(board):
    cells, enough = cells_of(board)
    few = cells[~enough]
    counted = f"{few.nunique()} of {cells.nunique()} cells left out"
    note = f"{counted}: fewer than 5 photos ({len(few)} in all)"
    rows = board.table[(board.table.part == UNSEEN) & (board.table.average == "cell")]
    assert set(rows[rows.status == "ok"].note.str.split("; ").str[0]) == {note}
    assert {"distance.mean", "nll", "northern"} <= set(rows.summary)
    page = (board.folder / "README.md").read_text()
    assert f"each cell once ({enough.sum()} photos)<br>{note}" in page


def test_a_metric_of_some_photos_weighs_them_by_the_photos_of_their_cells_in_the_part(board):
    cells, enough = cells_of(board)
    rows = [r for r in board.manifest["rows"] if (r["part"], r["label"]) == (UNSEEN, "prior")]
    (path,) = (board.folder / "runs" / rows[0]["folder"]).glob("nll-*.npz")
    stored = dict(np.load(path))
    scored = pandas.Series(stored["mask"] == 0) & enough
    assert 0 < scored.sum() < enough.sum()
    weights = 1 / cells.map(cells.value_counts())[scored]
    row = board.row(UNSEEN, "nll", "prior", average="cell")
    assert row.value == pytest.approx(np.average(stored["nll"][scored], weights=weights), rel=1e-5)
    assert int(row.photos) == scored.sum()


def test_what_cannot_be_scored_is_counted_in_each_slice(board):
    part = board.arrays(UNSEEN)
    south = part["attribute.hemisphere"] == "south"
    whole = board.row(UNSEEN, "northern", "nearest")
    assert int(whole.not_applicable) == south.sum()
    assert int(whole.photos) == (~south).sum()
    north = board.row(UNSEEN, "northern", "nearest", slice="hemisphere=north")
    assert (int(north.not_applicable), north.value) == (0, whole.value)
    nothing = board.row(UNSEEN, "northern", "nearest", slice="hemisphere=south")
    assert int(nothing.not_applicable) == south.sum()
    assert np.isnan(nothing.value)
    assert nothing.note == "no photo of this slice can be scored"


def test_a_failure_is_shown_in_every_slice(board):
    slices = board.table[board.table.part == UNSEEN].slice.unique()
    for name in slices:
        row = board.row(UNSEEN, "distance.mean", "broken", slice=name)
        assert row.status == "failed"
        assert np.isnan(row.value)
        assert "it breaks" in row.note


def ranked(errors, units):
    """Rank ranges by paired t tests of means over units left out, under Holm's correction."""
    names = np.unique(units)
    sizes = np.array([(units == name).sum() for name in names])
    degrees = sizes.sum() ** 2 / (sizes**2).sum() - 1
    tests = []
    for a, b in combinations(errors, 2):
        gap = errors[a] - errors[b]
        without = np.array([gap[units != name].mean() for name in names])
        error = np.sqrt((1 - 1 / len(names)) * ((without - gap.mean()) ** 2).sum())
        p = 2 * stats.t.sf(abs(gap.mean()) / error, degrees) if error > 0 else 1.0
        tests.append((p, (a, b) if gap.mean() < 0 else (b, a)))
    low, high = dict.fromkeys(errors, 1), dict.fromkeys(errors, len(errors))
    for step, (p, (winner, loser)) in enumerate(sorted(tests)):
        if p * (len(tests) - step) > 0.05:
            break
        low[loser] += 1
        high[winner] -= 1
    return {name: (low[name], high[name]) for name in errors}


@pytest.mark.parametrize("chosen", ["hemisphere=north", "hemisphere=south", "all"])
def test_each_slice_has_ranks_of_its_own(board, chosen):
    part = board.arrays(UNSEEN)
    inside = np.ones(len(part["unit"]), bool)
    if chosen != "all":
        inside = part["attribute.hemisphere"] == chosen.partition("=")[2]
    labels = (*TRAINED, "weights", "elsewhere")
    errors = {name: board.errors(UNSEEN, name).mean(axis=0)[inside] for name in labels}
    expected = ranked(errors, part["unit"][inside])
    rows = board.rows(UNSEEN, "distance.mean", slice=chosen)
    found = {row.label: (row.rank_low, row.rank_high) for row in rows.itertuples()}
    assert found.pop(CEILING) == found.pop("broken") == ("", "")
    assert {name: tuple(map(int, limits)) for name, limits in found.items()} == expected
    assert len(set(expected.values())) > 1


@pytest.mark.parametrize("odd", [0, 1, 3])
def test_who_was_scored_on_other_photos_than_most_is_shown_and_not_ranked(board, odd):
    metrics, truth = Leaderboard(board.folder, installed()).metrics, truth_of(board.arrays(UNSEEN))
    names = ("b", UNSEEN, "all", "photo")
    (mean,) = (each for each in metrics[0].summaries if each.name == "distance.mean")
    rows, numbers, units = [], [], np.arange(30)
    for place in range(4):
        scores = np.random.default_rng(place).normal(100.0 * place, 1.0, (1, 30))
        answer = summarise(mean, {mean.column: scores}, truth=truth, units=units)[0]
        rows.append(Row(*names, f"m{place}", "m", mean.name, "km", "lower", answer.estimate.value))
        photos = np.arange(30) + (place == odd)
        numbers.append(PartNumber(rows[-1], answer.replicates, photos, (0,)))
    found = rank(numbers, better=mean.better)
    assert [row.value for row in found] == [row.value for row in rows]
    assert found[odd].rank_low is None
    assert found[odd].note == UNRANKED
    others = [row for place, row in enumerate(found) if place != odd]
    assert [row.rank_low for row in others] == [row.rank_high for row in others] == [1, 2, 3]
    assert {row.note for row in others} == {""}
