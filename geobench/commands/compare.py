"""The door `geobench compare`: two methods on the same photos."""

from functools import partial
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
from geobench.errors import ConfigError

if TYPE_CHECKING:
    from geobench.board.lines import Line


def compare(
    benchmark: Board,
    a: Annotated[str, typer.Argument(help="A label in the tables.")],
    b: Annotated[str, typer.Argument(help="Another; the difference is A minus B.")],
    part: Part = None,
    summary: Annotated[
        str | None, typer.Option(help="Such as distance.median; all summaries, unless said.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The folder for the maps; this one, unless said. With --json, maps are drawn "
            "only if it is said.",
            file_okay=False,
        ),
    ] = None,
    csv: Csv = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write who is nearer on each photo, and by how much, as CSV.",
            dir_okay=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two methods on the same photos: differences, and a map of where each wins."""
    from geobench import figures
    from geobench.board import comparison
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import listing

    if csv and photos and csv.absolute() == photos.absolute():
        problem = f"--csv and --photos name one file, {csv}"
        raise ConfigError(problem, remedy="Give each a file of its own.")
    with prints_aside(wanted=as_json):  # plugins print when they are loaded, too
        loaded = Leaderboard(folder_of(benchmark), installed())
    lines: list[Line] = []
    of_photos: list[Line] = []
    nearer: list[Line] = []
    explained: list[Line] = []

    def show(label: str) -> None:
        found = comparison.differences(loaded, a, b, part=label, summary=summary)
        who = comparison.nearer(loaded, a, b, part=label)
        lines.extend(comparison.lines(loaded, found, a, b, part=label))
        nearer.append({"part": label, "photos": len(who.ids), **who.counts()})
        said = who.explained(listing.MOST_EXPLAINED)
        explained.extend(who.lines(loaded, label, photos=said))
        if photos:
            of_photos.extend(who.lines(loaded, label))
        if not as_json:
            listing.show_differences(screen(), found, a, b, part=label)
            say(who.sentence())
            listing.show_explanations(screen(), who)
        draw = partial(
            figures.draw_nearer,
            who,
            part=label,
            stamp=figures.stamp(loaded),
            on_earth=loaded.manifest.parts[label].dataset.on_earth,
        )
        if output or not as_json:
            picture = PartPicture("map", "compare", [a, b], len(who.ids), draw)
            write_picture(loaded, label, picture, output=output or Path())

    with prints_aside(wanted=as_json):
        each_part(loaded, part, show)
        for file, written in ((csv, lines), (photos, of_photos)):
            if file:
                write_lines(file, written)
    if as_json:
        told = {"differences": lines, "nearer": nearer, "explained": explained}
        print_json(loaded, {"a": a, "b": b, **told})
        return
    screen().print(comparison.RESOLVES, highlight=False)
    screen().print(comparison.REMARK, highlight=False)
