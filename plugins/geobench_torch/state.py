"""Networks as plain arrays and back."""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from geobench import StoreError


def module_state(network: nn.Module, *, prefix: str = "network.") -> dict[str, NDArray[Any]]:
    """Parameters and buffers of `network` as arrays, by their name behind `prefix`."""
    return {prefix + k: v.detach().cpu().numpy().copy() for k, v in network.state_dict().items()}


def load_module_state(
    network: nn.Module, state: Mapping[str, NDArray[Any]], *, prefix: str = "network."
) -> None:
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
