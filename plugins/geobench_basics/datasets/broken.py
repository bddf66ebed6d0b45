"""Photos that a dataset has to leave out: counted by reason, and said in the log."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

logger = logging.getLogger("geobench.dataset")

_NAMED = 100  # of a reason; what there is more is counted


@final
@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is left out, by reason: how many photos, and by which names one finds them.

    Args:
        counts: reason -> how many photos.
        names: reason -> the photos, or the folders that they lie in.
    """

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str, *, count: int = 1) -> None:
        """Leave out a photo, or the `count` photos of a folder."""
        self.counts[reason] = self.counts.get(reason, 0) + count
        self.names.setdefault(reason, []).append(encodable(name))

    def log(self, dataset: str) -> None:
        """Warn of them, a line for each reason, in which each name stands once."""
        for reason, count in self.counts.items():
            first, *others = sorted(self.names[reason])
            then = f", then: {', '.join(others[:_NAMED])}" if others else ""
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            said = (dataset, count, reason, first, then + more)
            logger.warning("%s: %d photos: %s (first: %s)%s", *said)

    def __str__(self) -> str:
        return ", ".join(f"{count} {reason}" for reason, count in self.counts.items())


def log_broken(dataset: str, broken: Mapping[str, int], *, first: Mapping[str, str]) -> None:
    """Warn of photos that are left out, a line for each reason.

    Args:
        dataset: its name.
        broken: how many photos each reason has.
        first: an example for each reason.
    """
    for reason, count in broken.items():
        logger.warning("%s: %d photos: %s (first: %s)", dataset, count, reason, first[reason])


def encodable(name: str) -> str:
    r"""A file's name as text that can be written anywhere: bytes that are no UTF-8, which Python
    reads as lone surrogates, become `\udce9` and the like."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
