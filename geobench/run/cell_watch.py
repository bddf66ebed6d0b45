"""Watching a cell from outside: what it says, its deadline, its memory, and how it ends."""

import json
import logging
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Literal, TypeAlias, final

import psutil

from geobench.errors import DeadlineError, GeobenchError, PluginError, storable
from geobench.readable import printable
from geobench.run.execution import Reporter
from geobench.run.isolated_cell import CUT, MOST_STEPS

log = logging.getLogger(__name__)

GIB = 2.0**30
STARTING = 600.0
"""Seconds in which a cell has begun, or it never will."""
GRACE = 2.0
"""Seconds after the deadline in which a method that looks at it has stopped, and said so; where it
is longer, a twentieth of the deadline."""
_MOST_PRINTED = 1 << 20  # bytes of what a cell prints that are shown
_READ = 1 << 16  # bytes at a time


class GarbledError(Exception):
    """What came down the pipe is nothing that a cell says."""


@final
class Lines:
    """Reads whole lines from a pipe, and never waits for the rest of one.

    Args:
        descriptor: of the end that is read.
        most: bytes of a line.
    """

    def __init__(self, descriptor: int, most: int) -> None:
        self.descriptor = descriptor
        self.open = True
        self._most = most
        self._begun = bytearray()
        os.set_blocking(descriptor, False)

    def read(self) -> list[bytes]:
        """The lines that are there by now.

        Raises:
            GarbledError: a line is longer than any may be.
        """
        try:
            found = os.read(self.descriptor, _READ)
        except BlockingIOError:
            return []
        self.open = bool(found)
        *whole, rest = (bytes(self._begun) + found).split(b"\n")
        self._begun = bytearray(rest)
        if len(rest) > self._most:
            raise GarbledError(f"a line of more than {self._most:,} bytes")
        return whole

    def rest(self) -> bytes:
        """What is left of a last line that has no end."""
        return bytes(self._begun)


@final
class Printed:
    """Shows what a cell prints on the standard error stream, beside whatever progress is there.

    Args:
        descriptor: where it comes from.
    """

    def __init__(self, descriptor: int) -> None:
        self.lines = Lines(descriptor, _MOST_PRINTED)
        self._shown = 0
        self._left = 0

    def relay(self) -> None:
        """Show what is there by now."""
        try:
            for line in self.lines.read():
                self._show(line)
        except GarbledError:
            self._left += len(self.lines.rest())
            self.lines = Lines(self.lines.descriptor, _MOST_PRINTED)

    def end(self) -> None:
        """Show what is left, and say how much was not shown."""
        if self.lines.rest():
            self._show(self.lines.rest())
        if self._left:
            log.warning("%s bytes more were printed, and are not shown", f"{self._left:,}")

    def _show(self, line: bytes) -> None:
        if self._shown > _MOST_PRINTED:
            self._left += len(line)
            return
        self._shown += len(line)
        last = line.decode("utf-8", "backslashreplace").rstrip("\r").rpartition("\r")[2]
        with suppress(OSError, ValueError):  # nobody reads it any more
            sys.stderr.write(printable(last) + "\n")


@final
@dataclass(slots=True)
class Watch:
    """What is known of a cell that runs.

    Args:
        reporter: who is told what it tells.
        began: `time.monotonic()` when it was asked for.
        deadline: seconds that it may take; None for any.
        parts: how many parts it answers; for each it may put its deadline off once.
        memory: GiB that it may take; None for any.

    Attributes:
        stage: what its method was doing last.
        until: when it is stopped.
        held: GiB that it held when that was looked at last.
        done: its first problem, or ""; None while it works.
        failure: what it could not record itself.
    """

    reporter: Reporter
    began: float
    deadline: float | None
    parts: int
    memory: float | None
    stage: str = "began"
    until: float = field(init=False)
    held: float = 0.0
    done: str | None = None
    failure: GeobenchError | None = None
    _bars: dict[int, Iterator[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.until = self.began + STARTING

    @property
    def told(self) -> bool:
        """Whether it has said how it ended."""
        return self.done is not None or self.failure is not None

    def hear(self, line: bytes) -> None:
        """Take in one message.

        Raises:
            GarbledError: it is none.
        """
        try:
            message = json.loads(line)
            known = self._heard(message)
        except (ValueError, RecursionError, OverflowError) as error:
            raise GarbledError(str(error)) from error
        if not known:
            raise GarbledError("no message")

    def _heard(self, message: Any) -> bool:
        match message:
            case {"say": str(text)}:
                self.reporter.say(text)
            case {"log": str(name), "level": int(level), "text": str(text)}:
                logger = logging.getLogger(name if name.startswith("geobench") else "geobench.cell")
                if logger.isEnabledFor(level):
                    logger.log(level, "%s", text)
            case {"stage": str(what), "until": None | float() | int() as until}:
                self.stage = storable(what, 500)
                self._put_off(until)
            case {"bar": int(bar), "what": str(what), "total": None | int() as total}:
                self._bars[bar] = iter(self.reporter.track(repeat(None), total, what))
                next(self._bars[bar], None)
            case {"bar": int(bar), "steps": int(steps)} if 0 <= steps <= MOST_STEPS:
                for _ in range(steps if bar in self._bars else 0):
                    next(self._bars[bar], None)
            case {"bar": int(bar), "ends": True}:
                self._end(bar)
            case {"done": str(problem)}:
                self.done = problem
            case {"failed": str(problem), "late": bool(late), "traceback": str(where)}:
                self.failure = (DeadlineError if late else PluginError)(problem)
                self.failure.add_note(where)
            case _:
                return False
        return True

    def _put_off(self, until: float | None) -> None:
        if self.deadline is None:
            self.until = math.inf
            return
        latest = self.began + STARTING + (1 + self.parts) * self.deadline
        asked = latest if until is None or not math.isfinite(until) else until
        self.until = min(asked, latest) + max(GRACE, self.deadline / 20)

    def end_bars(self) -> None:
        """Take the progress of a cell that has ended from the screen."""
        for bar in list(self._bars):
            self._end(bar)

    def _end(self, bar: int) -> None:
        close = getattr(self._bars.pop(bar, None), "close", None)
        if close is not None:
            close()

    def measure(self, server: int) -> None:
        """Look how much memory the cell and whatever it has started hold."""
        held = 0
        with suppress(psutil.Error):
            below = psutil.Process(server).children(recursive=True)
            held = _resident(below)
            # Processes that share memory each show all of it: what they hold together is asked
            # of the system only where it matters, because that takes it a while.
            if self.memory is not None and held > self.memory * GIB:
                held = _together(below, held)
        self.held = held / GIB

    def excess(self, now: float) -> Literal["", "time", "memory"]:
        """What it has taken too much of."""
        if now > self.until:
            return "time"
        return "memory" if self.memory is not None and self.held > self.memory else ""


def _resident(processes: list[psutil.Process]) -> int:
    held = 0
    for each in processes:
        with suppress(psutil.Error):
            held += each.memory_info().rss
    return held


def _together(processes: list[psutil.Process], otherwise: int) -> int:
    """What they hold, shared memory counted once; known on Linux."""
    held = 0
    for each in processes:
        with suppress(psutil.Error):
            shares = getattr(each.memory_full_info(), "pss", None)
            if shares is None:
                return otherwise
            held += shares
    return held


Stopped: TypeAlias = Literal["", "time", "memory", "garbled", "told"]
"""Why a run has killed a cell; "told" is one that stayed when it had said how it ended."""


@final
@dataclass(frozen=True, slots=True)
class End:
    """How the process of a cell ended.

    Args:
        code: its exit code, negative where a signal killed it; None where the fork server is gone.
        stopped: why the run killed it, or "".
    """

    code: int | None
    stopped: Stopped = ""


def failure(watch: Watch, end: End) -> GeobenchError:
    """What a record says of a cell that ended without having said how."""
    doing = f"while it {watch.stage}" if watch.stage != "began" else "before it began"
    never = "`isolate: never` runs it in the process of the run."
    if end.stopped == "time" and watch.stage == "began":
        return PluginError(f"did not begin within {STARTING:.0f} s", remedy=never)
    if end.stopped == "time":
        return DeadlineError(
            f"ran past the deadline of {watch.deadline:g} s and did not stop, {doing}",
            remedy="Raise `deadline` in the YAML file, or let it call context.check_deadline() in "
            "every long loop.",
        )
    if end.stopped == "memory":
        return PluginError(
            f"took more than {watch.memory:g} GiB of memory {doing}",
            remedy="Raise `memory` in the YAML file, or let it hold less at a time.",
        )
    if end.stopped == "garbled":
        return PluginError(
            f"wrote to the pipe by which its run hears of it, {doing}",
            remedy="Let it write to files that it has opened.",
        )
    if end.code is None:
        return PluginError(f"ended the process that it was forked from, {doing}", remedy=never)
    if end.code == -signal.SIGKILL:
        return PluginError(
            f"was killed by signal 9 (SIGKILL), which this run did not send, {doing}: the system "
            f"may have run out of memory (it held {watch.held:.1f} GiB when that was last looked "
            "at)",
            remedy="Free some, or let it hold less at a time; `memory` in the YAML file stops it "
            "before.",
        )
    if end.code < 0:
        return PluginError(f"was killed by signal {-end.code}{_named(-end.code)} {doing}")
    if end.code == CUT:
        return PluginError(
            f"closed the pipe by which its run hears of it, {doing}",
            remedy="Let it close files that it has opened.",
        )
    return PluginError(
        f"left with exit code {end.code}, as os._exit does, {doing}",
        remedy="Let it raise an error that says why.",
    )


def _named(number: int) -> str:
    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""
