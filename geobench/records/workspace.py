"""The workspace: where leaderboards and what can be rebuilt lie, and the locks that runs share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from geobench import drafts
from geobench.names import file_name


@final
class Workspace:
    """The folder in which `leaderboards/` and `.geobench/` lie.

    Both may be links, unless git tracks them; below them nothing is written or deleted through one.

    Args:
        root: the folder.

    Raises:
        LinkError: git tracks one of the two as a link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / ".geobench"
        self.boards = root / "leaderboards"
        for folder in (self.hidden, self.boards):
            drafts.refuse_tracked(folder)
            drafts.protect(folder)
        self.features = self.hidden / "features"
        self.states = self.hidden / "states"
        self.cache = self.hidden / "cache"
        self.checkpoints = self.hidden / "checkpoints"

    def board(self, name: str) -> Path:
        """The folder of a benchmark's leaderboard; a long name is shortened."""
        return self.boards / file_name(name)

    @contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold a lock that other runs on this workspace respect; yields whether it is held."""
        path = drafts.lock_file(self.hidden / "locks" / f"{name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()
