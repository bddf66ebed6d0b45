"""The door `geobench report`: tables and pictures of a leaderboard, made again from its records."""

from typing import Annotated, Literal

import typer

from geobench.commands.options import Board, folder_of
from geobench.commands.terminal import conclude, files_written, remark


def report(
    benchmark: Board,
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

    folder = folder_of(benchmark)
    if check:
        loaded = Leaderboard(folder, installed())
        expected = reports.contents(loaded, loaded.tables())
        remark(loaded)
        conclude(verification.stale(loaded, expected), f"{folder}: tables and pictures are fresh")
        return
    problems = reports.rewrite(folder, installed(), file_format=file_format)
    loaded = Leaderboard(folder, installed())
    pictures = len(loaded.manifest.figures or [])
    remark(loaded)
    conclude(problems, f"wrote {files_written(reports.NAMES[1:], pictures)} in {folder}")
