"""HEALPix cells against healpy, the official library."""

import healpy
import numpy as np
import pytest

from geobench import ConfigError, geo
from geobench_cells import Healpix
from photographed_places import awkward_points, towns

depths = pytest.mark.parametrize("depth", [0, 1, 2, 5, 9])


def of_healpy(depth, points):
    return healpy.ang2pix(1 << depth, points[:, 1], points[:, 0], nest=True, lonlat=True)


@depths
def test_points_lie_in_the_cells_that_healpy_says(depth):
    # On an edge between cells, rounding may choose either side.
    points = np.concatenate([towns(), geo.uniform(5000, np.random.default_rng(0))])
    points = points[points[:, 0] > -90]
    np.testing.assert_array_equal(Healpix(depth).assign(points), of_healpy(depth, points))


@depths
def test_centres_and_areas_are_those_of_healpy(depth):
    cells = Healpix(depth)
    lon, lat = healpy.pix2ang(1 << depth, np.arange(len(cells)), nest=True, lonlat=True)
    assert geo.distance_km(cells.centres, np.stack([lat, lon], axis=-1)).max() < 1e-8
    assert len(cells) == healpy.nside2npix(1 << depth)
    np.testing.assert_allclose(cells.areas, healpy.nside2pixarea(1 << depth), rtol=1e-14)


@pytest.mark.parametrize("depth", [1, 4])
def test_points_drawn_in_a_cell_lie_within_the_boundary_that_healpy_gives(depth):
    fitted = Healpix(depth)
    cells = np.random.default_rng(0).integers(len(fitted), size=30)
    drawn = fitted.sample(np.repeat(cells, 200), np.random.default_rng(1))
    np.testing.assert_array_equal(of_healpy(depth, drawn), np.repeat(cells, 200))
    for cell, own in zip(cells, drawn.reshape(30, 200, 2), strict=True):
        corners = healpy.boundaries(1 << depth, int(cell), step=64, nest=True).T
        middle = geo.unit_vectors(fitted.centres[cell])
        # The draws reach as far from the centre as the boundary does, and no further.
        farthest = (corners @ middle).min()
        reached = (geo.unit_vectors(own) @ middle).min()
        assert reached > farthest - 1e-9
        assert np.arccos(reached) > 0.7 * np.arccos(farthest)


def test_awkward_points_are_in_a_cell_or_on_the_edge_of_one():
    points = awkward_points()
    found, depth = Healpix(6).assign(points), 6
    differing = np.flatnonzero(found != of_healpy(depth, points))
    for k in differing:
        corners = healpy.boundaries(1 << depth, int(found[k]), step=256, nest=True).T
        gap = np.linalg.norm(corners - geo.unit_vectors(points[k]), axis=-1).min()
        assert gap < 1e-4
    assert len(differing) < 20


def test_the_parent_of_a_cell_is_the_coarser_cell_around_it():
    coarse, fine = Healpix.fit_levels(towns(), [1, 4])
    assert coarse.parents is None
    np.testing.assert_array_equal(fine.parents, of_healpy(1, fine.centres))
    assert fine.digest == Healpix(4).digest


@pytest.mark.parametrize("depths", [(-1,), (13,), (3, 3), (4, 2)])
def test_depths_that_there_are_not_are_errors(depths):
    with pytest.raises(ConfigError, match="depths"):
        Healpix.fit_levels(towns(), depths)
