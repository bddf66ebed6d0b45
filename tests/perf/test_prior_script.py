"""perf/prior.py: NLL less that of the uniform, and kernels of the one width that is likeliest."""

from pathlib import Path

import numpy as np
import pytest

from geobench import EqualAreaGrid, Floored, Labelled, Part, VonMisesFisherMixture, geo
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


def test_by_block_what_is_away_lies_in_other_blocks_and_outside_of_the_buffer(prior):
    rng = np.random.default_rng(1)
    places = np.concatenate([geo.uniform(30, rng), [[50, 8], [50.5, 8], [52, 8], [50, 14]]])
    photos = np.array([[50.0, 8.0], [-10.0, 100.0]])
    widths = [prior.Kernels(places, 300.0, False), prior.Kernels(places, 2000.0, True)]
    found = list(prior.counted_by_block(photos, widths, away_km=750))
    usual = list(prior.counted(photos, widths, away_km=750))
    np.testing.assert_array_equal(np.concatenate([each.near for each in found]), usual[0].near)
    blocks = EqualAreaGrid(36)
    for photo, each in zip(photos, found, strict=True):
        elsewhere = blocks.assign(places) != blocks.assign(photo[None])
        far = elsewhere & (geo.distance_km(photo, places) >= 205)
        assert not far.all() or photo[0] < 0
        for column, kernels in enumerate(widths):
            kappa = np.full((1, far.sum()), kernels.concentration)
            weights = kernels.weights[far] / kernels.weights[far].sum()
            mixture = VonMisesFisherMixture(places[far][None], kappa, weights[None])
            expected = np.exp(mixture.log_prob(photo[None, None])[0, 0]) * 4 * np.pi
            assert each.away[0, column] == pytest.approx(expected, rel=1e-9)
