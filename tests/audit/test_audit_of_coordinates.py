"""The audit of a table: every fault is planted in a known number, and found in that number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import audit, distance_km, gazetteer
from geobench.audit import coordinates
from planted_album import Album, places, towns


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


FUNAFUTI, MALE = (-8.521, 179.196), (4.175, 73.509)  # atolls, which the coastlines lack
SHIP, LAKE, PIER = (0.0001, -140), (-1, 33.001), (43.6935, 7.2641)
VOSTOK, SAHARA, PARIS = (-78.46, 106.84), (24.5, 1.2), (48.8584, 2.2945)
NULL_ISLAND = (0, 0)


def test_photos_at_sea_and_far_from_any_town_are_counted_and_named():
    points = [SHIP, LAKE, FUNAFUTI, PARIS, MALE, VOSTOK, PIER, SAHARA, NULL_ISLAND]
    section = coordinates.check(Album(points)).section
    sea, remote = section["at sea"], section["over 100 km from any town"]
    assert sea.examples == ("photo-0000", "photo-0008")
    assert (sea.value, sea.share, sea.leaks) == (2, 2 / 9, False)
    known = gazetteer.load(1000).points
    far = [i for i, place in enumerate(points) if distance_km(place, known).min() > 100]
    assert {0, 5, 7} <= set(far)
    assert not {2, 3, 4, 6} & set(far)
    assert remote.examples == tuple(f"photo-{i:04d}" for i in far)
    assert remote.value == len(far)


def test_a_photo_at_sea_has_one_ring_on_the_map_and_one_at_the_origin_keeps_its_own():
    marks = {m.name: len(m.points) for m in coordinates.check(Album([SHIP, NULL_ISLAND])).marks}
    assert marks == {"at (0, 0)": 1, "at sea": 1}


def test_of_another_planet_neither_sea_nor_towns_are_told(monkeypatch):
    monkeypatch.setattr(Album, "on_earth", False)
    section = coordinates.check(Album([SHIP])).section
    assert "at sea" not in section
    assert "over 100 km from any town" not in section
    assert "towns and coasts" in section.about


def test_towns_are_neither_at_sea_nor_far_from_towns():
    known = gazetteer.load(1000).points
    section = coordinates.check(Album(known[:: len(known) // 3000])).section
    assert section["at sea"].value == 0
    assert section["over 100 km from any town"].value == 0
