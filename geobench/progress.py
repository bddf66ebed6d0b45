"""Progress: how a long loop shows how far it is."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Track: TypeAlias = Callable[[Iterable[Any], int | None, str], Iterator[Any]]
"""Iterates over (items, how many they are if that is known, what is done with them)."""


def untracked(items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
    """The items, and nothing is shown."""
    yield from items
