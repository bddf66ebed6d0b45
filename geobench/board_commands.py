"""The doors to a stored leaderboard: `geobench report`, `verify`, `worst` and `compare`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geobench.errors import GeobenchError, StoreError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geobench.leaderboard import Leaderboard

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
    from geobench import report as reports
    from geobench import verification
    from geobench.catalogue import installed
    from geobench.leaderboard import Leaderboard

    folder = _folder(benchmark)
    if check:
        loaded = Leaderboard(folder, installed())
        expected = reports.contents(loaded, loaded.tables())
        _conclude(verification.stale(loaded, expected), f"{folder}: tables and pictures are fresh")
        return
    problems = reports.rewrite(folder, installed(), file_format=file_format)
    pictures = len(Leaderboard(folder, installed()).manifest["figures"])
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
    from geobench import verification
    from geobench.catalogue import installed

    folder = _folder(benchmark)
    problems = verification.verify(folder, installed(), runs=runs)
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
    from geobench import figures, listing
    from geobench import worst as answers
    from geobench.catalogue import installed
    from geobench.leaderboard import Leaderboard

    screen = listing.screen()
    loaded = Leaderboard(_folder(benchmark), installed())
    settings = answers.settings_of(config or [])

    def show(label: str) -> "Callable[[], Figure]":
        found = answers.find(loaded, method, label, count=count, seed=seed)
        dataset = loaded.manifest["parts"][label]["dataset"]
        places = dataset["publishes"] != "scores"
        listing.show_worst(screen, found, title=f"{method} on {label}", places=places)

        def sheet() -> "Figure":
            try:
                pictures = answers.pictures(loaded, label, installed(), settings=settings)
            except GeobenchError as error:
                pictures = None
                screen.print(f"maps without pictures: {error}", highlight=False, soft_wrap=True)
            total = f"{len(loaded.part(label)['id']):,}"
            return figures.draw_contact_sheet(
                found,
                title=f"{method} on {label}: the farthest of {total} answers",
                stamp=figures.stamp(loaded),
                show=pictures,
                on_earth=dataset["on_earth"],
            )

        return sheet

    _each_part(loaded, part, show, file=("worst", method), what="contact sheet", output=output)


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
    from geobench import comparison, figures, listing
    from geobench.catalogue import installed
    from geobench.leaderboard import Leaderboard

    screen = listing.screen()
    loaded = Leaderboard(_folder(benchmark), installed())

    def show(label: str) -> "Callable[[], Figure]":
        found = comparison.differences(loaded, a, b, part=label, summary=summary)
        listing.show_differences(screen, found, a, b, part=label)
        photos = comparison.nearer(loaded, a, b, part=label)
        screen.print(photos.sentence(), highlight=False, soft_wrap=True)
        return partial(
            figures.draw_nearer,
            photos,
            part=label,
            stamp=figures.stamp(loaded),
            on_earth=loaded.manifest["parts"][label]["dataset"]["on_earth"],
        )

    _each_part(loaded, part, show, file=("compare", a, b), what="map", output=output)
    screen.print(comparison.REMARK, highlight=False)


def _each_part(
    board: "Leaderboard",
    part: str | None,
    show: "Callable[[str], Callable[[], Figure]]",
    *,
    file: tuple[str, ...],
    what: str,
    output: Path,
) -> None:
    """Show one part, or each that has what is shown, and write a picture where one may be drawn.

    Args:
        board: whose parts.
        part: the one asked for, or None for all.
        show: prints what there is to say of a part, and returns what draws its picture.
        file: what the pictures' names begin with, and the labels that are in them.
        what: a picture is called.
        output: the folder for them.

    Raises:
        StoreError: the one part asked for has no such answers.
        typer.Exit: no part has.
    """
    from geobench import figures, files, listing

    screen, shown = listing.screen(), 0
    for label in [part] if part else list(board.manifest["parts"]):
        try:
            draw = show(label)
        except StoreError as error:  # there may be answers on the other parts
            if part:
                raise
            screen.print(f"{error}\n", highlight=False, soft_wrap=True)
            continue
        shown += 1
        if board.manifest["parts"][label]["dataset"]["publishes"] == "scores":
            screen.print("no map: the dataset lets only scores be published\n")
            continue
        verb, *labels = file
        path = output / f"{verb}-{figures.slug('-'.join([board.name, label, *labels]))}.png"
        files.write_file(path, figures.rendered(draw, "png"))
        screen.print(f"{what}: {listing.short(path)}\n", highlight=False, soft_wrap=True)
    if not shown:
        raise typer.Exit(1)


def _conclude(problems: list[str], good: str) -> None:
    for problem in problems:
        typer.echo(problem)
    if problems:
        typer.echo(f"{len(problems)} problem(s)", err=True)
        raise typer.Exit(1)
    typer.echo(good)
