"""The door `geobench worst`: the photos that a method got most wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench.commands.options import Board, Part, folder_of
from geobench.commands.parts import each_part, write_picture
from geobench.commands.terminal import say, screen
from geobench.errors import GeobenchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        Path, typer.Option(help="The folder for the contact sheets.", file_okay=False)
    ] = Path(),
) -> None:
    """Show the photos that a method got most wrong: a table, and a contact sheet."""
    from geobench import figures
    from geobench.board import worst as answers
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import listing
    from geobench.config.origins import settings_of

    terminal = screen()
    loaded = Leaderboard(folder_of(benchmark), installed())
    settings = settings_of(config or [], option="--config")

    def show(label: str) -> None:
        found = answers.find(loaded, method, label, count=count, seed=seed)
        title = f"{answers.answerer(loaded, method, label, seed=seed)} on {label}"
        about = loaded.manifest.parts[label].dataset
        listing.show_worst(terminal, found, title=title, places=about.publishes != "scores")

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

        write_picture(
            loaded, label, draw, verb="worst", labels=[method], what="contact sheet", output=output
        )

    each_part(loaded, part, show)
