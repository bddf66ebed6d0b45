"""The training loop: so many steps of AdamW, the best state on validation kept."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from math import cos, inf, isfinite, pi
from typing import Any, Generic, Literal, TypeVar, cast, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from geobench import ConfigError, Context, Rows
from geobench_torch.reader import Batch, shuffled_batches
from geobench_torch.state import count_parameters

Network = TypeVar("Network", bound=nn.Module)

_STREAM = 0x7A1  # tells the order of photos from other uses of the seed


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Args:
        steps: number of updates, the budget.
        batch: photos per update; all of them if there are fewer.
        learning_rate: the highest, after the warm-up; it then falls to 0 as a cosine.
        weight_decay: of AdamW, decoupled; on matrices only, neither on biases nor on gains.
        warmup: share of the steps in which the learning rate rises from 0.
        average: keep an exponential moving average of the weights, of decay
            min(0.999, (1 + n) / (10 + n)) at step n, and evaluate and return that.
        evaluations: how often `validate` is asked, evenly spaced, the last at the end.
        precision: "bfloat16" runs `loss` under autocast: matrix products, the loss's own too, in
            bfloat16, whose 8 bits blur places by hundreds of km; measure distances otherwise.
        clip_norm: the largest norm of the gradient, or None.
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float = 0.01
    warmup: float = 0.1
    average: bool = False
    evaluations: int = 10
    precision: Literal["float32", "bfloat16"] = "float32"
    clip_norm: float | None = 1.0

    def rate(self, step: int) -> float:
        """Share of the highest learning rate at `step`, in (0, 1]."""
        rising = max(1, round(self.warmup * self.steps))
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + cos(pi * (step + 1 - rising) / (self.steps + 1 - rising)))


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
) -> Trained[Network]:
    """Train what `build` makes by minimising `loss`; same seed and machine, same bytes.

    Everything runs under `seeded(context)`: initial weights, dropout, and the order of photos
    depend on `context.seed` alone. Progress and the benchmark's deadline go by
    `context.progress`; the number of parameters and the step kept become facts.

    Args:
        build: makes the network, on the CPU.
        loss: mean loss of a batch (a scalar with a gradient).
        features: what batches are read from, at least one photo.
        recipe: steps, batch, rates.
        context: seed, device, progress.
        validate: a number of which less is better, of the network in evaluation mode and
            without gradients; the state with the least is kept. Without it, the last is.

    Raises:
        ConfigError: the loss is not finite.
    """
    device = torch.device(context.device)
    with seeded(context):
        network = build().to(device)
        context.fact("parameters", count_parameters(network), "parameters")
        averaged = AveragedModel(network, multi_avg_fn=_average) if recipe.average else None
        optimizer = AdamW(_groups(network, recipe.weight_decay), lr=recipe.learning_rate)
        schedule = LambdaLR(optimizer, recipe.rate)
        rng = np.random.default_rng([context.seed, _STREAM])
        batches = shuffled_batches(features, recipe.batch, rng=rng, device=device)
        checks = _checks(recipe) if validate is not None else {recipe.steps}
        best_state: dict[str, Tensor] = {}
        best_step, best_value = recipe.steps, inf
        network.train()
        for step in context.progress(range(1, recipe.steps + 1), total=recipe.steps, what="train"):
            batch = next(batches)
            with torch.autocast(
                device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"
            ):
                cost = loss(network, batch)
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            if recipe.clip_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
            optimizer.step()
            schedule.step()
            if averaged is not None:
                averaged.update_parameters(network)
            if step not in checks:
                continue
            if not isfinite(cost.item()):
                raise ConfigError(
                    f"the loss is {cost.item()} at step {step} of {recipe.steps}",
                    remedy="Lower the learning rate.",
                )
            candidate = network if averaged is None else cast(Network, averaged.module)
            value = inf if validate is None else _evaluate(candidate, validate, device)
            if value < best_value or not best_state:
                best_state = deepcopy(candidate.state_dict())
                best_step, best_value = step, value
        network.load_state_dict(best_state)
        network.eval()
    context.fact("step kept", best_step, "steps")
    return Trained(network, best_step, best_value if validate is not None else float("nan"))


@contextmanager
def seeded(context: Context) -> Iterator[None]:
    """Torch seeded from the context, deterministic, and without denormal numbers; all of it as it
    was afterwards."""
    device = torch.device(context.device)
    if device.type == "cuda":
        # cuBLAS reads this when it starts; without it deterministic algorithms are refused.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    mode = torch.get_deterministic_debug_mode()
    with torch.random.fork_rng(_own(device)):
        torch.manual_seed(context.seed)
        torch.set_deterministic_debug_mode("error")
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_deterministic_debug_mode(mode)


def _own(device: torch.device) -> list[torch.device]:
    """The devices, beside the CPU, that have a random state of their own."""
    return [device] if device.type == "cuda" else []


def _evaluate(
    network: Network, validate: Callable[[Network], float], device: torch.device
) -> float:
    """A check may draw random numbers: training goes on as if it had not."""
    network.eval()
    with torch.no_grad(), torch.random.fork_rng(_own(device)):
        value = validate(network)
    network.train()
    return value


def _checks(recipe: Recipe) -> set[int]:
    count = max(1, min(recipe.evaluations, recipe.steps))
    return {round(recipe.steps * (k + 1) / count) for k in range(count)}


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]


def _average(averages: Any, weights: Any, updates: Any) -> None:
    n = int(updates)
    torch._foreach_lerp_(averages, weights, 1 - min(0.999, (1 + n) / (10 + n)))
