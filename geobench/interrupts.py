"""Interrupts: what Ctrl-C and the signals that end a process do, and what is finished first."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import final

from geobench.errors import Interrupted
from geobench.readable import printable

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


@final
@dataclass(slots=True)
class _Asked:
    """What was asked of this process so far.

    Args:
        number: the first signal that came, or 0.
        finishing: what the first Ctrl-C leaves time for; "" where there is nothing.
        closing: whether the process is ending already.
    """

    number: int = 0
    finishing: str = ""
    closing: bool = False


_asked = _Asked()


@contextmanager
def heard() -> Iterator[None]:
    """In this block Ctrl-C, SIGTERM and SIGHUP raise `Interrupted` in the main thread.

    What this process was told to ignore (by nohup, say) stays ignored.
    """
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say who hears signals
        return
    before, kept, _asked = {}, _asked, _Asked()
    for number in (getattr(signal, name) for name in _ENDING if hasattr(signal, name)):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked = kept


@contextmanager
def finishing(what: str) -> Iterator[None]:
    """In this block the first Ctrl-C waits until the block ends; all else interrupts it at once.

    Args:
        what: is finished, as a reader is told.

    Raises:
        Interrupted: at once, or when the block ends.
    """
    _asked.finishing = what
    try:
        yield
    finally:
        _asked.finishing = ""
    check()


@contextmanager
def closing() -> Iterator[None]:
    """In this block, in which a process that was asked to end writes what it leaves, only Ctrl-C
    interrupts: who ends a session sends several signals."""
    before, _asked.closing = _asked.closing, True
    try:
        yield
    finally:
        _asked.closing = before


def check() -> None:
    """Raise `Interrupted` if a signal came that nobody has heeded: code that is not ours may have
    caught what it raised."""
    if _asked.number:
        raise Interrupted(_asked.number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    first, _asked.number = not _asked.number, _asked.number or number
    if number == signal.SIGINT:
        if first and _asked.finishing:
            _tell(f"finishing {_asked.finishing}; Ctrl-C again stops now")
            return
    elif _asked.closing:
        return
    raise Interrupted(_asked.number)


def _tell(text: str) -> None:
    # Not by a stream: the signal may have come in the middle of a line that is written to it.
    with suppress(OSError):
        os.write(2, f"\n{printable(text)}\n".encode("ascii", "backslashreplace"))
