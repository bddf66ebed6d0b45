"""What can go wrong: every error says what is wrong, where, and what to type."""

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


def unforeseen(error: BaseException) -> str:
    """An error that nobody foresaw in one line: its kind, what it says, and where in which file."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else said


def _rebuild(kind: type[GeobenchError], problem: str, where: str, remedy: str) -> GeobenchError:
    return kind(problem, where=where, remedy=remedy)
