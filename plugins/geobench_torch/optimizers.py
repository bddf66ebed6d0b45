"""The optimizers that a recipe can name, and their state as plain arrays."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from geobench import PluginError
from geobench_torch.recipe import Recipe


def optimizer_of(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer over what `network` trains; neither biases nor gains decay.

    Raises:
        PluginError: it is `lamb`, and pytorch-optimizer is not installed.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return AdamW(groups, lr=recipe.learning_rate)
    if recipe.optimizer == "adam":
        return Adam(groups, lr=recipe.learning_rate)
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
    return _lamb(groups, recipe.learning_rate)


def _lamb(groups: list[dict[str, Any]], learning_rate: float) -> Optimizer:
    """Lamb (You et al., Large batch optimization for deep learning, ICLR 2020, algorithm 2), with
    phi(z) = min(z, 10), and without the correction of the moments' bias, as its authors have it in
    their code: the trust ratio takes a common factor of an update out again."""
    try:
        from pytorch_optimizer import Lamb  # here, because it takes a second to import
    except ModuleNotFoundError:
        raise PluginError(
            "`optimizer: lamb` needs pytorch-optimizer, which is not installed",
            remedy="Install it: pip install 'geobench-geolocation[methods]'",
        ) from None
    # By its defaults weights decay outside of the trust ratio, as in AdamW, and the learning rate,
    # instead of the moment, is divided by 1 - 0.9^t: the first step would be ten times as long.
    return Lamb(groups, lr=learning_rate, weight_decouple=False, adam_debias=True)


def optimizer_arrays(optimizer: Optimizer) -> dict[str, NDArray[Any]]:
    """All that its steps have changed, as arrays."""
    stored = optimizer.state_dict()
    arrays: dict[str, NDArray[Any]] = {}
    for index, state in stored["state"].items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor):
                arrays[f"tensor.{index}.{name}"] = value.detach().cpu().numpy()
            elif value is not None:
                arrays[f"number.{index}.{name}"] = np.array(value)
    for index, group in enumerate(stored["param_groups"]):
        for name, value in group.items():
            if type(value) in (int, float):  # flags and settings are the recipe's
                arrays[f"group.{index}.{name}"] = np.array(value)
    return arrays


def load_optimizer_arrays(optimizer: Optimizer, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put what `optimizer_arrays` gave into an optimizer of the same recipe and network."""
    stored = optimizer.state_dict()
    states: dict[int, dict[str, Any]] = defaultdict(dict)
    for key, array in arrays.items():
        kind, index, name = key.split(".", 2)
        if kind == "group":
            stored["param_groups"][int(index)][name] = array.item()
        else:
            states[int(index)][name] = torch.tensor(array) if kind == "tensor" else array.item()
    optimizer.load_state_dict(stored | {"state": dict(states)})
