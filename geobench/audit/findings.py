"""What an audit found: sections of lines, each a number with its share and a few examples."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np

from geobench.assignments import Assignment
from geobench.data import Dataset, Indices
from geobench.digests import digest
from geobench.geo import Points

EXAMPLES = 5
"""The most photos that a line names."""


@final
@dataclass(frozen=True, slots=True)
class Line:
    """One finding.

    Args:
        name: what was counted or measured.
        value: how many, or how much; NaN where there is nothing to measure.
        unit: photos, groups, km, ...
        share: `value` as a share of what the section is about; None where it is no part of it.
        detail: what the number alone does not say.
        examples: up to EXAMPLES photos, by id.
        leak: test photos that training has seen, for `--strict`; no leak where `value` is 0.
        remedy: of a leak, the key that mends it.
    """

    name: str
    value: float
    unit: str = "photos"
    share: float | None = None
    detail: str = ""
    examples: tuple[str, ...] = ()
    leak: bool = False
    remedy: str = ""

    @property
    def leaks(self) -> bool:
        """Whether `--strict` fails on it."""
        return self.leak and self.value > 0


def photos(
    name: str,
    count: int,
    total: int,
    *,
    detail: str = "",
    examples: tuple[str, ...] = (),
    leak: bool = False,
    remedy: str = "",
) -> Line:
    """A line that counts photos, with their share of `total`; the rest as in Line."""
    share = count / total if total else None
    count = int(count)
    return Line(
        name, count, share=share, detail=detail, examples=examples, leak=leak, remedy=remedy
    )


@final
@dataclass(frozen=True, slots=True)
class Section:
    """Lines on one matter.

    Args:
        title: of the section; unique in an audit.
        about: what the shares are of, and what else a reader has to know.
        lines: by falling generality.
    """

    title: str
    about: str
    lines: tuple[Line, ...]

    def __getitem__(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)

    def __contains__(self, name: str) -> bool:
        return any(line.name == name for line in self.lines)


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """Places that stand out on the map: what is wrong there, and where, (N, 2)."""

    name: str
    points: Points


@final
@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Args:
        dataset: that was looked at.
        split: the label of the split that was looked at, "" for none.
        assignment: what that split drew, None without a split.
        sections: in the order in which they are read.
        doubtful: places of the dataset that are hardly right, for its map.
        leaking: test photos that training has seen, for the split's map.
    """

    dataset: Dataset
    sections: tuple[Section, ...]
    split: str = ""
    assignment: Assignment | None = None
    doubtful: tuple[Mark, ...] = ()
    leaking: tuple[Mark, ...] = field(default=())

    def __getitem__(self, title: str) -> Section:
        return next(section for section in self.sections if section.title == title)

    def leaks(self) -> Iterator[tuple[Section, Line]]:
        """What `--strict` fails on."""
        for section in self.sections:
            for line in section.lines:
                if line.leaks:
                    yield section, line


def names(dataset: Dataset, rows: Indices, *, most: int = EXAMPLES) -> tuple[str, ...]:
    """The ids of the first `most` rows; hashed where the dataset publishes scores only."""
    return tuple(shown(dataset, name) for name in dataset.table.ids[rows[:most]].tolist())


def shown(dataset: Dataset, name: object) -> str:
    """An id or a group as a report may show it, hashed as in the records of a leaderboard."""
    return digest(name)[:16] if dataset.publishes == "scores" else str(name)


def place(dataset: Dataset, point: Points) -> str:
    """A place as a report may show it."""
    if dataset.publishes == "scores":
        return "a place that may not be shown"
    return "{:.6g} {:.6g}".format(*np.asarray(point).tolist())
