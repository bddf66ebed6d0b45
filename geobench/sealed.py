"""Sealed folders: made once, under a lock, and made again where a file in one has changed since."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from geobench import drafts
from geobench.digests import digest, file_digest, known_digest

log = logging.getLogger(__name__)

_SEAL = ".geobench-seal.json"  # in the folder, so that both appear at once


def made_once(place: Path, make: Callable[[Path], None], *, lock: Path) -> Path:
    """The folder `place`, with every file as `make` has written it into an empty folder.

    It is made where it is not there, where a file of it was cut, changed or removed, and where it
    has no seal, as earlier versions left it. Files are read once per process.

    Args:
        place: where it belongs.
        make: fills an empty folder.
        lock: the file that keeps other runs from making it at the same time.

    Raises:
        LinkError: one of the two is a link, or lies beyond one.
    """
    drafts.real(place)
    if _is_whole(place):
        return place
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(drafts.lock_file(lock)):  # another run may be making it
        if not _is_whole(place):
            if place.exists():
                log.warning("%s is not as it was made: it is made again", place)
            with drafts.folder(place) as draft:
                make(draft)
                made = {p.relative_to(draft).as_posix(): file_digest(p) for p in _files(draft)}
                seal = {"files": made, "stamp": digest(made)}
                (draft / _SEAL).write_text(json.dumps(seal), "utf-8")
    return place


def _is_whole(place: Path) -> bool:
    try:
        seal = json.loads((place / _SEAL).read_text("utf-8"))
        made: dict[str, str] = seal["files"]
        if seal["stamp"] != digest(made):
            return False
        return all(known_digest(place / name) == sha256 for name, sha256 in made.items())
    except Exception:  # whatever is wrong with it, it can be made again
        return False


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()]
