"""The rows of one part: from its scores to the numbers of table.csv, not ranked yet."""

from dataclasses import replace
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench.board.part_records import Entry
from geobench.board.part_scores import MetricScores, PartScores
from geobench.board.scored import Scored
from geobench.board.tables import CONSTANT, OUT_OF_REACH, RANKED, Row, joined
from geobench.metrics import NOT_APPLICABLE
from geobench.names import CEILING
from geobench.scoring.slices import View
from geobench.scoring.summaries import Summarised, cut, macro_mean
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
    itself = summary.label if isinstance(summary, Against) else None
    return [
        _compute(part, scores, entry=entry, summary=summary, view=view)
        for entry in scores.entries
        if entry.label != itself
    ]


def _is_mean(summary: Summary) -> bool:
    """Whether it is a mean over photos, of which there is one over classes, too."""
    return isinstance(summary, Mean | Share) or (
        isinstance(summary, Against) and summary.function is None
    )


def _compute(
    part: PartScores, scores: MetricScores, *, entry: Entry, summary: Summary, view: View
) -> NumberOrRow:
    found = scores.scored[entry.label]
    few_draws = entry.few_draws if scores.metric.stores_columns else ""
    row = Row(
        part.benchmark,
        part.label,
        view.slice,
        view.average,
        entry.label,
        entry.method,
        summary.name,
        summary.unit,
        summary.better or "",
        status=entry.status,
        note=joined(entry.note, few_draws, view.note),
    )
    if isinstance(found, str):
        status = "failed" if entry.status in (*RANKED, "ceiling") else entry.status
        return replace(row, status=status, note=found)
    found = found.of(view, summary)
    if lost := np.count_nonzero(found.mask == NOT_APPLICABLE):
        row = replace(row, not_applicable=int(lost))
    if not len(found.rows):
        return replace(row, note=f"no photo of this {view.what} can be scored")
    if len(found.rows) < summary.fewest_photos:
        few = f"what is fitted to fewer than {summary.fewest_photos} photos is not shown"
        return replace(row, note=joined(row.note, few))
    try:
        answer = _estimate(part, scores, found=found, summary=summary, view=view)
    except Exception as error:  # of a plugin's function, which may raise anything
        return replace(row, status="failed", note=part.problem(summary, entry, error=error))
    if answer is None:
        return replace(row, note="nothing on the same photos to compare with")
    row, exact = filled(row, answer.estimate), isinstance(summary, Share)
    if entry.beside:
        row = replace(row, answered=entry.share_answered(found.rows))
    if view.overall and _out_of_reach(scores, summary):
        row = replace(row, note=joined(row.note, OUT_OF_REACH))
    tested = summary.better is not None and not few_draws
    # Who looks at no photo (the uniform, the prior) is a constant, and is measured as that.
    constant = found.columns[summary.constant].mean() if summary.constant and entry.looks else 0.0
    if constant > _MOSTLY:
        row = replace(row, note=joined(row.note, constant_on(float(constant))))
        tested = False
    return PartNumber(row, answer.replicates, found.rows, entry.seeds, exact, tested, summary.range)


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
    counted = np.flatnonzero(view.inside)
    number = macro_mean(
        columns,
        part.photos(counted).units,
        view.classes[counted],
        scored=np.searchsorted(counted, found.rows),
        share=isinstance(summary, Share),
    )
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
