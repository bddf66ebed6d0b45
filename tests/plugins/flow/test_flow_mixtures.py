"""vmf and vmf-mixture: closed forms at all concentrations, and distributions that are known."""

import numpy as np
import pytest
import torch

from geobench import Context, VonMisesFisherMixture, geo
from geobench_flow.config import LikelihoodConfig, MixtureConfig
from geobench_flow.mixture_method import VonMisesFisher, VonMisesFisherMixtureMethod
from geobench_flow.mixtures import Components
from known_mixture import photos


@pytest.mark.parametrize("concentration", [1e-6, 1e-3, 1.0, 700.0, 1e6])
def test_log_densities_are_those_of_the_core_at_all_concentrations(concentration):
    means = geo.uniform((1, 2), np.random.default_rng(0))
    scale_km = min(geo.EARTH_RADIUS_KM / np.sqrt(concentration), 5000)
    queries = geo.destination(np.repeat(means[0], 5, axis=0), 36.0 * np.arange(10), scale_km)
    kappa = np.array([[concentration, 1e-6]])
    wanted = VonMisesFisherMixture(means, kappa, [[0.7, 0.3]]).log_prob(queries[None])[0]
    said = Components(
        torch.tensor(geo.unit_vectors(means), dtype=torch.float32).expand(10, 2, 3),
        torch.tensor(np.log(kappa), dtype=torch.float32).expand(10, 2),
        torch.tensor(np.log([[0.7, 0.3]]), dtype=torch.float32).expand(10, 2),
    )
    found = said.log_prob(torch.tensor(geo.unit_vectors(queries), dtype=torch.float32))
    np.testing.assert_allclose(found, wanted, atol=2e-3)


PLACES = [[[48.0, 10], [40, -100], [-30, 140]]]
MASSES = [[0.5, 0.3, 0.2]]
TRUTH = VonMisesFisherMixture(PLACES, geo.concentration_of([[300.0, 600.0, 1200.0]]), MASSES)
ONE = VonMisesFisherMixture([[[48.0, 10]]], geo.concentration_of(600.0))
SIZES = {"width": 32, "depth": 1, "steps": 500, "learning_rate": 1e-2, "evaluations": 5}


@pytest.mark.parametrize(
    ("method", "truth"),
    [
        (VonMisesFisher(LikelihoodConfig(**SIZES)), ONE),
        (VonMisesFisherMixtureMethod(MixtureConfig(**SIZES)), TRUTH),
    ],
)
def test_a_known_distribution_is_learnt(method, truth):
    method.fit(
        photos(20_000, seed=0, truth=truth), photos(500, seed=1, truth=truth), Context(seed=0)
    )
    density = method.predict(photos(1, seed=2, truth=truth), Context(seed=0)).density
    points = truth.sample(1000, np.random.default_rng(4))
    assert abs(density.log_prob(points).mean() - truth.log_prob(points).mean()) < 0.05
    assert len(density.means[0]) == truth.means.shape[1]


def test_one_distribution_says_less_than_three_of_a_mixture():
    photos_of = (photos(5000, seed=0, truth=TRUTH), photos(500, seed=1, truth=TRUTH))
    points = TRUTH.sample(1000, np.random.default_rng(4))
    found = []
    for method in (
        VonMisesFisher(LikelihoodConfig(**SIZES)),
        VonMisesFisherMixtureMethod(MixtureConfig(**SIZES)),
    ):
        method.fit(*photos_of, Context(seed=0))
        density = method.predict(photos(1, seed=2, truth=TRUTH), Context(seed=0))
        found.append(density.log_prob(points).mean())
    assert found[1] > found[0] + 0.5
