"""The pictures below a folder: each once, whichever ways lead to it, and what is passed over."""

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, final

from geobench_basics.datasets.bombs import NO_FILE
from geobench_basics.datasets.broken import LeftOut, encodable, logger

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
    | {".avif", ".heic", ".heif", ".hif", ".jp2", ".j2k", ".jpf", ".jpx", ".jxl"}
)
"""Endings, in lower case, of what counts as a picture, readable here or not."""

RAW = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".gpr", ".iiq", ".kdc", ".mef"}
    | {".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf"}
    | {".srw", ".x3f"}
)
"""Endings of what cameras write beside pictures: no decoder is at hand."""

MOST_MEGAPIXELS = 300.0
"""Larger pictures are left out: decoded, they may take more than a gigabyte."""

SHORTER_SIDE = 1024
"""Pixels that the shorter side of a picture keeps, at least, where it is read smaller."""

READING = f"upright; at 1/k of its sides with the shorter of at least {SHORTER_SIDE}"
"""How `pictures` reads one: in the digests of datasets."""

CANNOT_BE_READ = "cannot be read"
CLOSED = f"a folder that {CANNOT_BE_READ}"
_CLOSED_LINK = f"a link that {CANNOT_BE_READ}"
NOT_READABLE = "not a readable picture"

_THUMBNAILS = frozenset({"thumbs", "thumbnails", "@eadir"})
_THUMBNAILS_HIDDEN = frozenset({".thumbs", ".thumbnails", ".thumb", ".@__thumb", ".xvpics"})
_TRASH = frozenset({"$recycle.bin", "recycler", "recycled", "#recycle", "@recycle", "lost+found"})
_SYSTEM = frozenset({"__macosx", "system volume information", "#snapshot", "@tmp"})

_Key: TypeAlias = tuple[int, int] | str
"""What tells two files apart: device and number, or, where there is no number, the real path."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """What lies below a folder.

    Args:
        pictures: their paths below the folder, with forward slashes, sorted; each file once.
        left_out: what is no file, cannot be read or is passed over.
        aside: pictures that are passed over: hidden, in the trash, thumbnails.
        closed: folders that are passed over, and cannot be read either.
    """

    pictures: list[str]
    left_out: LeftOut
    aside: list[str]
    closed: list[str]


def find(root: Path) -> Found:
    """All pictures below `root`. Nothing is opened; what is no regular file is passed over.

    Links to folders and to pictures are followed, wherever they lead, and a picture that is reached
    twice counts once, under the path without a link if there is one.
    """
    walk = _Walk(root)
    walk.all_below("")
    for path in walk.links:  # grows while it is gone through
        walk.follow(path)
    for path, reason in walk.tucked_away:
        walk.pass_over(path, reason)
    return Found(sorted(walk.pictures), walk.left_out, walk.aside, walk.closed)


@final
@dataclass(frozen=True, slots=True)
class Named:
    """What a table may name.

    Args:
        pictures: paths below the folder, sorted.
        closed: folders that cannot be read, in which more may lie.
    """

    pictures: list[str]
    closed: list[str]


def find_pictures(root: Path) -> Named:
    """All pictures below `root` that a table may name: those that `find` finds, and those it passes
    over, unless a picture that it does not has their name."""
    found = find(root)
    taken = {path.rpartition("/")[2] for path in found.pictures}
    aside = [path for path in found.aside if path.rpartition("/")[2] not in taken]
    closed = [name for why in (CLOSED, _CLOSED_LINK) for name in found.left_out.names.get(why, [])]
    return Named(sorted(found.pictures + aside), sorted(closed + found.closed))


@dataclass
class _Walk:
    root: Path
    pictures: list[str] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    aside: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tucked_away: list[tuple[str, str]] = field(default_factory=list)
    known: set[_Key] = field(default_factory=set)

    def all_below(self, start: str) -> None:
        """Everything below a folder, without going through links."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            inner = []
            for entry in self.entries(folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                try:
                    is_folder = self.look_at(entry, path)
                except OSError:  # some file systems say only to who may enter what an entry is
                    self.left_out.add(CANNOT_BE_READ, path)
                    continue
                if is_folder:
                    inner.append(path)
            waiting += reversed(inner)

    def entries(self, folder: str) -> list["os.DirEntry[str]"]:
        """What is in a folder, by name; nothing if it was seen before or cannot be read."""
        try:
            if not self.is_new(folder, os.stat(self.root / folder)):
                return []
            with os.scandir(self.root / folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError:
            self.left_out.add(CLOSED, folder or ".")
            return []

    def look_at(self, entry: "os.DirEntry[str]", path: str) -> bool:
        """Take a picture, put a link or a hidden folder aside; whether it is a folder to walk."""
        if entry.is_symlink():
            if not _why_hidden(entry.name):
                self.links.append(path)
            elif _is_picture(path) or os.path.isdir(entry.path):
                self.left_out.add("a hidden link", path)
            return False
        if entry.is_dir(follow_symlinks=False):
            if reason := _why_hidden(entry.name):
                self.tucked_away.append((path, f"in a {reason} folder"))
            elif _is_picture(path):
                self.left_out.add("a folder with the name of a picture", path)
            return not reason
        if _suffix(path) in RAW:
            self.left_out.add("a raw file, which is not read: export it as JPEG", path)
        elif _is_picture(path):
            try:
                self.take(path, entry.stat(follow_symlinks=False))
            except OSError:
                self.left_out.add(CANNOT_BE_READ, path)
        return False

    def follow(self, path: str) -> None:
        """Take the picture, or walk the folder, that a link leads to."""
        maybe_folder = not _suffix(path)
        try:
            there = os.stat(self.root / path)
        except OSError as error:
            nowhere = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
            if _is_picture(path):
                self.left_out.add(NOT_READABLE if nowhere else CANNOT_BE_READ, path)
            elif maybe_folder:
                reason = "a link that leads nowhere" if nowhere else _CLOSED_LINK
                self.left_out.add(reason, path)
            return
        if stat.S_ISDIR(there.st_mode):
            self.all_below(path)
        elif _is_picture(path):
            self.take(path, there)

    def take(self, path: str, there: os.stat_result) -> None:
        """Keep a picture that is a file, is not hidden and was not seen before."""
        if not stat.S_ISREG(there.st_mode):
            self.left_out.add(NO_FILE, path)
        elif path.rpartition("/")[2].startswith("."):
            self.left_out.add("a hidden file", path)
            self.aside.append(path)
        elif self.is_new(path, there):
            self.pictures.append(path)

    def pass_over(self, folder: str, reason: str) -> None:
        """Count the pictures of a folder that nothing else leads to."""
        before = len(self.aside)

        def closed(error: OSError) -> None:
            # What lies in it is passed over, whatever it is: it is said and counts as no photo.
            name = os.path.relpath(error.filename, self.root)
            logger.warning("a %s folder that %s: %s", reason[5:-7], CANNOT_BE_READ, encodable(name))
            self.closed.append(encodable(name))

        for found, inner, names in os.walk(self.root / folder, onerror=closed):
            inner.sort()
            for name in filter(_is_picture, sorted(names)):
                path = Path(found, name)
                try:
                    there = path.lstat()
                except OSError:  # it has gone meanwhile, or the folder lets nobody in
                    continue
                below = path.relative_to(self.root).as_posix()
                if stat.S_ISREG(there.st_mode) and self.is_new(below, there):
                    self.aside.append(below)
        if count := len(self.aside) - before:
            self.left_out.add(reason, folder, count=count)

    def is_new(self, path: str, there: os.stat_result) -> bool:
        """Whether a file or folder was not seen before; it is from now on."""
        key: _Key = (there.st_dev, there.st_ino)
        if not there.st_ino:  # some network file systems number nothing
            key = os.path.realpath(self.root / path)
        new = key not in self.known
        self.known.add(key)
        return new


def _why_hidden(name: str) -> str:
    """What kind of folder it is that is passed over; "" for one that is walked."""
    low = name.lower()
    if low in _THUMBNAILS or low in _THUMBNAILS_HIDDEN:
        return "thumbnail"
    if low in _TRASH or low.startswith((".trash", ".dtrash")):
        return "trash"
    return "hidden" if low.startswith(".") or low in _SYSTEM else ""


def _is_picture(path: str) -> bool:
    return _suffix(path) in SUFFIXES


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()
