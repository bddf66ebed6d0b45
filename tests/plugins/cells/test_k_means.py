"""Spherical k-means cells against scipy's spherical Voronoi diagram, and against definitions."""

import numpy as np
import pytest
from scipy.spatial import SphericalVoronoi

from geobench import ConfigError, DataError, geo
from geobench_cells import SphericalKMeans
from geobench_cells.clustering import shares
from photographed_places import towns


def spread_out(count, seed=0):
    return geo.uniform(count, np.random.default_rng(seed))


@pytest.mark.parametrize("photos", [towns(), spread_out(3000)], ids=["towns", "spread out"])
@pytest.mark.parametrize("cells", [4, 12, 100, 1500])
def test_areas_of_one_level_are_those_of_scipys_voronoi_diagram(photos, cells):
    fitted = SphericalKMeans.fit(photos, cells=cells)
    assert len(fitted) == cells
    theirs = SphericalVoronoi(fitted.to_arrays()["means"]).calculate_areas()
    np.testing.assert_allclose(fitted.areas, theirs, rtol=1e-7, atol=1e-12)


def test_a_point_lies_in_the_cell_of_the_nearest_mean_level_by_level():
    levels = SphericalKMeans.fit_levels(towns(), [5, 30, 200])
    arrays = levels[-1].to_arrays()
    means = np.split(geo.from_vectors(arrays["means"]), np.cumsum(arrays["sizes"])[:-1])
    above = np.split(arrays["above"], np.cumsum(arrays["sizes"])[:-1])
    points = spread_out(2000)
    cell = np.zeros(len(points), int)
    for fitted, own, parents in zip(levels, means, above, strict=True):
        distances = geo.distance_km(points[:, None], own)
        cell = np.where(parents == cell[:, None], distances, np.inf).argmin(axis=1)
        np.testing.assert_array_equal(fitted.assign(points), cell)


def test_a_centre_is_the_spherical_mean_of_its_cells_photos():
    photos = towns(600)
    fitted = SphericalKMeans.fit(photos, cells=12)
    assigned = fitted.assign(photos)
    for cell in range(12):
        mean = geo.mean_point(photos[assigned == cell])
        assert geo.distance_km(mean, fitted.centres[cell]) < 0.02  # photos are moved up to 6 m


def test_clusters_that_lie_apart_are_found():
    middles = np.array([[0.0, 0], [50, 90], [-50, 90], [0, 180], [80, -90], [-80, -90]])
    rng = np.random.default_rng(0)
    photos = geo.destination(middles.repeat(40, axis=0), rng.uniform(0, 360, 240), 100.0)
    for seed in range(5):
        fitted = SphericalKMeans.fit(photos, cells=6, seed=seed)
        labels = fitted.assign(photos).reshape(6, 40)
        assert (labels == labels[:, :1]).all()
        assert len(set(labels[:, 0])) == 6


def test_another_seed_may_give_other_cells_and_the_same_seed_the_same():
    digests = [SphericalKMeans.fit(towns(), cells=50, seed=seed).digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("photos", "areas"),
    [
        (np.empty((0, 2)), [4]),
        ([[10.0, 20.0]] * 5, [4]),
        ([[10.0, 20.0], [-70, 33]], [2, 2]),
        ([[90.0, 0.0], [-90, 0]], [2, 2]),
        ([[0.0, 0], [0, 90], [0, -180]], [1, 1.5, 1.5]),
        ([[0.0, 0], [0, 120], [0, -120]], [4 / 3] * 3),
    ],
)
def test_few_places_have_the_areas_of_geometry(photos, areas):
    fitted = SphericalKMeans.fit(photos, cells=20)
    np.testing.assert_allclose(np.sort(fitted.areas), np.pi * np.array(areas), rtol=1e-5)


def test_there_are_never_more_cells_than_places():
    photos = towns(300).round(0)
    distinct = len(np.unique(geo.unit_vectors(photos).round(6) + 0.0, axis=0))  # a pole is one
    fitted = SphericalKMeans.fit_levels(photos, [10, 100, 10_000])
    assert len(fitted[-1]) == distinct
    assert (np.bincount(fitted[-1].assign(photos), minlength=distinct) > 0).all()


def test_a_cell_is_divided_in_proportion_to_its_photos():
    coarse, fine = SphericalKMeans.fit_levels(towns(), [10, 400])
    assert 385 <= len(fine) <= 400
    photos = np.bincount(coarse.assign(towns()), minlength=10)
    children = np.bincount(fine.parents, minlength=10)
    np.testing.assert_allclose(children / len(fine), photos / photos.sum(), atol=0.02)


def test_shares_are_as_many_as_asked_within_their_bounds():
    photos, most = np.array([100.0, 50.0, 0.0, 50.0]), np.array([100, 50, 0, 3])
    np.testing.assert_array_equal(shares(photos, most, 4), [1, 1, 1, 1])
    np.testing.assert_array_equal(shares(photos, most, 34), [20, 10, 1, 3])
    np.testing.assert_array_equal(shares(photos, most, 10**6), [100, 50, 1, 3])
    np.testing.assert_array_equal(shares(photos, most, 1), [1, 1, 1, 1])


def test_places_a_few_metres_apart_keep_the_sphere_whole():
    photos = np.concatenate([towns(200) + shift for shift in (0, 2e-4, 4e-4)])
    for fitted in SphericalKMeans.fit_levels(photos, [20, 700]):
        assert fitted.areas.sum() == pytest.approx(4 * np.pi, rel=1e-12)
        assert (fitted.areas > 0).all()
        own = np.arange(len(fitted))
        np.testing.assert_array_equal(fitted.assign(fitted.centres), own)


def test_a_photo_midway_between_two_parents_gives_a_cell_that_holds_its_centre():
    # Places of a regular grid lie on the bisectors of their means.
    lat, lon = np.meshgrid(np.arange(-80.0, 81, 20), np.arange(-180.0, 180, 20))
    photos = np.stack([lat.ravel(), lon.ravel()], axis=-1)
    fitted = SphericalKMeans.fit_levels(photos, [4, 25, 160])[-1]
    np.testing.assert_array_equal(fitted.assign(fitted.centres), np.arange(len(fitted)))
    assert fitted.areas.sum() == pytest.approx(4 * np.pi, rel=1e-12)


def test_arrays_that_do_not_divide_one_another_are_an_error():
    arrays = SphericalKMeans.fit_levels(towns(), [5, 30])[1].to_arrays()
    orphaned = {**arrays, "above": np.zeros_like(arrays["above"])}
    short = {**arrays, "means": arrays["means"][:-1]}
    for wrong in (orphaned, short, {**arrays, "sizes": arrays["sizes"][:0]}):
        with pytest.raises(DataError, match="do not divide"):
            SphericalKMeans.from_arrays(wrong)


def test_impossible_numbers_of_cells_are_errors():
    with pytest.raises(ConfigError, match="cells"):
        SphericalKMeans.fit(towns(), cells=0)
