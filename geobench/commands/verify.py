"""The door `geobench verify`: whether every number of a leaderboard is what its records give."""

from pathlib import Path
from typing import Annotated

import typer

from geobench.commands.options import Board, folder_of
from geobench.commands.terminal import conclude, remark


def verify(
    benchmark: Board,
    runs: Annotated[
        Path | None, typer.Option(help="The folder of the records, where it lies elsewhere.")
    ] = None,
) -> None:
    """Recompute every number of a leaderboard from its records; say what disagrees."""
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.pages import verification

    folder = folder_of(benchmark)
    problems = verification.verify(folder, installed(), runs=runs)
    remark(Leaderboard(folder, installed()))
    conclude(problems, f"{folder}: every number is what the records give")
