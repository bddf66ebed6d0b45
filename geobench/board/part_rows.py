"""The rows of one part: from its scores to the numbers of table.csv, not ranked yet."""

from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench.board.part_numbers import Answer, Nothing, compute_answers
from geobench.board.part_records import Entry
from geobench.board.part_scores import MetricScores, PartScores
from geobench.board.scored import Scored
from geobench.board.tables import CONSTANT, OUT_OF_REACH, RANKED, Row, joined
from geobench.names import CEILING
from geobench.scoring.slices import View
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicates import Replicates
from geobench.summaries import Against, Mean, Range, Share, Summary


@final
class PartNumber(NamedTuple):
    """One number of a part: its row, unranked, and what it is compared with others by.

    `photos` are the positions of those that were scored; `exact` says that it is a share with an
    exact interval, `tested` that it is ranked and tested: the summary does not only describe, and
    the number was made as the protocol asks. `range` are the values that it can have.
    """

    row: Row
    replicates: Replicates
    photos: NDArray[np.intp]
    seeds: tuple[int, ...]
    exact: bool = False
    tested: bool = True
    range: Range = Range()


_MOSTLY = 0.5  # of the photos: above it, a number is that of a constant

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
    if view.classes is not None and not _is_mean(summary):
        return []
    answers = compute_answers(part, scores, summary=summary, view=view)
    itself = summary.label if isinstance(summary, Against) else None
    return [
        _row(part, scores, entry, answers.get(entry.label), summary=summary, view=view)
        for entry in scores.entries
        if entry.label != itself
    ]


def _is_mean(summary: Summary) -> bool:
    """Whether it is a mean over photos, of which there is one over classes, too."""
    return isinstance(summary, Mean | Share) or (
        isinstance(summary, Against) and summary.function is None
    )


def _row(
    part: PartScores,
    scores: MetricScores,
    entry: Entry,
    answer: Answer | None,
    *,
    summary: Summary,
    view: View,
) -> NumberOrRow:
    """The number of a label, or the row that says why there is none."""
    head = (
        part.benchmark,
        part.label,
        view.slice,
        view.average,
        entry.label,
        entry.method,
        summary.name,
        summary.unit,
        summary.better or "",
    )
    if answer is None:
        status = "failed" if entry.status in (*RANKED, "ceiling") else entry.status
        return Row(*head, status=status, note=str(scores.scored[entry.label]))
    few_draws = entry.few_draws if scores.metric.stores_columns else ""
    note, lost = joined(entry.note_for(scores.metric), few_draws, view.note), answer.not_applicable
    number = answer.number
    if isinstance(number, Nothing):
        status = "failed" if number.failed else entry.status
        note = joined(note, number.note) if number.beside else number.note
        return Row(*head, not_applicable=lost, status=status, note=note)
    # Who looks at no photo (the uniform, the prior) is a constant, and is measured as that.
    constant = entry.looks and answer.constant > _MOSTLY
    estimate = number.estimate
    row = Row(
        *head,
        **_numbers_of(estimate),
        not_applicable=lost,
        answered=entry.share_answered(answer.photos),
        status=entry.status,
        note=joined(
            note,
            estimate.note,
            OUT_OF_REACH if view.overall and _out_of_reach(scores, summary) else "",
            constant_on(answer.constant) if constant else "",
        ),
    )
    tested = summary.better is not None and not few_draws and not constant
    return PartNumber(
        row,
        number.replicates,
        answer.photos,
        entry.seeds,
        exact=isinstance(summary, Share),
        tested=tested,
        range=summary.range,
    )


def constant_on(share: float) -> str:
    """The note of a number that is not ranked because a method chose it for most photos."""
    return f"{CONSTANT} on {share:.0%} of the photos, not ranked"


def _out_of_reach(scores: MetricScores, summary: Summary) -> bool:
    """Whether the nearest training place is wrong everywhere, of a share of right answers.

    That of towns 25 km apart lies never within 1 km, and never in the same town.
    """
    nearest = scores.scored.get(CEILING)
    if not isinstance(nearest, Scored) or not isinstance(summary, Share):
        return False
    return summary.better == "higher" and not nearest.columns[summary.column].any()


def filled(row: Row, estimate: Estimate) -> Row:
    """A row with a number, its interval, and why that is weak."""
    return replace(row, **_numbers_of(estimate), note=joined(row.note, estimate.note))


def _numbers_of(estimate: Estimate) -> dict[str, Any]:
    """The columns of a row that an estimate fills."""
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "seed_sd": estimate.seed_sd,
        "seeds": estimate.seeds,
        "photos": estimate.photos,
        "effective_units": estimate.effective_units,
    }
