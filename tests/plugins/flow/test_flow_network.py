"""The network: the official one's numbers, derivatives, and what it is told once."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd.functional import jvp

from geobench import geo
from geobench_flow.config import NetworkConfig, RiemannianConfig
from geobench_flow.geodesics import frames
from geobench_flow.learning import ProcessLoss
from geobench_flow.network import FieldNetwork
from geobench_flow.processes import Diffused, OnSphere, Straight
from geobench_flow.release import as_ours

REFERENCE = json.loads(Path(__file__).with_name("reference.json").read_text())
SMALL = NetworkConfig(width=32, depth=3, expansion=2)


def network(*, features=6, seed=0):
    made = FieldNetwork(features, SMALL)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.tensor(rng.standard_normal(parameter.shape) / 4))
    return made.double().eval()


def units(*shape, seed=0):
    return torch.tensor(geo.unit_vectors(geo.uniform(shape, np.random.default_rng(seed))))


def test_derivatives_are_those_of_automatic_differentiation():
    made, points = network(), units(7, 5)
    told = made.told(torch.randn(7, 6, dtype=torch.float64, generator=torch.manual_seed(0)))
    modulations = made.modulations(told, torch.tensor(0.4, dtype=torch.float64)).each(5)
    tangents = frames(points)
    values, derivatives = made.with_derivatives(points, tangents, modulations)
    for tangent, derivative in zip(tangents, derivatives, strict=True):
        value, wanted = jvp(lambda at: made(at, modulations), points, tangent)
        torch.testing.assert_close(values, value, rtol=0, atol=1e-12)
        torch.testing.assert_close(derivative, wanted, rtol=0, atol=1e-12)


def test_the_divergence_is_that_on_the_sphere_of_what_is_tangent():
    made, points = network(), units(1, 20)
    told = made.told(torch.ones(1, 6, dtype=torch.float64))
    modulations = made.modulations(told, torch.tensor(0.4, dtype=torch.float64)).each(20)
    _, found = made.with_surface_divergence(points, modulations)

    def tangent_field(at):
        # Constant along rays: its trace in space is the divergence on the sphere.
        on = at / at.norm(dim=-1, keepdim=True)
        vectors = made(on, modulations)
        return vectors - (vectors * on).sum(dim=-1, keepdim=True) * on

    axes = torch.eye(3, dtype=torch.float64)
    changes = [jvp(tangent_field, points, axis.repeat(1, 20, 1))[1] @ axis for axis in axes]
    torch.testing.assert_close(found, sum(changes), rtol=0, atol=1e-10)


def test_what_is_told_once_for_many_points_is_told_each():
    made, points = network(), units(4, 3)
    features = torch.randn(4, 6, dtype=torch.float64, generator=torch.manual_seed(1))
    gamma = torch.tensor([0.1, 0.3, 0.5, 0.9], dtype=torch.float64)
    with torch.no_grad():
        shared = made(points, made.modulations(made.told(features), gamma).each(3))
        for column in range(3):
            own = made(points[:, column], made.modulations(made.told(features), gamma))
            np.testing.assert_allclose(shared[:, column], own, atol=1e-12)


def test_a_new_network_says_what_its_last_layer_says_of_its_first():
    made = FieldNetwork(6, SMALL)
    points = units(5).float()
    with torch.no_grad():
        modulations = made.modulations(made.told(torch.ones(5, 6)), torch.full((5,), 0.5))
        factor, shift = modulations.last
        wanted = made.out(
            (1 + factor) * torch.nn.functional.layer_norm(made.first(points), (32,)) + shift
        )
        torch.testing.assert_close(made(points, modulations), wanted)


def as_official():
    """A network with the weights that reference.json is made with, and official name -> ours."""
    sizes = REFERENCE["sizes"]
    made = FieldNetwork(
        sizes["features"], NetworkConfig(width=sizes["width"], depth=sizes["depth"], dropout=0.0)
    )
    rng = np.random.default_rng(0)
    names = {name: as_ours(name) for name, _ in REFERENCE["weights"]}
    weights = {
        names[name]: torch.tensor(rng.standard_normal(shape) * 0.2, dtype=torch.float32)
        for name, shape in REFERENCE["weights"]
    }
    missing = set(made.state_dict()) - set(weights)
    assert missing == {"frequencies", "standardise.mean", "standardise.scale"}
    made.load_state_dict(made.state_dict() | weights)
    return made, names


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: f"seed {case['seed']}")
def test_it_is_the_official_network_given_the_same_weights(case):
    """reference.json has outputs of diff-plonk 0.4, whose weights are drawn as here."""
    made, _ = as_official()
    features = np.random.default_rng(case["seed"]).standard_normal((1, made.photo.in_features))
    with torch.no_grad():
        told = made.told(as_floats(features))
        modulations = made.modulations(told, torch.tensor([case["gamma"]]))
        found = made(torch.tensor([case["point"]]), modulations)[0]
    np.testing.assert_allclose(found, case["output"], atol=1e-5)


PROCESSES = {
    "riemannian-flow": OnSphere(),
    "euclidean-flow": Straight(),
    "euclidean-diffusion": Diffused(),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_step_of_training_has_the_official_loss_and_gradient(name):
    made, names = as_official()
    rng = np.random.default_rng(5)
    features, data, noise = (
        rng.standard_normal((6, size)) for size in (REFERENCE["sizes"]["features"], 3, 3)
    )
    times = rng.uniform(size=6)
    loss = ProcessLoss(
        PROCESSES[name], geo.from_vectors(data), RiemannianConfig(hidden_photos=0.0), device="cpu"
    )
    told = made.told(torch.tensor(features, dtype=torch.float32))
    found = loss.of(made, loss.vectors, told, *(as_floats(x) for x in (times, noise))).mean()
    found.backward()
    wanted = REFERENCE["steps"][name]
    assert found.item() == pytest.approx(wanted["loss"], rel=1e-5)
    for theirs, value in wanted["gradients"].items():
        gradient = made.get_parameter(names[theirs]).grad.double().numpy()
        weights = np.random.default_rng(9).standard_normal(gradient.shape)
        # Relative to what such a sum of numbers as large is on average.
        scale = np.linalg.norm(gradient)
        assert (gradient * weights).sum() == pytest.approx(value, abs=2e-5 * scale), theirs


def as_floats(numbers):
    return torch.tensor(numbers, dtype=torch.float32)
