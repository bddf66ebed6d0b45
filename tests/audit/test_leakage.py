"""The audit of a split: what test photos share with training is counted as by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import Assignment, Component, Dataset, Part, audit, distance_km
from geobench.toy_planet import ToyPlanet
from geobench_basics.splits import ByGroupSplit, OfficialSplit, TransferSplit
from geobench_basics.splits.transfer import TransferConfig
from geobench_basics.splits.unseen_cells import UnseenCellsConfig, UnseenCellsSplit
from planted_album import Album, photo, places, saved_again


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_what_test_photos_share_with_training_is_counted_as_by_hand(seed):
    rng = np.random.default_rng(seed)
    count = 40
    spots = places(15, seed)
    points = spots[rng.integers(15, size=count)]
    kinds = rng.choice(["train", "val", "test", "other"], count)
    kinds[:3] = ["train", "val", "test"]
    groups = rng.integers(20, size=count)
    shows = rng.integers(30, size=count)
    album = Album(points, [photo(number, 32) for number in shows], part=kinds, groups=groups)
    found = audit.examine(album, OfficialSplit(OfficialSplit.Config(groups="shared")))
    learnt = [i for i in range(count) if kinds[i] in ("train", "val")]
    for name in {"test", "other"} & set(kinds):
        tested = [i for i in range(count) if kinds[i] == name]
        title = "official/" + ("test" if len({"test", "other"} & set(kinds)) == 1 else name)
        section = found[title]
        for line, values in (
            ("same group", groups.tolist()),
            ("same exact place", [tuple(point) for point in points.tolist()]),
            ("near-duplicate picture", shows.tolist()),
        ):
            shared = [i for i in tested if values[i] in {values[j] for j in learnt}]
            assert section[line].value == len(shared)
            assert section[line].share == len(shared) / len(tested)
            ids = tuple(text.split(" ~ ")[0] for text in section[line].examples)
            assert ids == tuple(f"photo-{i:04d}" for i in shared[:5])
            for text in section[line].examples if line == "near-duplicate picture" else ():
                mine, twin = (int(word.split("-")[1]) for word in text.split(" ~ "))
                assert shows[mine] == shows[twin]
                assert twin in learnt
        away = [min(distance_km(points[i], points[j]) for j in learnt) for i in tested]
        assert section["within 200 km of train or val"].value == sum(d <= 200 for d in away)
        train = [
            min(distance_km(points[i], points[j]) for j in learnt if kinds[j] == "train")
            for i in tested
        ]
        assert section["smallest distance to train"].value == pytest.approx(min(train), abs=1e-6)


def test_the_clean_toy_planet_does_not_leak_into_unseen_cells():
    found = audit.examine(ToyPlanet(), UnseenCellsSplit())
    assert list(found.leaks()) == []
    assert found["unseen-cells/unseen"]["same group"].value == 0
    assert found["Split unseen-cells"]["left out: same-group"].value > 0
    assert found["unseen-cells/unseen"]["smallest distance to train"].value >= 25


def test_groups_are_leaks_and_reach_is_one_where_the_split_promises_a_distance():
    points = [[0, 10], [0, 10.5], [0, 12], [0, 30]]
    album = Album(points, groups=["a", "a", "b", "c"], reach_km=100.0)
    train, val = Part.of("train", album, np.array([0])), Part.of("val", album, np.array([3]))
    tested = Part.of("test", album, np.array([1, 2]))
    promised = Assignment(train, val, (tested,), apart_km={"test": 50.0})
    section = audit.leakage.check(tested, promised, "careless", alike=None).section
    reach = "closer than the dataset's reach of 100 km"
    assert (section["same group"].value, section[reach].value) == (1, 1)
    assert {line.name for line in section.lines if line.leaks} == {"same group", reach}
    assert section[reach].examples == ("photo-0001 ~ photo-0000 (55.6 km)",)
    free = Assignment(train, val, (tested,))
    section = audit.leakage.check(tested, free, "free", alike=None).section
    assert (section["same group"].value, section[reach].value) == (1, 1)
    assert {line.name for line in section.lines if line.leaks} == {"same group"}


def test_the_leak_of_groups_names_the_key_that_mends_it_and_the_key_does():
    rng = np.random.default_rng(0)
    album = Album(places(900, seed=2), groups=rng.integers(400, size=900))
    shared = UnseenCellsSplit(UnseenCellsConfig(groups="shared", rows=18))
    found = audit.examine(album, shared)
    said = [line for line in audit.conclusion(found) if "same group" in line]
    assert {line.split(":")[0] for line in said} == {
        "LEAK unseen-cells/seen",
        "LEAK unseen-cells/unseen",
    }
    assert all("`groups: apart`" in line for line in said)
    mended = audit.examine(album, UnseenCellsSplit(UnseenCellsConfig(rows=18)))
    assert list(mended.leaks()) == []
    assert mended["Split unseen-cells"]["left out: same-group"].value > 0


def test_a_buffer_below_the_reach_leaks_and_the_part_that_is_seen_does_not():
    album = Album(places(3000, seed=5), reach_km=200.0)
    narrow = audit.examine(album, UnseenCellsSplit(UnseenCellsConfig(buffer_km=20, rows=18)))
    (leak,) = narrow.leaks()
    assert leak[0].title == "unseen-cells/unseen"
    assert "promises this part 20 km" in leak[1].detail
    wide = audit.examine(album, UnseenCellsSplit(UnseenCellsConfig(rows=18)))
    assert list(wide.leaks()) == []
    assert wide["unseen-cells/seen"]["closer than the dataset's reach of 200 km"].value > 0


def test_ground_that_training_shows_is_told_and_is_no_leak(monkeypatch):
    monkeypatch.setattr(Album, "view_km", 100.0)
    album = Album([[0, 10], [0, 10.5], [0, 12]], reach_km=150.0)
    train, val = Part.of("train", album, np.array([0])), Part.of("val", album, np.array([2]))
    tested = Part.of("test", album, np.array([1]))
    drawn = Assignment(train, val, (tested,))
    section = audit.leakage.check(tested, drawn, "free", alike=None).section
    line = section["ground of a test photo that one training photo shows, median"]
    assert line.value == pytest.approx(1 - distance_km([0, 10], [0, 10.5]) / 100, abs=0.006)
    assert not any(each.leaks for each in section.lines)
    nothing = Assignment(Part.of("train", album, np.array([], np.intp)), val, (tested,))
    section = audit.leakage.check(tested, nothing, "free", alike=None).section
    assert line.name not in section


def test_a_split_by_group_shares_none():
    album = Album(places(60), groups=np.arange(60) // 4)
    found = audit.examine(album, ByGroupSplit())["by-group/test"]
    assert found["same group"].value == 0


def transferred(home, *away):
    named = [Component[Dataset].of(each, label=f"away-{n}") for n, each in enumerate(away)]
    return audit.examine(home, TransferSplit(TransferConfig(test=named)))


def test_pictures_and_places_shared_with_another_dataset_leak():
    home = Album(places(40), [photo(number) for number in range(40)])
    shared = [saved_again(photo(7)), saved_again(photo(9)), photo(100)]
    found = transferred(
        home,
        Album(places(3, seed=1), shared, prefix="x", groups=["x", "x", "y"]),
        Album(np.concatenate([places(2, seed=2), home.table.points[:1]]), prefix="y"),
    )
    section = found["transfer/away-0"]
    assert section["near-duplicate picture"].value == 2
    twins = section["near-duplicate picture"].examples
    assert twins == ("x-0000 ~ photo-0007", "x-0001 ~ photo-0009")
    assert "near-duplicate picture" not in found["transfer/away-1"]
    assert found["transfer/away-1"]["same exact place"].value == 1
    assert [(section.title, line.name) for section, line in found.leaks()] == [
        ("transfer/away-0", "near-duplicate picture"),
        ("transfer/away-1", "same exact place"),
    ]


def test_equal_ids_and_groups_of_two_datasets_are_told_and_are_no_leak():
    home = Album(places(40), groups=["same"] * 2 + [f"own-{n}" for n in range(38)])
    found = transferred(home, Album(places(3, seed=1), groups=["same"] * 3))
    section = found["transfer/away-0"]
    assert "same id" not in section
    assert "same group" not in section
    for what in ("id", "group"):
        line = section[f"same {what} in another dataset"]
        assert (line.value, line.leak) == (3, False)
        assert "a leak if both datasets name from one source" in line.detail
    assert found["Split transfer"]["ids of away-0 that are also at home"].value == 3
    assert list(found.leaks()) == []


def test_a_dataset_that_was_read_twice_is_one_dataset_whose_ids_leak():
    home, again = (Album(places(20), groups=[f"g{n % 10}" for n in range(20)]) for _ in range(2))
    train, val = (Part.of(name, home, np.array([row])) for name, row in (("train", 3), ("val", 4)))
    tested = Part.of("test", again, np.array([3, 13, 14, 7]))
    drawn = Assignment(train, val, (tested,))
    section = audit.leakage.check(tested, drawn, "careless", alike=None).section
    assert section["same id"].value == 1
    assert section["same group"].value == 3
    leaks = {line.name for line in section.lines if line.leaks}
    assert leaks == {"same id", "same group", "same exact place"}


def test_where_nothing_trains_nothing_leaks():
    found = audit.examine(Album(places(5)), OfficialSplit())
    assert found["official/test"].about == "Nothing trains, so nothing leaks."
    assert list(found.leaks()) == []


def test_examples_name_a_split_part_only_up_to_five():
    album = Album([[1, 1]] * 30, part=["train"] * 10 + ["test"] * 20)
    line = audit.examine(album, OfficialSplit())["official/test"]["same exact place"]
    assert line.value == 20
    assert len(line.examples) == 5
