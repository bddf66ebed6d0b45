"""Twins: a gap is of trainings of equal size, or its note says in what they differ."""

import csv
import json
import re
from fnmatch import fnmatchcase

import numpy as np
import pytest

import small_run
from geobench import (
    Assignment,
    BrokenPicture,
    Config,
    DataError,
    Dataset,
    Encoder,
    Features,
    Part,
    Split,
    SplitConfig,
    Table,
    footprints,
    geo,
    records,
)
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.pages.verification import verify
from geobench.readable import number
from geobench.run import plan
from geobench.splits import check_twins
from geobench_basics.splits.unseen_cells import UnseenCellsSplit
from lent_plugins import lent
from pages import Page, tables

YAML = """
benchmarks:
  - name: twins
    dataset: {name: snapshots, broken: BROKEN}
    encoder: shade
    splits: [unseen-cells, {name: unseen-cells, label: seen-cells, surroundings: train}]
    methods: [{name: im2gps, k: 3}]
    metrics: [distance]
"""
PLAIN, TWIN = "unseen-cells/unseen", "seen-cells/unseen"


class SnapshotsConfig(Config):
    broken: list[int] = []


class Snapshots(Dataset):
    """Pictures of one shade each, some of them broken."""

    name = "snapshots"
    Config = SnapshotsConfig
    provides = frozenset({"images"})

    def load(self):
        ids = np.array([f"photo-{number}" for number in range(600)])
        return Table(ids, geo.uniform(600, np.random.default_rng(0)), ids)

    def images(self, indices):
        for row in indices.tolist():
            shade = np.full((2, 2, 3), row % 251, np.uint8)
            yield BrokenPicture("cut short") if row in self.config.broken else shade


class Shade(Encoder):
    name = "shade"

    def prepare(self, image):
        return image[0, 0, :2].astype(np.float32)

    def encode(self, batch, *, tokens):
        return Features(batch)


@pytest.fixture
def ran(tmp_path):
    """Runs the benchmark with some broken pictures; the folder of its leaderboard."""
    with lent(Snapshots, Shade):
        yield lambda broken: small_run.board(tmp_path, YAML.replace("BROKEN", str(broken)))


def gap_notes(board):
    with (board / "table.csv").open(newline="") as stream:
        gaps = [row for row in csv.DictReader(stream) if row["summary"].endswith(".gap")]
    assert gaps
    assert all(row["value"] for row in gaps)
    return [row["note"].split("; ") for row in gaps]


def test_a_gap_says_that_more_broken_pictures_were_left_out_of_one_training(ran):
    dataset = Snapshots()
    plain, twin = (
        UnseenCellsSplit(),
        UnseenCellsSplit(UnseenCellsSplit.Config(surroundings="train")),
    )
    apart, among = plain.assign(dataset), twin.assign(dataset)
    # Of train of the plain split alone, three; of val of the twin alone, one.
    only = np.setdiff1d(apart.train.rows, np.concatenate([among.train.rows, among.val.rows]))[:3]
    other = np.setdiff1d(among.val.rows, np.concatenate([apart.train.rows, apart.val.rows]))[:1]
    assert (len(only), len(other)) == (3, 1)
    board = ran([*only.tolist(), *other.tolist()])
    trained = f"the twin seen-cells was trained on {len(among.train):,} photos, 3 more"
    validated = f"the twin seen-cells was validated on {len(among.val) - 1:,} photos, 1 fewer"
    for note in gap_notes(board):
        assert trained in note
        assert validated in note
    text = f"after two trainings of different size ({trained}; {validated})"
    assert text in (board / "README.md").read_text()
    assert verify(board, installed()) == []
    *_, weak, _ = tables(Page.read("docs/results.md").section("table.csv"))
    for remark in (trained, validated):
        assert any(fnmatchcase(remark, pattern) for pattern in weak)


def test_a_gap_of_equal_trainings_says_nothing_of_sizes(ran):
    board = ran([])
    assert not [text for note in gap_notes(board) for text in note if " photos," in text]
    assert "after two trainings of equal size: " in (board / "README.md").read_text()


def test_sizes_are_those_that_benchmark_json_holds(ran):
    board = ran([])
    path = board / "benchmark.json"
    manifest = json.loads(path.read_text())
    manifest["parts"][TWIN]["facts"]["train photos"][0] += 1200
    path.write_text(json.dumps(manifest))
    (said,) = Leaderboard(board, installed()).unequal_trainings(PLAIN)
    assert re.fullmatch(r"the twin seen-cells was trained on 1,\d{3} photos, 1,200 more", said)
    assert Leaderboard(board, installed()).unequal_trainings(TWIN) == []


def test_the_page_says_how_much_of_the_ground_of_its_test_photos_the_twin_trains_on(
    ran, monkeypatch
):
    monkeypatch.setattr(Snapshots, "view_km", 700.0)
    monkeypatch.setattr(Snapshots, "reach_km", 1000.0)
    board = ran([])
    page, parts = ((board / name).read_text() for name in ("README.md", "benchmark.json"))
    shares = {label: part["facts"] for label, part in json.loads(parts)["parts"].items()}
    assert shares[PLAIN][footprints.SHARING] == [0.0, "share"]
    best, most, union, mean, sharing = (
        number(shares[TWIN][name][0], "share")
        for name in (
            footprints.BEST,
            footprints.BEST_OF_ALL,
            footprints.UNION,
            footprints.UNION_MEAN,
            footprints.SHARING,
        )
    )
    assert len({best, most, union, mean, sharing}) == 5
    assert (
        f"`{TWIN}` trains on the same ground: the training photo that shows most of the ground of "
        f"a test photo shows {best} of it (median; at most {most}), all together {union} (mean "
        f"{mean}), and {sharing} of the test photos share some. The generalisation gap holds the "
        "loss of these near-duplicates, too."
    ) in page
    assert f"- {footprints.BEST}: {best}\n" in page


def test_the_page_says_nothing_of_ground_where_nobody_knows_what_photos_show(ran):
    assert "ground" not in (ran([]) / "README.md").read_text()


class UnequalConfig(SplitConfig):
    twin: bool = False
    train: int = 200
    val: int = 100


class Unequal(Split):
    """A third party's split, whose twin has the sizes that a test gives it."""

    name = "unequal"
    Config = UnequalConfig

    @property
    def twin_of(self):
        return Unequal().identity() if self.config.twin else None

    def draw(self, dataset):
        train, val, _ = np.split(np.arange(500), np.cumsum([self.config.train, self.config.val]))
        return Assignment(
            train=Part.of("train", dataset, train),
            val=Part.of("val", dataset, val),
            parts=(Part.of("test", dataset, np.arange(500, 600)),),
        )


def planned_together(**sizes):
    splits = {"plain": Unequal(), "mine": Unequal(UnequalConfig(twin=True, **sizes))}
    check_twins(splits, {label: split.assign(Snapshots()) for label, split in splits.items()})


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"train": 203}, "split mine.*twin of plain.*203 train photos where plain has 200"),
        ({"train": 197}, "197 train photos where plain has 200"),
        ({"val": 98}, "98 val photos where plain has 100"),
        ({"val": 0}, "0 val photos where plain has 100"),
    ],
)
def test_a_twin_of_another_size_is_refused_with_both_sizes(sizes, text):
    with pytest.raises(DataError, match=text):
        planned_together(**sizes)


def test_a_twin_within_a_hundredth_is_planned():
    planned_together()
    planned_together(train=202, val=99)


def test_a_twin_without_the_other_is_planned():
    alone = Unequal(UnequalConfig(twin=True, train=5))
    check_twins({"mine": alone}, {"mine": alone.assign(Snapshots())})


def test_a_benchmark_with_an_unequal_twin_is_not_run(ran, tmp_path):
    twin = "{name: unequal, label: mine, twin: true, train: 150}"
    text = YAML.replace("BROKEN", "[]").replace("splits: [", f"splits: [unequal, {twin}, ")
    with lent(Unequal):
        (benchmark,) = small_run.read(tmp_path, text)
        with pytest.raises(DataError, match="150 train photos where unequal has 200"):
            plan.make(benchmark, records.Workspace(tmp_path), limit=20)
