"""Torch as a training needs it: seeded, deterministic, and afterwards as it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from geobench import Context


@contextmanager
def seeded(context: Context) -> Iterator[None]:
    """Torch seeded from the context, deterministic, and without denormal numbers; all of it as it
    was afterwards."""
    device = torch.device(context.device)
    if device.type == "cuda":
        # cuBLAS reads this when it starts; without it deterministic algorithms are refused.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    mode = torch.get_deterministic_debug_mode()
    with torch.random.fork_rng(own_random_state(device)):
        torch.manual_seed(context.seed)
        torch.set_deterministic_debug_mode("error")
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_deterministic_debug_mode(mode)


def own_random_state(device: torch.device) -> list[torch.device]:
    """The devices, beside the CPU, that have a random state of their own."""
    return [device] if device.type == "cuda" else []
