"""riemannian-flow learns a distribution that is known, and its density and its draws are one."""

import numpy as np
import pytest
import torch

from geobench import Context, Labelled, Rows, VonMisesFisherMixture, geo
from geobench_flow.config import FlowConfig
from geobench_flow.flow import SphereFlow
from geobench_flow.method import RiemannianFlow
from geobench_flow.network import FieldNetwork

PLACES = [[[48.0, 10], [40, -100], [-30, 140], [-80, 0]]]
MASSES = [[0.4, 0.3, 0.2, 0.1]]
TRUTH = VonMisesFisherMixture(PLACES, geo.concentration_of(600.0), MASSES)
CONFIG = FlowConfig(
    width=64, depth=2, steps=700, batch=512, learning_rate=6e-3, hidden_photos=0.0, evaluations=5
)


def photos(count, *, seed):
    """Photos of which nothing can be learnt, at places of the mixture."""
    points = TRUTH.sample(count, np.random.default_rng(seed))[0]
    ids = np.array([f"{seed}-{k}" for k in range(count)])
    return Labelled(ids, points, pooled=Rows([np.zeros((count, 3), np.float32)]))


@pytest.fixture(scope="module")
def density():
    """What the method says of one photo, without the floor."""
    method = RiemannianFlow(CONFIG)
    method.fit(photos(20_000, seed=0), photos(500, seed=1), Context(seed=0))
    return method.predict(photos(1, seed=2), Context(seed=0)).density


@pytest.fixture(scope="module")
def proposals():
    """Places from a wider mixture and from everywhere, and their log-densities."""
    rng = np.random.default_rng(3)
    wide = VonMisesFisherMixture(PLACES, geo.concentration_of(900.0), MASSES)
    points = np.concatenate([wide.sample(1500, rng), geo.uniform((1, 500), rng)], axis=1)
    uniform = -np.log(geo.SPHERE_AREA)
    return points, np.logaddexp(wide.log_prob(points) + np.log(0.75), uniform + np.log(0.25))


def test_it_learns_a_known_mixture(density):
    points = TRUTH.sample(1000, np.random.default_rng(4))
    found, wanted = density.log_prob(points).mean(), TRUTH.log_prob(points).mean()
    assert abs(found - wanted) < 0.05, (found, wanted)


def test_its_density_integrates_to_one(density, proposals):
    points, log_proposal = proposals
    ratios = np.exp(density.log_prob(points) - log_proposal)
    assert ratios.mean() == pytest.approx(1, abs=0.01 + 3 * ratios.std() / len(ratios.T) ** 0.5)


def test_its_draws_are_of_its_density(density, proposals):
    points, log_proposal = proposals
    rng = np.random.default_rng(5)
    weights = np.exp(density.log_prob(points) - log_proposal)[0]
    by_density = points[0, rng.choice(len(weights), 300, p=weights / weights.sum())]
    by_flow = density.sample(300, rng)[0]
    vectors = geo.unit_vectors(np.concatenate([by_density, by_flow]))
    chords = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)

    def energy(order):
        one, other = order[:300], order[300:]
        within = chords[np.ix_(one, one)].mean() + chords[np.ix_(other, other)].mean()
        return 2 * chords[np.ix_(one, other)].mean() - within

    found = energy(np.arange(600))
    shuffled = [energy(rng.permutation(600)) for _ in range(200)]
    assert found < np.quantile(shuffled, 0.99)


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
