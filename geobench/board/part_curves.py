"""The curves of one part: those that a metric gives, and means as functions of novelty."""

from collections.abc import Iterator
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench.board.part_records import Entry
from geobench.board.part_scores import KeptWhileSame, MetricScores, PartScores
from geobench.board.scored import Scored
from geobench.board.tables import TRAINED, CurvePoint
from geobench.scoring.summaries import cut
from geobench.statistics.intervals import Estimate
from geobench.statistics.novelty import Windows, bins, smoothing
from geobench.summaries import Curve, Mean


@final
class PartCurves:
    """The points of curves.csv of one part.

    Args:
        part: to whose problems those of curves are added.
    """

    def __init__(self, part: PartScores) -> None:
        self._part = part
        self._novelty = part.arrays["novelty"]
        self._windows = KeptWhileSame(self._windows_of)

    def of(self, summary: Curve, scores: MetricScores) -> Iterator[CurvePoint]:
        """The points of a curve of every label; one without scores has none."""
        for entry in scores.entries:
            found = scores.scored[entry.label]
            if isinstance(found, str) or not len(found.rows):
                continue
            try:
                numbers = self._part.curve(summary, found)
            except Exception as error:  # of a plugin's function, which may raise anything
                self._part.problem(summary, entry.label, error=error)
                continue
            for x, number in zip(summary.x, numbers, strict=True):
                yield self._point(entry, summary.name, x=x, estimate=number.estimate)

    def by_novelty(self, summary: Mean, scores: MetricScores) -> Iterator[CurvePoint]:
        """The mean as a function of novelty, smoothed and binned, of what was trained here."""
        if not np.isfinite(self._novelty).all():
            return
        for entry in scores.entries:
            found = scores.scored[entry.label]
            if not isinstance(found, Scored) or entry.status not in TRAINED or not len(found.rows):
                continue
            if summary.column not in found.columns:
                continue  # its rows have failed and say so
            for curve, windows in self._windows(found.rows).items():
                name = f"{summary.name}.{curve}"
                for point in windows.means(found.columns[summary.column]):
                    estimate = cut(point.estimate, summary.range)
                    yield self._point(entry, name, x=point.novelty_km, estimate=estimate)

    def _windows_of(self, rows: NDArray[np.intp]) -> dict[str, Windows]:
        """The two ways to see a score as a function of novelty, by the ends of their names."""
        novelty, units = self._novelty[rows], self._part.photos(rows).units
        return {"novelty": smoothing(novelty, units), "novelty-bins": bins(novelty, units)}

    def _point(self, entry: Entry, curve: str, *, x: float, estimate: Estimate) -> CurvePoint:
        head = (self._part.benchmark, self._part.label, "all", entry.label, curve)
        return CurvePoint(*head, x, estimate.value, estimate.low, estimate.high)
