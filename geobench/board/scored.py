"""The columns of one metric on one part: of one label, and of several that go together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench.metrics import NOT_SAMPLED, SCORED
from geobench.scoring.slices import View
from geobench.summaries import Mean, Quantile, Share, Summary

_MOST_NUMBERS = 1 << 18  # of a column of labels that go together: more at once saves no time


@final
@dataclass(frozen=True)
class Scored:
    """The columns of one metric for one label: column -> (S, photos scored)."""

    columns: dict[str, NDArray[np.float64]]
    mask: NDArray[np.uint8]
    seeds: tuple[int, ...]

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Positions in the part of the photos that were scored."""
        return np.flatnonzero(self.mask == SCORED)


@final
@dataclass(frozen=True)
class ScoredTogether:
    """The columns of M labels of which the same photos were scored.

    Args:
        labels: (M,).
        columns: column -> (T, photos scored), the S trainings of one label after those of another.
        mask: of all photos of the part, (N,).
        seeds: of the trainings of each label, (M,).
    """

    labels: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]
    mask: NDArray[np.uint8]
    seeds: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, scored: Mapping[str, Scored]) -> "ScoredTogether":
        """Those of these labels, one or more, whose masks are equal."""
        first = next(iter(scored.values()))
        columns = {
            name: column
            if len(scored) == 1
            else np.concatenate([each.columns[name] for each in scored.values()])
            for name, column in first.columns.items()
        }
        return cls(tuple(scored), columns, first.mask, tuple(s.seeds for s in scored.values()))

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Positions in the part of the photos that were scored."""
        return np.flatnonzero(self.mask == SCORED)

    @property
    def counts(self) -> list[int]:
        """How many trainings each label has, (M,)."""
        return [len(seeds) for seeds in self.seeds]

    def inside(self, view: View, summary: Summary) -> "ScoredTogether":
        """The photos of a view; all others are as if they had not been sampled.

        Of the columns those that the summary looks at.
        """
        if view.inside.all():
            return self
        kept, wanted = np.flatnonzero(view.inside[self.rows]), set(self.columns)
        if isinstance(summary, Mean | Share | Quantile):
            wanted = {summary.column, summary.constant}
        columns = {name: c.take(kept, axis=1) for name, c in self.columns.items() if name in wanted}
        mask = np.where(view.inside, self.mask, np.uint8(NOT_SAMPLED))
        return ScoredTogether(self.labels, columns, mask, self.seeds)

    def apart(self) -> "Iterator[ScoredTogether]":
        """Each label by itself."""
        ends = np.cumsum([0, *self.counts]).tolist()
        for label, seeds, rows in zip(self.labels, self.seeds, pairwise(ends), strict=True):
            columns = {name: column[slice(*rows)] for name, column in self.columns.items()}
            yield ScoredTogether((label,), columns, self.mask, (seeds,))


def together(scored: Mapping[str, Scored]) -> list[ScoredTogether]:
    """Labels whose numbers are made at once: those of which the same photos were scored, of many
    photos a few."""
    kinds: list[dict[str, Scored]] = []
    for label, own in scored.items():
        for kind in kinds:
            trainings = sum(len(each.seeds) for each in (*kind.values(), own))
            alike = np.array_equal(next(iter(kind.values())).mask, own.mask)
            if alike and trainings * len(own.rows) <= _MOST_NUMBERS:
                kind[label] = own
                break
        else:
            kinds.append({label: own})
    return [ScoredTogether.of(kind) for kind in kinds]
