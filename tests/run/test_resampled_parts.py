"""What a part resamples: in part.npz and on the page, in no key, and no ranks of too few."""

import json

import numpy as np
import pytest

import small_run
from drawn_places import Places, far_and_wide, towns
from geobench import EqualAreaGrid, Part, digests
from geobench.assignments import describe
from geobench.board import tables
from geobench.catalogue import installed
from geobench.pages import verification
from geobench.records.workspace import Workspace
from geobench.resampling import resample, rows_of_blocks
from geobench.run import plan
from geobench.toy_planet import ToyPlanet
from geobench_basics.splits import (
    ByGroupSplit,
    DensityShiftSplit,
    RandomSplit,
    UnseenCellsSplit,
    UnseenRegionsSplit,
)

BOARD = """
benchmarks:
  - name: units
    dataset: {name: toy-planet, photos: 1500}
    encoder: given
    splits: [by-group, {name: unseen-cells, rows: 6, buffer_km: 25, groups: shared}]
    methods: [uniform, prior, toy-oracle]
    metrics: [distance, geoscore, nll]
"""


@pytest.mark.parametrize(
    ("reach_km", "rows"), [(0.1, 36), (185.0, 36), (186.0, 35), (205.0, 32), (9000.0, 2)]
)
def test_blocks_are_three_reaches_wide_and_no_narrower_than_a_row_of_36(reach_km, rows):
    assert rows_of_blocks(reach_km) == rows
    assert rows == 2 or 20015.1 / rows >= 3 * reach_km
    assert rows == 36 or rows == 2 or 20015.1 / (rows + 1) < 3 * reach_km


def pairs(columns):
    """Which pairs of photos are in one unit, by a chain of units of any column, by brute force."""
    linked = np.any([column[:, None] == column for column in columns], axis=0)
    while (further := (linked.astype(int) @ linked.astype(int)) > 0).sum() > linked.sum():
        linked = further
    return linked


@pytest.mark.parametrize(
    "kind",
    [ByGroupSplit, DensityShiftSplit, RandomSplit, UnseenCellsSplit, UnseenRegionsSplit],
)
@pytest.mark.parametrize(("reach_km", "size"), [(0.0, 1), (0.0, 3), (60.0, 1), (205.0, 2)])
def test_photos_of_every_split_are_one_unit_if_they_may_share_content(kind, reach_km, size):
    groups = np.random.default_rng(1).integers(1500 // size, size=1500)
    points = far_and_wide(1500, seed=4)
    dataset = Places(points, groups=None if size == 1 else groups, reach_km=reach_km)
    drawn = kind().assign(dataset)
    for part in drawn.parts:
        columns = [part.regions, part.groups]
        if reach_km:
            columns.append(EqualAreaGrid(rows_of_blocks(reach_km)).assign(part.points))
        wanted = pairs(columns)
        found = part.units[:, None] == part.units
        if part.resampled.alone:
            assert wanted.sum(axis=1).max() > len(part) / 2
            assert len(part.resampled.rules) == 1
        else:
            np.testing.assert_array_equal(found, wanted)
        assert describe(drawn, part)["units"].value == len(np.unique(part.units))


def test_what_joined_would_be_one_unit_is_resampled_by_the_coarsest_rule_alone():
    # Each of 30 photographers was in all of 10 regions.
    regions, groups = np.repeat(np.arange(10), 30), np.tile(np.arange(30), 10)
    points = towns(300)
    found = resample(regions, groups=groups, points=points, block_rows=None)
    assert (found.alone, found.rules) == (True, ("region",))
    assert found.units.tolist() == regions.tolist()


def test_units_are_in_no_digest_and_those_of_train_are_the_groups():
    points, groups = far_and_wide(900, seed=2), np.arange(900) // 2
    wide, none = (Places(points, groups=groups, reach_km=r) for r in (190.0, 0.0))
    kept = UnseenCellsSplit.Config(buffer_km=190.0)
    one, two = (UnseenCellsSplit(kept).assign(each) for each in (wide, none))
    assert [p.digest for p in one.all_parts] == [p.digest for p in two.all_parts]
    for mine, other in zip(one.parts, two.parts, strict=True):
        assert len(np.unique(mine.units)) < len(np.unique(other.units))
    table = wide.table
    rows = one.train.rows
    assert one.train.digest == digests.array_digest(
        table.ids[rows], table.points[rows], table.groups[rows]
    )
    assert Part.of("train", wide, rows, np.zeros(len(rows), int)).digest != one.train.digest


def test_a_change_of_units_runs_nothing_and_is_in_the_tables(tmp_path, monkeypatch):
    board = small_run.board(tmp_path, BOARD)
    before = json.loads((board / "benchmark.json").read_text())
    assert verification.verify(board, installed()) == []
    (benchmark,) = small_run.read(tmp_path, BOARD)
    monkeypatch.setattr(ToyPlanet, "reach_km", 700.0)
    trainings = (planned := plan.make(benchmark, Workspace(tmp_path))).trainings()
    assert {planned.state_of(each) for each in trainings} == {"recorded"}
    outcome = small_run.run(benchmark, tmp_path)
    assert set(outcome.counts) == {"skipped"}
    after = json.loads((board / "benchmark.json").read_text())
    assert [row["record_key"] for row in after["rows"]] == [
        row["record_key"] for row in before["rows"]
    ]
    label = "by-group/test"
    assert before["parts"][label]["resampled"]["rules"] == ["group"]
    # Photographers of the toy planet go everywhere: joined with blocks, all would be one.
    assert after["parts"][label]["resampled"] == {
        "rules": ["block"],
        "alone": True,
        "block_rows": 9,
    }
    units = [each["parts"][label]["facts"]["units"][0] for each in (before, after)]
    assert units[1] < units[0]
    assert verification.verify(board, installed()) == []


def test_a_part_of_fewer_than_ten_units_keeps_its_numbers_without_ranks(tmp_path):
    board = small_run.board(tmp_path, BOARD)
    found = tables.load(board)
    effective = found.groupby("part").effective_units.max()
    few = effective.index[effective < 10].tolist()
    assert few == ["unseen-cells/unseen"]
    described = found[found.summary.isin(["nll.trust", "nll.at-floor"]) & found.part.isin(few)]
    assert described.value.notna().any()
    assert not described.note.str.contains("not ranked").any()
    competing = found[(found.status == "ok") & found.value.notna() & (found.better != "")]
    without = competing[competing.part.isin(few) & ~competing.summary.str.contains("difference")]
    assert without.rank_low.isna().all()
    assert without.note.str.contains("not ranked: the part has fewer than 10 effective").all()
    assert without.low.notna().any()
    others = competing[~competing.part.isin(few) & (competing["slice"] == "all")]
    assert others.rank_low.notna().any()
    page = (board / "README.md").read_text()
    for part, said in (
        ("by-group/test", "about other groups (photographers, sequences) than these"),
        ("unseen-cells/unseen", "With fewer than 10 nothing is ranked here."),
    ):
        section = page.split(f"## {part}\n", 1)[1]
        assert said in section.strip().split("\n\n")[0]


def test_what_holds_for_every_part_is_said_once_above_them(tmp_path):
    splits = "[by-group, {name: by-group, label: half, train_share: 0.5}]"
    one_split = "[by-group, {name: unseen-cells, rows: 6, buffer_km: 25, groups: shared}]"
    board = small_run.board(tmp_path, BOARD.replace(one_split, splits))
    page = (board / "README.md").read_text()
    said = "Intervals are about other groups"
    assert page.count(said) == 1
    assert page.index(said) < page.index("## At a glance")
