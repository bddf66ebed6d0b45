"""Rows of an answers file with too few draws: shown, noted, and ranked by points alone."""

import json

import numpy as np
import pytest

import small_run
from geobench import StoreError, load
from geobench.board import comparison
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.pages.report import contents
from geobench.pages.verification import verify
from geobench.records import StoredRecord, files

PHOTOS, SAMPLES, PART = 60, 8, "official/test"
ROWS = {"one": 1, "few": 7, "enough": 8, "many": 20, "places": 7}
NOTE = "few draws: 7 of 8, not ranked by metrics of draws"
METRICS = "[distance, energy, nll-smoothed, bayes-geoscore, calibration-sampled, prdc]"
OF_DRAWS = ("energy", "nll-smoothed", "bayes-geoscore", "calibration-sampled.error")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished board whose labels have so many rows of each photo; those of `places` weighted."""
    root, rng = tmp_path_factory.mktemp("few"), np.random.default_rng(1)
    truth = np.stack([rng.uniform(-60, 60, PHOTOS), rng.uniform(-180, 180, PHOTOS)], axis=-1)
    lines = [f"p{photo},{lat!r},{lon!r}" for photo, (lat, lon) in enumerate(truth.tolist())]
    (root / "truth.csv").write_text("\n".join(["id,lat,lon", *lines]) + "\n")
    for label, rows in ROWS.items():
        said = truth[:, None] + rng.normal(0, 6, (PHOTOS, rows, 2))
        lines = ["id,sample,lat,lon,weight"]
        for photo, own in enumerate(said.tolist()):
            for row, (lat, lon) in enumerate(own):
                weight = row + 1 if label == "places" else 1
                lines.append(f"p{photo},{row},{lat!r},{lon!r},{weight}")
        (root / f"{label}.csv").write_text("\n".join(lines) + "\n")
    methods = [f"{{name: predictions, label: {label}, file: {label}.csv}}" for label in ROWS]
    text = (
        "benchmarks: [{name: few, dataset: {name: table, file: truth.csv}, splits: [official], "
        f"methods: [uniform, {', '.join(methods)}], metrics: {METRICS}, samples: {SAMPLES}}}]"
    )
    return small_run.board(root, text)


def numbers(folder):
    table = load(folder)
    return table[(table.slice == "all") & (table.average == "photo")].set_index("label")


def record_of(folder, label):
    rows = Leaderboard(folder, installed()).manifest.rows
    (row,) = (row for row in rows if row.label == label)
    return folder / "runs" / row.folder / "record.json"


def test_the_record_says_how_many_draws_there_are(folder):
    paths = {label: record_of(folder, label) for label in (*ROWS, "uniform")}
    found = {label: json.loads(path.read_text())["fewest_draws"] for label, path in paths.items()}
    assert found == {
        "one": None,
        "few": 7,
        "enough": 8,
        "many": 20,
        "places": None,
        "uniform": None,
    }


@pytest.mark.parametrize("summary", OF_DRAWS)
def test_fewer_draws_than_are_asked_for_are_noted_and_not_ranked_by_metrics_of_draws(
    folder, summary
):
    table = numbers(folder)
    rows = table[table.summary == summary]
    few = rows.loc["few"]
    assert few.note == NOTE
    assert np.isfinite(few.value)
    assert np.isnan(few.rank_low)
    assert np.isnan(few.rank_high)
    others = rows.loc[["one", "enough", "many", "places", "uniform"]]
    assert not others.note.str.contains("draws").any()
    assert others.rank_low.min() == 1
    assert others.rank_high.max() == 5  # as if there were no others


@pytest.mark.parametrize("summary", ["distance.mean", "prdc.density"])
def test_metrics_of_points_and_of_first_draws_rank_it_as_any_other(folder, summary):
    table = numbers(folder)
    rows = table[table.summary == summary].drop("oracle-training-place", errors="ignore")
    assert rows.loc["few"].note == ""
    assert np.isfinite(rows.rank_low).all()
    assert rows.rank_high.max() == len(ROWS) + 1


def test_every_slice_and_average_says_so_too(folder):
    table = load(folder)
    rows = table[(table.label == "few") & (table.summary == "energy")]
    rows = rows[np.isfinite(rows.value)]
    assert len(rows) > 1
    assert rows.note.str.startswith(NOTE).all()
    assert rows.rank_low.isna().all()


def test_the_page_says_so_below_the_label(folder):
    page = (folder / "README.md").read_text()
    assert page.count(NOTE) == page.count(f"| `few`<br>external<br>{NOTE} ") == 1


def test_nobody_is_told_apart_from_it_by_metrics_of_draws(folder):
    board = Leaderboard(folder, installed())
    found = {d.summary: d for d in comparison.differences(board, "few", "many", part=PART)}
    for summary in OF_DRAWS:
        assert found[summary].paired is None
        assert f"few: {NOTE}" in found[summary].note
        assert np.isfinite([found[summary].a, found[summary].b]).all()
    assert found["distance.mean"].paired is not None
    with pytest.raises(StoreError, match=r"cannot be compared by energy .* few: few draws: 7 of 8"):
        comparison.differences(board, "many", "few", part=PART, summary="energy")


def test_the_numbers_are_verified(folder):
    assert verify(folder, installed()) == []


def test_a_record_of_before_is_ranked_as_before(folder):
    path = record_of(folder, "few")
    kept = path.read_bytes()
    data = {k: v for k, v in files.read_stamped(path).items() if k != "fewest_draws"}
    try:
        files.write_stamped(path, data | {"schema": 4})
        assert StoredRecord.read(path.parent).content.fewest_draws is None
        board = Leaderboard(folder, installed())
        rows = [row for row in board.tables().rows if row.label == "few"]
        assert not any("draws" in row.note for row in rows)
        assert all(row.rank_low is not None for row in rows if row.overall)
        assert NOTE not in contents(board, board.tables()).texts["README.md"]
    finally:
        path.write_bytes(kept)
