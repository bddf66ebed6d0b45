"""The numbers of one summary in one view, or why there are none: made of many labels at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench.board.part_scores import MetricScores, PartScores
from geobench.board.scored import Scored, ScoredTogether
from geobench.metrics import NOT_APPLICABLE
from geobench.scoring.macro_means import macro_means
from geobench.scoring.slices import View
from geobench.scoring.summaries import Summarised, cut
from geobench.summaries import Against, Mean, Share, Summary


@final
class Nothing(NamedTuple):
    """Why a label has no number: what is said in place of its note, or `beside` that."""

    note: str
    beside: bool = False
    failed: bool = False


@final
class Answer(NamedTuple):
    """What there is of one label.

    Args:
        number: with its interval, or why there is none.
        photos: positions in the part of those that were scored.
        not_applicable: how many photos the metric does not apply to.
        constant: the share of the photos whose score is a constant that the method chose.
    """

    number: Summarised | Nothing
    photos: NDArray[np.intp]
    not_applicable: int
    constant: float


def compute_answers(
    part: PartScores, scores: MetricScores, *, summary: Summary, view: View
) -> dict[str, Answer]:
    """Label -> what there is of it, for the labels that have scores.

    Args:
        part: to whose problems those of the summary are added.
        scores: of the summary's metric.
        summary: any but a curve.
        view: of the part's photos.
    """
    groups, answers = scores.together, dict[str, Answer]()
    if isinstance(summary, Against):
        groups = scores.together_without(summary.label)
    for found in (each.inside(view, summary) for each in groups):
        lost = int(np.count_nonzero(found.mask == NOT_APPLICABLE))
        numbers = _numbers(part, scores, found, summary=summary, view=view)
        constants = _shares(found, summary.constant)
        for label, number, constant in zip(found.labels, numbers, constants, strict=True):
            answers[label] = Answer(number, found.rows, lost, constant)
    return answers


def _shares(found: ScoredTogether, constant: str) -> list[float]:
    """The mean of a column of zeros and ones of each label; 0 without a column or photos."""
    if not constant or not len(found.rows):
        return [0.0] * len(found.labels)
    return [float(alone.columns[constant].mean()) for alone in found.apart()]


def _numbers(
    part: PartScores, scores: MetricScores, found: ScoredTogether, *, summary: Summary, view: View
) -> Sequence[Summarised | Nothing]:
    """The number of each label, or why it has none."""
    nothing = None
    if not len(found.rows):
        nothing = Nothing(f"no photo of this {view.what} can be scored")
    elif len(found.rows) < summary.fewest_photos:
        few = f"what is fitted to fewer than {summary.fewest_photos} photos is not shown"
        nothing = Nothing(few, beside=True)
    other = None
    if isinstance(summary, Against) and nothing is None:
        other = _compared(scores, found, summary=summary, view=view)
        if other is None and len(found.labels) > 1:  # it may be another for each
            return [
                number
                for alone in found.apart()
                for number in _numbers(part, scores, alone, summary=summary, view=view)
            ]
        if other is None:
            nothing = Nothing("nothing on the same photos to compare with")
    if nothing is not None:
        return [nothing] * len(found.labels)
    return _estimated(part, found, other, summary=summary, view=view)


def _compared(
    scores: MetricScores, found: ScoredTogether, *, summary: Against, view: View
) -> ScoredTogether | None:
    """What all of these labels are compared with, if that has the same photos and each has the
    same trainings, or one training of one of the two serves all of the other."""
    compared = scores.scored.get(summary.label)
    if not isinstance(compared, Scored):
        return None
    other = ScoredTogether.of({summary.label: compared}).inside(view, summary)
    paired = all(
        seeds == compared.seeds or 1 in (len(seeds), len(compared.seeds)) for seeds in found.seeds
    )
    return other if paired and (other.mask == found.mask).all() else None


def _estimated(
    part: PartScores,
    found: ScoredTogether,
    other: ScoredTogether | None,
    *,
    summary: Summary,
    view: View,
) -> list[Summarised | Nothing]:
    try:
        if view.classes is None:
            return [*part.numbers(summary, found, other=other)]
        return [*_macro_means(part, found, other, summary=summary, view=view)]
    except Exception as error:  # of a plugin's function, which may raise anything
        if len(found.labels) == 1:
            note = part.problem(summary, found.labels[0], error=error)
            return [Nothing(note, failed=True)]
    # What is wrong with the scores of one label takes no number from the others.
    return [
        number
        for alone in found.apart()
        for number in _estimated(part, alone, other, summary=summary, view=view)
    ]


def _macro_means(
    part: PartScores,
    found: ScoredTogether,
    other: ScoredTogether | None,
    *,
    summary: Summary,
    view: View,
) -> list[Summarised]:
    """Means over the classes of a view."""
    assert isinstance(summary, Mean | Share | Against)
    assert view.classes is not None
    tables = [found.columns[summary.column]]
    counts = found.counts
    if other is not None:
        compared = other.columns[summary.column]
        tables = [alone.columns[summary.column] - compared for alone in found.apart()]
        counts = [len(table) for table in tables]
    counted = np.flatnonzero(view.inside)
    numbers = macro_means(
        np.concatenate(tables),
        part.photos(counted).units,
        view.classes[counted],
        counts=counts,
        scored=np.searchsorted(counted, found.rows),
        share=isinstance(summary, Share),
    )
    return [replace(each, estimate=cut(each.estimate, summary.range)) for each in numbers]
