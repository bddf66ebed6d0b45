"""What the rows and curves of one part are computed from: scores by metric, and the photos."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from geobench import statistics
from geobench.board.part_records import Entry, PartRecords
from geobench.board.scored import Scored, ScoredTogether, together
from geobench.data import Truth
from geobench.metrics import Metric
from geobench.names import CEILING
from geobench.scoring.summaries import Summarised, summarise, summarise_all
from geobench.statistics.units import Units
from geobench.summaries import Curve, Summary

Found = TypeVar("Found")


@final
@dataclass(frozen=True)
class MetricScores:
    """The scores of one metric: the labels that have rows of it, and of each its columns.

    `scored` has the reason in their place where there are none. It knows the ceiling of every
    metric of points, which has rows of those alone for which the nearest place is best.
    """

    metric: Metric
    entries: list[Entry]
    scored: dict[str, Scored | str]

    @cached_property
    def together(self) -> list[ScoredTogether]:
        """The labels that have rows and columns, in groups whose numbers are made at once."""
        return self.together_without("")

    def together_without(self, label: str) -> list[ScoredTogether]:
        """The same without one, which the others are compared with."""
        found = {e.label: self.scored[e.label] for e in self.entries if e.label != label}
        return together({name: s for name, s in found.items() if isinstance(s, Scored)})


@final
class Photos(NamedTuple):
    """Photos of a part, and what does not depend on the method that was asked about them."""

    truth: Truth
    units: Units


@final
class KeptWhileSame(Generic[Found]):
    """What a function finds of photos (positions in a part), kept until it is asked of others.

    Label after label is scored on the same photos, and one answer at a time is enough to keep.
    """

    def __init__(self, function: Callable[[NDArray[np.intp]], Found]) -> None:
        self._function = function
        self._last: tuple[NDArray[np.intp], Found] | None = None

    def __call__(self, photos: NDArray[np.intp]) -> Found:
        if self._last is None or not np.array_equal(self._last[0], photos):
            self._last = photos, self._function(photos)
        return self._last[1]


@final
class PartScores:
    """The scores of one part, and how they become numbers.

    Args:
        benchmark: its name.
        records: of the part.
    """

    def __init__(self, benchmark: str, records: PartRecords) -> None:
        self.benchmark = benchmark
        self.records = records
        self.label = records.label
        self.arrays = records.arrays
        self.units = statistics.unit_codes(self.arrays["unit"])
        self.photos = KeptWhileSame(self._photos)
        self.problems: list[str] = []
        """Which summaries could not be computed."""

    def _photos(self, rows: NDArray[np.intp]) -> Photos:
        return Photos(self.records.truth.take(rows), Units.of(self.units[rows]))

    def of(self, metrics: Sequence[Metric], entries: Sequence[Entry]) -> Iterator[MetricScores]:
        """The scores of these entries, metric by metric: those of one are in memory at a time."""
        for metric in metrics:
            scored: dict[str, Scored | str] = {}
            for entry in entries:
                found = self.records.scored(metric, entry)
                if found is not None:
                    scored[entry.label] = found
            shown = (each for each in entries if metric.nearest_is_best or each.label != CEILING)
            present = [entry for entry in shown if entry.label in scored]
            yield MetricScores(metric, present, scored)

    def curve(self, summary: Curve, found: Scored) -> list[Summarised]:
        """The numbers of a curve of the photos that were scored."""
        photos = self.photos(found.rows)
        return summarise(summary, found.columns, truth=photos.truth, units=photos.units)

    def numbers(
        self, summary: Summary, found: ScoredTogether, *, other: ScoredTogether | None = None
    ) -> list[Summarised]:
        """The number of a summary, any but a curve, of each of these labels."""
        photos = self.photos(found.rows)
        return summarise_all(
            summary,
            found.columns,
            counts=found.counts,
            truth=photos.truth,
            units=photos.units,
            other=None if other is None else other.columns,
        )

    def problem(self, summary: Summary, label: str, *, error: Exception) -> str:
        """Note that a summary cannot be computed, and say so for its row."""
        text = f"summary {summary.name}: {type(error).__name__}: {' '.join(str(error).split())}"
        problem = f"{self.label} / {label}: {text}"
        if problem not in self.problems:  # of another slice
            self.problems.append(problem)
        return self.records.told(text, head=f"summary {summary.name}: ")
