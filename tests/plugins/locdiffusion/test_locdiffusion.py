"""locdiffusion: what it draws is what it was trained on, and its controls are what they say."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.special import log_softmax

from geobench import Context, EqualAreaGrid, Examples, Labelled, Rows, geo
from geobench_locdiffusion.anchors import anchors_of
from geobench_locdiffusion.codes import encode
from geobench_locdiffusion.config import LocDiffusionConfig
from geobench_locdiffusion.decoder import Decoder
from geobench_locdiffusion.learning import DenoisingLoss, trained_denoiser
from geobench_locdiffusion.method import LocDiffusion
from geobench_locdiffusion.network import Denoiser
from geobench_locdiffusion.sampling import Sampler
from geobench_locdiffusion.schedule import Schedule
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


def check_recovery(network, config, places, *, draws, near_km):
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
    near = apart.min(axis=1) < near_km
    assert near.mean() >= 0.95, near.mean()
    masses = np.bincount(apart.argmin(axis=1)[near], minlength=8) / len(found)
    assert np.abs(masses - MASSES).sum() / 2 <= 0.1, masses
    assert (masses > MASSES / 4).all(), masses


def test_what_a_noisy_code_says_by_itself_is_how_likely_noise_makes_each_anchor():
    config = LocDiffusionConfig(**SMALL, skip=True)
    torch.manual_seed(0)
    network = Denoiser(2, config).eval()
    network.direct.weight.data.zero_()
    network.direct.bias.data.zero_()
    network.trust.data.fill_(50.0)  # no limit where there is little noise
    seen, times = torch.randn(3, 64), torch.tensor([0.2, 0.5, 0.9])
    anchors = anchors_of(config, device="cpu")
    with torch.no_grad():
        raw = network(seen, times, network.told(torch.ones(3, 2)))
        found = torch.log_softmax(anchors.logits(raw), dim=-1).numpy()
    schedule = Schedule(config.log_snr_shift)
    signal, noise = (
        each(times).numpy()[:, None, None] for each in (schedule.signal, schedule.noise)
    )
    away = seen.numpy()[:, None] - signal * anchors.codes.numpy()
    expected = log_softmax(-(away**2).sum(axis=-1) / (2 * noise[..., 0] ** 2), axis=-1)
    np.testing.assert_allclose(found, expected, atol=0.02)


UNTOLD = {"condition": 64, "dropout": 0.0, "block_dropout": 0.0, "learning_rate": 2e-3}


def test_what_is_drawn_for_photos_that_say_nothing_is_the_mixture_of_the_training_places():
    config = LocDiffusionConfig(degree=15, anchor_rows=24, target_km=500.0, **UNTOLD)
    places = mixture(apart_km=2400)
    network = trained(config, places)
    for eta in (0.0, 1.0):
        own = config.model_copy(update={"eta": eta})
        check_recovery(network, own, places, draws=800, near_km=1000)


def test_what_a_noisy_code_says_by_itself_is_held_where_noise_is_little():
    config = LocDiffusionConfig(**SMALL, skip=True)
    network = Denoiser(2, config).eval()
    network.direct.weight.data.zero_()
    network.direct.bias.data.zero_()
    anchors = anchors_of(config, device="cpu")
    times = torch.full((1,), 1e-4)
    code = network.schedule.signal(times)[:, None] * anchors.codes[:1]
    with torch.no_grad():
        logits = anchors.logits(network(code, times, network.told(torch.ones(1, 2))))
    assert float(logits[0, 0]) == pytest.approx(config.sharpness, rel=1e-4)


@pytest.mark.slow
def test_at_degree_47_places_800_km_apart_are_drawn_as_often_as_they_are_learnt():
    settings = {**UNTOLD, "skip": True, "steps": 400, "batch": 64, "learning_rate": 5e-4}
    config = LocDiffusionConfig(degree=47, target_km=125.0, **settings)
    places = mixture(apart_km=800)
    check_recovery(trained(config, places), config, places, draws=800, near_km=400)


class Parrot(torch.nn.Module):
    """Says the same of every code, and remembers what it was given."""

    def __init__(self, said):
        super().__init__()
        self.said = said
        self.numbers = said.shape[-1]
        self.no_photo = torch.zeros(2)

    def told(self, features):
        return features

    def forward(self, seen, times, told):
        self.seen, self.times, self.told_last = seen, times, told
        return self.said.expand_as(seen)


def loss_of(config, points, positions, *, said):
    """The loss of photos at these positions where the denoiser says the same of every code."""
    loss = DenoisingLoss(points, anchors_of(config, device="cpu"), config, device="cpu")
    network = Parrot(said)
    batch = Batch(torch.tensor(positions), torch.ones(len(positions), 2))
    return float(loss(network, batch)), network


POINTS = geo.uniform(9, np.random.default_rng(0))
SOME = [7, 0, 3, 4, 2]


def test_the_divergence_is_the_cross_entropy_of_wide_targets_on_the_anchors():
    config = LocDiffusionConfig(**SMALL)
    raw = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    found, _ = loss_of(config, POINTS, SOME, said=raw)
    places = EqualAreaGrid(config.anchor_rows).centres
    cosine = geo.unit_vectors(POINTS[SOME]) @ geo.unit_vectors(places).T
    target = np.exp(geo.concentration_of(config.target_km) * (cosine - 1))
    target /= target.sum(axis=1, keepdims=True)
    said = config.sharpness * raw.numpy() @ encode(places, 7).numpy().T / 64
    logs = said - np.log(np.exp(said).sum(axis=1, keepdims=True))
    assert found == pytest.approx(-(target * logs).sum(axis=1).mean(), rel=1e-4)


def test_the_divergence_is_worked_out_in_all_digits_where_training_has_few():
    config = LocDiffusionConfig(**SMALL)
    raw = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    found, _ = loss_of(config, POINTS, SOME, said=raw)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        blurred, _ = loss_of(config, POINTS, SOME, said=raw)
    assert blurred == pytest.approx(found, rel=1e-5)


def test_the_squared_error_is_that_of_the_photos_own_codes():
    config = LocDiffusionConfig(**SMALL, loss="mse")
    codes = encode(POINTS[SOME], 7)
    assert loss_of(config, POINTS, SOME, said=codes)[0] == 0
    # Codes have a mean square of 1.
    assert loss_of(config, POINTS, SOME, said=0 * codes)[0] == pytest.approx(1, rel=1e-5)


def test_the_control_without_diffusion_is_never_shown_a_code():
    config = LocDiffusionConfig(**SMALL, diffusion=False)
    _, network = loss_of(config, POINTS, SOME, said=torch.zeros(5, 64))
    assert not network.seen.any()
    assert (network.times == 0.99).all()
    network = asked(config, said=torch.zeros(64))
    assert not network.seen.any()
    assert (network.times == 0.99).all()
    assert len(network.seen) == 5


def test_one_sampling_step_answers_from_pure_noise():
    config = LocDiffusionConfig(**SMALL, sampling_steps=1, samples=3)
    network = asked(config, said=torch.zeros(64))
    ids = np.array([f"p{k}" for k in range(5)])
    noise = Context(seed=0).noise(ids, (3, 64), "locdiffusion begin").reshape(15, 64)
    np.testing.assert_allclose(network.seen.numpy(), noise, rtol=1e-6)
    assert (network.times == 0.99).all()


@pytest.mark.parametrize("loss", ["kl", "mse"])
def test_codes_that_are_known_at_once_are_what_is_drawn(loss):
    config = LocDiffusionConfig(**SMALL, loss=loss, sharpness=300.0, eta=0.5)
    place = EqualAreaGrid(config.anchor_rows).centres[77:78]
    own = encode(place, 7)[0]
    sampler = Sampler(Parrot(own), anchors_of(config, device="cpu"), config, device="cpu")
    (codes,) = sampler.codes(five_photos(), Context(seed=0))
    torch.testing.assert_close(codes.clean, own.expand_as(codes.clean), rtol=0.01, atol=0.01)


def five_photos():
    ids = np.array([f"p{k}" for k in range(5)])
    return Examples(ids, pooled=Rows([np.ones((5, 2), np.float32)]))


def asked(config, *, said):
    """A parrot that was asked for the codes of five photos."""
    network = Parrot(said)
    sampler = Sampler(network, anchors_of(config, device="cpu"), config, device="cpu")
    assert len(list(sampler.codes(five_photos(), Context(seed=0)))) == 1
    return network


def test_photos_are_hidden_as_often_as_the_configuration_says():
    config = LocDiffusionConfig(**SMALL, hidden_photos=0.25)
    torch.manual_seed(0)
    _, network = loss_of(config, POINTS, [0] * 4000, said=torch.zeros(64))
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
    assert geo.distance_km(single.point(), whole.point()).max() < 10


def test_a_look_at_validation_is_of_the_same_noise_every_time():
    method, _ = fitted()
    loss = DenoisingLoss(
        POINTS, anchors_of(method.config, device="cpu"), method.config, device="cpu"
    )
    batch = Batch(torch.arange(9), torch.ones(9, 3))
    with torch.no_grad():
        first, again = (loss.validation(method._answering.network, batch) for _ in range(2))
    assert first.shape == (9, 4)
    torch.testing.assert_close(first, again)
    assert len(torch.unique(first[0])) == 4


def test_a_log_density_is_not_added_to_what_a_squared_error_learns():
    with pytest.raises(ValidationError, match="skip"):
        LocDiffusionConfig(loss="mse", skip=True)


@pytest.mark.parametrize("key", ["skip", "samples", "sampling_steps", "eta", "shift"])
def test_a_key_of_diffusion_is_refused_without_it(key):
    with pytest.raises(ValidationError, match=key):
        LocDiffusionConfig.model_validate({"diffusion": False, key: 1})


def test_without_validation_photos_half_of_the_density_is_the_floor():
    method, examples = fitted()
    train = Labelled(
        examples.ids, geo.uniform(60, np.random.default_rng(0)), pooled=examples.pooled
    )
    method.fit(train, train.take(np.arange(0)), Context(seed=0))
    assert method.predict(examples, Context(seed=0)).share == 0.5
