"""A check: one promise that a plugin must keep, and how it ends when it does not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from geobench.errors import GeobenchError

Function: TypeAlias = Callable[[Any], str | None]
"""Takes the subject; returns what it measured, or None. Raises Failure or Skip."""


class Failure(GeobenchError):  # noqa: N818 - an outcome, as Skip is
    """A promise that the plugin does not keep."""


class Skip(Exception):  # noqa: N818
    """The check does not apply to this plugin; says why."""


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One promise, named after it.

    Args:
        kind: what it is a check of (`method`).
        function: does it, on a subject of that kind.
    """

    kind: str
    function: Function

    @property
    def name(self) -> str:
        """The function's name, its words joined by hyphens."""
        return self.function.__name__.replace("_", "-")

    @property
    def description(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().split("\n")[0]

    def __call__(self, subject: Any) -> str:
        """Check a subject; what was measured, "" if nothing was.

        Raises:
            Failure: the promise is not kept.
            Skip: it does not apply.
        """
        return self.function(subject) or ""


def ensure(condition: Any, problem: str, remedy: str = "") -> None:
    """Raise Failure unless `condition` holds."""
    if not condition:
        raise Failure(problem, remedy=remedy)
