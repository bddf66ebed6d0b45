"""What code of strangers prints while it is loaded: set aside, from C too, to be shown in order."""

import io
import os
import sys
import tempfile
from contextlib import ExitStack, suppress
from typing import Any, final

_KEPT = 20_000
"""Bytes of what was printed that are read."""
_NAMES = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")


@final
class Aside:
    """The standard streams, led to a file for a while; standard input is empty meanwhile.

    Attributes:
        text: the beginning of what was printed, once it has ended.
        size: the bytes of all of it.
    """

    def __init__(self) -> None:
        self.text, self.size = "", 0

    def begin(self) -> None:
        """Lead them away."""
        self._streams: dict[str, Any] = {name: getattr(sys, name) for name in _NAMES}
        self._looks = {name: _look(stream) for name, stream in self._streams.items()}
        for stream in self._streams.values():
            _flush(stream)
        flush_c()
        with ExitStack() as opened:
            self._file = opened.enter_context(tempfile.TemporaryFile())
            # Not the streams themselves, which the code could close.
            self._input = opened.enter_context(open(os.devnull, encoding="utf-8"))
            copy = os.dup(self._file.fileno())
            self._output = opened.enter_context(
                open(copy, "w", encoding="utf-8", errors="backslashreplace")
            )
            self._open = opened.pop_all()
        self._kept = {number: _copied(number) for number in (0, 1, 2)}
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(self._file.fileno(), 1)
        os.dup2(self._file.fileno(), 2)
        sys.stdin, sys.stdout, sys.stderr = self._input, self._output, self._output

    def end(self) -> list[str]:
        """Lead them back; returns those that had been replaced or closed.

        Raises:
            OSError: what is needed for it was closed.
        """
        changed = [
            f"sys.{name}"
            for name, given in (("stdout", self._output), ("stderr", self._output))
            if getattr(sys, name) is not given or given.closed
        ]
        for stream in (self._output, *self._streams.values()):
            _flush(stream)
        flush_c()
        for number, kept in self._kept.items():
            if kept is None:
                os.close(number)
            else:
                os.dup2(kept, number)
                os.close(kept)
        for name, stream in self._streams.items():
            if self._looks[name] and not _look(stream):
                changed.append(f"sys.{name}")
                stream = _reopened(name)
            setattr(sys, name, stream)
        # Closed last, so that a thread of theirs finds a stream that it can print to.
        self._read()
        with suppress(OSError, ValueError):
            self._open.close()
        return sorted(set(changed))

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            self.size = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
            self.text = self._file.read(_KEPT).decode("utf-8", "replace")


def _copied(number: int) -> int | None:
    """A copy of a file descriptor, or None if it is closed."""
    try:
        return os.dup(number)
    except OSError:
        return None


def _look(stream: Any) -> bool:
    """Whether a stream can be used; None stands for those of a process that has none."""
    try:
        return stream is not None and not stream.closed
    except (AttributeError, ValueError):  # it was detached from its buffer
        return False


def _reopened(name: str) -> io.TextIOWrapper:
    number = ("stdin", "stdout", "stderr").index(name.strip("_"))
    raw = io.FileIO(number, "w" if number else "r", closefd=False)
    buffer: Any = io.BufferedWriter(raw) if number else io.BufferedReader(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace")


def _flush(stream: Any) -> None:
    with suppress(OSError, ValueError, AttributeError):
        stream.flush()


def flush_c() -> None:
    """Write what C libraries hold back in buffers of their own."""
    import ctypes

    with suppress(OSError, AttributeError, TypeError):  # a system on which there is no such name
        ctypes.CDLL(None).fflush(None)
