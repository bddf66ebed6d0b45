"""perf/borders.py says what labels by the nearest town are worth, by borders that are given."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from geobench import DataError, gazetteer, geo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def borders(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import borders

    return borders


def box(south, north, west, east):
    """A ring, longitude first."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [list(corner) for corner in corners]


def feature(code, *polygons, **more):
    geometry = {"type": "MultiPolygon", "coordinates": list(polygons)}
    return {"type": "Feature", "properties": {"ISO_A2_EH": code}, "geometry": geometry} | more


def written(folder, *features):
    path = folder / "countries.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def in_countries(borders, path, points, **keywords):
    """The codes of the countries that points lie in; "sea" in none."""
    found = borders.read(path, **{"code": "ISO_A2_EH"} | keywords)
    return [
        "sea" if country < 0 else str(found.codes[country])
        for country in found.country_of(geo.wrap(points))
    ]


def test_a_point_lies_in_the_country_that_matplotlib_finds_it_in(borders, tmp_path):
    rng = np.random.default_rng(0)
    rings = {}
    for code, (lat, lon) in {"DE": (40, -100), "FR": (-20, 60)}.items():
        turns = np.sort(rng.uniform(0, 2 * np.pi, 200))
        radii = rng.uniform(8, 30, 200)
        ring = np.stack([lon + radii * np.cos(turns), lat + radii * np.sin(turns)], axis=-1)
        rings[code] = np.concatenate([ring, ring[:1]])
    path = written(tmp_path, *(feature(code, [ring.tolist()]) for code, ring in rings.items()))
    points = geo.uniform(20_000, rng)
    found = np.array(in_countries(borders, path, points))
    for code, ring in rings.items():
        inside = Outline(ring).contains_points(points[:, ::-1])
        assert inside.sum() > 300
        np.testing.assert_array_equal(found == code, inside)


def test_holes_the_date_line_and_a_pole_are_where_they_are(borders, tmp_path):
    around_the_pole = [[lon, -70] for lon in range(-180, 180, 10)]
    path = written(
        tmp_path,
        feature("DE", [box(0, 20, 0, 20), box(5, 15, 5, 15)], [box(8, 12, 8, 12)]),
        feature("FJ", [box(-20, -10, 170, 190)]),
        feature("RU", [box(60, 70, 170, 180)], [box(60, 70, -180, -170)]),
        feature("AQ", [[*around_the_pole, around_the_pole[0]]]),
    )
    assert in_countries(borders, path, [(2, 2), (6, 6), (10, 10), (25, 2)]) == [
        *("DE", "sea", "DE", "sea")
    ]
    date_line = [(-15, 175), (-15, -175), (-15, -165), (65, 179.9), (65, -180), (65, 160)]
    assert in_countries(borders, path, date_line) == ["FJ", "FJ", "sea", "RU", "RU", "sea"]
    assert in_countries(borders, path, [(-90, 0), (-75, 135), (-65, 135)]) == ["AQ", "AQ", "sea"]


def test_an_antarctica_that_is_cut_at_the_date_line_is_whole(borders, tmp_path):
    cut = [[-180, -90], [-180, -70], [0, -70], [180, -70], [180, -90], [-180, -90]]
    path = written(tmp_path, feature("AQ", [cut]))
    assert in_countries(borders, path, [(-89, 30), (-80, -179), (-60, 30)]) == ["AQ", "AQ", "sea"]


@pytest.mark.parametrize("given", ["DE", "DEU", "276", 276])
def test_codes_are_two_letters_three_or_a_number(borders, tmp_path, given):
    path = written(tmp_path, feature(None, [box(0, 9, 0, 9)], id=given))
    assert in_countries(borders, path, [(5, 5)], code="id") == ["DE"]


def test_a_country_below_a_hundred_is_found_with_its_zeros(borders, tmp_path):
    path = written(tmp_path, feature("004", [box(0, 9, 0, 9)]), feature("-99", [box(0, 9, 10, 19)]))
    assert in_countries(borders, path, [(5, 5), (5, 15)]) == ["AF", ""]


def test_the_way_to_a_border_is_that_of_the_sphere(borders, tmp_path):
    path = written(tmp_path, feature("DE", [box(-30, 30, 0, 20)]), feature("FR", [box(0, 1, 0, 1)]))
    found = borders.read(path, code="ISO_A2_EH")
    points = np.array([(0.0, -1.0), (10.0, -5.0), (25.0, 19.0), (40.0, 10.0)])
    away = found.distance_km(points, np.full(4, "DE"))
    lat, off = np.radians(points[:2, 0]), np.radians(-points[:2, 1])
    sideways = geo.EARTH_RADIUS_KM * np.arcsin(np.cos(lat) * np.sin(off))
    np.testing.assert_allclose(away[:2], sideways, atol=0.5)
    inside = geo.EARTH_RADIUS_KM * np.arcsin(np.cos(np.radians(25)) * np.sin(np.radians(1)))
    northward = geo.distance_km(points[3], np.array([30.0, 10.0]))
    np.testing.assert_allclose(away[2:], [inside, northward], atol=0.5)


@pytest.fixture
def two_towns(monkeypatch):
    """A town of Germany at 5 degrees west, one of France at 5 degrees east, both on the equator."""
    towns = geo.Places([(0.0, -5.0), (0.0, 5.0)])
    country = np.array(["DE", "FR"])

    def nearest(points, *, minimum):
        found, none = towns.nearest(points), np.array(["", ""])
        columns = [none, country, none, none, np.array([1, 2])]
        return gazetteer.Labels(*(each[found.index] for each in columns), found.distance_km)

    monkeypatch.setattr(gazetteer, "nearest", nearest)


def test_a_strip_between_a_border_and_the_middle_of_two_towns_is_mislabelled(
    borders, tmp_path, two_towns
):
    # The border lies at 2 degrees east, the middle of the towns at 0.
    path = written(
        tmp_path,
        feature("DE", [box(-10, 10, -10, 2)]),
        feature("FR", [box(-10, 10, 2, 10)]),
        feature("-99", [box(-10, 10, 10, 20)]),
    )
    found = borders.read(path, code="ISO_A2_EH")
    rng = np.random.default_rng(0)
    points = geo.uniform(1_000_000, rng)
    said = borders.compare(found, points, minimum=1000, max_km=5000)
    n = said.points
    area = 30 * 2 * np.sin(np.radians(10)) / (360 * 2)
    assert abs(n - 1_000_000 * area) < 4 * np.sqrt(1_000_000 * area)
    assert said.unlabelled == 0
    assert abs(said.compared / n - 2 / 3) < 4 * np.sqrt(2 / 9 / n)
    assert abs(said.wrong - 2 / 20) < 4 * np.sqrt(0.09 / said.compared)
    assert list(said.pairs) == [("DE", "FR")]
    # Uniform over 0 to 2 degrees of longitude, at latitudes up to 10: a median of one degree.
    assert np.median(said.beyond_km) == pytest.approx(110, abs=4)
    assert said.beyond_km.max() < 223
    near = borders.compare(found, points, minimum=1000, max_km=300)
    disc = 2 * np.pi * (1 - np.cos(300 / geo.EARTH_RADIUS_KM)) / (4 * np.pi) * 1_000_000
    assert abs((1 - near.unlabelled) * n - 2 * disc) < 4 * np.sqrt(2 * disc)


def test_a_label_that_the_file_has_no_country_for_is_not_compared(borders, tmp_path, two_towns):
    path = written(tmp_path, feature("DE", [box(-10, 10, -10, 10)]))
    found = borders.read(path, code="ISO_A2_EH")
    points = np.stack([np.zeros(20), np.linspace(-9.5, 9.5, 20)], axis=-1)
    said = borders.compare(found, points, minimum=1000, max_km=5000)
    assert (said.points, said.compared, said.wrong) == (20, 10, 0.0)


def test_the_table_and_the_pairs_are_printed(borders, tmp_path, monkeypatch, caplog):
    # With the towns of GeoNames: a Germany that ends at the Greenwich meridian, and all of the
    # rest of Europe and Africa is "France".
    path = written(
        tmp_path, feature("DEU", [box(-40, 70, -20, 0)]), feature("FRA", [box(-40, 70, 0, 50)])
    )
    words = [str(path), "--points", "3000", "--minimum", "15000"]
    monkeypatch.setattr(sys, "argv", ["borders.py", *words])
    with caplog.at_level(logging.INFO):
        assert borders.main() == 0
    table, *pairs = caplog.messages
    kinds = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert kinds[:2] == ["uniform on land", "the same north of 60° S"]
    assert kinds[2:] == ["0 km from towns", "5 km from towns", "20 km from towns"]
    assert [line.partition(":")[0] for line in pairs] == kinds
    assert "FR taken for DE" in pairs[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "features"),
        ("no JSON", "JSONDecodeError"),
        ('{"features": []}', "no feature has an ISO 3166-1 code as 'ISO_A2_EH'"),
    ],
)
def test_a_file_that_has_no_borders_is_a_sentence(borders, tmp_path, text, said):
    path = tmp_path / "countries.geojson"
    path.write_text(text)
    with pytest.raises(DataError, match=said) as raised:
        borders.read(path, code="ISO_A2_EH")
    assert "--code" in str(raised.value)
