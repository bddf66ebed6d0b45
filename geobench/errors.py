"""What can go wrong: every error says what is wrong, where, and what to type."""

import errno
import os
import signal
import traceback
from pathlib import Path


class GeobenchError(Exception):
    """An error that the reader can act on.

    Args:
        problem: what is wrong, naming the thing (one sentence, no full stop).
        where: the file and line, the plugin, the record or the photo it happened in.
        remedy: what to change or to type.
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.where = where
        self.remedy = remedy
        super().__init__(problem, where, remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}. {self.remedy}" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.where, self.remedy)


class ConfigError(GeobenchError):
    """A benchmarks.yaml, or a component's own configuration, that cannot be used as it is."""


class PluginError(GeobenchError):
    """A plugin that does not import, registers wrongly, lacks a package or does not exist."""


class NotFittedError(PluginError, AttributeError):
    """A method that was asked for what `fit` or `restore` gives, before either.

    It is an AttributeError, too, so that `hasattr`, copies and pickles find nothing there.
    """


class DataError(GeobenchError):
    """A dataset, split, picture or feature file that is not what it promises to be."""


class PredictionError(GeobenchError):
    """A method's answer that is no batch of distributions on the sphere."""


class StoreError(GeobenchError):
    """A stored record, table or state that is damaged, stale or of another version."""


class LinkError(GeobenchError):
    """A link where something would be written or deleted; it is not followed."""


class DeadlineError(GeobenchError):
    """A training that ran into the benchmark's deadline; it stores nothing."""


class Interrupted(BaseException):
    """Ctrl-C, or a signal that ends a process; it is no error, and only the command catches it.

    Args:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)

    @property
    def code(self) -> int:
        """The exit code that shells know it by."""
        return 128 + self.number

    @property
    def name(self) -> str:
        """How a reader knows it."""
        named = signal.Signals(self.number)
        return "Ctrl-C" if named is signal.SIGINT else named.name


LONGEST = 2000
"""Letters of an error's text that are shown and kept; what follows is counted."""


def words_of(error: BaseException, most: int = LONGEST) -> str:
    """What an error says, in one line that every file and terminal takes, whoever raised it.

    Secrets are not in it (`geobench.confidential`). Its text may be of megabytes, hold half a
    character, or not be had at all.
    """
    try:
        text = str(error)
    except BaseException as worse:  # it is of code that is not ours, and is asked while it fails
        return f"(what it says cannot be had: its text raises {type(worse).__name__})"
    from geobench.confidential import without_secrets  # a start needs none

    known = without_secrets(" ".join(text[: 4 * most].split()))
    return storable(known, most, of=len(text))


def storable(text: str, most: int, *, of: int = 0) -> str:
    """A text without halves of characters, of at most so many letters; what is cut is counted.

    Args:
        text: any.
        most: letters that are kept.
        of: letters that the whole has, of which `text` may be the beginning.
    """
    whole = text.encode("utf-8", "backslashreplace").decode()
    if len(whole) <= most and of <= 4 * most:
        return whole
    left = max(of, len(whole)) - most
    return f"{whole[:most]}\N{HORIZONTAL ELLIPSIS} ({left:,} letters more)"


def said_by(error: BaseException) -> str:
    """Kind and words of an error in one line; of one of ours the words alone."""
    if isinstance(error, GeobenchError):
        return words_of(error)
    return f"{type(error).__name__}: {words_of(error)}"


LONGEST_TRACEBACK = 100_000
"""Letters of a traceback that are kept."""


def traced(error: BaseException) -> str:
    """The traceback of an error, as a file keeps it: without secrets."""
    from geobench.confidential import without_secrets  # a start needs none

    whole = "".join(traceback.format_exception(error))[: 4 * LONGEST_TRACEBACK]
    return storable(without_secrets(whole), LONGEST_TRACEBACK)


def unforeseen(error: BaseException) -> str:
    """An error that nobody foresaw in one line: its kind, what it says, and where in which file."""
    said = f"{type(error).__name__}: {words_of(error)}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else said


WHOLE = "GEOBENCH_TRACEBACK"
"""The environment variable with which an error that nobody foresaw is shown in full."""


def sentence(error: Exception, *, workspace: bool = True) -> str:
    """What a reader is told of an error, whoever raised it, in one line and with what to do.

    Args:
        error: any.
        workspace: whether a --workspace can be named where it happened.
    """
    if isinstance(error, GeobenchError):
        return str(error)
    if of_the_system(error):
        assert isinstance(error, OSError)
        return _said_by_the_system(error, workspace=workspace)
    if isinstance(error, MemoryError):
        said = f" ({words})" if (words := words_of(error)) else ""
        return (
            f"memory ran out{said}. Close other programs, or run it where there is more; what was "
            "finished is kept."
        )
    return (
        f"{unforeseen(error)}, which nobody foresaw. {WHOLE}=1 before the command shows all of "
        "it, for a report to who wrote that file."
    )


def of_the_system(error: BaseException) -> bool:
    """Whether the operating system refused something: a file, a folder, room on a disk."""
    return isinstance(error, OSError) and error.strerror is not None


WRITING = "geobench was writing this"
"""The note of an error that a file or folder to be written was refused with."""

_LONGEST_PATH = 300
_ROOM = "or {a} on another disk; what was finished is kept."
_LATER = "The disk or the network that it lies on is out of order: look after it, and try again."
_LOCKS = "Its file system lacks what is asked of it, such as locks: {another} on another disk."
_REMEDIES = {
    errno.EROFS: "{A} on a disk that can be written.",
    errno.ENOSPC: f"Make room on this disk, {_ROOM.replace(' disk', '')}",
    errno.EDQUOT: f"Make room below your quota, {_ROOM}",
    errno.EFBIG: f"Allow larger files: ulimit -f unlimited; {_ROOM}",
    errno.EMFILE: "Allow more open files: ulimit -n 4096.",
    errno.ENFILE: "Close other programs: the whole machine has too many open files.",
    errno.ENOMEM: "Close other programs, or run it where there is more memory.",
    errno.EAGAIN: "Close other programs, or allow more processes: ulimit -u.",
    errno.ENAMETOOLONG: "Use shorter names: most file systems take 255 bytes of each.",
    errno.ELOOP: "Its links lead in a circle: remove one of them.",
    errno.ENOLCK: _LOCKS,
    errno.EOPNOTSUPP: _LOCKS,
    errno.ENOSYS: _LOCKS,
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT), _LATER),
}
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR, errno.ENOENT)
_OF_WRITING = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EEXIST)
_WRITTEN = {".geobench", "leaderboards"}


def _said_by_the_system(error: OSError, *, workspace: bool) -> str:
    path = None if error.filename is None else Path(os.fsdecode(error.filename))
    named = "" if path is None else storable(str(path), _LONGEST_PATH)
    reason = " ".join(str(error.strerror).split())
    said = f"{f'{named}: ' if named else ''}{reason[0].lower()}{reason[1:]}"
    a = "choose a --workspace" if workspace else "name or copy it to a place"
    another = "choose another --workspace" if workspace else "name another place"
    if path is None:
        if error.errno == errno.ENOENT and not _has_folder():
            return "the folder that this command runs in is gone. Change to one that is there: cd"
    elif _is_written(error, path):
        if error.errno in _FORBIDDEN:
            return f"{said}. Let this user read and write {_refused(path)}, or {another}."
        # Where a path is not there, no file but one above it is in the way.
        steps = [*([] if error.errno == errno.ENOENT else [path]), *path.parents]
        if error.errno in _NO_FOLDER and (lying := _in_the_way(steps)):
            return f"{lying}, lies where a folder belongs. Put a folder in its place, or {another}."
        if error.errno == errno.EISDIR:
            return f"{named}, a folder, lies where a file belongs. Move it away, or {another}."
        if error.errno in _NO_FOLDER:
            return f"{said}. {another[0].upper()}{another[1:]}."
    elif error.errno in _FORBIDDEN:
        return f"{said}. Let this user read {_refused(path)}, or name another."
    elif error.errno == errno.EISDIR:
        return f"{named}: is a folder, where a file belongs. Name the file."
    elif error.errno in _NO_FOLDER:
        return f"{said}. Check the path: of it there is {_there(path)}, and nothing beyond."
    remedy = _REMEDIES.get(error.errno or 0, f"{WHOLE}=1 before the command shows where.")
    return f"{said}. {remedy.format(a=a, A=a[0].upper() + a[1:], another=another)}"


def _is_written(error: OSError, path: Path) -> bool:
    """Whether it is of a file that was to be written, and not of one that was to be read."""
    noted = WRITING in getattr(error, "__notes__", ())
    return noted or error.errno in _OF_WRITING or not _WRITTEN.isdisjoint(path.parts)


def _has_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _refused(path: Path) -> str:
    return "it" if os.path.lexists(path) else f"in {_there(path)}"


def _there(path: Path) -> Path:
    """The last of a path that is there."""
    return next((each for each in path.parents if os.path.lexists(each)), path)


def _in_the_way(steps: list[Path]) -> str:
    """The file, or the link to nowhere, among what should be folders; or ""."""
    for each in steps:
        if os.path.islink(each) and not os.path.exists(each):
            return f"{each}, a link that leads nowhere"
        if os.path.isfile(each):
            return f"{each}, a file"
    return ""


def _rebuild(kind: type[GeobenchError], problem: str, where: str, remedy: str) -> GeobenchError:
    return kind(problem, where=where, remedy=remedy)
