"""locdiffusion: what it draws is what it was trained on, and its controls are what they say."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from geobench import Context, Examples, Labelled, Rows, geo
from geobench_locdiffusion.anchors import anchors_of
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.decoder import Decoder
from geobench_locdiffusion.learning import DenoisingLoss, trained_denoiser
from geobench_locdiffusion.method import LocDiffusion
from geobench_locdiffusion.sampling import Sampler
from geobench_torch import Batch

SMALL = {
    "degree": 7,
    "anchor_rows": 16,
    "target_km": 800.0,
    "widths": (32, 16),
    "condition": 16,
    "dropout": 0.0,
    "block_dropout": 0.0,
    "cell_rows": 24,
    "steps": 20,
    "batch": 32,
}

MASSES = np.array([0.3, 0.2, 0.16, 0.12, 0.1, 0.06, 0.04, 0.02])
SINGLE = [[0.0, -60], [65, 100], [35, -100], [-80, 0]]


def mixture(apart_km):
    """Eight places, the first four of them in pairs that are so far apart."""
    pairs = np.array([[50.0, 5], [-30, 140]])
    others = geo.destination(pairs, [180.0, 90.0], apart_km)
    return np.concatenate([np.stack([pairs, others], axis=1).reshape(4, 2), SINGLE])


def photos(points, *, width=4, seed=0):
    """Photos of which nothing can be learnt."""
    ids = np.array([f"{seed}-{k}" for k in range(len(points))])
    features = Rows([np.zeros((len(points), width), np.float32)])
    return Labelled(ids, points, pooled=features)


def trained(config, places):
    rng = np.random.default_rng(0)
    train, val = (photos(places[rng.choice(8, n, p=MASSES)]) for n in (2000, 200))
    return trained_denoiser(train, val, config, Context(seed=0))


def check_recovery(network, config, places, *, draws):
    sampler = Sampler(network, anchors_of(config, device="cpu"), config, device="cpu")
    asked = photos(np.zeros((draws // config.samples, 2)), seed=1)
    decoder = Decoder(config.degree, radius_km=config.disc_km)
    found = np.concatenate(
        [
            decoder.decode(codes.clean.flatten(0, 1))
            for codes in sampler.codes(asked, Context(seed=0))
        ]
    )
    apart = geo.distance_km(found[:, None], places[None])
    masses = np.bincount(apart.argmin(axis=1), minlength=8) / len(found)
    assert np.abs(masses - MASSES).sum() / 2 <= 0.1, masses
    assert masses.min() > 0, masses
    assert np.median(apart.min(axis=1)) < config.target_km


UNTOLD = {"condition": 64, "dropout": 0.0, "block_dropout": 0.0, "learning_rate": 2e-3}


def test_what_is_drawn_for_photos_that_say_nothing_is_the_mixture_of_the_training_places():
    config = LocDiffusionConfig(degree=15, anchor_rows=24, target_km=500.0, **UNTOLD)
    places = mixture(apart_km=2400)
    network = trained(config, places)
    for eta in (0.0, 1.0):
        own = config.model_copy(update={"eta": eta})
        check_recovery(network, own, places, draws=800)


@pytest.mark.slow
def test_a_mixture_of_places_800_km_apart_is_drawn_at_degree_47():
    config = LocDiffusionConfig(degree=47, target_km=250.0, steps=1500, batch=64, **UNTOLD)
    places = mixture(apart_km=800)
    network = trained(config, places)
    for eta in (0.0, 1.0):
        own = config.model_copy(update={"eta": eta, "sampling_steps": 25})
        check_recovery(network, own, places, draws=1600)


def loss_of(config, points, *, network_said):
    """The loss where the denoiser says the same of every code."""
    anchors = anchors_of(config, device="cpu")
    loss = DenoisingLoss(points, anchors, config, device="cpu")

    class Network(torch.nn.Module):
        codes = (config.degree + 1) ** 2
        no_photo = torch.zeros(2)

        def told(self, features):
            return features

        def forward(self, seen, times, told):
            self.seen, self.told_last = seen, told
            return network_said

    network = Network()
    batch = Batch(torch.arange(len(points)), torch.ones(len(points), 2))
    return float(loss(network, batch)), network, anchors


def test_the_divergence_is_the_cross_entropy_of_wide_targets_on_the_anchors():
    config = LocDiffusionConfig(**SMALL)
    points = geo.uniform(5, np.random.default_rng(0))
    raw = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    found, _, anchors = loss_of(config, points, network_said=raw)
    places = geo.from_vectors(anchors.vectors.double().numpy())
    cosine = geo.unit_vectors(points) @ geo.unit_vectors(places).T
    target = np.exp(geo.concentration_of(config.target_km) * (cosine - 1))
    target /= target.sum(axis=1, keepdims=True)
    said = config.sharpness * raw.numpy() @ encode(places, 7).numpy().T / 64
    logs = said - np.log(np.exp(said).sum(axis=1, keepdims=True))
    assert found == pytest.approx(-(target * logs).sum(axis=1).mean(), rel=1e-4)


def test_the_mean_squared_error_is_that_of_the_codes_numbers():
    config = LocDiffusionConfig(**SMALL, loss="mse")
    points = geo.uniform(5, np.random.default_rng(0))
    raw = torch.zeros(5, 64)
    found, _, _ = loss_of(config, points, network_said=raw)
    assert found == pytest.approx(1.0, rel=1e-5)  # codes have a mean square of 1


def test_the_control_without_diffusion_is_never_shown_a_code():
    config = LocDiffusionConfig(**SMALL, diffusion=False)
    points = geo.uniform(5, np.random.default_rng(0))
    _, network, _ = loss_of(config, points, network_said=torch.zeros(5, 64))
    assert not network.seen.any()


def test_photos_are_hidden_as_often_as_the_configuration_says():
    config = LocDiffusionConfig(**SMALL, hidden_photos=0.25)
    points = np.zeros((4000, 2))
    torch.manual_seed(0)
    _, network, _ = loss_of(config, points, network_said=torch.zeros(4000, 64))
    hidden = (network.told_last == 0).all(dim=1).float()
    assert float(hidden.mean()) == pytest.approx(0.25, abs=0.03)


def test_guidance_needs_photos_that_were_hidden():
    with pytest.raises(ValidationError, match="hidden_photos"):
        LocDiffusionConfig(guidance=2.0)


def fitted(**settings):
    rng = np.random.default_rng(0)
    points = geo.uniform(60, rng)
    features = Rows([geo.unit_vectors(points).astype(np.float32)])
    ids = np.array([f"p{k}" for k in range(60)])
    method = LocDiffusion(LocDiffusionConfig(**{**SMALL, **settings}))
    train = Labelled(ids, points, pooled=features)
    method.fit(train, train.take(np.arange(10)), Context(seed=0))
    return method, Examples(ids, pooled=features)


def test_guidance_goes_on_from_what_is_said_without_the_photo():
    method, examples = fitted(hidden_photos=0.3)
    raw = {}
    for guidance in (0.0, 1.0, 2.0):
        config = method.config.model_copy(update={"guidance": guidance, "sampling_steps": 1})
        network = method._answering.network
        sampler = Sampler(network, anchors_of(config, device="cpu"), config, device="cpu")
        raw[guidance] = next(iter(sampler.codes(examples, Context(seed=0)))).raw
    torch.testing.assert_close(raw[2.0], 2 * raw[1.0] - raw[0.0], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(raw[0.0], raw[1.0], atol=1e-3)


def test_a_photo_is_answered_alike_in_small_chunks_and_in_one(monkeypatch):
    method, examples = fitted(eta=0.5)
    whole = method.predict(examples, Context(seed=0))
    monkeypatch.setattr("geobench_locdiffusion.sampling._NUMBERS", 1)
    monkeypatch.setattr("geobench_locdiffusion.density._NUMBERS", 1)
    single = method.predict(examples, Context(seed=0))
    there = geo.uniform((1, 50), np.random.default_rng(1))
    np.testing.assert_allclose(single.log_prob(there), whole.log_prob(there), atol=1e-3)


def test_one_sampling_step_answers_from_pure_noise_and_without_diffusion_from_none():
    method, examples = fitted()
    network, anchors = method._answering.network, anchors_of(method.config, device="cpu")
    config = method.config.model_copy(update={"sampling_steps": 1})
    (codes,) = Sampler(network, anchors, config, device="cpu").codes(examples, Context(seed=0))
    assert codes.raw.shape == (60, config.samples, 64)
    assert float(codes.raw.std(dim=1).mean()) > 0
    config = config.model_copy(update={"diffusion": False})
    (codes,) = Sampler(network, anchors, config, device="cpu").codes(examples, Context(seed=0))
    assert codes.raw.shape == (60, 1, 64)
