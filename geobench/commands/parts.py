"""A part of a leaderboard, or one after the other, each with a picture of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from geobench.commands.terminal import say, short
from geobench.errors import StoreError
from geobench.names import file_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geobench.board.leaderboard import Leaderboard


def each_part(board: "Leaderboard", part: str | None, show: Callable[[str], None]) -> None:
    """Show the one part asked for; without one, each that has what is shown.

    Raises:
        StoreError: the one part asked for has no such answers.
        typer.Exit: no part has.
    """
    if part:
        show(part)
        return
    shown = 0
    for label in board.manifest.parts:
        try:
            show(label)
            shown += 1
        except StoreError as error:  # there may be answers on the other parts
            say(f"{error}\n")
    if not shown:
        raise typer.Exit(1)


def write_picture(
    board: "Leaderboard",
    part: str,
    draw: "Callable[[], Figure]",
    *,
    verb: str,
    labels: list[str],
    what: str,
    output: Path,
) -> None:
    """Write the picture that a command draws of a part, where one may be drawn, and say so."""
    from geobench import drafts, figures

    if board.manifest.parts[part].dataset.publishes == "scores":
        say("no map: the dataset lets only scores be published\n")
        return
    name = file_name(f"{verb}-{figures.slug('-'.join([board.name, part, *labels]))}")
    path = output / f"{name}.png"
    drafts.write_file(path, figures.rendered(draw, "png"))
    say(f"{what}: {short(path)}\n")
