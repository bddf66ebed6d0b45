"""A part of a leaderboard, or one after the other, and the files that a command writes of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import typer

from geobench.commands.terminal import say, say_alone, short
from geobench.errors import StoreError
from geobench.names import file_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geobench.board.leaderboard import Leaderboard
    from geobench.board.lines import Line


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


@final
@dataclass(frozen=True, slots=True)
class PartPicture:
    """The picture that a command draws of a part.

    Args:
        what: it is, "map" or "contact sheet".
        verb: of the command.
        labels: of the methods that it is about.
        photos: how many there are to show; of none there is no picture.
        draw: draws it.
    """

    what: str
    verb: str
    labels: list[str]
    photos: int
    draw: "Callable[[], Figure]"


def write_picture(board: "Leaderboard", part: str, picture: PartPicture, *, output: Path) -> None:
    """Write a picture of a part, where there is one that may be drawn, and say so."""
    from geobench import figures

    if board.manifest.parts[part].dataset.publishes == "scores":
        say("no map: the dataset lets only scores be published\n")
        return
    if not picture.photos:
        say(f"no {picture.what}: {part} has no photos\n")
        return
    names = figures.slug("-".join([board.name, part, *picture.labels]))
    path = output / f"{file_name(f'{picture.verb}-{names}')}.png"
    _write(path, figures.rendered(picture.draw, "png"))
    say(f"{picture.what}: {short(path)}\n")


def write_lines(path: Path, lines: "Sequence[Line]") -> None:
    """Write lines as a CSV file, in UTF-8 whatever the terminal speaks, and say so.

    Raises:
        StoreError: the file cannot be written.
    """
    from geobench.board.lines import as_csv

    # Of an id that is no text (a file name in another encoding) the bytes are spelt out.
    _write(path, as_csv(lines).encode("utf-8", "backslashreplace"))
    say(f"table: {short(path)} ({len(lines):,} lines)")


def print_json(board: "Leaderboard", found: "Mapping[str, Any]") -> None:
    """Print what was found as JSON, after whose numbers they are."""
    whose = {"benchmark": board.name, "digest": board.manifest.digest}
    say_alone(json.dumps({**whose, **found}, indent=1, allow_nan=False))


def _write(path: Path, content: bytes) -> None:
    from geobench import drafts

    try:
        drafts.write_file(path, content)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise StoreError(problem, where=str(path), remedy="Name another place.") from None
