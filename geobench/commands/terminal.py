"""What a terminal is told: its width, paths as one types them, and how a command ends."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from geobench.board.leaderboard import Leaderboard


def screen() -> "Console":
    """Standard output; lines of a log are 120 characters wide, whoever reads it."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def short(path: Path) -> str:
    """A path as one types it here."""
    current = Path.cwd()
    return str(path.relative_to(current)) if path.is_relative_to(current) else str(path)


def files_written(names: tuple[str, ...], pictures: int) -> str:
    """The files that were written, as a sentence lists them."""
    more = f" and {pictures} picture{'s' if pictures > 1 else ''}" if pictures else ""
    return ", ".join(names) + more


def remark(board: "Leaderboard") -> None:
    """Say what lies among the pictures and is none: no problem, for nobody removes it."""
    from geobench import figures

    for path in figures.unknown(board):
        typer.echo(f"{path} is no picture that benchmark.json names; it is left alone")


def conclude(problems: list[str], good: str) -> None:
    """Say what is wrong, and exit with 1; or that all is good."""
    for problem in problems:
        typer.echo(problem)
    if problems:
        typer.echo(f"{len(problems)} problem(s)", err=True)
        raise typer.Exit(1)
    typer.echo(good)
