"""The ceiling stands where nearest is best; what no training place reaches is folded away."""

import csv
import re

import numpy as np
import pytest

import small_run
from geobench import gazetteer
from geobench.board.tables import OUT_OF_REACH
from geobench.names import CEILING
from small_board import Board
from twin_boards import TWINS, UNSEEN

PARTS = ["train", "test"]


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """A board of photos of towns, each town in one photo, of 23 of which the place is told."""
    root, rng = tmp_path_factory.mktemp("towns"), np.random.default_rng(3)
    known = gazetteer.load()
    places = known.points[rng.choice(len(known.points), 200, replace=False)]
    lines = [f"photo-{n},{lat:.5f},{lon:.5f},{PARTS[n % 2]}" for n, (lat, lon) in enumerate(places)]
    (root / "towns.csv").write_text("\n".join(["id,lat,lon,part", *lines]) + "\n")
    told = [line.rpartition(",")[0] for line in lines if line.endswith("test")]
    wrong = [f"{line.partition(',')[0]},-80,0" for line in told[23:]]
    (root / "told.csv").write_text("\n".join(["id,lat,lon", *told[:23], *wrong]) + "\n")
    text = (
        "benchmarks: [{name: towns, splits: [official], samples: 4, "
        "methods: [uniform, prior, {name: predictions, label: told, file: told.csv}], "
        "metrics: [distance, accuracy, geoscore, continent-accuracy, country-accuracy, "
        "town-accuracy, prdc, energy, nll], dataset: {name: table, file: towns.csv}}]"
    )
    return Board(small_run.board(root, text))


def plain(board):
    with (board.folder / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if (row["slice"], row["average"]) == ("all", "photo")]


def test_the_ceiling_has_rows_of_functions_of_distance_alone(towns):
    named = {row["summary"].partition("@")[0] for row in plain(towns) if row["label"] == CEILING}
    assert named == {"distance.mean", "distance.median", "accuracy", "geoscore"}
    curves = {row["curve"] for row in towns.rows("curves.csv") if row["label"] == CEILING}
    assert curves == {
        "accuracy",
        *(f"{s}.novelty{b}" for s in ("distance.mean", "geoscore") for b in ("", "-bins")),
    }


def test_what_the_nearest_training_place_never_scores_says_so_on_every_row(towns):
    (part,) = towns.arrays("runs/official-*/part.npz")
    near, true = (gazetteer.nearest(part[name]) for name in ("nearest", "truth"))
    assert not (near.town == true.town).any()
    assert (near.country == true.country).any()
    marked = {row["summary"] for row in plain(towns) if OUT_OF_REACH in row["note"]}
    assert {"town-accuracy", "accuracy@1km"} <= marked
    novelty = part["novelty"].min()
    for row in plain(towns):
        barred = row["summary"] == "town-accuracy"
        if radius := re.fullmatch(r"accuracy@(\d+)km", row["summary"]):
            barred = float(radius[1]) < novelty
        assert (OUT_OF_REACH in row["note"]) == barred, row["summary"]


def test_the_page_names_what_is_out_of_reach_with_the_reason_and_leaves_it_to_the_table(board):
    page = (board.folder / "README.md").read_text()
    section = page.split(f"## {UNSEEN}\n")[1].split("\n## ")[0].split("###")[0]
    novelty = board.arrays(UNSEEN)["novelty"].min()
    assert 25 < novelty < 200
    for radius in (1, 25, 200):
        row = f"\n| accuracy@{radius}km"
        named = f"`accuracy@{radius}km`" in section
        assert (named, row in section) == ((True, False) if radius < novelty else (False, True))
        kept = board.rows(UNSEEN, f"accuracy@{radius}km")
        assert len(kept) > 5
    (line,) = [each for each in section.splitlines() if each.startswith("In table.csv alone")]
    assert line.endswith("Even the training place nearest to the truth scores 0 on every photo.")


def test_what_is_out_of_reach_on_one_part_may_be_lost_and_on_both_is_no_gap(board):
    near = {part: board.arrays(part)["novelty"].min() for part in (UNSEEN, TWINS)}
    assert 1 < near[TWINS] < 200
    assert near[UNSEEN] > 25
    rows = board.rows(UNSEEN, "accuracy@25km.gap")
    assert len(rows)
    assert not rows.note.str.contains(OUT_OF_REACH).any()
    page = (board.folder / "README.md").read_text()
    gaps = page.split("Of all summaries</summary>")[1].split("</details>")[0]
    for radius in (1, 25, 200):
        shown = f"| accuracy@{radius}km.gap" in gaps
        assert shown == (radius > min(near.values())), radius


def test_the_page_folds_what_is_rarely_read_and_leaves_the_labels_in_their_order(board):
    page = (board.folder / "README.md").read_text()
    section = page.split(f"## {UNSEEN}\n")[1].split("\n## ")[0]
    shown, folded = section.split("<details>", 2)[:2]
    minor = ["nll.median", "nll.worse-than-uniform", "nll.at-floor", "information-gain"]
    assert f"<summary>{', '.join(minor)}</summary>" in folded
    for name in ("nll", "nll.hedged", "nll.trust", *minor):
        rows = [f"\n| {name}{end}" in text for end in (",", " ", "<") for text in (shown, folded)]
        assert (any(rows[::2]), any(rows[1::2])) == (name not in minor, name in minor), name
    heads = [re.search(r"\n\|  +\| (.+)", text)[1] for text in (shown, folded)]
    labels = [re.findall("`(.+?)`", head) for head in heads]
    assert labels[1] == [label for label in labels[0] if label in labels[1]]


def test_the_page_says_what_a_reader_of_its_metrics_has_to_know(towns, board):
    pages = [(each.folder / "README.md").read_text() for each in (towns, board)]
    of_labels, fitted = "23 % of land, far from any town, has none", "no average in which classes"
    assert [of_labels in page for page in pages] == [True, False]
    assert [page.count(fitted) for page in pages] == [1, 1]


def test_who_is_right_elsewhere_is_named_with_what_is_out_of_reach(towns):
    page = (towns.folder / "README.md").read_text()
    assert "`town-accuracy` (at most 23.0 %, `told`)" in page
    assert "\n| town-accuracy" not in page


def test_a_page_of_nothing_else_shows_what_is_out_of_reach(tmp_path):
    rows = [f"photo-{n},{n},{10 * n},{PARTS[n % 2]}" for n in range(12)]
    (tmp_path / "far.csv").write_text("\n".join(["id,lat,lon,part", *rows]) + "\n")
    text = (
        "benchmarks: [{name: far, splits: [official], methods: [prior], metrics: "
        "[{name: accuracy, radii_km: [1, 2]}], dataset: {name: table, file: far.csv}}]"
    )
    page = (small_run.board(tmp_path, text) / "README.md").read_text()
    assert "\n| accuracy@1km" in page
    assert "In table.csv alone" not in page
