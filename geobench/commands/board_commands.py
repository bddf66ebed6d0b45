"""The doors to a stored leaderboard: `geobench report`, `verify`, `worst` and `compare`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geobench.errors import GeobenchError, StoreError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geobench.board.leaderboard import Leaderboard

_Board = Annotated[
    str,
    typer.Argument(help="A leaderboard: its name below leaderboards/, or its folder."),
]


def _folder(board: str) -> Path:
    """The folder of a leaderboard that is given by path or by name."""
    tried = [Path(board), Path("leaderboards") / board]
    for folder in tried:
        if (folder / "benchmark.json").exists():
            return folder
    known = sorted(path.parent.name for path in Path("leaderboards").glob("*/benchmark.json"))
    remedy = f"Here are: {', '.join(known)}." if known else "`geobench run` makes leaderboards."
    raise StoreError(
        "there is no benchmark.json", where=" or ".join(map(str, tried)), remedy=remedy
    )


def report(
    benchmark: _Board,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if tables or pictures are stale.")
    ] = False,
    file_format: Annotated[
        Literal["png", "svg"] | None,
        typer.Option("--format", help="Of the pictures; as they are (at first PNG), unless said."),
    ] = None,
) -> None:
    """Rewrite tables and pictures of a leaderboard from its stored records."""
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.pages import report as reports
    from geobench.pages import verification

    folder = _folder(benchmark)
    if check:
        loaded = Leaderboard(folder, installed())
        expected = reports.contents(loaded, loaded.tables())
        _remark(loaded)
        _conclude(verification.stale(loaded, expected), f"{folder}: tables and pictures are fresh")
        return
    problems = reports.rewrite(folder, installed(), file_format=file_format)
    loaded = Leaderboard(folder, installed())
    pictures = len(loaded.manifest.figures or [])
    _remark(loaded)
    _conclude(problems, f"wrote {written(reports.NAMES[1:], pictures)} in {folder}")


def written(names: tuple[str, ...], pictures: int) -> str:
    """The files that were written, as a sentence lists them."""
    more = f" and {pictures} picture{'s' if pictures > 1 else ''}" if pictures else ""
    return ", ".join(names) + more


def verify(
    benchmark: _Board,
    runs: Annotated[
        Path | None, typer.Option(help="The folder of the records, where it lies elsewhere.")
    ] = None,
) -> None:
    """Recompute every number of a leaderboard from its records; say what disagrees."""
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.pages import verification

    folder = _folder(benchmark)
    problems = verification.verify(folder, installed(), runs=runs)
    _remark(Leaderboard(folder, installed()))
    _conclude(problems, f"{folder}: every number is what the records give")


def worst(
    benchmark: _Board,
    method: Annotated[str, typer.Option("--method", "-m", help="Its label in the tables.")],
    part: Annotated[
        str | None, typer.Option(help="Such as unseen-cells/unseen; all parts, unless said.")
    ] = None,
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

    screen = listing.screen()
    loaded = Leaderboard(_folder(benchmark), installed())
    settings = settings_of(config or [], option="--config")

    def show(label: str) -> None:
        found = answers.find(loaded, method, label, count=count, seed=seed)
        title = f"{answers.answerer(loaded, method, label, seed=seed)} on {label}"
        about = loaded.manifest.parts[label].dataset
        listing.show_worst(screen, found, title=title, places=about.publishes != "scores")

        def draw() -> "Figure":
            try:
                pictures = answers.pictures(loaded, label, installed(), settings=settings)
            except GeobenchError as error:
                pictures = None
                screen.print(f"maps without pictures: {error}", highlight=False, soft_wrap=True)
            return figures.draw_contact_sheet(
                found,
                title=f"{title}: the farthest of {len(loaded.part(label)['id']):,} answers",
                stamp=figures.stamp(loaded),
                on_earth=about.on_earth,
                show=pictures,
            )

        _write_picture(
            loaded, label, draw, verb="worst", labels=[method], what="contact sheet", output=output
        )

    _each_part(loaded, part, show)


def compare(
    benchmark: _Board,
    a: Annotated[str, typer.Argument(help="A label in the tables.")],
    b: Annotated[str, typer.Argument(help="Another; the difference is A minus B.")],
    part: Annotated[
        str | None, typer.Option(help="Such as unseen-cells/unseen; all parts, unless said.")
    ] = None,
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

    screen = listing.screen()
    loaded = Leaderboard(_folder(benchmark), installed())

    def show(label: str) -> None:
        found = comparison.differences(loaded, a, b, part=label, summary=summary)
        listing.show_differences(screen, found, a, b, part=label)
        photos = comparison.nearer(loaded, a, b, part=label)
        screen.print(photos.sentence(), highlight=False, soft_wrap=True)
        draw = partial(
            figures.draw_nearer,
            photos,
            part=label,
            stamp=figures.stamp(loaded),
            on_earth=loaded.manifest.parts[label].dataset.on_earth,
        )
        _write_picture(
            loaded, label, draw, verb="compare", labels=[a, b], what="map", output=output
        )

    _each_part(loaded, part, show)
    screen.print(comparison.REMARK, highlight=False)


def _each_part(board: "Leaderboard", part: str | None, show: Callable[[str], None]) -> None:
    """Show the one part asked for; without one, each that has what is shown.

    Raises:
        StoreError: the one part asked for has no such answers.
        typer.Exit: no part has.
    """
    from geobench.commands import listing

    if part:
        show(part)
        return
    shown = 0
    for label in board.manifest.parts:
        try:
            show(label)
            shown += 1
        except StoreError as error:  # there may be answers on the other parts
            listing.screen().print(f"{error}\n", highlight=False, soft_wrap=True)
    if not shown:
        raise typer.Exit(1)


def _write_picture(
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
    from geobench.commands import listing

    screen = listing.screen()
    if board.manifest.parts[part].dataset.publishes == "scores":
        screen.print("no map: the dataset lets only scores be published\n")
        return
    path = output / f"{verb}-{figures.slug('-'.join([board.name, part, *labels]))}.png"
    drafts.write_file(path, figures.rendered(draw, "png"))
    screen.print(f"{what}: {listing.short(path)}\n", highlight=False, soft_wrap=True)


def _remark(board: "Leaderboard") -> None:
    """Say what lies among the pictures and is none: no problem, for nobody removes it."""
    from geobench import figures

    for path in figures.unknown(board):
        typer.echo(f"{path} is no picture that benchmark.json names; it is left alone")


def _conclude(problems: list[str], good: str) -> None:
    for problem in problems:
        typer.echo(problem)
    if problems:
        typer.echo(f"{len(problems)} problem(s)", err=True)
        raise typer.Exit(1)
    typer.echo(good)
