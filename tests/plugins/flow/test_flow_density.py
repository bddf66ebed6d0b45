"""riemannian-flow learns a distribution that is known, and its density and its draws are one."""

import numpy as np
import pytest
import torch

from geobench import Context
from geobench_flow.config import RiemannianConfig
from geobench_flow.method import RiemannianFlow
from geobench_flow.network import FieldNetwork
from geobench_flow.sphere import SphereFlow
from known_mixture import TRUTH, photos, told_apart, weighted

CONFIG = RiemannianConfig(
    width=64, depth=2, steps=700, batch=512, learning_rate=6e-3, hidden_photos=0.0, evaluations=5
)


@pytest.fixture(scope="module")
def density():
    """What the method says of one photo, without the floor."""
    method = RiemannianFlow(CONFIG)
    method.fit(photos(20_000, seed=0), photos(500, seed=1), Context(seed=0))
    return method.predict(photos(1, seed=2), Context(seed=0)).density


@pytest.fixture(scope="module")
def proposed(density):
    return weighted(density, 3000, seed=3)


def test_it_learns_a_known_mixture(density):
    points = TRUTH.sample(1000, np.random.default_rng(4))
    found, wanted = density.log_prob(points).mean(), TRUTH.log_prob(points).mean()
    assert abs(found - wanted) < 0.05, (found, wanted)


def test_its_density_integrates_to_one(proposed):
    assert proposed[1].mean() == pytest.approx(1, abs=0.02)  # 1 %, and two standard errors


def test_its_draws_are_of_its_density(density, proposed):
    points, weights = proposed
    rng = np.random.default_rng(5)
    by_density = points[rng.choice(len(weights), 300, p=weights / weights.sum())]
    by_flow = density.sample(300, rng)[0]
    assert not told_apart(by_density, by_flow, rng)


def test_the_density_along_the_way_is_that_of_a_solve_back():
    config = CONFIG.model_copy(update={"sampling_steps": 64, "density_steps": 64})
    network = FieldNetwork(3, config).double().eval()
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(parameter.shape) / 10))
        told = network.told(torch.tensor(rng.standard_normal((2, 3))))
    flow, rows = SphereFlow(network, config, told), np.arange(2)
    points, along = flow.draw_with_log_prob(rows, 50, np.random.default_rng(6))
    np.testing.assert_array_equal(points, flow.draw(rows, 50, np.random.default_rng(6)))
    assert np.ptp(along) > 0.1
    np.testing.assert_allclose(along, flow.log_prob(rows, points), atol=5e-3)


def test_a_draw_s_way_leads_to_the_draw(density):
    rngs = np.random.default_rng(8), np.random.default_rng(8)
    paths, draws = density.trajectories(5, rngs[0]), density.sample(5, rngs[1])
    assert paths.shape == (1, 5, CONFIG.sampling_steps + 1, 2)
    np.testing.assert_array_equal(paths[:, :, -1], draws)
