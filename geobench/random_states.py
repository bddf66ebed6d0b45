"""Random states: the global ones of Python, numpy and torch, looked at, seeded and put back."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def kept() -> Iterator[None]:
    """Put them back at the end, whatever was drawn or seeded inside; those of GPUs, too.

    torch counts if it has been imported: what nobody imported has drawn nothing.
    """
    torch = sys.modules.get("torch")
    python, legacy = random.getstate(), np.random.get_state()
    try:
        if torch is None:
            yield
        else:
            started = torch.cuda.is_initialized()
            with torch.random.fork_rng(range(torch.cuda.device_count()) if started else []):
                yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


def seed(number: int) -> None:
    """Seed them all, as one does: inside `kept`."""
    random.seed(number)
    np.random.seed(number)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(number)


def now() -> dict[str, Any]:
    """The states by the name of whose they are: Python, numpy, and torch if it is imported."""
    states: dict[str, Any] = {"Python": random.getstate(), "numpy": np.random.get_state()}
    if (torch := sys.modules.get("torch")) is not None:
        states["torch"] = torch.random.get_rng_state()
    return states
