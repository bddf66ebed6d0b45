"""The audit: every fault is planted in a known number, and found in that number."""

import io
import json
import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import image
from PIL import Image
from typer.testing import CliRunner

from geobench import (
    Assignment,
    BrokenPicture,
    Component,
    ConfigError,
    DataError,
    Dataset,
    Part,
    Split,
    Table,
    audit,
    cli,
    distance_km,
    figures,
    gazetteer,
    geo,
)
from geobench.audit import coordinates, duplicates, fingerprints
from geobench.digests import digest
from geobench.records.parts import MAP_ROWS
from geobench.toy_planet import ToyPlanet
from geobench_basics.splits import ByGroupSplit, OfficialSplit, TransferConfig, TransferSplit
from geobench_basics.unseen_cells import UnseenCellsConfig, UnseenCellsSplit


class Album(Dataset):
    """Places, and pictures if there are any."""

    name = "album"

    def __init__(
        self,
        points,
        pictures=None,
        *,
        prefix="photo",
        reach_km=0.0,
        publishes="pictures",
        promised=0,
        broken=None,
        **columns,
    ):
        super().__init__()
        points = np.asarray(points, dtype=float).reshape(-1, 2)
        ids = np.array([f"{prefix}-{number:04d}" for number in range(len(points))])
        lists = {name: np.asarray(c) for name, c in columns.items() if isinstance(c, list)}
        columns |= lists
        self._table = Table(
            **({"ids": ids, "points": points, "groups": ids} | columns),
            promised=promised,
            broken=broken or {},
        )
        self.pictures = pictures
        self._reach_km, self._publishes = reach_km, publishes

    reach_km = property(lambda self: self._reach_km)
    publishes = property(lambda self: self._publishes)
    provides = property(lambda self: frozenset({"images"} if self.pictures else ()))

    def load(self):
        return self._table

    def images(self, indices):
        for index in indices:
            yield self.pictures[index]


def photo(number, side=64):
    """A picture of 1/f noise in colours, as landscapes have it; another for every number."""
    rng = np.random.default_rng([7, number])
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        noise = rng.normal(size=(side, side // 2 + 1)) + 1j * rng.normal(size=(side, side // 2 + 1))
        plane = np.fft.irfft2(noise / frequency, (side, side))
        planes.append(128 + 40 * plane / plane.std())
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def saved_again(picture, *, quality=80, scale=1.0):
    shown = Image.fromarray(picture)
    width, height = (round(scale * side) for side in shown.size)
    stream = io.BytesIO()
    shown.resize((width, height)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def places(count, seed=0):
    return geo.uniform(count, np.random.default_rng(seed))


@cache
def towns():
    """Towns, and those of them whose swapped place is far from every town."""
    found = gazetteer.load(1000).points
    some = found[np.random.default_rng(0).permutation(len(found))[:220]]
    some = some[(np.abs(some[:, 1]) <= 90) & (some != np.rint(some)).any(axis=1)]
    away = np.array([distance_km(point, found).min() for point in some[:, ::-1]])
    return some, some[away > 250]


# ------------------------------------------------------------------ coordinates


@settings(max_examples=20)
@given(st.integers(0, 12), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5))
def test_coordinate_faults_are_counted_as_planted(swapped, origin, whole, axis):
    good, swappable = towns()
    degrees = np.unique(np.rint(good), axis=0)
    degrees = degrees[(degrees != 0).all(axis=1)][:whole]
    points = np.concatenate(
        [
            good[:100],
            swappable[:swapped, ::-1],
            np.zeros((origin, 2)),
            degrees,
            np.stack([np.full(axis, 0.0), 9.5 + np.arange(axis) / 7], -1),
        ]
    )
    section = coordinates.check(Album(points)).section
    assert section["latitude and longitude look swapped"].value == swapped
    assert section["at (0, 0)"].value == origin
    assert section["in whole degrees"].value == whole
    assert section["on the equator or the prime meridian"].value == axis
    assert section["at (0, 0)"].share == origin / len(points)
    named = section["latitude and longitude look swapped"].examples
    assert named == tuple(f"photo-{100 + i:04d}" for i in range(min(swapped, 5)))
    marked = {mark.name: len(mark.points) for mark in coordinates.check(Album(points)).marks}
    planted = {"look swapped": swapped, "at (0, 0)": origin, "in whole degrees": whole}
    assert marked == {name: count for name, count in planted.items() if count}


def test_swaps_by_chance_are_not_underestimated_where_photos_are_anywhere():
    found = coordinates.swaps(places(20_000, seed=1))
    assert found.look.sum() > 500
    assert found.look.sum() < found.by_chance < 2 * found.look.sum()


def test_a_dataset_whose_columns_are_swapped_as_a_whole_is_told():
    good, _ = towns()
    name = "near a town if all were swapped"
    wrong = coordinates.check(Album(good[:, ::-1])).section[name]
    assert wrong.share == 1
    assert "seem to be swapped" in wrong.detail
    right = coordinates.check(Album(good)).section[name]
    assert "100.0 % as given" in right.detail
    assert "seem to be swapped" not in right.detail


def test_photos_whose_swap_is_off_the_globe_are_not_called_swapped():
    found = coordinates.swaps(np.array([[-30.0, 170.0], [0.0, -140.0]]))
    assert not found.possible.any()
    assert not found.look.any()


def test_repeated_places_are_counted_whatever_their_longitudes_at_a_pole_or_the_date_line():
    points = [[1, 2]] * 3 + [[90, 0], [90, 77], [5, 180], [5, -180], [0.0, 3], [-0.0, 3], [8, 8]]
    section = coordinates.check(Album(points)).section
    line = section["share their exact place with another photo"]
    assert (line.value, line.detail) == (9, "at 4 places")
    assert line.examples[0] == "1 2 (3 photos)"
    assert section["at the most frequent place"].value == 3


def test_what_lies_off_the_globe_was_counted_as_broken(tmp_path):
    rows = ["id,lat,lon", "a,10,20", "b,95,0", "c,-91,0", "d,10,500", "e,,1"]
    (tmp_path / "p.csv").write_text("\n".join(rows))
    done = ask("data", "table", "--config", f"file={tmp_path / 'p.csv'}", "--json")
    found = sections(done.output)
    assert found["Coordinates"]["out of range"]["value"] == 3
    counted = {name: line["value"] for name, line in found["Photos"].items()}
    assert counted == {
        "promised": 5,
        "present": 1,
        "broken: coordinates that are no numbers": 1,
        "broken: coordinates off the globe": 3,
    }


# ------------------------------------------------------------------ contents


def test_counts_groups_and_missing_values():
    table = {
        "groups": ["a"] * 6 + ["b"] * 3 + ["c"],
        "attributes": {
            "country": np.array(["NA", "", "DE", "DE", "", "DE", "FR", "FR", "DE", "NA"]),
            "year": np.array([np.nan, *range(2001, 2010)]),
        },
    }
    found = audit.examine(Album(places(10), promised=14, broken={"gone": 3}, **table))
    assert {line.name: line.value for line in found["Photos"].lines} == {
        "promised": 14,
        "present": 10,
        "broken: gone": 3,
        "unexplained": 1,
    }
    assert found["Groups"]["groups"].value == 3
    assert found["Groups"]["effective groups"].value == pytest.approx(100 / (36 + 9 + 1))
    assert found["Groups"]["in the largest group"].value == 6
    assert found["Groups"]["in the largest group"].examples == ("a",)
    assert found["Groups"]["alone in their group"].value == 1
    country = found["Attributes"]["missing: country"]
    assert (country.value, country.detail) == (2, "3 different values, most often DE (4)")
    assert found["Attributes"]["missing: year"].value == 1
    assert "skipped" in found["Pictures"].about


# ------------------------------------------------------------------ pictures


def test_a_hash_is_the_signs_of_the_lowest_frequencies_about_their_median():
    small = fingerprints.shrink(photo(3))
    k, n = np.arange(8)[:, None], np.arange(32)[None]
    basis = np.cos(np.pi * k * (2 * n + 1) / 64) * np.where(k == 0, math.sqrt(0.5), 1) / 4
    low = (basis @ small.astype(float) @ basis.T).ravel()
    bits = "".join("01"[int(value > np.median(low))] for value in low)
    found = fingerprints.fingerprints(small[None])
    assert int(found.hashes[0]) == int(bits, 2)
    scaled = 127 * low[1:] / np.abs(low[1:]).max()
    np.testing.assert_allclose(found.shapes[0], scaled, atol=0.51)


def brute_force(hashes, radius):
    return {
        (i, j)
        for i in range(len(hashes))
        for j in range(i)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= radius
    }


def found_pairs(pieces):
    pairs = [
        (max(a, b), min(a, b))
        for each in pieces
        for a, b in zip(each.first.tolist(), each.second.tolist(), strict=True)
    ]
    assert len(set(pairs)) == len(pairs), "a pair was found twice"
    return set(pairs)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 7), st.integers(0, 90))
def test_the_pairs_are_those_of_a_search_over_all_pairs(seed, radius, count):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, max(1, count // 4), dtype=np.uint64)
    hashes = rng.choice(hashes, count)
    for number in range(count):  # up to nine bits of each are turned
        for bit in rng.choice(64, rng.integers(0, 10), replace=False):
            hashes[number] ^= np.uint64(1) << np.uint64(bit)
    found = found_pairs(fingerprints.candidates(hashes, radius=radius))
    assert found == brute_force(hashes, radius)


def test_a_radius_that_the_bands_cannot_promise_is_refused():
    with pytest.raises(ValueError, match="at most 7"):
        list(fingerprints.candidates(np.zeros(2, np.uint64), radius=8))


def test_pictures_saved_again_are_found_and_no_others():
    original = [photo(number) for number in range(80)]
    copies = [
        saved_again(original[0], quality=75),
        saved_again(original[1], quality=90, scale=2),
        saved_again(original[2], scale=0.6),
        saved_again(original[3], scale=1.7, quality=70),
        original[4].copy(),
    ]
    pictures = original + copies
    found = audit.examine(Album(places(len(pictures)), pictures))["Pictures"]
    assert found["pairs of near-duplicates"].value == 5
    assert found["have a near-duplicate"].value == 10
    named = {
        tuple(re.split(" [~=] ", text.split(" (")[0]))
        for text in found["pairs of near-duplicates"].examples
    }
    expected = {frozenset({f"photo-{i:04d}", f"photo-{80 + i:04d}"}) for i in range(5)}
    assert {frozenset(pair) for pair in named} == expected

    looked = fingerprints.look(Album(places(85), pictures), np.arange(85), track=quietly)
    alike = fingerprints.cosines(
        np.repeat(looked.fingerprints.shapes, 85, axis=0),
        np.tile(looked.fingerprints.shapes, (85, 1)),
    ).reshape(85, 85)
    expected = {
        (i, j) for i, j in brute_force(looked.fingerprints.hashes, 7) if alike[i, j] >= 0.97
    }
    assert found_pairs(fingerprints.near_pairs(looked.fingerprints)) == expected
    assert len(expected) == 5


def quietly(items, total, what):
    yield from items


def test_a_picture_that_a_source_holds_hundreds_of_times_is_counted_in_every_pair():
    pictures = [photo(0)] * 300 + [saved_again(photo(0))] * 2 + [photo(1)]
    found = audit.examine(Album(places(303), pictures))["Pictures"]
    assert found["pairs of near-duplicates"].value == 302 * 301 // 2
    assert found["have a near-duplicate"].value == 302
    assert found["near-duplicates of one photo, at most"].value == 301


def test_pictures_that_show_nothing_or_cannot_be_read_are_told_and_not_compared():
    flat = np.full((20, 30, 3), 90, np.uint8)
    pictures = [flat, flat, photo(1), BrokenPicture("cut short"), BrokenPicture("cut short")]
    found = audit.examine(Album(places(5), pictures))["Pictures"]
    assert found["looked at"].value == 5
    assert found["of one colour"].value == 2
    assert found["cannot be read: cut short"].value == 2
    assert found["cannot be read: cut short"].examples == ("photo-0003", "photo-0004")
    assert found["pairs of near-duplicates"].value == 0


def test_a_limit_on_pictures_is_said_and_takes_the_smallest_hashes():
    pictures = [photo(number) for number in range(30)]
    read = []

    def track(items, total, what):
        read.append(total)
        yield from items

    found = audit.examine(Album(places(30), pictures), photos=12, track=track)["Pictures"]
    assert read == [12]
    assert found["looked at"].value == 12
    assert found["looked at"].detail == "of 30 photos; those with the smallest hash of id"


# ------------------------------------------------------------------ leakage


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
    found = audit.examine(album, OfficialSplit())
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
    assert found["unseen-cells/unseen"]["same group"].value > 0  # told, and not promised apart
    assert found["unseen-cells/unseen"]["smallest distance to train"].value >= 25


class Careless(Split):
    """Promises that groups, and 50 km, are kept apart; neither is checked here."""

    name = "careless"
    separates_groups = True

    def draw(self, dataset):
        raise NotImplementedError


def test_groups_and_reach_are_leaks_where_the_split_promises_them_apart():
    points = [[0, 10], [0, 10.5], [0, 12], [0, 30]]
    album = Album(points, groups=["a", "a", "b", "c"], reach_km=100.0)
    train, val = Part.of("train", album, np.array([0])), Part.of("val", album, np.array([3]))
    tested = Part.of("test", album, np.array([1, 2]))
    promised = Assignment(train, val, (tested,), apart_km={"test": 50.0})
    section = audit.leakage.check(tested, promised, Careless(), "careless", alike=None).section
    reach = "closer than the dataset's reach of 100 km"
    assert (section["same group"].value, section[reach].value) == (1, 1)
    assert {line.name for line in section.lines if line.leaks} == {"same group", reach}
    assert section[reach].examples == ("photo-0001 ~ photo-0000 (55.6 km)",)
    free = Assignment(train, val, (tested,))
    section = audit.leakage.check(tested, free, OfficialSplit(), "free", alike=None).section
    assert (section["same group"].value, section[reach].value) == (1, 1)
    assert not any(line.leaks for line in section.lines)


def test_a_buffer_below_the_reach_leaks_and_the_part_that_is_seen_does_not():
    album = Album(places(3000, seed=5), reach_km=200.0)
    narrow = audit.examine(album, UnseenCellsSplit(UnseenCellsConfig(buffer_km=20, rows=18)))
    (leak,) = narrow.leaks()
    assert leak[0].title == "unseen-cells/unseen"
    assert "promises this part 20 km" in leak[1].detail
    wide = audit.examine(album, UnseenCellsSplit(UnseenCellsConfig(rows=18)))
    assert list(wide.leaks()) == []
    assert wide["unseen-cells/seen"]["closer than the dataset's reach of 200 km"].value > 0


def test_a_split_by_group_shares_none():
    album = Album(places(60), groups=np.arange(60) // 4)
    found = audit.examine(album, ByGroupSplit())["by-group/test"]
    assert found["same group"].value == 0
    assert "promises to keep groups apart" in found["same group"].detail


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
    home = Album(places(40), groups=["same"] * 40)
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
    section = audit.leakage.check(tested, drawn, Careless(), "careless", alike=None).section
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


# ------------------------------------------------------------------ the command


def ask(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def sections(output):
    found = json.loads(output)
    return {
        each["title"]: {line["name"]: line for line in each["lines"]} for each in found["sections"]
    }


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """Sixty photos, of which ten are saved again under another name, elsewhere."""
    root = tmp_path_factory.mktemp("trip")
    (root / "photos").mkdir()
    rows = ["id,file,lat,lon,part"]
    spots = places(70, seed=2)
    for number in range(70):
        picture = photo(number) if number < 60 else saved_again(photo(number - 60))
        Image.fromarray(picture).save(root / f"photos/p{number}.png")
        lat, lon = spots[number]
        rows.append(f"shot-{number:02d},p{number}.png,{lat:.5f},{lon:.5f},")
    (root / "trip.csv").write_text("\n".join(rows) + "\n")
    return root


def words(root, *more, publishes="coordinates"):
    own = [f"file={root}/trip.csv", f"images={root}/photos", f"publishes={publishes}"]
    return ["data", "table", *(w for text in own for w in ("--config", text)), *more]


def test_strict_fails_a_random_split_of_duplicates_and_names_what_leaks(trip):
    done = ask(*words(trip, "--split", "random", "--strict"))
    assert done.exit_code == 1, done.output
    (leak,) = re.findall(r"^LEAK .*$", done.output, re.MULTILINE)
    assert re.fullmatch(r"LEAK random/test: near-duplicate picture: \d+ photos \(.* %\)", leak)
    found = sections(ask(*words(trip, "--split", "random", "--json")).output)
    line = found["random/test"]["near-duplicate picture"]
    assert line["leak"]
    assert f": {line['value']} photos" in leak
    for text in line["examples"]:
        one, other = (int(name.removeprefix("shot-")) for name in text.split(" ~ "))
        assert abs(one - other) == 60
    assert ask(*words(trip, "--split", "random")).exit_code == 0


def test_strict_passes_the_clean_toy_planet():
    done = ask("data", "toy-planet", "--split", "unseen-cells", "--strict")
    assert done.exit_code == 0, done.output
    assert "no leakage found in split unseen-cells" in done.output
    assert "LEAK" not in done.output


def test_every_line_of_the_report_is_on_the_screen_in_the_page_and_in_the_json(trip, tmp_path):
    done = ask(*words(trip, "--split", "random", "--output", tmp_path))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.md").read_text()
    found = sections(ask(*words(trip, "--split", "random", "--json")).output)
    assert set(found) == set(re.findall(r"^## (.*)$", page, re.MULTILINE))
    flowing = " ".join(done.output.split())
    for title, lines in found.items():
        assert f"{title}. " in flowing
        for name in lines:
            assert name in flowing
            assert f"| {name} " in page or f"**leak** {name} " in page
    assert f"wrote report.md, map.png, split-random.png in {tmp_path}" in flowing
    for file in ("map.png", "split-random.png"):
        assert f"]({file})" in page
        assert image.imread(tmp_path / file).shape[1] == round(8.5 * 144)


def test_the_maps_ring_what_is_doubtful_and_what_leaks(trip):
    points = np.concatenate([places(60, seed=3), np.zeros((4, 2)), [[10.0, 20.0]]])
    kinds = np.array(["train"] * 50 + ["val"] * 5 + ["test"] * 10)
    kinds[60] = "train"  # one of four at (0, 0)
    found = audit.examine(Album(points, part=kinds), OfficialSplit())

    def drawn(figure):
        (axes,) = [each for each in figure.axes if each.collections]
        return {dots.get_label(): len(dots.get_offsets()) for dots in axes.collections}

    shown = drawn(figures.draw_dataset(found))
    assert shown["photos (65)"] == 65
    assert shown["at (0, 0) (4)"] == 4
    assert shown["in whole degrees (1)"] == 1
    shown = drawn(figures.draw_leakage(found))
    assert shown["train (51)"] == 51
    assert shown["leaks in official/test (3)"] == 3
    assert len(found["Photos"].lines) == 2


def test_a_map_shows_at_most_so_many_photos_and_says_so():
    figure = figures.draw_dataset(audit.examine(Album(places(MAP_ROWS + 5))))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert f"photos ({MAP_ROWS:,} of {MAP_ROWS + 5:,} shown)" in labels


def test_what_publishes_scores_only_is_hashed_and_has_no_map(trip, tmp_path):
    rows = (trip / "trip.csv").read_text().splitlines()
    rows += ["shot-98,p1.png,12.34567,23.45678,", "shot-99,p2.png,12.34567,23.45678,"]
    (tmp_path / "photos").symlink_to(trip / "photos")
    (tmp_path / "trip.csv").write_text("\n".join(rows) + "\n")
    own = words(tmp_path, "--split", "random", publishes="scores")
    done = ask(*own, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "no map: the dataset lets only scores be published" in done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]
    told = done.output + (tmp_path / "out/report.md").read_text() + ask(*own, "--json").output
    assert "shot-" not in told
    assert "12.34" not in told
    assert "23.45" not in told
    assert digest("shot-00")[:16] in told or digest("shot-01")[:16] in told
    assert "there is no map" in (tmp_path / "out/report.md").read_text()


def test_what_the_command_cannot_use_is_refused_with_what_to_write(trip):
    for wrong, message in (
        (["toy-planet", "--strict"], "--strict is about a split.*Add --split NAME"),
        (["toy-planet", "--split-config", "seed=1"], "--split-config is about a split"),
        (
            ["toy-planet", "--config", "photo=3"],
            "--config: dataset toy-planet has no key 'photo'. Did you mean photos",
        ),
        (["toy-planet", "--config", "photos"], "no KEY=VALUE"),
        (["toy-planet", "--config", "preset=x"], "no preset 'x'"),
        (
            ["toy-planet", "--split", "random", "--split-config", "label=a/b"],
            "--split-config: label 'a/b' is no label",
        ),
        (
            ["toy-planet", "--split", "random", "--split-config", "seed=-1"],
            "--split-config: seed: input should be .*0",
        ),
        (
            ["toy-planet", "--split", "transfer", "--split-config", "test=[3]"],
            "--split-config: test: give the .*name",
        ),
        (["toy-planet", "--split", "transfer", "--split-config", "test=[3"], "is no JSON.*Write"),
    ):
        error = ask("data", *wrong).exception
        assert isinstance(error, ConfigError), (wrong, error)
        assert re.search(message, str(error)), str(error)
    with pytest.raises(DataError):
        audit.examine(Album(places(3)), UnseenCellsSplit())


def test_a_split_takes_its_configuration_and_label_from_the_command_line():
    done = ask(
        "data",
        "toy-planet",
        "--config",
        "photos=200",
        "--photos",
        "50",
        "--split",
        "unseen-cells",
        "--split-config",
        "rows=12",
        "--split-config",
        "label=wide",
        "--json",
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert (found["photos"], found["split"]) == (200, "wide")
    assert {"Split wide", "wide/seen", "wide/unseen"} <= set(sections(done.output))
    assert sections(done.output)["Pictures"]["looked at"]["value"] == 50
    other = '[{"name": "toy-planet", "photos": 90, "seed": 3, "label": "elsewhere"}]'
    done = ask(
        "data", "toy-planet", "--split", "transfer", "--split-config", f"test={other}", "--json"
    )
    assert sections(done.output)["transfer/elsewhere"]["test photos"]["value"] == 90


def test_duplicates_join_the_pictures_of_several_datasets():
    one = fingerprints.look(Album(places(2), [photo(0), photo(1)]), np.arange(2), track=quietly)
    two = fingerprints.look(Album(places(1), [photo(1)], prefix="b"), np.arange(1), track=quietly)
    alike = duplicates.Lookalikes([one, two])
    assert alike.positions(two.dataset, np.array([0])).tolist() == [2]
    assert [alike.shown(i) for i in range(3)] == ["photo-0000", "photo-0001", "b-0000"]
    found = alike.lookalike(np.array([0, 1]))
    assert found[alike.set_of[2]] == 1
    with pytest.raises(IndexError):
        alike.shown(3)
