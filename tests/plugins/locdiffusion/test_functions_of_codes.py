"""Functions on the sphere near points of their own, and the way up to a maximum."""

import numpy as np
import pytest

from geobench import geo

torch = pytest.importorskip("torch")

from geobench_locdiffusion.climbing import climb  # noqa: E402
from geobench_locdiffusion.functions import Functions, tangent_frames  # noqa: E402
from geobench_locdiffusion.harmonics import count, harmonics  # noqa: E402

AWKWARD = [[90, 0], [-90, 0], [0, -180], [0, 90], [89.9999, 10]]


def places(number):
    return np.concatenate([AWKWARD, geo.uniform(number, np.random.default_rng(0))])


def noise(number, degree):
    drawn = np.random.default_rng(1).standard_normal((number, count(degree)))
    return torch.tensor(drawn)


def values_of(codes, vectors):
    degree = Functions.of(codes).degree
    return (harmonics(vectors, degree, dtype=torch.float64) * codes).sum(dim=-1)


@pytest.mark.parametrize("degree", [0, 1, 2, 13])
def test_jets_are_what_finite_differences_find_along_great_circles(degree):
    vectors = torch.tensor(geo.unit_vectors(places(10)))
    codes = noise(len(vectors), degree)
    jet, step = Functions.of(codes).jet(vectors), 1e-4

    def along(bearing, arc):
        direction = np.cos(bearing) * jet.frame[:, 0] + np.sin(bearing) * jet.frame[:, 1]
        return values_of(codes, np.cos(arc) * vectors + np.sin(arc) * direction)

    np.testing.assert_allclose(jet.value, values_of(codes, vectors), atol=1e-12)
    for bearing in (0.0, 0.5, 1.5, 2.5):
        unit = torch.tensor([np.cos(bearing), np.sin(bearing)])
        ahead, behind = along(bearing, step), along(bearing, -step)
        slope, bend = (ahead - behind) / (2 * step), (ahead + behind - 2 * jet.value) / step**2
        np.testing.assert_allclose(jet.gradient @ unit, slope, atol=1e-4)
        np.testing.assert_allclose((jet.hessian @ unit) @ unit, bend, atol=1e-2)


def test_the_hessian_of_a_harmonic_adds_up_to_its_eigenvalue():
    degree = 60
    vectors = torch.tensor(geo.unit_vectors(places(10)))
    codes = noise(len(vectors), degree)
    codes[:, : degree**2] = 0
    jet = Functions.of(codes).jet(vectors)
    laplacian = jet.hessian.diagonal(dim1=1, dim2=2).sum(dim=1)
    np.testing.assert_allclose(laplacian, -degree * (degree + 1) * jet.value, rtol=1e-9)


def test_jets_of_many_are_those_of_each_alone():
    vectors = torch.tensor(geo.unit_vectors(places(1500)))
    functions = Functions.of(noise(len(vectors), 12))
    together = functions.jet(vectors)
    for few in (torch.tensor([0]), torch.tensor([1259, 1260, 1261, 1504])):
        alone = functions.take(few).jet(vectors[few])
        np.testing.assert_allclose(together.value[few], alone.value, atol=1e-12)
        np.testing.assert_allclose(together.hessian[few], alone.hessian, atol=1e-9)


def test_tangent_frames_are_those_of_geo():
    vectors = geo.unit_vectors(places(50))
    known = np.stack(geo.tangent_frames(vectors), axis=1)
    np.testing.assert_allclose(tangent_frames(torch.tensor(vectors)), known, atol=1e-15)


@pytest.mark.parametrize("degree", [1, 6, 20])
def test_climbing_from_anywhere_ends_on_a_peak_that_is_no_lower(degree):
    vectors = torch.tensor(geo.unit_vectors(places(300)))
    functions = Functions.of(noise(len(vectors), degree))
    tops, before = climb(functions, vectors), functions.jet(vectors).value
    assert (tops.value >= before).all()
    there = functions.jet(tops.vectors)
    np.testing.assert_allclose(there.value, tops.value, rtol=1e-12)
    bends = torch.linalg.eigvalsh(there.hessian)
    assert (bends < 0).all()
    # What is left to the top, by Newton's step.
    left = torch.linalg.solve(there.hessian, there.gradient).norm(dim=1)
    assert left.max() * geo.EARTH_RADIUS_KM < 0.05


def test_the_way_of_one_does_not_depend_on_those_beside_it():
    vectors = torch.tensor(geo.unit_vectors(places(60)))
    functions = Functions.of(noise(len(vectors), 9))
    together = climb(functions, vectors)
    for number in range(0, len(vectors), 7):
        alone = climb(functions.take(torch.tensor([number])), vectors[number : number + 1])
        np.testing.assert_allclose(alone.vectors[0], together.vectors[number], atol=1e-12)


def test_where_nothing_rises_climbing_stays():
    vectors = torch.tensor(geo.unit_vectors(places(3)))
    level = torch.zeros(len(vectors), 16, dtype=torch.float64)
    level[:, 0] = 5
    tops = climb(Functions.of(level), vectors)
    np.testing.assert_allclose(tops.vectors, vectors, atol=1e-12)


def test_a_ridge_around_the_sphere_is_climbed_straight():
    vectors = torch.tensor(geo.unit_vectors([[3.0, 20.0], [-20.0, 100.0], [1e-4, -60.0]]))
    codes = torch.zeros(3, 9, dtype=torch.float64)
    codes[:, 6] = -1
    found = geo.from_vectors(climb(Functions.of(codes), vectors).vectors.numpy())
    np.testing.assert_allclose(found, [[0, 20], [0, 100], [0, -60]], atol=1e-4)
