"""The door `geobench worst`: the photos that a method got most wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench.commands.options import Board, Csv, Json, Part, folder_of
from geobench.commands.parts import (
    PartPicture,
    each_part,
    print_json,
    write_lines,
    write_picture,
)
from geobench.commands.terminal import prints_aside, say, screen
from geobench.errors import GeobenchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geobench.board.lines import Line


def worst(
    benchmark: Board,
    method: Annotated[str, typer.Option("--method", "-m", help="Its label in the tables.")],
    part: Part = None,
    count: Annotated[int, typer.Option("--number", "-n", min=1, help="How many photos.")] = 20,
    seed: Annotated[
        int | None, typer.Option(help="Of the training that answered; the first, unless said.")
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of the dataset, for what a leaderboard does not hold: root=photos. Repeatable.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The folder for the contact sheets; this one, unless said. With --json, sheets "
            "are drawn only if it is said.",
            file_okay=False,
        ),
    ] = None,
    csv: Csv = None,
    as_json: Json = False,
) -> None:
    """Show the photos that a method got most wrong: a table, and a contact sheet."""
    from geobench import figures
    from geobench.board import worst as answers
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import listing
    from geobench.config.origins import settings_of

    with prints_aside(wanted=as_json):  # plugins print when they are loaded, too
        loaded = Leaderboard(folder_of(benchmark), installed())
    settings = settings_of(config or [], option="--config")
    lines: list[Line] = []

    def show(label: str) -> None:
        found = answers.find(loaded, method, label, count=count, seed=seed)
        lines.extend(answers.lines(loaded, found, method, label, seed=seed))
        title = f"{answers.answerer(loaded, method, label, seed=seed)} on {label}"
        about = loaded.manifest.parts[label].dataset
        if not as_json:
            listing.show_worst(screen(), found, title=title, places=about.publishes != "scores")

        def draw() -> "Figure":
            try:
                pictures = answers.pictures(loaded, label, installed(), settings=settings)
            except GeobenchError as error:
                pictures = None
                say(f"maps without pictures: {error}")
            return figures.draw_contact_sheet(
                found,
                title=f"{title}: the farthest of {len(loaded.part(label)['id']):,} answers",
                stamp=figures.stamp(loaded),
                on_earth=about.on_earth,
                show=pictures,
            )

        if output or not as_json:
            sheet = PartPicture("contact sheet", "worst", [method], len(found), draw)
            write_picture(loaded, label, sheet, output=output or Path())
            if len(found) > figures.MOST_ON_SHEET and about.publishes != "scores":
                say(f"on the sheet are the first {figures.MOST_ON_SHEET:,} of {len(found):,}\n")

    with prints_aside(wanted=as_json):
        each_part(loaded, part, show)
        if csv:
            write_lines(csv, lines)
    if as_json:
        print_json(loaded, {"worst": lines})
