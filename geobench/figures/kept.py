"""Which files of figures/ are pictures of a leaderboard, and which are somebody else's."""

from pathlib import Path

from pydantic import ValidationError

from geobench.board.leaderboard import Leaderboard
from geobench.digests import written_digest
from geobench.records.manifest import StoredPicture


def as_written(path: Path, sha256: str) -> bool:
    """Whether a file is there as it was written, by its SHA-256: a real file, not a link to one."""
    try:
        return written_digest(path) == sha256
    except (OSError, ValueError):  # not there, a link, a folder, a device, too large
        return False


def intact(folder: Path, entry: StoredPicture) -> bool:
    """Whether a picture is there as it was written: a real file in a real folder."""
    path = folder / entry.file
    return not path.parent.is_symlink() and as_written(path, entry.sha256)


def named(board: Leaderboard) -> list[StoredPicture]:
    """The pictures that benchmark.json names, also by entries with a key too many or a wrong one.

    A file that has the SHA-256 of such an entry is one of ours: it may be drawn anew, and the entry
    is then written as it should be. Otherwise it would stay in the way of the next for good.
    """
    found = []
    for entry in board.manifest.figures or []:
        if isinstance(entry, dict):
            words = {name: entry.get(name) for name in StoredPicture.model_fields}
            told = {name: word if isinstance(word, str) else "" for name, word in words.items()}
            try:
                picture = StoredPicture.model_validate(told)
            except ValidationError:  # it names no file in figures/
                continue
            found += [picture] if intact(board.folder, picture) else []
        elif isinstance(entry, StoredPicture):
            found.append(entry)
    return found


def unknown(board: Leaderboard) -> list[Path]:
    """What lies in figures/ and is no picture of benchmark.json: geobench leaves it alone."""
    known, folder = {entry.file for entry in named(board)}, board.folder / "figures"
    there = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    shown = [path for path in there if not path.name.startswith(".")]
    return [path for path in shown if f"figures/{path.name}" not in known]
