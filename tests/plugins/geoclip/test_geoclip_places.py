"""Places as geoclip's network takes them: the Equal Earth map, noise in metres, capsules."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

from geobench import geo
from geobench_geoclip.config import GeoClipConfig
from geobench_geoclip.network import LocationEncoder
from geobench_geoclip.places import equal_earth, with_noise


def as_tensor(points):
    return torch.tensor(points, dtype=torch.float64)


def test_the_map_spans_from_minus_one_to_one_and_its_poles_are_lines():
    corners = equal_earth(as_tensor([[0, -180], [0, 180], [0, 0], [90, 0], [-90, 0], [90, 180]]))
    np.testing.assert_allclose(corners[0], [-1, 0], atol=1e-6)
    np.testing.assert_allclose(corners[1], [1, 0], atol=1e-6)
    np.testing.assert_allclose(corners[2], [0, 0], atol=1e-15)
    np.testing.assert_allclose(corners[3], -corners[4], atol=1e-12)
    # As published: 2.05458 times as wide as high, poles 0.59247 as long as the equator.
    assert float(corners[3, 1]) == pytest.approx(1 / 2.05458, abs=1e-6)
    assert float(corners[5, 0]) == pytest.approx(0.59247, abs=2e-5)


def test_equal_areas_of_the_sphere_are_equal_areas_of_the_map():
    points = as_tensor(geo.uniform(500, np.random.default_rng(0)))
    slopes = torch.func.vmap(torch.func.jacrev(equal_earth))(points)
    area = slopes.det().abs() / torch.cos(torch.deg2rad(points[:, 0]))
    np.testing.assert_allclose(area, area.mean(), rtol=1e-4)


@pytest.mark.parametrize("centre", [[10.0, 20.0], [89.9999, 30.0], [-90.0, 0.0], [60.0, 180.0]])
def test_noise_is_normal_in_metres_wherever_the_place_is(centre):
    torch.manual_seed(0)
    moved = with_noise(as_tensor(np.tile(centre, (20_000, 1))), 500.0).numpy()
    north, east = geo.tangent_frames(geo.unit_vectors(np.array(centre)))
    metres = geo.unit_vectors(moved) * geo.EARTH_RADIUS_KM * 1000
    for axis in (north, east):
        assert kstest(metres @ axis, norm(scale=500.0).cdf).pvalue > 1e-3
    assert (np.abs(moved[:, 0]) <= 90).all()
    assert ((moved[:, 1] >= -180) & (moved[:, 1] < 180)).all()


def test_no_noise_leaves_places_as_they_are():
    points = as_tensor([[12.5, -180.0], [90.0, 7.0]])
    assert with_noise(points, 0.0) is points


def test_capsules_are_summed_and_agree_with_numpy_in_double_precision():
    torch.manual_seed(1)
    config = GeoClipConfig(
        scales=(1.0, 4.0), frequencies=8, location_hidden=(12, 10), image_hidden=(), width=6
    )
    encoder = LocationEncoder(config)
    points = geo.uniform(300, np.random.default_rng(2))
    points[:3] = [[90, 0], [-90, 0], [0, -180]]
    found = encoder(as_tensor(points)).detach().numpy()
    on_map = equal_earth(as_tensor(points)).numpy()
    expected = 0.0
    for capsule in encoder.capsules:
        phases = 2 * np.pi * on_map @ capsule.waves.numpy().astype(np.float64).T
        rows = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
        layers = [layer for layer in capsule.layers if isinstance(layer, torch.nn.Linear)]
        for number, layer in enumerate(layers):
            weight, bias = (p.detach().numpy().astype(np.float64) for p in layer.parameters())
            rows = rows @ weight.T + bias
            rows = np.maximum(rows, 0) if number + 1 < len(layers) else rows
        expected = expected + rows
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_frequencies_have_the_scale_of_their_capsule_and_are_not_trained():
    torch.manual_seed(0)
    encoder = LocationEncoder(GeoClipConfig(scales=(1.0, 16.0), frequencies=4000))
    spreads = [float(capsule.waves.std()) for capsule in encoder.capsules]
    assert spreads == pytest.approx([1.0, 16.0], rel=0.05)
    assert not any("waves" in name for name, _ in encoder.named_parameters())


def test_in_bfloat16_places_are_where_they_are_in_float32():
    torch.manual_seed(0)
    encoder = LocationEncoder(GeoClipConfig(scales=(1.0, 256.0), frequencies=64))
    points = as_tensor(geo.uniform(200, np.random.default_rng(1)))
    with torch.no_grad():
        exact = encoder(points)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = encoder(points).float()
    assert float(torch.nn.functional.cosine_similarity(found, exact).min()) > 0.999
