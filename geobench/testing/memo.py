"""Memo: what several checks look at is made once, and what goes wrong there is told once."""

from collections.abc import Callable
from typing import Any, TypeVar, final

from geobench.testing.check import Skip

T = TypeVar("T")


@final
class Memo:
    """Values by name, each made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __call__(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned the first time.

        Raises:
            Skip: it raised the first time; an error was told then, a Skip is raised again.
        """
        if name not in self._made:
            try:
                self._made[name] = make()
            except Exception as error:
                self._made[name] = error
                raise
        found = self._made[name]
        if isinstance(found, Skip):
            raise found
        if isinstance(found, Exception):
            raise Skip("what it needs has failed in a check above")
        return found  # type: ignore[no-any-return]  # what `make` of that name returned
