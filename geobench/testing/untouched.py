"""What must stay as it was: arrays, the global random states, and numbers under another clock."""

import datetime
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from geobench import random_states
from geobench.digests import array_digest
from geobench.testing.check import Failure


@final
@dataclass(frozen=True, slots=True)
class Snapshot:
    """Digests of named arrays at one moment."""

    digests: Mapping[str, str]

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any] | None]) -> Self:
        """A snapshot of these arrays (None: not there)."""
        return cls({n: array_digest(a) for n, a in arrays.items() if a is not None})

    def check(self, arrays: Mapping[str, NDArray[Any] | None], *, by: str) -> None:
        """Raise Failure, naming the first array that is not what it was."""
        now = Snapshot.of(arrays)
        changed = [name for name in self.digests if now.digests.get(name) != self.digests[name]]
        if changed:
            raise Failure(
                f"{by} changes {changed[0]} of what it is given",
                remedy="Work on a copy: other methods read the same arrays.",
            )


@contextmanager
def untouched_random_state(by: str) -> Iterator[None]:
    """Raise Failure if the global generator of Python, numpy or torch is another afterwards.

    Inside, they are in a state that nobody comes upon by seeding them as one does.
    """
    with random_states.kept():
        random_states.seed(_UNUSUAL)
        before = random_states.now()
        yield
        after = random_states.now()
    for name, state in before.items():
        if not _equal(state, after[name]):
            raise Failure(
                f"{by} changes the global random state of {name}",
                remedy="Draw from context.rng, context.noise or the generator that is given; "
                "seed torch inside torch.random.fork_rng.",
            )


_UNUSUAL = 918_273_645


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(np.array_equal(a, b))


def calls_of(do: Callable[[], object]) -> int:
    """How many functions are called while `do` runs, in this thread and in those that it starts:
    a measure of work that no other job on the machine changes."""
    calls = itertools.count()  # one that threads share: `next` is one step

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            next(calls)

    before, before_in_threads = sys.getprofile(), threading.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        do()
    finally:
        sys.setprofile(before)
        threading.setprofile(before_in_threads)
    return next(calls)


_opened: list[set[str]] = []
"""The sets that now collect the names of files that are opened."""
_listening = False


@contextmanager
def opened_files() -> Iterator[set[str]]:
    """A set that collects the names of files that Python opens inside (not those that compiled
    code opens by itself)."""
    global _listening
    if not _listening:  # a hook stays for good
        sys.addaudithook(_note)
        _listening = True
    names: set[str] = set()
    _opened.append(names)
    try:
        yield names
    finally:
        _opened.remove(names)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened and event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        for names in _opened:
            names.add(os.fsdecode(arguments[0]))


_JUMP = 3600.0  # seconds by which the racing clock goes on whenever it is read
_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")


@contextmanager
def racing_clock(package: str) -> Iterator[None]:
    """Let an hour pass whenever a clock is read, for everything in `package` and for whoever
    asks the modules `time` and `datetime`.

    Args:
        package: the top-level package whose modules may hold a clock by a name of their own
            (`from time import monotonic`).
    """
    real = {name: getattr(time, name) for name in _CLOCKS}
    real |= {f"{name}_ns": getattr(time, f"{name}_ns") for name in _CLOCKS}
    reads = 0

    def racing(name: str) -> Any:
        begin = real[name](*([time.CLOCK_REALTIME] if name.startswith("clock_") else []))

        def clock(*_: Any) -> Any:
            nonlocal reads
            reads += 1
            jump = reads * _JUMP
            return begin + (round(jump * 1e9) if name.endswith("_ns") else jump)

        return clock

    class RacingDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time())

    replaced: dict[int, Any] = {id(clock): racing(name) for name, clock in real.items()}
    replaced[id(datetime.datetime)] = RacingDatetime
    # `time` and `datetime` themselves, and every name in the package that holds one of theirs.
    modules = [time, datetime]
    modules += [m for n, m in list(sys.modules.items()) if n.partition(".")[0] == package]
    changed = []
    for module in modules:
        for name, value in list(vars(module).items()):
            if id(value) in replaced:
                changed.append((module, name, value))
                setattr(module, name, replaced[id(value)])
    try:
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)
