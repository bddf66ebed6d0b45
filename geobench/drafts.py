"""Drafts: a file or a folder appears whole or not at all, and nothing is done through a link.

A draft is a folder `.geobench-draft-<uuid>/` beside what it will be, so that a rename puts it into
place on any file system. It holds a marker, by which a later run knows what a killed one left.
"""

import errno
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from geobench.errors import WRITING, LinkError, StoreError

WEEK = 7 * 24 * 3600.0
"""Seconds after which a draft counts as left behind; a training's scratch folder is one, too."""

_AHEAD = 24 * 3600.0  # seconds; what is further in the future was written by a clock that was wrong
_PREFIX = ".geobench-draft-"
_SIGNED = 16  # of the 32 digits in a draft's name, those that may be a signature
_NAME = re.compile(re.escape(_PREFIX) + "[0-9a-f]{32}")
_MARKER = "geobench-draft.txt"
_SAYS = "geobench is writing here, or was until it was killed; after a week a run removes it.\n"

_protected: set[Path] = set()
_withheld: ContextVar[bool] = ContextVar("withheld", default=False)
_signature = ""


def protect(*roots: Path) -> None:
    """From now on nothing below these folders is written or removed through a link.

    Each of them may be a link itself, to a scratch disk say.
    """
    _protected.update(Path(os.path.abspath(root)) for root in roots)


def real(path: Path) -> Path:
    """The path, if neither it nor a folder between it and what is protected above it is a link.

    Raises:
        LinkError: one of them is.
    """
    place = Path(os.path.abspath(path))  # not resolved: links are what is looked for
    if place in _protected:
        return path
    steps = [place]
    if root := next((each for each in place.parents if each in _protected), None):
        steps += [each for each in place.parents if root in each.parents]
    for step in reversed(steps):
        if step.is_symlink():
            raise LinkError(
                "is a link, and nothing is written or deleted through one",
                where=str(step),
                remedy="Put a real file or folder in its place. In a workspace only .geobench and "
                "leaderboards themselves may be links.",
            )
    return path


def lock_file(path: Path) -> Path:
    """The path, if nothing but a lock of ours can lie there: taking a lock empties its file.

    Raises:
        LinkError: it is a link, or lies beyond one.
        StoreError: it is a folder, or a file that holds something, which no lock does.
    """
    try:
        found = real(path).lstat()
    except FileNotFoundError:
        return path
    if not stat.S_ISREG(found.st_mode) or found.st_size:
        raise StoreError(
            "lies where a lock belongs, and is none: a lock is an empty file",
            where=str(path),
            remedy="Move it elsewhere, or remove it if it is not yours.",
        )
    return path


def refuse_tracked(link: Path) -> None:
    """Refuse a link that came with a repository: somebody else chose where it leads.

    Raises:
        LinkError: git tracks it.
    """
    if link.is_symlink() and _tracked(link):
        raise LinkError(
            "is a link that git tracks: who made the repository chose where it leads, and nothing "
            "is written or deleted there",
            where=str(link),
            remedy=f"Put a folder in its place; or take it out of git, if it is yours: "
            f"git rm --cached {link.name}",
        )


def _tracked(link: Path) -> bool:
    import subprocess  # here, because hardly a process meets a link

    # A repository that was downloaded as a folder brings its own configuration, which can name
    # commands to run; and variables of a git hook would ask another repository.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C"]
    command += [str(link.parent), "ls-files", "-z", "--stage", "--", link.name]
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=others)
    except OSError:  # no git on this machine
        return False
    entries = done.stdout.split("\0") if done.returncode == 0 else []
    return any(e.startswith("120000 ") and e.endswith(f"\t{link.name}") for e in entries)


def sign(signature: str) -> None:
    """From now on the names of this process's drafts begin with 16 hexadecimal digits, by which
    `remove_signed` knows them, should this process be killed."""
    global _signature
    _signature = signature


def remove_signed(signature: str, *roots: Path) -> None:
    """Remove the drafts below these folders that a process made which signed so, and has ended."""
    if len(signature) != _SIGNED:
        raise ValueError(f"a signature has {_SIGNED} digits")
    for root in roots:
        for top, folders, _ in os.walk(real(root)):
            for name in [name for name in folders if _NAME.fullmatch(name)]:
                folders.remove(name)
                if name.startswith(f"{_PREFIX}{signature}"):
                    shutil.rmtree(Path(top, name), ignore_errors=True)


@contextmanager
def withheld() -> Iterator[None]:
    """In this block nothing is written or removed; what tries raises RuntimeError."""
    before = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(before)


def _may_change(path: Path) -> None:
    if _withheld.get():
        raise RuntimeError(f"{path}: nothing is written or removed now")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        LinkError: it is a link, or lies beyond one.
        StoreError: it is a device or a pipe, which a file would take the place of.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise StoreError(
            "is no file, and would be replaced by one", where=str(path), remedy="Name a file."
        )
    with _draft(real(path).parent, path) as draft:
        made = draft / "content"
        made.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            made.replace(real(path))  # asked again: a link may have come meanwhile
        except IsADirectoryError as error:  # its first name is that of the draft
            raise IsADirectoryError(error.errno, error.strerror, str(path)) from None


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """An empty folder that replaces `place` whole when the block ends without an error.

    Raises:
        LinkError: `place` is a link, or lies beyond one.
    """
    with _draft(real(place).parent, place) as draft:
        made, old = draft / "content", draft / "old"
        made.mkdir()
        yield made
        if os.path.lexists(real(place)):
            place.rename(old)
        try:
            made.rename(place)
        except OSError:
            if old.exists():
                old.rename(place)
            raise


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """An empty folder somewhere in `parent`, removed when the block ends.

    Raises:
        LinkError: `parent` lies beyond a link.
    """
    with _draft(parent, parent) as draft:
        made = draft / "content"
        made.mkdir()
        yield made


@contextmanager
def _draft(parent: Path, target: Path) -> Iterator[Path]:
    place = real(parent / f"{_PREFIX}{_signature}{uuid.uuid4().hex[len(_signature) :]}")
    _may_change(place)
    with _named(target, place):
        parent.mkdir(parents=True, exist_ok=True)
        place.mkdir()
        try:
            (place / _MARKER).write_text(_SAYS, "utf-8")
            yield place
        finally:
            _discard(place)


@contextmanager
def _named(target: Path, draft: Path) -> Iterator[None]:
    """Have errors of the system name what was to be written, not a draft that is gone."""
    try:
        yield
    except OSError as error:
        if error.errno is None and "requested and" in str(error):  # numpy's, of a write cut short
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        named = error.filename if isinstance(error.filename, str) else ""
        if draft in Path(named).parents or named == str(draft) or error.errno in _FULL:
            error.filename = str(target)
            del error.filename2  # of a rename; None would be told of
            error.add_note(WRITING)
        elif named and Path(named) in draft.parents:
            error.add_note(WRITING)
        raise error


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _discard(draft: Path) -> None:
    """Remove a draft, its marker last: a kill leaves nothing that the sweep does not know."""
    for name in ("content", "old"):
        made = draft / name
        if made.is_dir() and not made.is_symlink():
            shutil.rmtree(made, ignore_errors=True)
        else:
            with suppress(OSError):
                made.unlink()
    shutil.rmtree(draft, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; one that is not there is no error.

    Raises:
        LinkError: it is a link, or lies beyond one.
    """
    _may_change(real(path))
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep(*roots: Path, age: float = WEEK) -> None:
    """Remove the drafts below these folders that a killed run left behind.

    Args:
        roots: where to look; no link below them is followed.
        age: how long nothing in a draft was written, in seconds; 0 where a lock says that nobody
            writes.

    Raises:
        LinkError: one of the folders is a link that may be none, or lies beyond one.
    """
    now = time.time()
    for root in roots:
        _may_change(real(root))
        for top, folders, _ in os.walk(root):
            for name in [name for name in folders if _NAME.fullmatch(name)]:
                folders.remove(name)  # what lies within a draft goes with it, or stays with it
                draft = Path(top, name)
                if not _is_ours(draft):
                    continue
                if not age or _untouched(draft, now - age):
                    _discard(draft)
                else:
                    _bring_back(draft, now)


def _is_ours(draft: Path) -> bool:
    try:
        found = draft.lstat()
        # A kill may come before the marker is written, or after it is removed.
        empty = stat.S_ISDIR(found.st_mode) and not os.listdir(draft)
        drafted = empty or stat.S_ISREG((draft / _MARKER).lstat().st_mode)
    except OSError:  # another run just finished it, or it has no marker
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and drafted and stat.S_ISDIR(found.st_mode)


def _bring_back(draft: Path, now: float) -> None:
    """Give what a clock that was ahead has written the time of now, so that its week begins."""
    with suppress(OSError):  # somebody is at work here
        for path in [*draft.rglob("*"), draft]:
            found = path.lstat()
            # A file of several names may be another's, whose time is left as it is.
            ours = stat.S_ISDIR(found.st_mode) or found.st_nlink == 1
            if ours and found.st_mtime > now + _AHEAD:
                os.utime(path, (now, now), follow_symlinks=False)


def _untouched(draft: Path, before: float) -> bool:
    """Whether nothing in it is newer: a folder's own time does not tell of files deeper down."""
    try:
        return draft.lstat().st_mtime <= before and all(
            Path(top, name).lstat().st_mtime <= before
            for top, folders, names in os.walk(draft)
            for name in folders + names
        )
    except OSError:  # it went while it was looked at: somebody is at work here
        return False
