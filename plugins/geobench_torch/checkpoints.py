"""The file from which a killed training goes on."""

import io
from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from geobench import Context, Fact, drafts
from geobench_torch.seeding import own_random_state

_OF = "of"  # the array that says of which training a file is


@final
class Checkpoint:
    """Where one training of a fit is kept while it lasts; at most one file, the newest.

    Args:
        context: of the fit; without a folder `checkpoint` nothing is kept.
        name: of the training, among those of the fit.
        of: a digest of what the training started from: the file of another one is left alone.
    """

    def __init__(self, context: Context, name: str, *, of: str) -> None:
        self.path = None if context.checkpoint is None else context.checkpoint / f"{name}.npz"
        self.of = of
        self.log = context.log

    def write(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace what is kept; a disk that is full does not stop a training."""
        if self.path is None:
            return
        try:
            drafts.write_file(self.path, _as_bytes({**arrays, _OF: np.array(self.of)}))
        except OSError as error:
            self.log.warning("%s: no checkpoint is kept (%s)", self.path, error)

    def read(self) -> dict[str, NDArray[Any]] | None:
        """What was kept last, or None: there is nothing, it is damaged, or of another training."""
        if self.path is None or not self.path.exists():
            return None
        try:
            # Opened here, because numpy leaves a damaged file open.
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except Exception as error:  # zipfile, zlib, numpy and the system each raise their own
            self._leave(f"it cannot be read ({type(error).__name__}: {error})")
            return None
        if str(arrays.pop(_OF, "")) != self.of:
            self._leave("it is of another training")
            return None
        return arrays

    def _leave(self, reason: str) -> None:
        self.log.warning("%s is no checkpoint to go on from: %s", self.path, reason)


def _as_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz, not compressed: that would take longer than the steps between two checkpoints."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def random_arrays(device: torch.device) -> dict[str, NDArray[Any]]:
    """The states of torch's random generators."""
    own = [torch.cuda.get_rng_state(other) for other in own_random_state(device)]
    return {str(k): state.numpy() for k, state in enumerate([torch.get_rng_state(), *own])}


def load_random_arrays(arrays: Mapping[str, NDArray[Any]], device: torch.device) -> None:
    """Put torch's random generators into the states that `random_arrays` gave."""
    torch.set_rng_state(torch.tensor(arrays["0"]))
    for k, other in enumerate(own_random_state(device), start=1):
        torch.cuda.set_rng_state(torch.tensor(arrays[str(k)]), other)


def fact_arrays(facts: Mapping[str, Fact]) -> dict[str, NDArray[Any]]:
    """Facts as arrays."""
    return {
        "names": np.array(list(facts), dtype=np.str_),
        "values": np.array([fact.value for fact in facts.values()], dtype=np.float64),
        "units": np.array([fact.unit for fact in facts.values()], dtype=np.str_),
    }


def load_facts(arrays: Mapping[str, NDArray[Any]], context: Context) -> None:
    """Tell the context the facts that `fact_arrays` was given."""
    for name, value, unit in zip(arrays["names"], arrays["values"], arrays["units"], strict=True):
        context.fact(str(name), float(value), str(unit))
