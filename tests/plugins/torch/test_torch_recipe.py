"""How a network is trained: the recipe, its learning rates, its optimizers."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import Field, ValidationError

import geobench_torch
from geobench import Context, PluginError
from geobench_torch import Recipe

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from geobench_torch import in_chunks, seeded  # noqa: E402
from geobench_torch.optimizers import optimizer_of  # noqa: E402
from small_training import network, rows, squares, train  # noqa: E402


class Own(Recipe):
    """A method's configuration."""

    steps: int = Field(400, ge=1)
    batch: int = Field(32, ge=1)
    learning_rate: float = Field(1e-2, gt=0)
    width: int = Field(16, ge=1)


def loaded(script):
    """The modules that a script loads."""
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_recipe_is_there_without_torch():
    modules = loaded("import geobench_torch\ngeobench_torch.Recipe\ngeobench_torch.EmbeddedRecipe")
    assert "geobench_torch.recipe" in modules
    assert not modules & {"torch", "geobench_torch.loop"}


def test_all_other_names_come_when_they_are_asked_for():
    modules = loaded("from geobench_torch import train_network")
    assert "torch" in modules
    assert "pytorch_optimizer" not in modules  # only `optimizer: lamb` needs it
    assert geobench_torch.__all__ == sorted(geobench_torch.__all__)
    assert {*geobench_torch._HOMES, "EmbeddedRecipe", "Recipe"} == set(geobench_torch.__all__)
    for name in geobench_torch.__all__:
        assert getattr(geobench_torch, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        geobench_torch.nothing  # noqa: B018


def test_a_configuration_inherits_the_recipe_and_gives_it_other_defaults():
    own = Own()
    assert (own.steps, own.optimizer, own.warmup) == (400, "adamw", 0.1)
    assert own.rate(0) == Recipe(steps=400, batch=1, learning_rate=1.0).rate(0) == 1 / 40
    trained = geobench_torch.train_network(
        network, squares, features=rows(), recipe=own, context=Context(seed=0)
    )
    assert trained.step == 400


def test_fields_that_came_later_name_what_was_before_and_checkpoints_change_no_number():
    # What was: AdamW under a cosine, gradients clipped to 1, after a tenth of warm-up.
    recipe = Recipe(steps=10, batch=1, learning_rate=1.0)
    keyed = {"steps", "batch", "learning_rate", "weight_decay", "average", "evaluations"}
    keyed |= {"precision"}
    assert set(Recipe.model_fields) == keyed | set(Recipe.added) | Recipe.unkeyed
    assert not set(Recipe.added) & Recipe.unkeyed
    assert {name: getattr(recipe, name) for name in Recipe.added} == Recipe.added


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"learning_rate": 0},
        {"warmup": 1.1},
        {"optimizer": "adagrad"},
        {"momentum": 1.0},
        {"schedule": "linear"},
        {"milestones": [0.5, 1.0]},
        {"milestone_factor": 0.0},
        {"clip_norm": 0.0},
        {"checkpoint_every": 0},
        {"epochs": 3},
    ],
)
def test_what_cannot_be_trained_with_is_an_error(wrong):
    with pytest.raises(ValidationError):
        Recipe(**{"steps": 10, "batch": 1, "learning_rate": 1.0} | wrong)


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    recipe = Recipe(steps=100, batch=1, learning_rate=1.0, warmup=0.1)
    rates = [recipe.rate(step) for step in range(100)]
    assert np.argmax(rates) == 9
    assert rates[9] == 1
    np.testing.assert_allclose(np.diff(rates[:10]), 0.1)
    assert (np.diff(rates[9:]) < 0).all()
    assert 0 < rates[-1] < 0.01
    assert Recipe(steps=1, batch=1, learning_rate=1.0).rate(0) == 1


def test_a_rate_in_steps_falls_at_its_milestones_and_a_constant_one_never():
    given = {"steps": 100, "batch": 1, "learning_rate": 1.0, "warmup": 0.1}
    falling = Recipe(**given, schedule="step", milestones=(0.3, 0.9), milestone_factor=0.5)
    rates = [falling.rate(step) for step in range(100)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10)
    np.testing.assert_array_equal(rates[10:], [1.0] * 20 + [0.5] * 60 + [0.25] * 10)
    constant = Recipe(**given, schedule="constant")
    np.testing.assert_array_equal([constant.rate(step) for step in range(9, 100)], 1.0)


def test_a_step_is_made_at_the_rate_of_its_place():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, 1))

    seen = []

    def falling(model, batch):
        seen.append(float(model.weight.detach()))
        return -model.weight.sum()  # a gradient of -1 everywhere

    changes = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 0.5}
    done = train(Context(seed=0), build=Constant, loss=falling, steps=20, **changes)
    moves = np.diff([*seen, float(done.network.weight.detach())])
    recipe = Recipe(steps=20, batch=1, learning_rate=0.5)
    np.testing.assert_allclose(moves, [0.5 * recipe.rate(step) for step in range(20)], atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "lamb"])
def test_every_optimizer_lowers_the_loss_by_deterministic_steps(optimizer):
    rate = {"adamw": 1e-2, "adam": 1e-2, "sgd": 3e-2, "lamb": 3e-2}[optimizer]
    trained = train(Context(seed=0), optimizer=optimizer, learning_rate=rate, steps=400)
    batch = next(in_chunks(rows()))
    with torch.no_grad():
        assert squares(trained.network, batch).item() < 0.45  # about 1 if nothing is learnt


def lamb_steps(x, gradients, rate, decay):
    """You et al. (2020), algorithm 2, without the correction of bias, as their code has it."""
    m, v = np.zeros_like(x), np.zeros_like(x)
    for gradient in gradients:
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        update = m / (np.sqrt(v) + 1e-6) + decay * x
        norms = min(np.linalg.norm(x), 10.0), np.linalg.norm(update)
        x = x - rate * (norms[0] / norms[1] if all(norms) else 1.0) * update
    return x


@pytest.mark.parametrize("scale", [0.1, 100.0])
def test_lamb_makes_the_steps_of_its_authors(scale):
    rng = np.random.default_rng(0)
    layer = nn.Linear(5, 4)
    start = {"weight": scale * rng.normal(size=(4, 5)), "bias": np.zeros(4)}
    layer.load_state_dict({k: torch.tensor(v, dtype=torch.float32) for k, v in start.items()})
    recipe = Recipe(
        steps=3, batch=1, learning_rate=0.02, optimizer="lamb", weight_decay=0.3, warmup=0.0
    )
    gradients = {name: [rng.normal(size=x.shape) for _ in range(3)] for name, x in start.items()}
    with seeded(Context(seed=0)):  # where an operation that is not deterministic is an error
        optimizer = optimizer_of(layer, recipe)
        for step in range(3):
            for name, parameter in layer.named_parameters():
                parameter.grad = torch.tensor(gradients[name][step], dtype=torch.float32)
            optimizer.step()
    # A bias does not decay, and one of norm 0 has a trust ratio of 1.
    for name, decay in (("weight", 0.3), ("bias", 0.0)):
        expected = lamb_steps(start[name], gradients[name], 0.02, decay)
        found = getattr(layer, name).detach().numpy()
        np.testing.assert_allclose(
            found - start[name], expected - start[name], rtol=2e-3, atol=2e-5
        )


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "lamb"])
def test_biases_and_gains_do_not_decay(optimizer):
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    recipe = Recipe(steps=3, batch=1, learning_rate=0.1, weight_decay=0.5, optimizer=optimizer)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer_of(model, recipe).step()
    changed = {n for n, p in model.named_parameters() if not torch.equal(p.detach(), before[n])}
    assert changed == {"0.weight"}


def test_lamb_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(PluginError, match=r"pip install 'geobench-geolocation\[methods\]'"):
        train(Context(seed=0), optimizer="lamb")
