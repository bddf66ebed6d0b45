"""The training loop: so many steps of an optimizer, the best state on validation kept."""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any, Generic, TypeVar, cast, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from geobench import ConfigError, Context, PluginError, Rows
from geobench_torch.checkpoints import (
    Checkpoint,
    fact_arrays,
    load_facts,
    load_random_arrays,
    random_arrays,
)
from geobench_torch.optimizers import load_optimizer_arrays, optimizer_arrays, optimizer_of
from geobench_torch.reader import Batch, shuffled_batches
from geobench_torch.recipe import Recipe
from geobench_torch.seeding import own_random_state, seeded
from geobench_torch.state import count_parameters, load_module_state, module_state, packed, unpacked

Network = TypeVar("Network", bound=nn.Module)

_STREAM = 0x7A1  # tells the order of photos from other uses of the seed
_LAYOUT = 1  # of checkpoints; raised when `_Training.arrays` or a step changes


@final
@dataclass(frozen=True, slots=True)
class Trained(Generic[Network]):
    """A trained network in evaluation mode, the step it was kept from, and what `validate` said
    of it (NaN without validation)."""

    network: Network
    step: int
    value: float


def train_network(
    build: Callable[[], Network],
    loss: Callable[[Network, Batch], Tensor],
    *,
    features: Rows,
    recipe: Recipe,
    context: Context,
    validate: Callable[[Network], float] | None = None,
    stage: str = "",
) -> Trained[Network]:
    """Train what `build` makes by minimising `loss`; same seed and machine, same bytes.

    Everything runs under `seeded(context)`: initial weights, dropout, and the order of photos
    depend on `context.seed` alone. Progress and the benchmark's deadline go by
    `context.progress`; the number of parameters, the step kept and its validation loss become
    facts. Every `recipe.checkpoint_every` steps all that changes is kept in `context.checkpoint`;
    the training of a fit that was killed goes on from there, to the same bytes.

    Args:
        build: makes the network, on the CPU.
        loss: mean loss of a batch (a scalar with a gradient). It draws from torch's generators
            alone, and keeps nothing from one call to the next.
        features: what batches are read from, at least one photo.
        recipe: steps, batch, rates.
        context: seed, device, progress.
        validate: a number of which less is better, of the network in evaluation mode and
            without gradients; the state with the least is kept. Without it, the last is. It, too,
            keeps nothing from one call to the next.
        stage: names this training where a fit has several.

    Raises:
        ConfigError: the loss is not finite.
        PluginError: a training of the same stage was made before.
    """
    facts = {name: f"{stage} {name}".strip() for name in ("parameters", "step kept")}
    if facts["step kept"] in context.facts:
        raise PluginError(
            f"train_network was called again for the stage {stage!r} of one fit",
            remedy="Give each of its trainings a name: train_network(..., stage='prior').",
        )
    device = torch.device(context.device)
    with seeded(context):
        training = _Training(build().to(device), recipe, context)
        context.fact(facts["parameters"], count_parameters(training.network), "parameters")
        checkpoint = Checkpoint(context, stage or "network", of=training.digest(features))
        training.go_on(checkpoint)
        batches = shuffled_batches(
            features,
            recipe.batch,
            rng=np.random.default_rng([context.seed, _STREAM]),
            device=device,
            skip=training.step,
        )
        left = range(training.step + 1, recipe.steps + 1)
        checks = _checks(recipe) if validate is not None else {recipe.steps}
        training.network.train()
        for step in context.progress(left, total=len(left), what=f"train {stage}".strip()):
            cost = training.update(loss, next(batches))
            if step in checks:
                training.check(cost, validate)
            if recipe.checkpoint_every and step % recipe.checkpoint_every == 0:
                checkpoint.write(training.arrays())
        trained = training.trained(validated=validate is not None)
    context.fact(facts["step kept"], trained.step, "steps")
    if isfinite(trained.value):
        context.fact(f"{stage} validation loss".strip(), trained.value, "loss")
    return trained


@final
class _Training(Generic[Network]):
    """A network, and all else that changes while it is trained."""

    def __init__(self, network: Network, recipe: Recipe, context: Context) -> None:
        self.network = network
        self.recipe = recipe
        self.context = context
        self.device = torch.device(context.device)
        self.averaged = AveragedModel(network, multi_avg_fn=_average) if recipe.average else None
        self.optimizer = optimizer_of(network, recipe)
        self.step = 0
        self.best: dict[str, Tensor] = {}
        self.best_step, self.best_value = recipe.steps, inf

    def update(self, loss: Callable[[Network, Batch], Tensor], batch: Batch) -> Tensor:
        """One step; the loss before it."""
        recipe = self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * recipe.rate(self.step)
        with torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"
        ):
            cost = loss(self.network, batch)
        self.optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        if recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip_norm)
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        self.step += 1
        return cost

    def check(self, cost: Tensor, validate: Callable[[Network], float] | None) -> None:
        """Keep the state if `validate` finds it the best so far."""
        if not isfinite(cost.item()):
            raise ConfigError(
                f"the loss is {cost.item()} at step {self.step} of {self.recipe.steps}",
                remedy="Lower the learning rate.",
            )
        candidate = self.network if self.averaged is None else cast(Network, self.averaged.module)
        value = inf if validate is None else _evaluate(candidate, validate, self.device)
        value = inf if isnan(value) else value  # what is no number is worse than any
        if value < self.best_value or not self.best:
            self.best = deepcopy(candidate.state_dict())
            self.best_step, self.best_value = self.step, value

    def trained(self, *, validated: bool) -> Trained[Network]:
        """The best state, ready to answer."""
        self.network.load_state_dict(self.best)
        self.network.eval()
        return Trained(self.network, self.best_step, self.best_value if validated else float("nan"))

    def digest(self, features: Rows) -> str:
        """What decides the steps, before the first: recipe, device, photos and initial weights."""
        fields = [name for name in Recipe.model_fields if name not in Recipe.unkeyed]
        head: list[Any] = [_LAYOUT, self.context.seed, self.device.type, features.shape]
        head += [(name, getattr(self.recipe, name)) for name in fields]
        state = hashlib.sha256(repr(head).encode())
        for name, array in module_state(self.network).items():
            state.update(f"{name} {array.dtype} {array.shape}".encode())
            state.update(array.tobytes())
        return state.hexdigest()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it; the order of photos follows from the number of steps."""
        return packed(
            step=self.step,
            network=self.network,
            averaged={} if self.averaged is None else self.averaged,
            optimizer=optimizer_arrays(self.optimizer),
            best={name: tensor.cpu().numpy() for name, tensor in self.best.items()},
            best_step=self.best_step,
            best_value=self.best_value,
            random=random_arrays(self.device),
            facts=fact_arrays(self.context.facts),
        )

    def go_on(self, checkpoint: Checkpoint) -> None:
        """Be where the checkpoint was, if there is one."""
        arrays = checkpoint.read()
        if arrays is None:
            return
        self.step = int(arrays["step"])
        load_module_state(self.network, arrays)
        if self.averaged is not None:
            load_module_state(self.averaged, arrays, prefix="averaged.")
        load_optimizer_arrays(self.optimizer, unpacked(arrays, "optimizer"))
        best = unpacked(arrays, "best")
        self.best = {name: torch.tensor(a, device=self.device) for name, a in best.items()}
        self.best_step, self.best_value = int(arrays["best_step"]), float(arrays["best_value"])
        load_random_arrays(unpacked(arrays, "random"), self.device)
        load_facts(unpacked(arrays, "facts"), self.context)
        self.context.log.info("training goes on after step %d", self.step)


def _evaluate(
    network: Network, validate: Callable[[Network], float], device: torch.device
) -> float:
    """A check may draw random numbers: training goes on as if it had not."""
    network.eval()
    with torch.no_grad(), torch.random.fork_rng(own_random_state(device)):
        value = validate(network)
    network.train()
    return value


def _checks(recipe: Recipe) -> set[int]:
    count = max(1, min(recipe.evaluations, recipe.steps))
    return {round(recipe.steps * (k + 1) / count) for k in range(count)}


def _average(averages: Any, weights: Any, updates: Any) -> None:
    n = int(updates)
    torch._foreach_lerp_(averages, weights, 1 - min(0.999, (1 + n) / (10 + n)))
