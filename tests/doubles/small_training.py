"""A training of a second, shared by the tests of geobench_torch; as a script it can be killed."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from geobench import Context, Rows
from geobench_torch import Recipe, module_state, train_network


def rows(count=500, width=6):
    rng = np.random.default_rng(0)
    return Rows([rng.standard_normal((count, width)).astype(np.float32)])


def network():
    return nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Dropout(0.2), nn.Linear(16, 3))


def squares(model, batch):
    x = batch.features
    target = torch.stack([x[:, 0], x[:, 1] * x[:, 2], -x[:, 5]], dim=1)
    return functional.mse_loss(model(x), target)


def train(context, **changes):
    """Sixty steps, unless `changes` of recipe, loss or validation say something else."""
    given = {
        name: changes.pop(name)
        for name in ("build", "loss", "validate", "features", "stage")
        if name in changes
    }
    recipe = {"steps": 60, "batch": 32, "learning_rate": 1e-2} | changes
    build, loss = given.pop("build", network), given.pop("loss", squares)
    features = given.pop("features", rows())
    return train_network(
        build, loss, features=features, recipe=Recipe(**recipe), context=context, **given
    )


def weights(trained):
    return b"".join(array.tobytes() for array in module_state(trained.network).values())


def size(model):
    """A validation that depends on the weights alone."""
    return float(torch.cat([p.flatten() for p in model.parameters()]).norm())


def until(call, stop, loss=squares):
    """A loss that stops the training when it is asked for the `call`-th time."""
    calls = 0

    def stopping(model, batch):
        nonlocal calls
        calls += 1
        if calls == call:
            stop()
        return loss(model, batch)

    return stopping


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    loss = (
        until(31, lambda: os.kill(os.getpid(), signal.SIGKILL)) if "kill" in sys.argv else squares
    )
    done = train(
        Context(seed=0, checkpoint=folder),
        loss=loss,
        validate=size,
        average=True,
        checkpoint_every=7,
    )
    sys.stdout.buffer.write(weights(done))
