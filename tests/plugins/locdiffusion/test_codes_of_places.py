"""What codes of places are, and how they come."""

import numpy as np
import pytest

from geobench import geo

torch = pytest.importorskip("torch")

from geobench_locdiffusion.codes import encode  # noqa: E402

PLACES = np.concatenate([[[90, 0], [-90, 5], [0, -180]], geo.uniform(40, np.random.default_rng(0))])


def test_codes_have_a_mean_square_of_one():
    codes = encode(PLACES, 31, dtype=torch.float64)
    np.testing.assert_allclose(codes.square().mean(dim=1), 1, rtol=1e-12)
    many = encode(geo.uniform(20_000, np.random.default_rng(1)), 5)
    np.testing.assert_allclose(many.square().mean(dim=0), 1, atol=0.05)


def test_the_product_of_two_codes_is_the_kernel_of_their_distance():
    degree = 20
    codes = encode(PLACES, degree, dtype=torch.float64)
    cosines = geo.unit_vectors(PLACES) @ geo.unit_vectors(PLACES).T
    kernel = np.polynomial.legendre.legval(cosines, 2 * np.arange(degree + 1) + 1)
    np.testing.assert_allclose(codes @ codes.T, kernel, atol=1e-10)


def test_codes_of_tensors_are_those_of_arrays_row_by_row():
    codes = encode(PLACES, 7)
    assert codes.shape == (43, 64)
    assert codes.dtype == torch.float32
    assert codes.is_contiguous()
    assert encode(torch.tensor(PLACES), 7, device="cpu").equal(codes)
    np.testing.assert_allclose(codes, encode(PLACES, 7, dtype=torch.float64), atol=1e-6)
    assert encode(PLACES[:0], 7).shape == (0, 64)


def test_every_longitude_is_the_same_place_at_a_pole_and_west_meets_east():
    codes = encode([[90, -180], [90, 12], [17, -180], [17, 180]], 47, dtype=torch.float64)
    np.testing.assert_allclose(codes[0], codes[1], atol=1e-12)
    np.testing.assert_allclose(codes[2], codes[3], atol=1e-12)
