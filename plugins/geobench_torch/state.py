"""Networks as plain arrays and back."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from geobench import Context, StoreError
from geobench_torch.seeding import seeded

Network = TypeVar("Network", bound=nn.Module)
Arrays = Mapping[str, NDArray[Any]]


def packed(**parts: nn.Module | Arrays | ArrayLike) -> dict[str, NDArray[Any]]:
    """The parts of a fitted method as one mapping of arrays, as `Method.state` returns it.

    A network gives its parameters and buffers, and a mapping its arrays, under the part's name
    and a dot (`partition.levels`); an array or a number stands under the part's name itself.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            arrays |= module_state(part, prefix=f"{name}.")
        elif isinstance(part, Mapping):
            arrays |= {f"{name}.{key}": np.asarray(array) for key, array in part.items()}
        else:
            arrays[name] = np.asarray(part)
    return arrays


def unpacked(state: Arrays, part: str) -> dict[str, NDArray[Any]]:
    """The arrays that `packed` put under `part` and a dot, by their own names."""
    prefix = f"{part}."
    return {key.removeprefix(prefix): a for key, a in state.items() if key.startswith(prefix)}


def restored(
    build: Callable[[], Network], state: Arrays, context: Context, *, part: str = "network"
) -> Network:
    """The network that `packed` put under `part`: in evaluation mode, on the context's device.

    Args:
        build: makes a network of the same shape, on the CPU; what it holds is overwritten.
        state: the arrays of the fitted method.
        context: seed and device.
        part: its name among the parts.

    Raises:
        StoreError: names or shapes are not those of the network.
    """
    with seeded(context):  # a network is made with random weights, even if only to be filled
        network = build()
    load_module_state(network, state, prefix=f"{part}.")
    return network.eval().to(context.device)


def module_state(network: nn.Module, *, prefix: str = "network.") -> dict[str, NDArray[Any]]:
    """Parameters and buffers of `network` as arrays, by their name behind `prefix`."""
    return {prefix + k: v.detach().cpu().numpy().copy() for k, v in network.state_dict().items()}


def load_module_state(network: nn.Module, state: Arrays, *, prefix: str = "network.") -> None:
    """Put the arrays of `state` whose names begin with `prefix` into `network`.

    Raises:
        StoreError: names or shapes are not those of `network`.
    """
    found = {
        name.removeprefix(prefix): torch.tensor(array)
        for name, array in state.items()
        if name.startswith(prefix)
    }
    try:
        network.load_state_dict(found)
    except RuntimeError as error:
        raise StoreError(
            f"a stored state does not fit {type(network).__name__}: {error}",
            remedy="Train again: run with --force.",
        ) from None


def count_parameters(network: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
