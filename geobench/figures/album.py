"""The pictures of a leaderboard as files that know what they show."""

import io
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, final

from geobench import bounded, drafts
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import Tables
from geobench.board.tables import read as tables_of
from geobench.digests import digest, written_digest
from geobench.errors import GeobenchError, StoreError, unforeseen
from geobench.figures.kept import intact, named
from geobench.figures.pictures import planned
from geobench.figures.style import house_style
from geobench.records import Manifest
from geobench.records.manifest import StoredPicture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
VERSION = 8
"""Raised when the same numbers give other pictures."""


def source(manifest: Manifest, file_format: str) -> str:
    """The digest of what pictures are drawn from: benchmark, arrays, records, tables, version."""
    shown = {name: value for name, value in manifest.data.items() if name != "figures"}
    tables = manifest.tables or {}
    shown["tables"] = {name: tables[name] for name in tables if name.endswith(".csv")}
    return digest([VERSION, file_format, shown])


@final
class Album(NamedTuple):
    """What `draw` made: the pictures that there are now, and why others could not be drawn."""

    drawn: list[StoredPicture]
    problems: list[str]


def draw(
    board: Leaderboard, tables: Tables, *, file_format: str | None = None, new: bool = True
) -> Album:
    """Draw every picture into figures/, and remove those of other numbers.

    Pictures of the same source that are as they were written are kept. Removed are only files that
    benchmark.json named until now, by their SHA-256: nobody else's, and nothing that was changed.
    Where another file has the name of a picture that benchmark.json does not name, it stays, and
    a problem says so.

    Args:
        board: whose manifest names the tables as they are on disk.
        tables: as read from its folder.
        file_format: one of FORMATS; that of the pictures that are there, else PNG.
        new: draw; otherwise those that are fresh stay, and no other is made.
    """
    old = named(board)
    if file_format is None:
        found = [Path(entry.file).suffix.removeprefix(".") for entry in old]
        file_format = next((suffix for suffix in found if suffix in FORMATS), FORMATS[0])
    now = source(board.manifest, file_format)
    fresh = [entry for entry in old if entry.source == now and intact(board.folder, entry)]
    ours = {entry.file.casefold() for entry in old}  # some disks know no capitals
    drawn, problems = list[StoredPicture](), list[str]()
    for picture in planned(board, tables):
        path = board.folder / "figures" / f"{picture.name}.{file_format}"
        known = [entry for entry in fresh if entry.file == f"figures/{path.name}"]
        told = {"title": picture.title, "caption": picture.caption, "part": picture.part}
        if known or not new:  # of the same picture it may be said otherwise how it is read
            drawn += [StoredPicture.model_validate({**entry.data, **told}) for entry in known]
            continue
        try:
            content = rendered(picture.draw, file_format)
            if path.is_dir() or f"figures/{path.name}".casefold() not in ours:
                _refuse_other(path, content)
            drafts.write_file(path, content)
        except GeobenchError as error:
            problems.append(f"picture {error}")
            continue
        except Exception as error:  # a picture less is no reason to lose the others
            problems.append(
                f"picture {path} cannot be drawn, all else is kept: {unforeseen(error)}. "
                f"Once that is mended, `geobench report {board.folder}` draws it."
            )
            continue
        entry = StoredPicture(
            file=f"figures/{path.name}", **told, source=now, sha256=written_digest(path)
        )
        drawn.append(entry)
    kept = {entry.file.casefold() for entry in drawn}
    for entry in old:
        if entry.file.casefold() not in kept and intact(board.folder, entry):
            drafts.remove(board.folder / entry.file)
    return Album(drawn, problems)


def _refuse_other(path: Path, content: bytes) -> None:
    """Raise StoreError if something lies there that geobench did not write.

    What a run that was killed before it wrote benchmark.json has drawn has the same bytes.
    """
    try:
        other = bounded.content(path, most=bounded.MOST_TEXT, links=False) != content
    except FileNotFoundError:
        return
    except (OSError, ValueError):  # a folder, say; that it is a link is said when it is written
        other = not path.is_symlink()
    if other:
        raise StoreError(
            "has the name of a picture, and is none that benchmark.json names: it is left alone, "
            "and the picture is not drawn",
            where=str(path),
            remedy="Move it elsewhere, then run `geobench report` again.",
        )


def rendered(draw_figure: "Callable[[], Figure]", file_format: str) -> bytes:
    """A picture as the bytes of a file; the same figure gives the same bytes."""
    stream = io.BytesIO()
    nothing = {"png": {"Software": None}, "svg": {"Date": None}}[file_format]
    with house_style(), warnings.catch_warnings():
        # A letter that the font lacks stands as a box: nobody can do anything about it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        draw_figure().savefig(stream, format=file_format, metadata=nothing)
    return stream.getvalue()


def stale(board: Leaderboard, tables: Tables | None = None) -> list[str]:
    """Which pictures are missing, changed, or drawn from other numbers than the tables hold.

    A leaderboard without any was made with `--no-figures`, and is sound.

    Args:
        board: whose pictures.
        tables: as they lie in its folder; they are read, unless given.
    """
    problems = []
    entries = board.manifest.pictures
    if len(entries) != len(board.manifest.figures or []):
        problems.append(f"{board.folder / 'benchmark.json'}: figures names what is no picture")
    linked = (board.folder / "figures").is_symlink()
    if linked:
        problems.append(f"{board.folder / 'figures'} is a link; `report` writes a real folder only")
    if entries:
        wanted = set[str]()
        with suppress(GeobenchError):  # what is wrong with the tables is said of them
            shown = tables_of(board.folder) if tables is None else tables
            wanted = {picture.name for picture in planned(board, shown)}
        for name in sorted(wanted - {Path(entry.file).stem for entry in entries}):
            problems.append(f"{board.folder / 'figures' / name}: this picture was never drawn")
    for entry in [] if linked else entries:  # what lies beyond a link is not even read
        path = board.folder / entry.file
        if not os.path.lexists(path):
            problems.append(f"{path} is missing")
        elif not intact(board.folder, entry):
            problems.append(f"{path} is not the picture that benchmark.json names")
        elif entry.source != source(board.manifest, path.suffix.removeprefix(".")):
            problems.append(f"{path} was drawn from other numbers than the tables hold")
    return problems
