"""The rows, curves and costs of one part: from its stored scores to the numbers of the tables."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import statistics
from geobench.board.part_records import Entry, PartRecords
from geobench.board.scored import Scored
from geobench.board.tables import RANKED, CurvePoint, Row, Tables, remarks
from geobench.data import Truth
from geobench.metrics import NOT_APPLICABLE, Against, Curve, Mean, Metric, Share, Summary
from geobench.scoring.slices import View, views
from geobench.scoring.summaries import Summarised, macro_mean, summarise
from geobench.statistics import ranking
from geobench.statistics.intervals import Estimate, Replicates, Units
from geobench.statistics.novelty import Windows, bins, smoothing
from geobench.statistics.ranking import RankRange

TRAINED = ("ok", "ceiling")
"""Status of what depends on the training photos of this split."""


UNRANKED = "not ranked: scored on other photos than most"


@final
class Plain(NamedTuple):
    """One number of a part: its row, unranked, which photos were scored, and seeds.

    `exact` says that it is a share with an exact interval.
    """

    row: Row
    replicates: Replicates
    photos: NDArray[np.intp]
    seeds: tuple[int, ...]
    exact: bool = False


@final
class PartRows:
    """The rows, curves and costs of one part.

    Args:
        name: of the benchmark.
        records: of the part.
        metrics: that the benchmark asks for.
        tables: what they are added to.
    """

    def __init__(
        self, name: str, records: PartRecords, metrics: Sequence[Metric], tables: Tables
    ) -> None:
        self.name = name
        self.records = records
        self.metrics = metrics
        self.label = records.label
        self.tables = tables
        self.arrays = records.arrays
        self.truth = records.truth
        self.units = statistics.unit_codes(self.arrays["unit"])
        self.views = views(self.arrays)
        self.ranked = not records.manifest.limit
        self.plain: dict[tuple[str, str], Plain] = {}
        """Label and summary -> what gaps and comparisons are computed from."""
        self.last_photos: _Photos | None = None
        self.last_windows: tuple[NDArray[np.intp], dict[str, Windows]] | None = None

    def compute(self) -> None:
        """Add every row, curve and cost."""
        self.tables.costs += self.records.costs(self.name)
        for summary, present, scored in self.scores(
            [*self.records.entries(), *self.records.ceiling()]
        ):
            if isinstance(summary, Curve):
                self.curves(summary, present, scored)
                continue
            for view in self.views:
                self.summarise(summary, view, present, scored)
            if isinstance(summary, Mean):
                self.novelty_curves(summary, present, scored)

    def plain_of(self, labels: Collection[str]) -> dict[tuple[str, str], Plain | str]:
        """Compute the rows of all photos of these labels: the number, or why there is none."""
        self.ranked = False  # ranks are among all labels
        summaries = [summary for metric in self.metrics for summary in metric.summaries]
        against = {summary.label for summary in summaries if isinstance(summary, Against)}
        entries = [*self.records.entries({*labels, *against}), *self.records.ceiling()]
        for summary, present, scored in self.scores(entries):
            if not isinstance(summary, Curve):
                self.summarise(summary, self.views[0], present, scored)
        rows = {(row.label, row.summary): row for row in self.tables.rows if row.label in labels}
        return {key: self.plain.get(key, row.note or row.status) for key, row in rows.items()}

    def scores(
        self, entries: Sequence[Entry]
    ) -> Iterator[tuple[Summary, list[Entry], dict[str, Scored | str]]]:
        """Every summary, the labels that its metric applies to, and their scores."""
        for metric in self.metrics:
            scored: dict[str, Scored | str] = {}
            for entry in entries:
                found = self.records.scored(metric, entry)
                if found is not None:
                    scored[entry.label] = found
            present = [entry for entry in entries if entry.label in scored]
            for summary in metric.summaries:
                yield summary, present, scored

    def summarise(
        self,
        summary: Summary,
        view: View,
        entries: Sequence[Entry],
        scored: dict[str, Scored | str],
    ) -> None:
        """Add the rows of one summary in one view, with ranks."""
        if view.classes is not None and not isinstance(summary, Mean | Share | Against):
            return  # a quantile or another statistic has no mean over classes
        rows: list[Row] = []
        numbers: list[Plain | None] = []
        for entry in entries:
            found = scored[entry.label]
            row = Row(
                self.name,
                self.label,
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
            if isinstance(summary, Against) and summary.label == entry.label:
                continue
            if isinstance(found, str):
                status = "failed" if entry.status in (*RANKED, "ceiling") else entry.status
                rows.append(replace(row, status=status, note=found))
                numbers.append(None)
                continue
            found = found.of(view, summary)
            row = replace(row, not_applicable=int((found.mask == NOT_APPLICABLE).sum()))
            if not len(found.rows):
                rows.append(replace(row, note=f"no photo of this {view.what} can be scored"))
                numbers.append(None)
                continue
            try:
                answer = self.estimate(summary, view, found, scored)
            except Exception as error:
                note = self.problem(summary, entry, error)
                rows.append(replace(row, status="failed", note=note))
                numbers.append(None)
                continue
            if answer is None:
                rows.append(replace(row, note="nothing on the same photos to compare with"))
                numbers.append(None)
                continue
            rows.append(filled(row, answer.estimate))
            exact = isinstance(summary, Share)
            known = Plain(rows[-1], answer.replicates, found.rows, entry.seeds, exact)
            numbers.append(known)
            if view.plain and entry.status in (*RANKED, "ceiling"):
                self.plain[entry.label, summary.name] = known
        self.tables.rows += self.with_ranks(rows, numbers, summary)

    def problem(self, summary: Summary, entry: Entry, error: Exception) -> str:
        """Note that a summary cannot be computed, and say so for its row."""
        text = f"summary {summary.name}: {type(error).__name__}: {' '.join(str(error).split())}"
        problem = f"{self.label} / {entry.label}: {text}"
        if problem not in self.tables.problems:  # of another slice
            self.tables.problems.append(problem)
        return text

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

    def estimate(
        self, summary: Summary, view: View, found: Scored, scored: dict[str, Scored | str]
    ) -> Summarised | None:
        """The one number of a summary; None without the same photos to compare with."""
        other = None
        if isinstance(summary, Against):
            compared = scored.get(summary.label)
            if not isinstance(compared, Scored):
                return None
            other = compared.of(view, summary)
            if not (other.mask == found.mask).all() or not _paired(found, other):
                return None
        if view.classes is None:
            (number,) = self.numbers(summary, found, other=other)
            return number
        assert isinstance(summary, Mean | Share | Against)
        scores = found.columns[summary.column]
        if other is not None:
            scores = scores - other.columns[summary.column]
        share = isinstance(summary, Share)
        units = self.photos(found.rows).units
        return macro_mean(scores, units, view.classes[found.rows], share=share)

    def curves(
        self, summary: Curve, entries: Sequence[Entry], scored: dict[str, Scored | str]
    ) -> None:
        """Add the points of a curve of every label; one without scores has none."""
        for entry in entries:
            found = scored[entry.label]
            if isinstance(found, str) or not len(found.rows):
                continue
            try:
                numbers = self.numbers(summary, found)
            except Exception as error:
                self.problem(summary, entry, error)
                continue
            for x, number in zip(summary.x, numbers, strict=True):
                self.add_point(entry, summary.name, x, number.estimate)

    def novelty_curves(
        self, summary: Mean, entries: Sequence[Entry], scored: dict[str, Scored | str]
    ) -> None:
        """Add the mean as a function of novelty, smoothed and binned, of what was trained here."""
        if not np.isfinite(self.arrays["novelty"]).all():
            return
        for entry in entries:
            found = scored[entry.label]
            if isinstance(found, str) or entry.status not in TRAINED or not len(found.rows):
                continue
            if summary.column not in found.columns:
                continue  # its rows have failed and say so
            for curve, windows in self.windows(found.rows).items():
                for point in windows.means(found.columns[summary.column]):
                    name = f"{summary.name}.{curve}"
                    self.add_point(entry, name, point.novelty_km, point.estimate)

    def windows(self, rows: NDArray[np.intp]) -> dict[str, Windows]:
        """The two ways to see a score as a function of novelty, kept while photos are the same."""
        if self.last_windows is None or not np.array_equal(self.last_windows[0], rows):
            arguments = self.arrays["novelty"][rows], self.photos(rows).units
            found = {"novelty": smoothing(*arguments), "novelty-bins": bins(*arguments)}
            self.last_windows = rows, found
        return self.last_windows[1]

    def photos(self, rows: NDArray[np.intp]) -> "_Photos":
        """What does not depend on the method, kept while photos are the same."""
        if self.last_photos is None or not np.array_equal(self.last_photos.rows, rows):
            self.last_photos = _Photos(rows, self.truth.take(rows), Units.of(self.units[rows]))
        return self.last_photos

    def add_point(self, entry: Entry, curve: str, x: float, estimate: Estimate) -> None:
        head = (self.name, self.label, "all", entry.label, curve)
        limits = (estimate.value, estimate.low, estimate.high)
        self.tables.curves.append(CurvePoint(*head, x, *limits))

    def with_ranks(
        self, rows: list[Row], numbers: Sequence[Plain | None], summary: Summary
    ) -> list[Row]:
        """The rows with rank ranges among those that compete on the same photos.

        Which photos a metric scores is the truth's and the protocol's to say, the same for all
        labels; should stored scores disagree, most of them decide, and the others are not ranked.
        """
        able = {
            number: found
            for number, found in enumerate(numbers)
            if self.ranked
            and found is not None
            and found.row.status in RANKED
            # What is undefined (a slope through one point) competes with nobody.
            and math.isfinite(found.replicates.value)
        }
        if not able:
            return rows
        kinds: list[list[int]] = []  # numbers of equal photos
        for number, found in able.items():
            for kind in kinds:
                if np.array_equal(able[kind[0]].photos, found.photos):
                    kind.append(number)
                    break
            else:
                kinds.append([number])
        competing = max(kinds, key=len)
        ranges: list[RankRange] = ranking.ranks(
            [able[number].replicates for number in competing],
            better=summary.better,
            effective_units=rows[competing[0]].effective_units,
        )
        ranked = list(rows)
        for number, limits in zip(competing, ranges, strict=True):
            ranked[number] = replace(rows[number], rank_low=limits.low, rank_high=limits.high)
        for number in able.keys() - set(competing):
            ranked[number] = replace(rows[number], note=joined(rows[number].note, UNRANKED))
        return ranked


@final
class _Photos(NamedTuple):
    """Photos by their positions in the part."""

    rows: NDArray[np.intp]
    truth: Truth
    units: Units


def _paired(one: Scored, other: Scored) -> bool:
    """Whether two labels have the same trainings, or one of them has but one for all seeds."""
    return one.seeds == other.seeds or 1 in (len(one.seeds), len(other.seeds))


def joined(*notes: str) -> str:
    """Notes as one, each remark once."""
    return "; ".join(dict.fromkeys(each for note in notes for each in remarks(note)))


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
