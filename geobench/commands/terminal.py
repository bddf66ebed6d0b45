"""What a terminal is told: in its encoding and width, with paths as one types them."""

import atexit
import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from geobench.asides import flush_c
from geobench.errors import words_of
from geobench.readable import told

if TYPE_CHECKING:
    from rich.console import Console

    from geobench.board.leaderboard import Leaderboard

_IN_ASCII = {
    "\N{UPWARDS ARROW}": "^",
    "\N{DOWNWARDS ARROW}": "v",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{BULLET}": "*",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{INFINITY}": "inf",
    "\N{DEGREE SIGN}": " deg",
}


def prepare() -> None:
    """Let standard output and error take every character: what their encoding lacks is replaced.

    Arrows and rules by what looks like them, letters by their code (`\\u4eac`), so that names which
    differ still do. One that was closed leads nowhere from here on.
    """
    _reopen()
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _reopen() -> None:
    """Open what was closed of the three standard streams: else the next file that is opened gets
    the number of one, and what a library prints goes into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the smallest number that is free
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8")
    sys.stderr = sys.stderr or io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8")


_HANDLER = "geobench-terminal"


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    said = (
        _IN_ASCII.get(sign) or sign.encode("ascii", "backslashreplace").decode()
        for sign in error.object[error.start : error.end]
    )
    return "".join(said), error.end


@contextmanager
def prints_aside(*, wanted: bool = True) -> Iterator[None]:
    """In this block all that is printed goes to standard error, from C, too.

    So what plugins print does not stand in the JSON that a command prints after the block.
    """
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        flush_c()
        os.dup2(kept, 1)
        os.close(kept)


def say(text: str, *, error: bool = False) -> None:
    """Print a line, which is no markup, on standard output or on standard error."""
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{told(text)}\n")
    stream.flush()


def say_alone(text: str) -> None:
    """Print a text after which nothing stands on standard output, even when the process ends."""
    say(text)
    leave_quietly()


def leave_quietly() -> None:
    """From now on nothing more goes to standard output when the process ends."""
    # The last to be registered is called first, so before what plugins have registered.
    atexit.register(_leave)


def _leave() -> None:
    sys.unraisablehook = _said_at_the_end
    with suppress(OSError, ValueError):  # nobody reads it any more, or it was closed
        sys.stdout.flush()
        os.dup2(2, 1)


def _said_at_the_end(raised: Any) -> None:
    """What a plugin's handler at the end of the process raises is a line, as all errors are."""
    code = getattr(raised.object, "__module__", None) or "something"
    text = f"{code} raised {type(raised.exc_value).__name__} when the process ended"
    with suppress(Exception):
        say(f"{text}: {words_of(raised.exc_value)}", error=True)


def screen() -> "Console":
    """Standard output; lines of a log are 120 characters wide, whoever reads it."""
    return _console(width=None if sys.stdout.isatty() else 120)


def complaints() -> "Console":
    """Standard error."""
    return _console(stderr=True)


def _console(*, width: int | None = None, stderr: bool = False) -> "Console":
    """A console on which no name of a photo moves the cursor: rich lets such codes through."""
    from rich.console import Console
    from rich.text import Text

    class Shown(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(told(text), **options)

    return Shown(width=width, stderr=stderr, emoji=False)


def short(path: Path) -> str:
    """A path as one types it here."""
    with suppress(OSError):  # that folder was deleted
        current = Path.cwd()
        return str(path.relative_to(current) if path.is_relative_to(current) else path)
    return str(path)


def files_written(names: tuple[str, ...], pictures: int) -> str:
    """The files that were written, as a sentence lists them."""
    more = f" and {pictures} picture{'s' if pictures > 1 else ''}" if pictures else ""
    return ", ".join(names) + more


def remark(board: "Leaderboard") -> None:
    """Say what lies among the pictures and is none: no problem, for nobody removes it."""
    from geobench import figures

    for path in figures.unknown(board):
        say(f"{path} is no picture that benchmark.json names; it is left alone")


def conclude(problems: list[str], good: str) -> None:
    """Say what is wrong, and exit with 1; or that all is good."""
    for problem in problems:
        say(problem)
    if problems:
        say(f"{len(problems)} problem(s)", error=True)
        raise typer.Exit(1)
    say(good)
