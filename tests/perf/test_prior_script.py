"""perf/prior.py: NLL less that of the uniform, and kernels of the one width that is likeliest."""

from pathlib import Path

import numpy as np
import pytest

from geobench import Floored, Labelled, Part, VonMisesFisherMixture, geo
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig


@pytest.fixture
def prior(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import prior

    return prior


def test_a_density_that_is_its_floor_is_the_uniform(prior):
    planet = ToyPlanet(ToyPlanetConfig(photos=60))
    part = Part.of("test", planet, np.arange(60))
    antipode = VonMisesFisherMixture(np.zeros((1, 1, 2)), np.ones((1, 1)))
    assert prior.against_uniform(Floored(antipode, 1.0), part).startswith("+0.00 ")


def test_no_other_width_is_likelier_than_the_one_that_it_takes(prior):
    rng = np.random.default_rng(0)
    places = geo.uniform(40, rng)
    near = geo.destination(np.repeat(places, 3, 0), rng.uniform(0, 360, 120), 300.0)
    train, val = (Labelled(np.arange(len(p)).astype(str), p) for p in (places, near))
    found = -prior.one_width(train, val).log_prob(val.points[None]).mean()
    for width in (30, 100, 150, 400, 1000, 3000):
        kernels = VonMisesFisherMixture(
            places[None], np.full((1, 1), geo.concentration_of(float(width)))
        )
        other = Floored(kernels, Floored.fit(kernels.log_prob(val.points[None])))
        assert found <= -other.log_prob(val.points[None]).mean() + 1e-3
