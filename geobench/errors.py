"""What can go wrong: every error says what is wrong, where, and what to type."""

import errno
import os
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


LONGEST = 2000
"""Letters of an error's text that are shown and kept; what follows is counted."""


def words_of(error: BaseException, most: int = LONGEST) -> str:
    """What an error says, in one line that every file and terminal takes, whoever raised it.

    Its text may be of megabytes, hold half a character, or not be had at all.
    """
    try:
        text = str(error)
    except BaseException as worse:  # it is of code that is not ours, and is asked while it fails
        return f"(what it says cannot be had: its text raises {type(worse).__name__})"
    return storable(" ".join(text[: 4 * most].split()), most, of=len(text))


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
    """The traceback of an error, as a file keeps it."""
    return storable("".join(traceback.format_exception(error)), LONGEST_TRACEBACK)


def unforeseen(error: BaseException) -> str:
    """An error that nobody foresaw in one line: its kind, what it says, and where in which file."""
    said = f"{type(error).__name__}: {words_of(error)}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else said


WHOLE = "GEOBENCH_TRACEBACK"
"""The environment variable with which an error that nobody foresaw is shown in full."""


def sentence(error: Exception) -> str:
    """What a reader is told of an error, whoever raised it, in one line and with what to do."""
    if isinstance(error, GeobenchError):
        return str(error)
    if of_the_system(error):
        assert isinstance(error, OSError)
        return _said_by_the_system(error)
    return (
        f"{unforeseen(error)}, which nobody foresaw. {WHOLE}=1 before the command shows all of "
        "it, for a report to who wrote that file."
    )


def of_the_system(error: BaseException) -> bool:
    """Whether the operating system refused something: a file, a folder, room on a disk."""
    return isinstance(error, OSError) and error.strerror is not None


_REMEDIES = {
    errno.EROFS: "Choose a --workspace on a disk that can be written.",
    errno.ENOSPC: "Make room on this disk, or choose a --workspace on another; what was finished "
    "is kept.",
    errno.EDQUOT: "Make room below your quota, or choose a --workspace on another disk; what was "
    "finished is kept.",
    errno.EISDIR: "Move it elsewhere, or remove it: a file belongs there.",
    errno.EMFILE: "Allow more open files: ulimit -n 4096.",
}
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR, errno.ENOENT)


def _said_by_the_system(error: OSError) -> str:
    path = None if error.filename is None else Path(os.fsdecode(error.filename))
    where = f"{path}: " if path is not None else ""
    reason = " ".join(str(error.strerror).split())
    remedy = _REMEDIES.get(error.errno or 0, f"{WHOLE}=1 before the command shows where.")
    if error.errno in _FORBIDDEN:
        it = "it"
        if path is not None and not os.path.lexists(path):
            it = f"in {next(each for each in path.parents if os.path.lexists(each))}"
        remedy = f"Let this user read and write {it}, or choose another --workspace."
    elif error.errno in _NO_FOLDER and path is not None:
        missing = error.errno == errno.ENOENT  # the path itself is then no file in the way
        if lying := _in_the_way([*([] if missing else [path]), *path.parents]):
            remedy = "Put a folder in its place, or choose another --workspace."
            return f"{lying}, lies where a folder belongs. {remedy}"
    return f"{where}{reason[0].lower()}{reason[1:]}. {remedy}"


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
