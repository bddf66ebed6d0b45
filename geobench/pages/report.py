"""Reports: a leaderboard's records -> tables as CSV, pictures, README.md, and what names them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

from geobench import bounded, drafts, figures
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import Tables, as_csv
from geobench.catalogue import Catalogue
from geobench.digests import written_digest
from geobench.errors import GeobenchError, StoreError, unforeseen
from geobench.pages.markdown import page
from geobench.records import files
from geobench.records.workspace import Workspace

NAMES = ("benchmark.json", "table.csv", "curves.csv", "costs.csv", "resolution.csv", "README.md")
"""The files of a leaderboard, beside runs/ and figures/."""


def refuse_links(folder: Path) -> None:
    """Refuse a leaderboard in which a link lies where files are written.

    Raises:
        LinkError: one does.
    """
    for name in (*NAMES, ".gitignore", "figures", "runs"):
        drafts.real(folder / name)


def rewrite(folder: Path, catalogue: Catalogue, *, file_format: str | None = None) -> list[str]:
    """Write tables and pictures again from benchmark.json and the stored arrays.

    In a workspace no run writes them at the same time.

    Args:
        folder: the leaderboard's.
        catalogue: where its metrics come from.
        file_format: of the pictures, "png" or "svg"; as they are, unless said.

    Returns:
        The problems, a sentence each.

    Raises:
        LinkError: a link lies where they are written.
    """
    # As it was typed, for leaderboards/ may be a link; else as it is, for the folder may be one.
    board = Path(os.path.abspath(folder))
    if board.parent.name != "leaderboards":
        board = folder.resolve()
    if board.parent.name != "leaderboards":
        refuse_links(folder)
        return write_files(folder, catalogue, file_format=file_format)
    workspace = Workspace(board.parent.parent)
    refuse_links(board)
    with workspace.lock(f"board-{board.name}", wait=True):
        return write_files(folder, catalogue, file_format=file_format)


def write_files(
    folder: Path, catalogue: Catalogue, *, pictures: bool = True, file_format: str | None = None
) -> list[str]:
    """Write what `rewrite` writes, for those who hold the leaderboard's lock; the problems."""
    board = Leaderboard(folder, catalogue)
    before = board.manifest
    try:
        written, shown, problems = _write_tables(board)
    except Exception as error:
        return [_lost(board, "the tables, and what is made of them", error)]
    board.manifest = before.changed(tables=written)
    try:
        drawn, undrawn = figures.draw(board, shown, file_format=file_format, new=pictures)
        problems += undrawn
        board.manifest = board.manifest.changed(figures=drawn)
    except Exception as error:
        problems.append(_lost(board, "the pictures", error))
    try:
        # The page comes last, because it shows the pictures that could be drawn.
        written["README.md"] = _put(folder / "README.md", page(board, shown))
        board.manifest = board.manifest.changed(tables=written)
    except Exception as error:
        problems.append(_lost(board, "README.md", error))
    if board.manifest.data != before.data:
        files.write_json(folder / "benchmark.json", board.manifest.data)
    return problems


def _lost(board: Leaderboard, what: str, error: Exception) -> str:
    """The problem that something of a leaderboard cannot be made; what nobody may mend is raised.

    One page less is no reason to lose the others, nor the benchmarks that come after it.
    """
    if isinstance(error, GeobenchError | OSError):  # these say themselves what to do
        raise error
    return (
        f"{board.folder}: {what} cannot be made, all else is kept: {unforeseen(error)}. "
        f"Once that is mended, `geobench report {board.folder}` makes it."
    )


@final
class _WrittenTables(NamedTuple):
    """File name -> SHA-256 of the tables, they as a reader finds them, and what is not in them."""

    digests: dict[str, str]
    shown: Tables
    problems: list[str]


def _write_tables(board: Leaderboard) -> _WrittenTables:
    found = board.tables()
    texts = _csv(found)
    digests = {name: _put(board.folder / name, text) for name, text in texts.items()}
    # Pictures and page are made of the tables as a reader finds them, with six digits: the digest
    # of what a picture was drawn from can be computed again, and the page says what they say.
    return _WrittenTables(digests, tables.parse(texts, where=str(board.folder)), found.problems)


def _put(path: Path, text: str) -> str:
    """Write a file unless it says that already; returns its SHA-256."""
    try:
        known = bounded.content(path, most=bounded.MOST_TEXT, links=False)
    except (OSError, ValueError):  # not there, or no file of ours
        known = b""
    if known != text.encode():
        if path.is_dir() and not path.is_symlink():
            problem = "is a folder, and a file belongs there"
            remedy = "Move it elsewhere, then run `geobench report` again."
            raise StoreError(problem, where=str(path), remedy=remedy)
        drafts.write_file(path, text)
    return written_digest(path)


def _csv(found: Tables) -> dict[str, str]:
    rows: dict[str, Sequence[Any]] = {
        "table.csv": found.rows,
        "curves.csv": found.curves,
        "costs.csv": found.costs,
        "resolution.csv": found.resolutions,
    }
    return {name: as_csv(rows[name], kind) for name, kind in tables.KINDS.items()}


@final
class Contents(NamedTuple):
    """What the files of text of a leaderboard are to hold.

    Args:
        texts: file name -> what `write_files` makes of the tables.
        tables: as a reader finds them in these files.
    """

    texts: dict[str, str]
    tables: Tables


def contents(board: Leaderboard, found: Tables) -> Contents:
    """The files of text of a leaderboard, from its tables; nothing is written."""
    texts = _csv(found)
    shown = tables.parse(texts, where=str(board.folder))
    return Contents({**texts, "README.md": page(board, shown)}, shown)
