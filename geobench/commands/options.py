"""Arguments and options that several verbs share, and the leaderboard that one of them names."""

import os
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from geobench.errors import StoreError
from geobench.names import did_you_mean, file_name

Board: TypeAlias = Annotated[
    str,
    typer.Argument(help="A leaderboard: its name below leaderboards/, or its folder."),
]
Part: TypeAlias = Annotated[
    str | None, typer.Option(help="Such as unseen-cells/unseen; all parts, unless said.")
]
Device: TypeAlias = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")]
Isolate: TypeAlias = Annotated[
    Literal["never", "third-party", "always"] | None,
    typer.Option(help="Which trainings run in a process of their own, whatever the file says."),
]
WorkspaceFolder: TypeAlias = Annotated[
    Path, typer.Option(help="Where leaderboards/ and .geobench/ lie.", file_okay=False)
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Csv: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Write it as CSV, too, with all digits.", dir_okay=False
    ),
]


def folder_of(board: str) -> Path:
    """The folder of a leaderboard that is given by path or by name.

    Raises:
        StoreError: there is none.
    """
    tried = [Path(board), Path("leaderboards") / file_name(board)]
    for folder in tried:
        if os.path.exists(folder / "benchmark.json"):  # Path.exists raises where a name is too long
            return folder
    known = sorted(path.parent.name for path in Path("leaderboards").glob("*/benchmark.json"))
    remedy = did_you_mean(board, known) if known else "`geobench run` makes leaderboards."
    raise StoreError(
        "there is no benchmark.json", where=" or ".join(map(str, tried)), remedy=remedy
    )
