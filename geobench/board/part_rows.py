"""The rows of one part: from its scores to the numbers of table.csv, not ranked yet."""

from dataclasses import replace
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench.board.part_records import Entry
from geobench.board.part_scores import MetricScores, PartScores
from geobench.board.scored import Scored
from geobench.board.tables import RANKED, Row, joined
from geobench.metrics import NOT_APPLICABLE, Against, Mean, Range, Share, Summary
from geobench.scoring.slices import View
from geobench.scoring.summaries import Summarised, cut, macro_mean
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicates import Replicates


@final
class PartNumber(NamedTuple):
    """One number of a part: its row, unranked, and what it is compared with others by.

    `photos` are the positions of those that were scored; `exact` says that it is a share with an
    exact interval; `range` are the values that it can have.
    """

    row: Row
    replicates: Replicates
    photos: NDArray[np.intp]
    seeds: tuple[int, ...]
    exact: bool = False
    range: Range = Range()


NumberOrRow: TypeAlias = PartNumber | Row
"""A number, or the row that says why there is none."""


def row_of(found: NumberOrRow) -> Row:
    """The row of a number, or that in its place."""
    return found.row if isinstance(found, PartNumber) else found


def compute_rows(
    part: PartScores, scores: MetricScores, *, summary: Summary, view: View
) -> list[NumberOrRow]:
    """Compute the rows of one summary in one view, of every label that its metric applies to.

    A quantile or another statistic has no mean over classes, and no rows where those count.

    Args:
        part: to whose problems those of the summary are added.
        scores: of the summary's metric.
        summary: any but a curve.
        view: of the part's photos.
    """
    if view.classes is not None and not isinstance(summary, Mean | Share | Against):
        return []
    itself = summary.label if isinstance(summary, Against) else None
    return [
        _compute(part, scores, entry=entry, summary=summary, view=view)
        for entry in scores.entries
        if entry.label != itself
    ]


def _compute(
    part: PartScores, scores: MetricScores, *, entry: Entry, summary: Summary, view: View
) -> NumberOrRow:
    found = scores.scored[entry.label]
    row = Row(
        part.benchmark,
        part.label,
        view.slice,
        view.average,
        entry.label,
        entry.method,
        summary.name,
        summary.unit,
        summary.better,
        status=entry.status,
        note=entry.note,
    )
    if isinstance(found, str):
        status = "failed" if entry.status in (*RANKED, "ceiling") else entry.status
        return replace(row, status=status, note=found)
    found = found.of(view, summary)
    row = replace(row, not_applicable=int((found.mask == NOT_APPLICABLE).sum()))
    if not len(found.rows):
        return replace(row, note=f"no photo of this {view.what} can be scored")
    try:
        answer = _estimate(part, scores, found=found, summary=summary, view=view)
    except Exception as error:  # of a plugin's function, which may raise anything
        return replace(row, status="failed", note=part.problem(summary, entry, error=error))
    if answer is None:
        return replace(row, note="nothing on the same photos to compare with")
    row, exact = filled(row, answer.estimate), isinstance(summary, Share)
    return PartNumber(row, answer.replicates, found.rows, entry.seeds, exact, summary.range)


def _estimate(
    part: PartScores, scores: MetricScores, *, found: Scored, summary: Summary, view: View
) -> Summarised | None:
    """The one number of a summary; None without the same photos to compare with."""
    other = None
    if isinstance(summary, Against):
        compared = scores.scored.get(summary.label)
        if not isinstance(compared, Scored):
            return None
        other = compared.of(view, summary)
        if not (other.mask == found.mask).all() or not _paired(found, other):
            return None
    if view.classes is None:
        (number,) = part.numbers(summary, found, other=other)
        return number
    assert isinstance(summary, Mean | Share | Against)
    columns = found.columns[summary.column]
    if other is not None:
        columns = columns - other.columns[summary.column]
    units, share = part.photos(found.rows).units, isinstance(summary, Share)
    number = macro_mean(columns, units, view.classes[found.rows], share=share)
    return replace(number, estimate=cut(number.estimate, summary.range))


def _paired(one: Scored, other: Scored) -> bool:
    """Whether two labels have the same trainings, or one of them has but one for all seeds."""
    return one.seeds == other.seeds or 1 in (len(one.seeds), len(other.seeds))


def filled(row: Row, estimate: Estimate) -> Row:
    """A row with a number, its interval, and why that is weak."""
    return replace(
        row,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        seed_sd=estimate.seed_sd,
        seeds=estimate.seeds,
        photos=estimate.photos,
        effective_units=estimate.effective_units,
        note=joined(row.note, estimate.note),
    )
