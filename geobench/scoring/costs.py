"""Costs: seconds, the latency of a single photo and peak memory, measured alike for all methods."""

import logging
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, final

import numpy as np

from geobench import copies, random_states
from geobench.data import Examples, Rows
from geobench.errors import Interrupted, words_of
from geobench.methods import Context, Method
from geobench.progress import untracked

log = logging.getLogger(__name__)

PHOTOS = 20
"""The most photos that are asked about one at a time."""
_ENOUGH = 5.0  # seconds of single photos, after which no further one is asked about
_MIB = 2.0**20

_muted = logging.Logger(
    "geobench.scoring.costs.muted"
)  # what a method warns of, it has said before
_muted.disabled = True


@final
class Stopwatch:
    """Adds up the wall-clock seconds of every `with` block that it is used for."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._begin = 0.0

    def __enter__(self) -> None:
        self._begin = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds += time.perf_counter() - self._begin


@final
@dataclass(frozen=True, slots=True)
class Latency:
    """How long single photos take.

    Args:
        median_seconds: of one photo, from asking to having the one answer.
        p95_seconds: the 95th percentile, between order statistics linearly interpolated.
        photos: how many were asked about.
    """

    median_seconds: float
    p95_seconds: float
    photos: int


def latency(method: Method, examples: Examples, context: Context) -> Latency | None:
    """Ask a method for one photo at a time, after one call that is not counted.

    At most PHOTOS photos are asked about, those with the smallest hash of id, and none any more
    after five seconds. Their features are read beforehand. The context stays as it is, but that
    its deadline is put off by what this takes; so do the random states of Python, numpy and
    torch. What the method does to itself is not undone: ask one that answers nothing afterwards.

    Args:
        method: fitted.
        examples: a part.
        context: the one that it answered this part with.

    Returns:
        None if a file answers, if there are no photos, or if single ones cannot be asked about.
    """
    if method.origin == "external" or len(examples) == 0:
        return None
    begin = time.monotonic()
    found = _latency(method, examples, context)
    if context.deadline is not None:  # the clock stops a training for its own work only
        context.deadline += time.monotonic() - begin
    return found


def _latency(method: Method, examples: Examples, context: Context) -> Latency | None:
    own = replace(context, facts={}, deadline=None, track=untracked, log=_muted)
    photos = _read(examples.few(PHOTOS))
    seconds: list[float] = []
    try:
        with random_states.kept():
            for position in [0, *range(len(photos))]:
                one = photos.take(np.array([position]))
                watch = Stopwatch()
                with copies.ended(), watch:
                    # The answer is a numpy array: a GPU has finished when it is there.
                    method.predict(one, own).point()
                seconds.append(watch.seconds)
                if len(seconds) > 1 and sum(seconds) > _ENOUGH:
                    break
    except (KeyboardInterrupt, Interrupted):
        raise
    except BaseException as error:  # it has answered: what it costs is another question
        log.info("the latency of method %s is not measured: %s", method.name, words_of(error))
        return None
    counted = seconds[1:]
    return Latency(float(np.median(counted)), float(np.quantile(counted, 0.95)), len(counted))


def _read(examples: Examples) -> Examples:
    """The same examples with their features in memory."""
    held = {name: Rows([np.asarray(rows)]) for name, rows in examples.features.items()}
    return examples.with_features(held)


@final
class Memory(NamedTuple):
    """The peak memory of a training in MiB (2^20 bytes).

    Args:
        process: the most that the process held.
        device: the most that torch held on the GPU, or None without one.
    """

    process: float
    device: float | None


def start_measuring_memory() -> None:
    """Forget the peaks so far; that of the process only where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
    cuda = _cuda()
    if cuda is not None:
        for number in range(cuda.device_count()):
            cuda.reset_peak_memory_stats(number)


def peak_memory(device: str) -> Memory:
    """The peaks since `start_measuring_memory`; off Linux, the process's since it began.

    Args:
        device: of the training; "cpu" has no memory of its own.
    """
    cuda = _cuda() if device.startswith("cuda") else None
    held = None if cuda is None else round(cuda.max_memory_allocated(device) / _MIB, 1)
    return Memory(_process_peak(), held)


def _process_peak() -> float:
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return round(int(kibibytes) / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (_MIB if sys.platform == "darwin" else 1024), 1)


def _cuda() -> Any:
    """torch.cuda, if something has started it."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
