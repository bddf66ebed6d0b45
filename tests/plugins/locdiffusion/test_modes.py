"""Decoding: where the functions of codes are largest, however they were made."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import sph_harm_y

from geobench import PredictionError, geo

torch = pytest.importorskip("torch")

from geobench_locdiffusion import decoder as decoder_module  # noqa: E402
from geobench_locdiffusion import latlon_grid  # noqa: E402
from geobench_locdiffusion.codes import encode  # noqa: E402
from geobench_locdiffusion.decoder import Decoder  # noqa: E402
from geobench_locdiffusion.harmonics import (  # noqa: E402
    by_coefficient,
    count,
    disc_window,
    harmonics,
    unit_vectors,
)
from geobench_locdiffusion.latlon_grid import LatLonGrid  # noqa: E402

AWKWARD = [[90, 0], [-90, 0], [89.9999, 33], [0, -180], [12, 179.9999], [-45, -179.9999], [0, 0]]


def places(number):
    return np.concatenate([AWKWARD, geo.uniform(number, np.random.default_rng(0))])


def noise(number, degree, *, seed=1):
    drawn = np.random.default_rng(seed).standard_normal((number, count(degree)))
    return torch.tensor(drawn, dtype=torch.float32)


def mixtures(number, degree):
    """Half of the codes are of eight places each, half of one place in noise."""
    points = geo.uniform((number, 8), np.random.default_rng(2))
    codes = encode(points.reshape(-1, 2), degree).reshape(number, 8, -1)
    drawn = noise(number, degree)
    return torch.where(torch.arange(number)[:, None] % 2 == 0, codes.mean(1), codes[:, 0] + drawn)


def searched(codes, degree):
    """The largest values, by scipy from the best of many places, and where they are."""
    degrees = np.repeat(np.arange(degree + 1), 2 * np.arange(degree + 1) + 1)
    orders = np.arange(count(degree)) - degrees * (degrees + 1)
    factors = np.where(orders == 0, 1, np.sqrt(2)) * (-1.0) ** orders

    def values(code, vector):
        x, y, z = vector / np.linalg.norm(vector)
        found = factors * sph_harm_y(degrees, abs(orders), np.arccos(z), np.arctan2(y, x))
        return code @ np.where(orders < 0, found.imag, found.real)

    spread = geo.unit_vectors(geo.uniform(3000, np.random.default_rng(3)))
    near = codes.numpy() @ harmonics(torch.tensor(spread), degree, dtype=torch.float64).numpy().T
    found, where = [], []
    for code, values_near in zip(codes.numpy(), near, strict=True):
        best = np.argsort(-values_near)[:6]
        tried = [
            minimize(lambda vector, code=code: -values(code, vector), spread[k], tol=1e-10)
            for k in best
        ]
        top = min(tried, key=lambda result: result.fun)
        found.append(-top.fun)
        where.append(geo.from_vectors(top.x))
    return np.array(found), np.array(where)


@pytest.mark.parametrize("radius_km", [0.0, 1200.0])
def test_modes_are_the_largest_values_that_a_search_by_scipy_finds(radius_km):
    degree = 7
    codes = torch.cat([noise(8, degree), mixtures(8, degree)])
    answers = Decoder(degree, radius_km=radius_km).decode(codes)
    averaged = codes.double() * by_coefficient(disc_window(degree, radius_km))
    values, where = searched(averaged, degree)
    own = (encode(answers, degree, dtype=torch.float64) * averaged).sum(dim=1) / (4 * np.pi) ** 0.5
    np.testing.assert_allclose(own, values, rtol=1e-6)
    assert geo.distance_km(answers, where).max() < 1


@pytest.mark.parametrize(("degree", "radius_km"), [(47, 0.0), (47, 250.0), (11, 0.0), (1, 500.0)])
def test_codes_of_places_decode_to_the_places(degree, radius_km):
    points = places(700)
    answers = Decoder(degree, radius_km=radius_km).decode(encode(points, degree))
    assert geo.distance_km(answers, points).max() < 0.02
    geo.wrap(answers)  # they are points


@pytest.mark.parametrize(("times", "at_most_km"), [(2, 20), (7, 60)])
def test_white_noise_of_so_many_times_the_codes_own_size_is_seen_through(times, at_most_km):
    points = places(200)
    codes = encode(points, 47) + times * noise(len(points), 47)
    distances = geo.distance_km(Decoder(47, radius_km=0).decode(codes), points)
    assert np.median(distances) < at_most_km
    assert distances.max() < 10 * at_most_km


def test_the_values_of_the_grid_are_those_of_the_functions():
    grid, codes = LatLonGrid(6, device="cpu"), noise(3, 6)
    vectors = grid.vectors(torch.arange(len(grid)))
    known = codes.double() @ harmonics(vectors, 6, dtype=torch.float64).T
    found = grid.values(codes)
    assert found.shape == (3, 14, 28)
    np.testing.assert_allclose(found.flatten(1), known, atol=1e-5)
    corners = geo.from_vectors(vectors[[0, -1]].numpy())
    np.testing.assert_allclose(corners, [[90 - 90 / 14, -180], [90 / 14 - 90, 180 - 360 / 28]])


def test_an_average_over_discs_prefers_many_places_to_the_most_likely_one():
    lone, town = [[50.0, 10.0]], [-20.0, 130.0]
    around = geo.destination(town, np.arange(0, 360, 60), 400.0)
    codes = encode(np.concatenate([lone, around]), 47)
    code = (torch.tensor([0.3] + 6 * [0.7 / 6]) @ codes)[None]
    assert geo.distance_km(Decoder(47, radius_km=0).decode(code), lone) < 20
    assert geo.distance_km(Decoder(47, radius_km=600).decode(code), town) < 20


def test_an_answer_does_not_depend_on_other_codes_or_on_how_many_are_worked_on_at_once(monkeypatch):
    codes, decoder = torch.cat([mixtures(20, 20), noise(10, 20)]), Decoder(20, radius_km=300)
    together = decoder.decode(codes)
    alone = np.concatenate([decoder.decode(code[None]) for code in codes])
    backwards = decoder.decode(codes.flip(0))[::-1]
    monkeypatch.setattr(decoder_module, "_HELD", 7 * 8 * 21**2)
    monkeypatch.setattr(latlon_grid, "_LOOKED_AT", 11)
    for others in (alone, backwards, decoder.decode(codes)):
        assert geo.distance_km(together, others).max() < 1e-3
    np.testing.assert_array_equal(decoder.decode(codes), decoder.decode(codes))


@pytest.mark.parametrize("degree", [0, 1, 5, 47])
def test_where_nothing_is_largest_the_first_cell_answers(degree):
    for mean in (0.0, 3.0):
        codes = torch.zeros(2, count(degree))
        codes[:, 0] = mean
        answers = Decoder(degree, radius_km=0).decode(codes)
        assert np.isfinite(answers).all()
        np.testing.assert_array_equal(answers[0], answers[1])
        if not mean:
            first = [90 - 45 / (degree + 1), -180]
            np.testing.assert_allclose(answers, [first, first], atol=1e-9)


def test_of_peaks_that_are_equally_high_the_northern_one_answers():
    pairs = np.array([[[-30.0, 20.0], [30.0, 20.0]], [[55.0, 100.0], [-55.0, -80.0]]])
    codes = encode(pairs.reshape(-1, 2), 24, dtype=torch.float64).reshape(2, 2, -1).mean(dim=1)
    answers = Decoder(24, radius_km=0).decode(codes)
    assert geo.distance_km(answers, [[30.0, 20.0], [55.0, 100.0]]).max() < 50


def test_starts_are_at_most_so_many_and_the_highest():
    grid = LatLonGrid(3, device="cpu")
    ring = torch.zeros(2, count(3))
    ring[0, 6] = -1  # largest all along the equator
    ring[1] = encode([[20.0, 20.0]], 3)
    starts = grid.starts(ring)
    assert starts.owner.unique().tolist() == [0, 1]
    kept = starts.highest(1)
    assert kept.owner.tolist() == [0, 1]
    for owner in (0, 1):
        assert kept.height[owner] == starts.height[starts.owner == owner].max()


def test_codes_of_another_degree_and_numbers_that_are_none_are_errors():
    decoder = Decoder(3, radius_km=0)
    assert decoder.decode(torch.zeros(0, 16)).shape == (0, 2)
    with pytest.raises(ValueError, match=r"degree 3 are \(N, 16\), not \(2, 25\)"):
        decoder.decode(torch.zeros(2, 25))
    broken = noise(3, 3)
    broken[1, 2] = torch.nan
    with pytest.raises(PredictionError, match=r"1 of 3 codes are not finite \(first at 1\)"):
        decoder.decode(broken)


def test_codes_on_half_precision_decode_too():
    points = places(10)
    codes = encode(points, 23).to(torch.bfloat16)
    assert geo.distance_km(Decoder(23, radius_km=0).decode(codes), points).max() < 20
    assert unit_vectors(torch.tensor(points)).dtype == torch.float64
