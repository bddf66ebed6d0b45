"""Which files of figures/ are pictures of a leaderboard, and which are somebody else's."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from geobench.board.leaderboard import Leaderboard
from geobench.digests import file_digest


@final
@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture's entry in benchmark.json.

    Args:
        file: its path below the leaderboard's folder.
        title, caption, part: as of the Picture.
        source: the digest of what it was drawn from, see `source`.
        sha256: of the file.
    """

    file: str
    title: str
    caption: str
    part: str
    source: str
    sha256: str


_PICTURE = re.compile(r"figures/(?!\.)[^/\\\0]+")
"""What `Drawn.file` looks like. Leaderboards come from strangers: no other path is ever opened."""


def named(board: Leaderboard) -> list[Drawn]:
    """The pictures that benchmark.json names; an entry that is none is left out."""
    return [Drawn(**entry) for entry in listed(board) if _is_picture(entry)]


def listed(board: Leaderboard) -> list[Any]:
    """What benchmark.json lists as pictures, whatever it is."""
    found = board.manifest.get("figures", [])
    return found if isinstance(found, list) else [found]


def _is_picture(entry: Any) -> bool:
    names = {column.name for column in fields(Drawn)}
    texts = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    return texts and set(entry) == names and _PICTURE.fullmatch(entry["file"]) is not None


def intact(folder: Path, entry: Drawn) -> bool:
    """Whether a picture is there as it was written: a real file in a real folder."""
    path = folder / entry.file
    real = path.is_file() and not path.is_symlink() and not path.parent.is_symlink()
    return real and file_digest(path) == entry.sha256


def unknown(board: Leaderboard) -> list[Path]:
    """What lies in figures/ and is no picture of benchmark.json: geobench leaves it alone."""
    known, folder = {entry.file for entry in named(board)}, board.folder / "figures"
    there = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    shown = [path for path in there if not path.name.startswith(".")]
    return [path for path in shown if f"figures/{path.name}" not in known]
