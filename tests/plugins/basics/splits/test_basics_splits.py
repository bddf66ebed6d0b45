"""The splits, drawn over toy datasets: what is promised about distance, groups and counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_places import Places, everything, sizes, towns
from geobench import (
    Component,
    DataError,
    Dataset,
    EqualAreaGrid,
    SplitConfig,
    distance_km,
    geo,
)
from geobench_basics.splits.by_group import ByGroupConfig, ByGroupSplit
from geobench_basics.splits.official import OfficialSplit
from geobench_basics.splits.random import RandomConfig, RandomSplit
from geobench_basics.splits.transfer import TransferConfig, TransferSplit
from geobench_basics.splits.unseen_cells import UnseenCellsConfig, UnseenCellsSplit
from pages import Page


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (30_000, {"train": 26_500, "val": 1500, "test": 2000}),
        (600, {"train": 440, "val": 60, "test": 100}),
        (10, {"train": 8, "val": 1, "test": 1}),
        (1, {"train": 0, "val": 0, "test": 1}),
    ],
)
def test_random_takes_a_number_of_photos_or_a_share_if_that_is_less(count, expected):
    drawn = RandomSplit().assign(Places(towns(count)))
    assert sizes(drawn) == expected
    assert everything(drawn) == list(range(count))


@pytest.mark.parametrize("kind", [RandomSplit, ByGroupSplit, UnseenCellsSplit, OfficialSplit])
def test_the_seed_decides_what_is_drawn(kind):
    part = np.array(["train", "train", "test"])[np.arange(3000) % 3]
    dataset = Places(towns(3000), groups=np.arange(3000) // 7, part=part)

    def digests(seed):
        drawn = kind(kind.Config(seed=seed, groups="shared")).assign(dataset)
        return [part.digest for part in drawn.all_parts]

    assert digests(0) == digests(0)
    assert digests(0) != digests(1)


def test_train_share_thins_training_alone():
    dataset = Places(towns(1000))
    whole = RandomSplit().assign(dataset)
    half = RandomSplit(RandomConfig(train_share=0.5)).assign(dataset)
    assert sizes(half) == {**sizes(whole), "train": round(len(whole.train) / 2)}
    assert half.val.digest == whole.val.digest
    assert set(half.train.rows) < set(whole.train.rows)


def official(part, **config):
    dataset = Places(towns(len(part)), part=part)
    return OfficialSplit(OfficialSplit.Config(**config)).assign(dataset)


def test_official_parts_keep_the_source_s_choice_whatever_their_spelling():
    drawn = official(["Training", "TRAIN", "valid", "Dev", "validation", "eval", "Eval ", ""])
    assert {part.name: part.rows.tolist() for part in drawn.all_parts} == {
        "train": [0, 1],
        "val": [2, 3, 4],
        "test": [5, 6],
    }
    assert drawn.left_out["no part"].tolist() == [7]


def test_several_official_test_parts_keep_their_names():
    drawn = official(["train", "val", "test", "Challenge", "test"])
    assert sizes(drawn) == {"train": 1, "val": 1, "challenge": 1, "test": 2}


def test_without_an_official_val_a_tenth_of_train_is_drawn():
    drawn = official(["train"] * 200 + ["test"] * 50)
    assert sizes(drawn) == {"train": 180, "val": 20, "test": 50}
    other = official(["train"] * 200 + ["test"] * 50, seed=1)
    assert other.val.digest != drawn.val.digest
    assert other.parts[0].digest == drawn.parts[0].digest


def test_a_dataset_without_parts_is_all_test():
    drawn = OfficialSplit().assign(Places(towns(20)))
    assert sizes(drawn) == {"train": 0, "val": 0, "test": 20}


def test_official_parts_without_a_test_are_an_error_that_names_them():
    with pytest.raises(DataError, match="parts are train, val: none is a test part"):
        official(["train", "val"])


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(1, 60), min_size=3, max_size=60),
    seed=st.integers(0, 2**32 - 1),
)
def test_groups_are_never_divided(counts, seed):
    groups = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(seed).shuffle(groups)
    dataset = Places(towns(len(groups)), groups=groups)
    drawn = ByGroupSplit(ByGroupConfig(seed=seed)).assign(dataset)
    assert everything(drawn) == list(range(len(groups)))
    members = [set(part.groups.tolist()) for part in drawn.all_parts]
    assert all(members)
    assert sum(map(len, members)) == len(counts)
    for part, share in ((drawn.parts[0], 1 / 6), (drawn.val, 0.1)):
        assert len(part) <= share * len(groups) or len(np.unique(part.groups)) == 1
    assert drawn.parts[0].units.tolist() == drawn.parts[0].groups.tolist()


def test_by_group_comes_close_to_its_shares_and_refuses_two_groups():
    drawn = ByGroupSplit().assign(Places(towns(6000), groups=np.arange(6000) // 5))
    assert sizes(drawn) == {"train": 4400, "val": 600, "test": 1000}
    with pytest.raises(DataError, match="2 groups"):
        ByGroupSplit().assign(Places(towns(10), groups=[0] * 5 + [1] * 5))


@pytest.mark.parametrize("seed", range(5))
def test_by_group_counts_the_groups_that_are_too_large_to_be_tested(seed):
    counts = [700, 251, 250, *[9] * 33, 2]  # of 1,500 photos, of which a sixth are tested
    groups = np.repeat(np.arange(len(counts)), counts)
    drawn = ByGroupSplit(ByGroupConfig(seed=seed)).assign(Places(towns(len(groups)), groups=groups))
    facts = {name: fact.value for name, fact in drawn.facts.items()}
    assert len(groups) == 1500
    assert facts["largest group"] == 700
    assert facts["groups too large to be tested"] == 2
    assert facts["photos of groups too large to be tested"] == 951
    tested = np.bincount(drawn.parts[0].groups)
    assert facts["largest test group"] == tested.max()
    assert not tested[:2].any()


def test_by_group_says_that_large_groups_are_never_tested():
    for text in (Page.read("docs/benchmarks.md").section("Split `by-group`"), ByGroupSplit.__doc__):
        assert "allows is never tested (unless all" in " ".join(text.split())


def test_transfer_tests_on_other_datasets_by_their_labels():
    home, other = Places(towns(500)), Places(towns(30, seed=1), groups=["one"] * 30)
    third = Places(towns(20, seed=2))
    reference = Component[Dataset]
    config = TransferConfig(test=[reference.of(other), reference.of(third, label="third")])
    drawn = TransferSplit(config).assign(home)
    assert sizes(drawn) == {"train": 450, "val": 50, "places": 30, "third": 20}
    assert everything(drawn) == list(range(500))
    assert drawn.parts[0].dataset is other
    assert set(drawn.parts[0].units) == {"one"}
    assert drawn.facts["ids of third that are also at home"].value == 20


def test_transfer_to_the_home_dataset_itself_is_an_error():
    config = TransferConfig(test=[Component[Dataset].of(Places(towns(50)))])
    with pytest.raises(DataError, match="the very dataset that is trained on"):
        TransferSplit(config).assign(Places(towns(50)))


def test_two_transfer_parts_of_one_name_are_an_error():
    others = [Component[Dataset].of(Places(towns(9, seed=seed))) for seed in (1, 2)]
    with pytest.raises(DataError, match="unique names"):
        TransferSplit(TransferConfig(test=others)).assign(Places(towns(50)))


def test_the_tiny_transfer_has_a_part_of_its_own(tmp_path):
    drawn = TransferSplit(TransferSplit.tiny(tmp_path)).assign(Places(towns(50)))
    assert sizes(drawn) == {"train": 45, "val": 5, "table": 90}


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(200, 1500),
    seed=st.integers(0, 2**32 - 1),
    rows=st.sampled_from([6, 12, 36]),
    buffer_km=st.sampled_from([None, 0.0, 1.0, 100.0, 400.0]),
    per_block=st.sampled_from([1, 3, 25]),
)
def test_unseen_cells_keeps_its_distance_and_loses_no_photo(
    count, seed, rows, buffer_km, per_block
):
    points = towns(count, seed=seed)
    dataset = Places(points, reach_km=60.0)
    config = UnseenCellsConfig(
        seed=seed, rows=rows, buffer_km=buffer_km, photos_per_block=per_block
    )
    problem, drawn = "", None
    try:
        drawn = UnseenCellsSplit(config).assign(dataset)
    except DataError as error:
        problem = error.problem
    if drawn is None:
        assert "holds two photos" in problem or "from every unseen photo" in problem
        return
    assert everything(drawn) == list(range(count))

    seen, unseen = drawn.parts
    assert (seen.name, unseen.name) == ("seen", "unseen")
    blocks = EqualAreaGrid(rows).assign(points)
    np.testing.assert_array_equal(unseen.regions, blocks[unseen.rows])
    held, present = np.unique(blocks[unseen.rows]), np.unique(blocks)
    aside = drawn.left_out["set-aside"]
    drawn_blocks = np.unique(blocks[np.concatenate([unseen.rows, aside])])
    assert len(drawn_blocks) == max(1, round(len(present) / 6))
    assert set(held) == {b for b in drawn_blocks if (blocks == b).sum() >= 2}
    for block in held:
        inside = (blocks == block).sum()
        assert (unseen.regions == block).sum() == min(per_block, inside // 2)
    rest = np.setdiff1d(np.arange(count), np.concatenate([unseen.rows, aside]))
    assert not np.isin(blocks[rest], drawn_blocks).any()

    # By brute force, not by the tree that the split asks.
    buffer = 60.0 if buffer_km is None else buffer_km
    nearest = distance_km(points[rest][:, None], unseen.points[None]).min(axis=1)
    assert set(drawn.left_out["buffer"]) == set(rest[nearest < buffer])
    remaining = int((nearest >= buffer).sum())
    assert len(seen) == max(1, remaining // 5)
    assert len(drawn.val) == max(1, remaining // 10)
    assert seen.regions.tolist() == seen.groups.tolist()
    assert drawn.apart_km == {"unseen": buffer}


def test_unseen_cells_counts_its_blocks():
    drawn = UnseenCellsSplit().assign(Places(towns(20_000, spread_km=700)))
    facts = {name: fact.value for name, fact in drawn.facts.items()}
    assert sizes(drawn)["seen"] == 1500
    assert sizes(drawn)["val"] == 1000
    assert facts["blocks tested"] <= facts["blocks held out"] < facts["blocks with photos"]
    _, counts = np.unique(drawn.parts[1].units, return_counts=True)
    assert counts.max() <= 25
    assert facts["effective blocks"] == pytest.approx(counts.sum() ** 2 / (counts**2).sum())
    assert facts["buffer"] == 25
    learnt = geo.Places(np.concatenate([drawn.train.points, drawn.val.points]))
    assert learnt.nearest(drawn.parts[1].points).distance_km.min() >= 25


def test_unseen_cells_leaves_counts_and_distances_of_the_final_parts_to_the_core():
    drawn = UnseenCellsSplit().assign(Places(towns(2000)))
    assert set(drawn.facts) == {
        "blocks with photos",
        "blocks held out",
        "blocks tested",
        "effective blocks",
        "buffer",
    }


def test_photos_side_by_side_across_the_date_line_and_at_the_pole_are_neighbours():
    # One photo on either side of each seam, in different blocks, and others far away.
    seam = np.array([[0.5, 179.999], [0.5, -179.999], [89.999, 10.0], [89.999, -170.0]])
    points = np.concatenate([np.repeat(seam, 2, axis=0), towns(300, seed=4, spread_km=2000)])
    for seed in range(40):
        drawn = UnseenCellsSplit(UnseenCellsConfig(seed=seed, rows=20)).assign(Places(points))
        learnt = np.concatenate([drawn.train.points, drawn.val.points])
        unseen = drawn.parts[1].points
        assert distance_km(learnt[:, None], unseen[None]).min() >= 25


def test_unseen_cells_of_lonely_photos_is_an_error_with_a_remedy():
    lonely = np.stack([np.linspace(-80, 80, 12), np.linspace(-170, 170, 12)], axis=-1)
    with pytest.raises(DataError, match=r"holds two photos.*fewer rows"):
        UnseenCellsSplit().assign(Places(lonely))


def test_hundreds_of_thousands_of_photos_are_split_in_seconds():
    dataset = Places(geo.uniform(300_000, np.random.default_rng(0)))
    assert len(dataset.table) == 300_000
    drawn = UnseenCellsSplit().assign(dataset)
    assert len(drawn.train) > 150_000


def test_every_split_takes_a_seed_and_a_train_share():
    for kind in (RandomSplit, OfficialSplit, ByGroupSplit, TransferSplit, UnseenCellsSplit):
        assert issubclass(kind.Config, SplitConfig)
        assert all(
            field.description
            for name, field in kind.Config.model_fields.items()
            if name not in SplitConfig.model_fields
        )
