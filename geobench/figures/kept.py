"""Which files of figures/ are pictures of a leaderboard, and which are somebody else's."""

from pathlib import Path

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


def unknown(board: Leaderboard) -> list[Path]:
    """What lies in figures/ and is no picture of benchmark.json: geobench leaves it alone."""
    known, folder = {entry.file for entry in board.manifest.pictures}, board.folder / "figures"
    there = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    shown = [path for path in there if not path.name.startswith(".")]
    return [path for path in shown if f"figures/{path.name}" not in known]
