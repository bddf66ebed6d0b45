"""What the rows and curves of one part are computed from: scores by metric, and the photos."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from geobench import statistics
from geobench.board.part_records import Entry, PartRecords
from geobench.board.scored import Scored
from geobench.data import Truth
from geobench.metrics import Metric
from geobench.names import CEILING
from geobench.scoring.summaries import Summarised, summarise
from geobench.statistics.units import Units
from geobench.summaries import Summary

Found = TypeVar("Found")


@final
class MetricScores(NamedTuple):
    """The scores of one metric: the labels that have rows of it, and of each its columns.

    `scored` has the reason in their place where there are none. It knows the ceiling of every
    metric of points, which has rows of those alone for which the nearest place is best.
    """

    metric: Metric
    entries: list[Entry]
    scored: dict[str, Scored | str]


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

    def numbers(
        self, summary: Summary, found: Scored, *, other: Scored | None = None
    ) -> list[Summarised]:
        """The numbers of a summary of the photos that were scored."""
        photos = self.photos(found.rows)
        return summarise(
            summary,
            found.columns,
            truth=photos.truth,
            units=photos.units,
            other=None if other is None else other.columns,
        )

    def problem(self, summary: Summary, entry: Entry, *, error: Exception) -> str:
        """Note that a summary cannot be computed, and say so for its row."""
        text = f"summary {summary.name}: {type(error).__name__}: {' '.join(str(error).split())}"
        problem = f"{self.label} / {entry.label}: {text}"
        if problem not in self.problems:  # of another slice
            self.problems.append(problem)
        return text
