"""Splits: what the harness checks of any rule, and what it says of a part."""

import numpy as np
import pytest
from geopy.distance import great_circle
from numpy.typing import NDArray

from geobench import (
    Assignment,
    DataError,
    Dataset,
    Fact,
    Part,
    Split,
    SplitConfig,
    Table,
    geo,
    hashes,
)
from geobench.assignments import describe, without

PHOTOS = 60


class Dots(Dataset):
    """Photos on a meridian, half a degree apart, three to a group."""

    name = "dots"
    reach = 0.0
    places: NDArray[np.float64] | None = None

    @property
    def reach_km(self):
        return self.reach

    def load(self):
        number = np.arange(PHOTOS)
        points = np.stack([number / 2, np.full(PHOTOS, 179.9)], axis=-1)
        return Table(
            ids=np.array([f"{self.name}-{n}" for n in number]),
            points=points if self.places is None else self.places,
            groups=number // 3,
            attributes={"scene": np.where(number % 2, "odd", "even")},
        )


class Rule(Split):
    """A split that assigns what a test gives it."""

    name = "rule"

    def __init__(self, make, *, groups="shared", **config):
        super().__init__(SplitConfig(groups=groups, **config))
        self.make = make

    def draw(self, dataset):
        return self.make(dataset)


class GroupRule(Rule):
    separates_groups = True


def rule(train=range(0), val=range(0), parts=None, **more):
    def make(dataset):
        tests = {"test": range(48, 60)} if parts is None else parts
        return Assignment(
            train=Part.of("train", dataset, np.array(train, np.intp)),
            val=Part.of("val", dataset, np.array(val, np.intp)),
            parts=tuple(Part.of(n, dataset, np.array(rows, np.intp)) for n, rows in tests.items()),
            **more,
        )

    return make


@pytest.fixture
def dots():
    return Dots()


def problem(split, dataset):
    with pytest.raises(DataError) as caught:
        split.assign(dataset)
    return str(caught.value)


def test_what_was_drawn_is_what_is_assigned(dots):
    drawn = Rule(rule(range(40), range(40, 48))).assign(dots)
    assert [len(p) for p in drawn.all_parts] == [40, 8, 12]
    assert [p.name for p in drawn.all_parts] == ["train", "val", "test"]
    np.testing.assert_array_equal(drawn.parts[0].rows, np.arange(48, 60))


def test_nothing_needs_to_train(dots):
    drawn = Rule(rule(parts={"all": range(60)})).assign(dots)
    assert (len(drawn.train), len(drawn.val)) == (0, 0)


@pytest.mark.parametrize(
    ("train", "val", "parts", "left_out"),
    [
        (range(49), range(0), None, {}),
        (range(10), range(50, 51), None, {}),
        (range(10), range(9, 20), None, {}),
        (range(10), range(0), {"a": range(20, 30), "b": range(29, 40)}, {}),
        (range(10), range(0), None, {"buffer": np.arange(9, 12)}),
        (range(10), range(0), None, {"buffer": np.arange(10, 12), "aside": np.arange(11, 13)}),
    ],
)
def test_a_photo_in_two_places_is_an_error(train, val, parts, left_out, dots):
    text = problem(Rule(rule(train, val, parts, left_out=left_out)), dots)
    assert text == "split rule: train, val, parts and left-out rows overlap"


def test_a_photo_twice_in_one_part_is_an_error(dots):
    def make(dataset):
        drawn = rule(range(10))(dataset)
        return Assignment(drawn.train, drawn.val, (Part.of("test", dataset, np.array([20, 20])),))

    assert "overlap" in problem(Rule(make), dots)


def test_test_parts_have_names_of_their_own(dots):
    def make(dataset):
        drawn = rule(range(10))(dataset)
        tests = [Part.of("seen", dataset, np.array([row])) for row in (20, 30)]
        return Assignment(drawn.train, drawn.val, tuple(tests))

    text = problem(Rule(make), dots)
    assert text == "split rule: test parts are ['seen', 'seen']: give one or more unique names"
    assert "test parts are []" in problem(Rule(rule(range(10), parts={})), dots)


def test_an_empty_test_part_is_an_error_that_names_it(dots):
    text = problem(Rule(rule(range(9), parts={"a": range(9, 12), "b": range(0)})), dots)
    assert text.startswith("split rule: test part b is empty. Use a larger dataset")


def test_a_promise_to_keep_groups_apart_is_checked(dots):
    assert GroupRule(rule(range(30), range(30, 48))).assign(dots)
    shared = rule(range(30), range(30, 47), {"test": range(47, 60)})
    assert Rule(shared).assign(dots)
    text = problem(GroupRule(shared), dots)
    assert text == "split rule: 1 photos of test share a group with train or val"
    inside = rule(range(29), parts={"near": range(29, 32), "far": range(33, 60)})
    assert "1 photos of near share a group" in problem(GroupRule(inside), dots)


def test_a_promised_distance_is_checked(dots):
    ids = dots.table.points
    between = great_circle(ids[47], ids[48], radius=geo.EARTH_RADIUS_KM).km
    for promised, kept in ((between - 1e-6, True), (between + 1e-3, False)):
        for train, val in ((range(48), range(0)), (range(40), range(40, 48))):
            split = Rule(rule(train, val, apart_km={"test": promised}))
            if kept:
                assert split.assign(dots)
            else:
                text = problem(split, dots)
                assert f"test comes within {between:.3f} km of train or val, not" in text


def test_a_distance_is_promised_for_one_part_and_not_for_the_others(dots):
    parts = {"seen": range(41, 48), "unseen": range(50, 60)}
    split = Rule(rule(range(41), parts=parts, apart_km={"unseen": 200.0}))
    assert split.assign(dots)
    assert "seen comes within" in problem(
        Rule(rule(range(41), parts=parts, apart_km={"seen": 200.0})), dots
    )


def test_a_distance_across_the_date_line_is_no_longer_than_it_is():
    dots = Dots()
    dots.places = np.stack([np.zeros(PHOTOS), np.linspace(170, 190, PHOTOS)], axis=-1)
    near = great_circle((0, 0), (0, 20 / (PHOTOS - 1)), radius=geo.EARTH_RADIUS_KM).km
    text = problem(Rule(rule(range(48), apart_km={"test": 50.0})), dots)
    assert f"within {near:.3f} km" in text


def test_nothing_is_promised_about_places_where_nothing_trains(dots):
    assert Rule(rule(apart_km={"test": 5000.0})).assign(dots)


def test_a_part_of_another_dataset_overlaps_with_nothing():
    class Elsewhere(Dots):
        name = "elsewhere"

    home, other = Dots(), Elsewhere()

    def make(dataset):
        drawn = rule(range(50))(dataset)
        return Assignment(drawn.train, drawn.val, (Part.of("other", other, np.arange(60)),))

    drawn = GroupRule(make).assign(home)
    assert len(drawn.parts[0]) == 60
    facts = describe(drawn, drawn.parts[0])
    assert "test photos whose group is in train" not in facts


@pytest.mark.parametrize("share", [0.5, 0.26, 0.001])
def test_train_share_keeps_the_smallest_hashes_and_leaves_the_rest_alone(share, dots):
    whole = Rule(rule(range(40), range(40, 48), left_out={"buffer": np.array([], np.intp)}))
    less = Rule(whole.make, train_share=share)
    before, after = whole.assign(dots), less.assign(dots)
    keys = hashes(before.train.ids)
    count = max(1, round(share * 40))
    expected = np.sort(before.train.rows[np.argsort(keys)[:count]])
    np.testing.assert_array_equal(after.train.rows, expected)
    np.testing.assert_array_equal(after.train.units, dots.table.groups[expected])
    assert after.val.digest == before.val.digest
    assert after.parts[0].digest == before.parts[0].digest
    assert after.train.digest != before.train.digest
    dropped = np.setdiff1d(before.train.rows, expected)
    np.testing.assert_array_equal(after.left_out["train-share"], dropped)
    assert "buffer" in after.left_out


def test_a_smaller_train_share_is_within_a_larger_one(dots):
    rows = [
        set(Rule(rule(range(40)), train_share=share).assign(dots).train.rows.tolist())
        for share in (0.1, 0.3, 0.9, 1.0)
    ]
    assert rows[0] < rows[1] < rows[2] < rows[3]


def test_a_train_share_of_nothing_is_nothing(dots):
    assert len(Rule(rule(), train_share=0.5).assign(dots).train) == 0


@pytest.mark.parametrize(
    ("ratio", "share", "count"),
    [(0.1, 1.0, 4), (0.1, 0.5, 2), (0.19, 1.0, 7), (0.199, 1.0, 7), (0.01, 1.0, 1)],
)
def test_a_val_ratio_keeps_the_smallest_hashes_for_the_photos_that_train(ratio, share, count, dots):
    whole = Rule(rule(range(40), range(40, 48)))
    before = whole.assign(dots)
    after = Rule(whole.make, train_share=share, val_ratio=ratio).assign(dots)
    expected = np.sort(before.val.rows[np.argsort(hashes(before.val.ids))[:count]])
    np.testing.assert_array_equal(after.val.rows, expected)
    dropped = np.setdiff1d(before.val.rows, expected)
    np.testing.assert_array_equal(after.left_out["val-ratio"], dropped)
    assert len(after.train) == round(40 * share)
    assert after.parts[0].digest == before.parts[0].digest


@pytest.mark.parametrize("ratio", [0.2, 5.0])
def test_a_val_ratio_that_all_photos_keep_leaves_nothing_out(ratio, dots):
    drawn = Rule(rule(range(40), range(40, 48)), val_ratio=ratio).assign(dots)
    assert len(drawn.val) == 8
    assert "val-ratio" not in drawn.left_out


def test_a_split_without_a_val_ratio_has_the_key_that_it_had():
    assert "val_ratio" not in Rule(rule(range(40))).identity()["config"]
    assert Rule(rule(range(40)), val_ratio=0.1).identity()["config"]["val_ratio"] == 0.1
    with pytest.raises(ValueError, match="val_ratio"):
        SplitConfig(val_ratio=0)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_a_train_share_lies_between_none_and_all(share):
    with pytest.raises(ValueError, match="train_share"):
        SplitConfig(train_share=share)


def test_a_part_is_sorted_and_carries_what_belongs_to_its_rows(dots):
    rows = np.array([7, 3, 50])
    made = Part.of("test", dots, rows, np.array(["x", "y", "z"]))
    assert made.rows.tolist() == [3, 7, 50]
    assert made.regions.tolist() == made.units.tolist() == ["y", "x", "z"]
    assert made.ids.tolist() == ["dots-3", "dots-7", "dots-50"]
    assert made.groups.tolist() == [1, 2, 16]
    assert made.attributes["scene"].tolist() == ["odd", "odd", "even"]
    np.testing.assert_array_equal(made.points[:, 0], [1.5, 3.5, 25.0])
    assert Part.of("test", dots, rows).units.tolist() == [1, 2, 16]


def test_a_parts_digest_is_of_its_ids_places_and_regions(dots):
    moved = Dots()
    moved.places = dots.table.points + [[1e-9, 0.0]]
    rows = np.arange(5)
    digest = Part.of("test", dots, rows).digest
    assert Part.of("other", Dots(), rows[::-1]).digest == digest
    others = [
        Part.of("test", dots, np.arange(6)),
        Part.of("test", dots, np.arange(1, 6)),
        Part.of("test", moved, rows),
        Part.of("test", dots, rows, np.array([0, 0, 0, 1, 2])),
    ]
    assert len({digest, *(other.digest for other in others)}) == 5


def test_broken_pictures_leave_every_part_and_nothing_else_changes(dots):
    drawn = Rule(
        rule(range(40), range(40, 48), facts={"blocks": Fact(3, "blocks")}, apart_km={"test": 1.0})
    ).assign(dots)
    cleaned = without(drawn, {dots.digest: np.array([0, 41, 59])})
    assert [len(p) for p in cleaned.all_parts] == [39, 7, 11]
    assert not np.isin([0, 41, 59], np.concatenate([p.rows for p in cleaned.all_parts])).any()
    np.testing.assert_array_equal(cleaned.train.units, dots.table.groups[1:40])
    assert cleaned.facts == drawn.facts
    assert cleaned.apart_km == drawn.apart_km
    assert cleaned.train.digest != drawn.train.digest


def test_without_broken_pictures_the_digests_stay(dots):
    drawn = Rule(rule(range(40), range(40, 48))).assign(dots)
    for broken in ({}, {"another dataset": np.arange(60)}, {dots.digest: np.array([], np.intp)}):
        cleaned = without(drawn, broken)
        digests = [p.digest for p in cleaned.all_parts]
        assert digests == [p.digest for p in drawn.all_parts]


def test_a_part_whose_pictures_are_all_broken_is_an_error(dots):
    drawn = Rule(rule(range(40))).assign(dots)
    with pytest.raises(DataError, match="all 12 pictures of test part test are broken"):
        without(drawn, {dots.digest: np.arange(48, 60)})


def test_the_facts_of_a_part_are_those_of_a_direct_count():
    dots = Dots()
    dots.reach = 60.0
    drawn = Rule(
        rule(
            range(40),
            range(40, 47),
            {"near": range(47, 50), "far": range(52, 60)},
            left_out={"buffer": np.array([50, 51])},
            facts={"drawn": Fact(2, "groups")},
        )
    ).assign(dots)
    points = dots.table.points
    for tested, rows in zip(drawn.parts, (range(47, 50), range(52, 60)), strict=True):

        def away(i, learnt, points=points):
            radius = geo.EARTH_RADIUS_KM
            return min(great_circle(points[i], points[j], radius=radius).km for j in learnt)

        nearest = [away(i, range(40)) for i in rows]
        _, counts = np.unique(tested.units, return_counts=True)  # groups and blocks, joined
        facts = describe(drawn, tested)
        expected = {
            "drawn": (2, "groups"),
            "train photos": (40, "photos"),
            "val photos": (7, "photos"),
            "test photos": (len(rows), "photos"),
            "left out: buffer": (2, "photos"),
            "units": (len(counts), "units"),
            "effective units": (len(rows) ** 2 / (counts**2).sum(), "units"),
            "test photos whose group is in train": (0, "photos"),
            "smallest distance to train": (min(nearest), "km"),
            "smallest distance to val": (min(away(i, range(40, 47)) for i in rows), "km"),
            "test photos within 1 km of train": (0, "share"),
            "test photos within 25 km of train": (0, "share"),
            "test photos within 200 km of train": (np.mean(np.array(nearest) <= 200), "share"),
            "test photos within 60 km of train": (np.mean(np.array(nearest) <= 60), "share"),
        }
        assert set(facts) == set(expected)
        for name, (value, unit) in expected.items():
            assert facts[name].value == pytest.approx(value, rel=1e-9), name
            assert facts[name].unit == unit


def test_the_facts_of_a_part_tell_how_much_of_its_ground_training_photos_show(dots, monkeypatch):
    monkeypatch.setattr(Dots, "view_km", 80.0)
    drawn = Rule(rule(range(0, 40, 2), parts={"test": range(1, 39, 2)})).assign(dots)
    facts = describe(drawn, drawn.parts[0])
    apart = great_circle((0, 0), (0.5, 0), radius=geo.EARTH_RADIUS_KM).km
    for name, share in {
        "ground of a test photo that one training photo shows, median": 1 - apart / 80,
        "ground of a test photo that training photos show together, median": 2 - 2 * apart / 80,
        "test photos that share ground with a training photo": 1,
    }.items():
        assert facts[name].value == pytest.approx(share, abs=0.006), name
        assert facts[name].unit == "share"


def test_photos_that_share_a_group_with_training_are_counted(dots):
    drawn = Rule(rule(range(29), parts={"test": range(29, 40)})).assign(dots)
    facts = describe(drawn, drawn.parts[0])
    assert facts["test photos whose group is in train"].value == 1


def test_distances_to_nothing_are_no_facts(dots):
    drawn = Rule(rule()).assign(dots)
    facts = describe(drawn, drawn.parts[0])
    assert facts["train photos"].value == 0
    assert not [name for name in facts if "to train" in name or "of train" in name]


def test_a_split_is_asked_for_the_same_rows_again_and_again(dots):
    split = Rule(rule(range(40)), train_share=0.3)
    parts = [split.assign(dots).all_parts for _ in range(2)]
    assert [p.digest for p in parts[0]] == [p.digest for p in parts[1]]
