"""The door `geobench compare`: two methods on the same photos."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from geobench.commands.options import Board, Part, folder_of
from geobench.commands.parts import each_part, write_picture
from geobench.commands.terminal import say, screen


def compare(
    benchmark: Board,
    a: Annotated[str, typer.Argument(help="A label in the tables.")],
    b: Annotated[str, typer.Argument(help="Another; the difference is A minus B.")],
    part: Part = None,
    summary: Annotated[
        str | None, typer.Option(help="Such as distance.median; all summaries, unless said.")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="The folder for the maps.", file_okay=False)
    ] = Path(),
) -> None:
    """Compare two methods on the same photos: differences, and a map of where each wins."""
    from geobench import figures
    from geobench.board import comparison
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import listing

    terminal = screen()
    loaded = Leaderboard(folder_of(benchmark), installed())

    def show(label: str) -> None:
        found = comparison.differences(loaded, a, b, part=label, summary=summary)
        listing.show_differences(terminal, found, a, b, part=label)
        photos = comparison.nearer(loaded, a, b, part=label)
        say(photos.sentence())
        draw = partial(
            figures.draw_nearer,
            photos,
            part=label,
            stamp=figures.stamp(loaded),
            on_earth=loaded.manifest.parts[label].dataset.on_earth,
        )
        write_picture(loaded, label, draw, verb="compare", labels=[a, b], what="map", output=output)

    each_part(loaded, part, show)
    terminal.print(comparison.RESOLVES, highlight=False)
    terminal.print(comparison.REMARK, highlight=False)
