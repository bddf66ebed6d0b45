"""Photos under two names: found where ids and places agree, and not where one of them does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import Assignment, Component, Dataset, Part, audit
from geobench.audit.other_names import Named, meet
from geobench_basics.splits import RandomSplit, TransferSplit
from geobench_basics.splits.transfer import TransferConfig
from planted_album import Album, photo, places, saved_again

LINE = "same place, same id but for prefix or suffix"
TWINS = "twins of photos of train or val"


def album(ids, points, **more):
    ids = np.array(ids)
    return Album(points, ids=ids, groups=ids, **more)


def transferred(home, away):
    named = [Component[Dataset].of(away, label="away")]
    return audit.examine(home, TransferSplit(TransferConfig(test=named)))


def both(train, test, points, elsewhere):
    """The section of a test part of a dataset whose photos have these names in train and test."""
    whole = album([*train, *test], np.concatenate([points, elsewhere]))
    rows = np.arange(len(train) - 1), np.array([len(train) - 1]), len(train) + np.arange(len(test))
    parts = [
        Part.of(name, whole, r) for name, r in zip(("train", "val", "test"), rows, strict=True)
    ]
    drawn = Assignment(parts[0], parts[1], (parts[2],))
    return audit.leakage.check(parts[2], drawn, "planted", alike=None).section


NAMES = {
    "an ending": ("{}.jpg", "{}"),
    "another ending": ("{}.jpg", "{}.webp"),
    "a prefix and an ending": ("img_{}.jpg", "{}"),
    "a prefix without a sign": ("IMG{}", "{}"),
    "folders": ("train/{}.jpg", "test/{}.jpg"),
    "folders of Windows": ("train\\{}.JPG", "photos\\test\\{}.jpg"),
    "suffixes": ("{}_a", "{}_b"),
    "sizes": ("{}_640", "{}_1024"),
    "prefixes": ("flickr-{}", "yfcc-{}"),
    "owner and secret": ("{}_b3f1c7dd5f_66052456@N00.jpg", "{}"),
    "letters beside": ("Süd {} (copy)", "{}"),
    "nothing": ("{}", "{}"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [0, 100, 5_000_000_000])
def test_shared_photos_are_known_whatever_stands_before_and_behind_their_ids(name, first):
    mine, theirs = NAMES[name]
    points = places(60)
    home = album([theirs.format(first + n) for n in range(60)], points)
    rows = [9, 4, 33]
    shared = [mine.format(first + n) for n in rows]
    cut = np.round(points[rows], 4)
    away = album([*shared, *(f"other {n}" for n in range(20))], np.vstack([cut, places(20, 1)]))
    section = transferred(home, away)["transfer/away"]
    assert section["same exact place"].value == 0
    assert (section[LINE].value, section[LINE].share, section[LINE].leaks) == (3, 3 / 23, True)
    pairs = [tuple(each.split(" ~ ")) for each in section[LINE].examples]
    assert pairs == [(mine.format(first + n), theirs.format(first + n)) for n in rows]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"nothing"}))
def test_within_one_dataset_they_leak_from_train_into_test(name):
    mine, theirs = NAMES[name]
    points = places(30)
    section = both([theirs.format(n) for n in range(30)], [mine.format(7)], points, points[7:8])
    assert (section[LINE].value, section[LINE].leaks) == (1, True)
    assert section["same id"].value == 0
    away = both([theirs.format(n) for n in range(30)], [mine.format(7)], points, places(1, 5))
    assert (away[LINE].value, away[LINE].leaks) == (0, False)
    assert "1 lie at other places" in away[LINE].detail


@pytest.mark.parametrize("name", ["{}", "{:06d}", "img_{}.jpg", "photo-{:04d}"])
def test_datasets_that_both_count_from_zero_share_no_photo(name):
    one, other = (album([name.format(n) for n in range(900)], places(900, s)) for s in (1, 2))
    found = transferred(one, other)
    assert found["transfer/away"][LINE].value == 0
    assert found["transfer/away"][TWINS].value == 0
    assert list(found.leaks()) == []


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_two_drives_down_one_road_are_not_one_drive(seed):
    """Frame 123 of the one is near frame 123 of the other, and is another photo."""
    rng = np.random.default_rng(seed)
    road = np.stack([50 + np.arange(400) * 1e-4, 8 + np.arange(400) * 1e-4], -1)
    one, other = (road + rng.normal(0, 5e-5, road.shape) for _ in range(2))
    found = transferred(
        album([f"monday/{n:06d}.png" for n in range(400)], one),
        album([f"friday/{n:06d}.png" for n in range(400)], other),
    )["transfer/away"]
    assert found[LINE].value < 40
    assert not found[TWINS].leaks


def test_counters_of_two_people_in_one_town_known_to_three_decimals_are_chance():
    """At so few decimals about as many places agree whoever is compared with whom."""
    rng = np.random.default_rng(4)
    spots = np.round([48.85, 2.35] + rng.integers(0, 3, (2, 500, 2)) * 1e-3, 3)
    ids = [[f"{who}_{n:04d}" for n in range(500)] for who in ("anna", "bert")]
    section = both(*ids, *spots)
    assert section[LINE].value > 100
    assert not section[LINE].leaks


def test_an_id_of_many_digits_needs_no_exact_place_and_a_padded_counter_does():
    points = places(50)
    moved = points[:10] + 4e-3  # half a kilometre: hidden on purpose, or by another geocoder
    for ids, shared in (
        ([str(10**9 + n * n) for n in range(50)], 10),
        ([f"{n:012d}" for n in range(50)], 0),
    ):
        home, away = album(ids, points), album([f"{each}.jpg" for each in ids[:10]], moved)
        assert transferred(home, away)["transfer/away"][LINE].value == shared


def test_a_random_split_of_sequences_with_counters_shares_no_photo():
    rng = np.random.default_rng(0)
    start = places(40)
    ids = [f"{who}/IMG_{n:04d}.JPG" for who in range(40) for n in range(30)]
    points = np.repeat(start, 30, axis=0) * 0.9 + rng.normal(0, 1e-3, (1200, 2))
    found = audit.examine(album(ids, points), RandomSplit())
    assert list(found.leaks()) == []


@pytest.mark.parametrize("decimals", [3, 4, 5, 6, 15])
def test_a_copy_under_another_name_is_a_twin(decimals):
    points = places(40)
    home = album([f"{n}" for n in range(40)], points)
    away = album([f"copy/{n}.jpg" for n in range(40)], np.round(points, decimals), promised=50)
    found = transferred(home, away)
    learnt = [str(i) for p in found.assignment.all_parts[:2] for i in p.ids]
    line = found["transfer/away"][TWINS]
    assert (line.value, line.share, line.leaks) == (40, 1.0, True)
    assert line.examples[0] == "copy/0.jpg"
    assert f"{len(learnt)} of {len(learnt)} learnt" in line.detail
    assert "seem to be one under two names" in line.detail
    assert any(TWINS in text for text in audit.conclusion(found))


def test_a_copy_whose_ids_are_new_is_a_twin_by_its_places_or_by_its_pictures():
    points, seen = places(12), [photo(n) for n in range(12)]
    home = album([f"a{n * 7}" for n in range(12)], points, pictures=seen)
    by_place = album([f"b{n * 5 + 1}" for n in range(12)], points)
    assert transferred(home, by_place)["transfer/away"][TWINS].leaks
    again = [saved_again(each) for each in seen]
    by_picture = album([f"b{n * 5 + 1}" for n in range(12)], places(12, 3), pictures=again)
    line = transferred(home, by_picture)["transfer/away"][TWINS]
    assert (line.value, line.leaks) == (12, True)


def test_a_target_that_holds_the_training_photos_among_many_others_is_a_twin_too():
    points = places(30)
    home = album([f"{n}" for n in range(30)], points)
    away = album([f"x{n:05d}" for n in range(300)], np.vstack([points, places(270, 8)]))
    line = transferred(home, away)["transfer/away"][TWINS]
    assert (line.value, line.share, line.leaks) == (30, 0.1, True)


def test_a_tenth_in_common_is_told_by_its_lines_and_makes_no_twin():
    points = places(40)
    away = album([f"x{n}" for n in range(60)], np.vstack([points[:6], places(54, 6)]))
    section = transferred(album([f"{n}" for n in range(40)], points), away)["transfer/away"]
    assert (section[TWINS].value, section[TWINS].leaks) == (6, False)
    assert section["same exact place"].leaks


@settings(max_examples=60)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True), st.randoms())
def test_ids_of_any_text_meet_themselves_and_raise_nothing(ids, random):
    ids = [each for each in ids if not each.endswith("\0")] or ["0"]
    points = places(len(ids))
    order = random.sample(range(len(ids)), len(ids))
    met = meet(Named(np.array(ids), points), Named(np.array(ids)[order], points[order]))
    found = dict(zip(met.mine[met.agree].tolist(), met.theirs[met.agree].tolist(), strict=False))
    named = [n for n, each in enumerate(ids) if each]
    assert all(order[found[n]] == n for n in named)


def test_ids_are_hashed_where_only_scores_may_be_shown():
    points = places(20)
    home = album([f"{n}" for n in range(20)], points, publishes="scores")
    away = album([f"secret/{n}.jpg" for n in range(20)], np.round(points, 4), publishes="scores")
    section = transferred(home, away)["transfer/away"]
    assert section[LINE].value == 20
    shown = " ".join(text for line in section.lines for text in (*line.examples, line.detail))
    assert "secret" not in shown
