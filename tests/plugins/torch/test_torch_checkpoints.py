"""A training that was killed goes on where it was, and ends with the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from command_line import Command
from geobench import Context, PluginError

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from geobench_torch import Batch, checkpoints  # noqa: E402
from geobench_torch.optimizers import (  # noqa: E402
    load_optimizer_arrays,
    optimizer_arrays,
    optimizer_of,
)
from geobench_torch.recipe import Recipe  # noqa: E402
from small_training import network, rows, size, squares, train, until, weights  # noqa: E402

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    ),
]


class KilledError(Exception):
    pass


def kill():
    raise KilledError


def killed(context, call=31, **changes):
    """A training that ends within step `call`."""
    with pytest.raises(KilledError):
        train(context, loss=until(call, kill, changes.pop("loss", squares)), **changes)


def noisy(model, batch):
    """A loss that draws on the device, beside the network's dropout."""
    noise = torch.randn_like(batch.features)
    return squares(model, Batch(batch.positions, batch.features + 0.1 * noise))


class Steps:
    """A loss that counts how often it is asked for."""

    def __init__(self, loss=squares):
        self.loss = loss
        self.made = 0

    def __call__(self, model, batch):
        self.made += 1
        found = self.loss(model, batch)
        return found


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "lamb"])
@pytest.mark.parametrize("validate", [None, size, lambda model: -size(model)])
def test_a_training_killed_at_half_of_its_steps_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path, optimizer, validate, device
):
    recipe = {
        "optimizer": optimizer,
        "average": True,
        "validate": validate,
        "checkpoint_every": 7,
        "loss": noisy,
    }
    facts = Context(seed=3, device=device)
    undisturbed = train(facts, **recipe)
    killed(Context(seed=3, device=device, checkpoint=tmp_path), **recipe)
    context, steps = Context(seed=3, device=device, checkpoint=tmp_path), Steps(noisy)
    resumed = train(context, **recipe | {"loss": steps})
    assert steps.made == 60 - 28
    assert weights(resumed) == weights(undisturbed)
    assert resumed.step == undisturbed.step
    np.testing.assert_equal(resumed.value, undisturbed.value)
    assert context.facts == facts.facts


def test_the_best_state_may_be_from_before_the_kill(tmp_path):
    recipe = {"validate": size, "learning_rate": 0.05, "checkpoint_every": 20}
    undisturbed = train(Context(seed=0), **recipe)
    assert undisturbed.step < 20
    killed(Context(seed=0, checkpoint=tmp_path), **recipe)
    assert weights(train(Context(seed=0, checkpoint=tmp_path), **recipe)) == weights(undisturbed)


@pytest.mark.parametrize("schedule", ["step", "constant"])
@pytest.mark.parametrize("call", [8, 60])
def test_it_may_be_killed_more_than_once_and_anywhere(tmp_path, call, schedule):
    recipe = {"schedule": schedule, "checkpoint_every": 7, "average": True}
    undisturbed = weights(train(Context(seed=0), **recipe))
    killed(Context(seed=0, checkpoint=tmp_path), call=call, **recipe)
    killed(Context(seed=0, checkpoint=tmp_path), call=3, **recipe)
    assert weights(train(Context(seed=0, checkpoint=tmp_path), **recipe)) == undisturbed


def test_a_process_that_is_killed_ends_in_another_with_the_same_bytes(tmp_path):
    script = Path(__file__).parents[2] / "doubles/small_training.py"

    def run(*words):
        return subprocess.run([sys.executable, script, *words], capture_output=True, check=False)

    dead = run(str(tmp_path / "checkpoint"), "kill")
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    with np.load(tmp_path / "checkpoint/network.npz") as kept:
        assert kept["step"] == 28
    resumed = run(str(tmp_path / "checkpoint"))
    assert resumed.returncode == 0, resumed.stderr
    undisturbed = train(Context(seed=0), validate=size, average=True)
    assert resumed.stdout == weights(undisturbed)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    undisturbed = weights(train(Context(seed=0)))
    replace, calls = os.replace, iter(range(9))

    def third(source, target):
        if next(calls) == 2:
            raise KilledError
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", third)
        with pytest.raises(KilledError):
            train(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10)
    with np.load(tmp_path / "network.npz") as kept:
        assert kept["step"] == 20
    resumed = train(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10)
    assert weights(resumed) == undisturbed
    assert [path.name for path in tmp_path.iterdir()] == ["network.npz"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_checkpoint_is_said_and_the_training_starts_anew(tmp_path, damage, caplog):
    undisturbed = weights(train(Context(seed=0)))
    killed(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10)
    path = tmp_path / "network.npz"
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    kept = {"cut": content[:-700], "flipped": content, "empty": b"", "foreign": b"no npz at all"}
    path.write_bytes(kept[damage])
    steps = Steps()
    again = train(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10, loss=steps)
    assert weights(again) == undisturbed
    assert steps.made == 60
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 0.02},
        {"average": True},
        {"features": rows(400)},
        {"build": lambda: nn.Sequential(nn.Linear(6, 3))},
        {"seed": 1},
    ],
)
def test_the_checkpoint_of_another_training_is_left_alone(tmp_path, changes, caplog):
    killed(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10)
    seed = changes.get("seed", 0)
    others = {name: value for name, value in changes.items() if name != "seed"}
    undisturbed = weights(train(Context(seed=seed), **others))
    assert weights(train(Context(seed=seed, checkpoint=tmp_path), **others)) == undisturbed
    assert "another training" in caplog.text


def test_how_often_is_kept_changes_no_number_and_one_may_go_on_with_another(tmp_path):
    undisturbed = weights(train(Context(seed=0), checkpoint_every=None))
    killed(Context(seed=0, checkpoint=tmp_path), checkpoint_every=10)
    steps = Steps()
    again = train(Context(seed=0, checkpoint=tmp_path), checkpoint_every=1, loss=steps)
    assert weights(again) == undisturbed
    assert steps.made == 30


def test_without_a_folder_or_with_null_nothing_is_kept(tmp_path):
    train(Context(seed=0), checkpoint_every=1)
    train(Context(seed=0, checkpoint=tmp_path / "none"), checkpoint_every=None)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_stops_no_training(tmp_path, monkeypatch, caplog):
    def full(*words, **more):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoints.np, "savez", full)
    train(Context(seed=0, checkpoint=tmp_path), checkpoint_every=30)
    assert "no checkpoint is kept (No space left on device)" in caplog.text


def test_facts_told_while_training_are_there_after_a_kill(tmp_path):
    def told(context):
        def validate(model):
            if "first size" not in context.facts:
                context.fact("first size", size(model), "weights")
            return 0.0

        return validate

    undisturbed = Context(seed=0)
    train(undisturbed, validate=told(undisturbed))
    context = Context(seed=0, checkpoint=tmp_path)
    killed(context, validate=told(context), checkpoint_every=10)
    again = Context(seed=0, checkpoint=tmp_path)
    train(again, validate=told(again), checkpoint_every=10)
    assert again.facts["first size"] == undisturbed.facts["first size"]


def test_several_trainings_of_one_fit_have_names_and_checkpoints_of_their_own(tmp_path):
    def fit(context, **last):
        first = train(context, checkpoint_every=10)
        second = train(context, checkpoint_every=10, stage="second", average=True, **last)
        return weights(first) + weights(second)

    context = Context(seed=0)
    undisturbed = fit(context)
    assert {"step kept", "second step kept", "second parameters"} <= set(context.facts)
    with pytest.raises(KilledError):
        fit(Context(seed=0, checkpoint=tmp_path), loss=until(31, kill))
    assert {path.stem for path in tmp_path.iterdir()} == {"network", "second"}
    assert fit(Context(seed=0, checkpoint=tmp_path)) == undisturbed
    with pytest.raises(PluginError, match="Give each of its trainings a name"):
        train(context)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "lamb"])
def test_an_optimizer_comes_back_as_it_was(optimizer):
    recipe = Recipe(steps=3, batch=4, learning_rate=0.1, optimizer=optimizer)
    torch.manual_seed(0)
    model = network()
    first, second = optimizer_of(model, recipe), optimizer_of(model, recipe)
    for _ in gradients(model, 3):
        first.step()
    load_optimizer_arrays(second, optimizer_arrays(first))
    assert not any(array.dtype.hasobject for array in optimizer_arrays(first).values())
    one, two = first.state_dict(), second.state_dict()
    assert one["param_groups"] == two["param_groups"]
    assert one["state"].keys() == two["state"].keys()
    for index, state in one["state"].items():
        for name, value in state.items():
            other = two["state"][index][name]
            assert type(value) is type(other)
            torch.testing.assert_close(
                torch.as_tensor(other), torch.as_tensor(value), rtol=0, atol=0
            )


def gradients(model, count):
    """Gradients of a fixed batch, so many times."""
    for _ in range(count):
        model.zero_grad()
        model(torch.ones(4, 6)).square().sum().backward()
        yield


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_trains_stores_the_state_of_an_undisturbed_one(tmp_path):
    words = (
        "name: killed, dataset: toy-planet, encoder: given, splits: [random], metrics: [distance]"
    )
    grid = "{name: grid, hidden: [32], steps: 1000, batch: 64, checkpoint_every: 25}"
    runs = [Command(tmp_path / name) for name in ("killed", "undisturbed")]
    for run in runs:
        run.folder.mkdir()
        (run.folder / "b.yaml").write_text(f"benchmarks: [{{{words}, methods: [{grid}]}}]")
    hidden = runs[0].folder / ".geobench"
    process = runs[0].start("run", "b.yaml")
    limit = monotonic() + 100
    while not list(hidden.glob("checkpoints/*/method/network.npz")):
        assert process.poll() is None, process.communicate()
        assert monotonic() < limit
        sleep(0.01)
    process.kill()
    process.communicate()
    assert not list(hidden.glob("states/*"))
    for run in runs:
        assert (done := run("run", "b.yaml")).code == 0, done.text
    first, second = (next(run.folder.glob(".geobench/states/*/state.npz")) for run in runs)
    assert first.read_bytes() == second.read_bytes()
    assert not list(hidden.glob("checkpoints/*"))
