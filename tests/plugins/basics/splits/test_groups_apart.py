"""Groups are kept apart by every split, and where there are none nothing changes."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from drawn_places import Places, everything, far_and_wide
from geobench import SAME_GROUP, Assignment, Component, DataError, Dataset, Part, Split, SplitConfig
from geobench.splits import check_twins
from geobench_basics.splits import (
    ByGroupSplit,
    DensityShiftSplit,
    InsideSplit,
    OfficialSplit,
    RandomSplit,
    TemporalSplit,
    TransferSplit,
    UnseenCellsSplit,
    UnseenRegionsSplit,
)

AWAY = Places(far_and_wide(40, seed=9), groups=np.zeros(40, int))
OWN = {
    TransferSplit: {"test": [Component[Dataset].of(AWAY)]},
    InsideSplit: {
        "outer": [Component[Split].of(RandomSplit(RandomSplit.Config(seed=1)))],
        "split": Component[Split].of(UnseenCellsSplit()),
    },
}
KINDS = (
    *(ByGroupSplit, DensityShiftSplit, InsideSplit, OfficialSplit, RandomSplit, TemporalSplit),
    *(TransferSplit, UnseenCellsSplit, UnseenRegionsSplit),
)
TWINS = (UnseenCellsSplit, UnseenRegionsSplit)


def made(kind, **config):
    return kind(kind.Config(**OWN.get(kind, {}), **config))


def photos(count, seed, groups=None):
    """Photos with official parts and dates, in these groups."""
    rng = np.random.default_rng(seed)
    part = rng.choice(["train", "train", "train", "val", "test"], count)
    part[:3] = "train", "val", "test"
    dates = {"date": rng.integers(1990, 2030, count)}
    return Places(far_and_wide(count, seed=seed % 97), groups, part=part, attributes=dates)


def some_groups(count, seed, size, spread):
    """Photographers of `size` photos on average, of very different sizes with a large spread."""
    rng = np.random.default_rng([seed, 7])
    people = max(2, count // size)
    shares = rng.lognormal(0, spread, people)
    return rng.choice(people, count, p=shares / shares.sum())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(60, 700),
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 12),
    spread=st.sampled_from([0.0, 1.5]),
)
def test_no_group_is_tested_and_learnt_from_and_none_trains_and_validates(
    kind, count, seed, size, spread
):
    dataset = photos(count, seed, some_groups(count, seed, size, spread))
    try:
        shared = made(kind, seed=seed, groups="shared").assign(dataset)
        drawn = made(kind, seed=seed).assign(dataset)
    except DataError:
        reject()
    assert everything(drawn) == list(range(count))
    home = [part for part in drawn.parts if part.dataset is dataset]
    tested = {group for part in home for group in part.groups.tolist()}
    train, val = set(drawn.train.groups.tolist()), set(drawn.val.groups.tolist())
    assert len(drawn.train)
    assert not tested & (train | val)
    assert not train & val
    assert SAME_GROUP not in shared.left_out
    if kind is not InsideSplit:  # whose outer splits leave out other photos, too
        assert [part.digest for part in drawn.parts] == [part.digest for part in shared.parts]


@pytest.mark.parametrize("kind", KINDS)
def test_where_each_photo_is_a_group_both_draw_the_same(kind):
    for seed in range(3):
        dataset = photos(900, seed)
        apart, shared = (
            made(kind, seed=seed, groups=each).assign(dataset) for each in ("apart", "shared")
        )
        assert [p.digest for p in apart.all_parts] == [p.digest for p in shared.all_parts]
        assert {r: rows.tolist() for r, rows in apart.left_out.items()} == {
            r: rows.tolist() for r, rows in shared.left_out.items()
        }


@pytest.mark.parametrize("kind", TWINS)
@settings(max_examples=40, deadline=None)
@given(count=st.integers(200, 900), seed=st.integers(0, 2**32 - 1), size=st.integers(2, 6))
def test_twins_of_photos_in_groups_are_of_one_size(kind, count, seed, size):
    dataset = photos(count, seed, some_groups(count, seed, size, 0.5))
    plain, twin = made(kind, seed=seed), made(kind, seed=seed, surroundings="train")
    try:
        apart, among = plain.assign(dataset), twin.assign(dataset)
    except DataError:
        reject()
    check_twins({"plain": plain, "twin": twin}, {"plain": apart, "twin": among})
    assert among.parts[0].digest == apart.parts[1].digest
    assert among.parts[0].units.tolist() == apart.parts[1].units.tolist()
    assert not set(among.train.groups) & set(apart.parts[0].groups)  # nor of what is tested there


def test_a_key_that_is_apart_is_in_no_digest():
    assert "groups" not in RandomSplit().identity()["config"]
    shared = RandomSplit(RandomSplit.Config(groups="shared"))
    assert shared.identity()["config"]["groups"] == "shared"


class Careless(Split):
    """Validates on every third photo, tests the last ten."""

    name = "careless"
    Config = SplitConfig

    def draw(self, dataset):
        rows = np.arange(len(dataset.table) - 10)
        val = rows % 3 == 0
        return Assignment(
            train=Part.of("train", dataset, rows[~val]),
            val=Part.of("val", dataset, rows[val]),
            parts=(Part.of("test", dataset, np.arange(len(rows), len(rows) + 10)),),
            left_out={},
        )


def test_a_split_that_knows_nothing_of_groups_keeps_them_apart_all_the_same():
    groups = (np.arange(100) + 1) // 2
    dataset = Places(far_and_wide(100), groups=groups)
    drawn = Careless().assign(dataset)
    assert 89 in drawn.left_out[SAME_GROUP]  # its group is tested, too
    # Of 90 photos two in three groups are in train and val, which is all of val and half of train.
    assert (len(drawn.train), len(drawn.val)) == (30, 30)
    assert not set(drawn.train.groups) & set(drawn.val.groups)
    assert everything(drawn) == list(range(100))
    with pytest.raises(DataError, match=r"no train photo is left: 90 share a group .*by-group"):
        Careless().assign(Places(far_and_wide(100), groups=np.arange(100) % 10))
