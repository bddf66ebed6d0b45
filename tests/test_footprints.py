"""Shared ground: shares are those of plane geometry where views are small, and of the sphere."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from drawn_places import Places
from geobench import Part, footprints, geo, smallest_by_hash
from geobench.footprints import Views, overlap

PLACES = [(0.0, 0.0), (48.0, 11.0), (-33.0, 179.999), (71.0, -180.0)]
FINE = 0.006
"""What 610 points cannot tell apart."""


def around(centre, east, north):
    """Places so many km east and north of a centre."""
    bearing = np.degrees(np.arctan2(east, north))
    return geo.destination(np.array(centre), bearing, np.hypot(east, north))


def rectangles_cover(east, north, side):
    """The share of a square about the origin that such squares cover: cells between their edges."""
    half = side / 2
    edges = [
        np.unique(np.clip([-half, half, *(centre - half), *(centre + half)], -half, half))
        for centre in (east, north)
    ]
    middles = [(each[1:] + each[:-1]) / 2 for each in edges]
    x, y = np.meshgrid(*middles)
    area = np.outer(np.diff(edges[1]), np.diff(edges[0]))
    inside = (np.abs(x[..., None] - east) < half) & (np.abs(y[..., None] - north) < half)
    return area[inside.any(axis=-1)].sum() / side**2


@pytest.mark.parametrize("centre", PLACES)
def test_two_small_views_share_what_two_squares_of_the_plane_share(centre):
    rng = np.random.default_rng(0)
    for east, north in rng.uniform(-1.2, 1.2, (30, 2)):
        other = around(centre, east, north)
        shared = overlap(Views(np.array([centre]), 1.0), Views(other[None], 1.0))
        plane = max(0, 1 - abs(east)) * max(0, 1 - abs(north))
        assert shared.best[0] == pytest.approx(plane, abs=FINE)
        assert shared.union[0] == shared.best[0]


@pytest.mark.parametrize("centre", PLACES)
def test_several_views_together_show_what_squares_of_the_plane_cover(centre):
    rng = np.random.default_rng(1)
    for count in (2, 3, 5, 300):
        east, north = rng.uniform(-2, 2, (2, count)) * (3 if count == 300 else 0.7)
        others = around(centre, east, north)
        shared = overlap(Views(np.array([centre]), 2.0), Views(others, 2.0))
        each = np.clip(1 - np.abs(east) / 2, 0, 1) * np.clip(1 - np.abs(north) / 2, 0, 1)
        assert shared.best[0] == pytest.approx(each.max(), abs=FINE)
        assert shared.union[0] == pytest.approx(rectangles_cover(east, north, 2.0), abs=2 * FINE)


def test_views_of_two_widths_share_what_the_smaller_one_shows():
    small, large = Views(np.array([[10.0, 20.0]]), 1.0), Views(np.array([[10.0, 20.0]]), 3.0)
    assert overlap(small, large).best[0] == 1
    assert overlap(large, small).best[0] == pytest.approx(1 / 9, abs=FINE)


def test_north_is_up_in_every_view_so_that_views_at_the_pole_are_turned():
    pole = [Views(np.array([[90.0, lon]]), 100.0) for lon in (0.0, 45.0, 90.0)]
    octagon = 2 * (np.sqrt(2) - 1)  # what a square and one turned by 45 degrees have in common
    assert overlap(pole[0], pole[1]).best[0] == pytest.approx(octagon, abs=FINE)
    assert overlap(pole[0], pole[2]).best[0] == 1


def test_a_wide_view_is_weighed_by_area_on_the_sphere():
    def area(side):
        half = side / geo.EARTH_RADIUS_KM / 2
        found, _ = dblquad(lambda y, x: np.sinc(np.hypot(x, y) / np.pi), 0, half, 0, half)
        return found

    here = np.array([[30.0, -100.0]])
    shared = overlap(Views(here, 16_000.0), Views(here, 8_000.0)).best[0]
    assert shared == pytest.approx(area(8_000) / area(16_000), abs=FINE)
    assert shared > 1 / 4 + 5 * FINE  # what the plane would say


def test_views_that_only_come_close_share_nothing():
    for east, north in ((1.01, 0), (0, -1.01), (0.9, 1.01)):
        other = around(PLACES[1], east, north)
        shared = overlap(Views(np.array([PLACES[1]]), 1.0), Views(other[None], 1.0))
        assert (shared.best[0], shared.union[0]) == (0, 0)


class Aerial(Places):
    """Places that are seen from above."""

    name = "aerial"
    view_km = 2.0


def test_the_facts_are_those_of_all_views_and_none_where_nobody_knows_what_is_seen():
    east = np.array([0, 0.5, 1.0, 50, 51.5, 100])
    aerial = Aerial(around(PLACES[1], east, np.zeros(6)))
    tested, train = Part.of("test", aerial, np.array([0, 3, 5])), np.array([1, 2, 4])
    found = footprints.facts(tested, Part.of("train", aerial, train))
    assert {fact.unit for fact in found.values()} == {"share"}
    shares = {
        footprints.BEST: 0.25,  # of 0.75, 0.25 and 0
        footprints.BEST_OF_ALL: 0.75,
        footprints.UNION: 0.25,
        footprints.UNION_MEAN: 1 / 3,
        footprints.SHARING: 2 / 3,
    }
    assert {name: fact.value for name, fact in found.items()} == pytest.approx(shares, abs=FINE)
    unknown = Part.of("test", Places(aerial.table.points), train)
    for one, two in ((tested, unknown), (unknown, tested), (unknown, unknown)):
        assert footprints.facts(one, two) == {}


def test_of_many_photos_those_with_the_smallest_hashes_are_looked_at(monkeypatch):
    aerial = Aerial(around(PLACES[1], np.linspace(0, 3, 30), np.zeros(30)))
    tested, train = Part.of("test", aerial, np.arange(29)), Part.of("train", aerial, [29])
    few = Part.of("test", aerial, smallest_by_hash(tested.ids, 7))
    asked = footprints.facts(few, train)
    assert asked != footprints.facts(tested, train)
    monkeypatch.setattr(footprints, "MOST_PHOTOS", 7)
    assert asked == footprints.facts(tested, train)
