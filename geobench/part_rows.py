"""The rows, curves and costs of one part: from its stored scores to the numbers of the tables."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import statistics
from geobench.contrasts import macro_mean, paired_gap
from geobench.entries import Entry, PartRecords, Scored
from geobench.metrics import NOT_APPLICABLE, SCORED, Against, Curve, Mean, Metric, Share, Summary
from geobench.novelty import Windows, bins, smoothing
from geobench.slices import View, views
from geobench.statistics import Estimate, RankRange, Replicates
from geobench.summaries import Summarised, summarise
from geobench.tables import RANKED, CurvePoint, Row, Tables

_TRAINED = ("ok", "ceiling")
"""Status of what depends on the training photos of this split."""

OTHER_PHOTOS = "of other photos: the difference holds the difficulty of the places, too"


@final
class Plain(NamedTuple):
    """One number about all photos of a part: its row, unranked, which were scored, and seeds."""

    row: Row
    replicates: Replicates
    photos: NDArray[np.intp]
    seeds: tuple[int, ...]


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
        self.ranked = not records.manifest.get("limit")
        self.plain: dict[tuple[str, str], Plain] = {}
        """Label and summary -> what gaps and comparisons are computed from."""
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
        replicates: list[Replicates | None] = []
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
                replicates.append(None)
                continue
            found = found.of(view, summary)
            row = replace(row, not_applicable=int((found.mask == NOT_APPLICABLE).sum()))
            if not (found.mask == SCORED).any():
                rows.append(replace(row, note=f"no photo of this {view.what} can be scored"))
                replicates.append(None)
                continue
            try:
                answer = self.estimate(summary, view, found, scored)
            except Exception as error:
                note = self.problem(summary, entry, error)
                rows.append(replace(row, status="failed", note=note))
                replicates.append(None)
                continue
            if answer is None:
                rows.append(replace(row, note="nothing on the same photos to compare with"))
                replicates.append(None)
                continue
            rows.append(_filled(row, answer.estimate))
            replicates.append(answer.replicates)
            if view.plain and entry.status in (*RANKED, "ceiling"):
                known = Plain(rows[-1], answer.replicates, found.rows, entry.seeds)
                self.plain[entry.label, summary.name] = known
        self.tables.rows += self.with_ranks(rows, replicates, summary)

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
        return summarise(
            summary,
            found.columns,
            truth=self.truth.take(found.rows),
            units=self.units[found.rows],
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
            if not (other.mask == found.mask).all():
                return None
        if view.classes is None:
            (number,) = self.numbers(summary, found, other=other)
            return number
        assert isinstance(summary, Mean | Share | Against)
        scores = found.columns[summary.column]
        if other is not None:
            scores = scores - other.columns[summary.column]
        share = isinstance(summary, Share)
        return macro_mean(scores, self.units[found.rows], view.classes[found.rows], share=share)

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
            if isinstance(found, str) or entry.status not in _TRAINED:
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
            arguments = self.arrays["novelty"][rows], self.units[rows]
            found = {"novelty": smoothing(*arguments), "novelty-bins": bins(*arguments)}
            self.last_windows = rows, found
        return self.last_windows[1]

    def add_gaps(self, twin: "PartRows", remarks: Sequence[str] = ()) -> None:
        """Add the rows `<summary>.gap`: the twin's value on these photos minus the one here.

        Args:
            twin: of the same photos.
            remarks: for their notes.
        """
        for key, plain in self.plain.items():
            if plain.row.status not in _TRAINED:
                continue
            there = twin.plain.get(key)
            lost = "" if there is not None else f"the twin {twin.label} has no number"
            if there is not None and there.seeds != plain.seeds:
                lost = f"the twin {twin.label} was trained with other seeds"
            if there is not None and not np.array_equal(plain.photos, there.photos):
                lost = f"other photos of the twin {twin.label} could be scored"
            if there is None or lost:
                empty = _contrast("gap", "", plain.row, plain.row)
                self.tables.rows.append(replace(empty, note=lost))
                continue
            gap = paired_gap(there.replicates, plain.replicates, self.units[plain.photos])
            level = f"the twin {twin.label} has {there.replicates.value:.6g}"
            head = _contrast("gap", _joined(level, *remarks), plain.row, there.row)
            row = _filled(head, gap.estimate)
            if row.unit == "share" and gap.replicates.variance == 0:
                # As many hits on both sides, photo by photo: how sure that is, nothing tells.
                note = _joined(row.note, "undefined without any variance")
                row = replace(row, low=float("nan"), high=float("nan"), note=note)
            self.tables.rows.append(row)

    def add_part_differences(self, seen: "PartRows") -> None:
        """Add the rows `<summary>.part-difference`: the value on seen photos minus the one here."""
        for key, plain in self.plain.items():
            there = seen.plain.get(key)
            if there is None:
                continue
            found = statistics.compare_independent(
                there.replicates,
                plain.replicates,
                effective_units=(there.row.effective_units, plain.row.effective_units),
                same_trainings=there.seeds == plain.seeds,
            )
            level = f"{OTHER_PHOTOS}; {seen.label} has {there.replicates.value:.6g}"
            row = _contrast("part-difference", level, plain.row, there.row)
            row = replace(row, value=found.difference, low=found.low, high=found.high)
            self.tables.rows.append(row)

    def add_point(self, entry: Entry, curve: str, x: float, estimate: Estimate) -> None:
        head = (self.name, self.label, "all", entry.label, curve)
        limits = (estimate.value, estimate.low, estimate.high)
        self.tables.curves.append(CurvePoint(*head, x, *limits))

    def with_ranks(
        self, rows: list[Row], replicates: list[Replicates | None], summary: Summary
    ) -> list[Row]:
        """The rows with rank ranges among those that compete on the same photos."""
        competing = [
            (number, found)
            for number, (row, found) in enumerate(zip(rows, replicates, strict=True))
            if self.ranked
            and row.status in RANKED
            and found is not None
            # What is undefined (a slope through one point) competes with nobody.
            and math.isfinite(found.value)
        ]
        if not competing:
            return rows
        ranges: list[RankRange] = statistics.ranks(
            [found for _, found in competing],
            better=summary.better,
            effective_units=rows[competing[0][0]].effective_units,
        )
        ranked = list(rows)
        for (number, _), limits in zip(competing, ranges, strict=True):
            ranked[number] = replace(rows[number], rank_low=limits.low, rank_high=limits.high)
        return ranked


def _contrast(name: str, note: str, row: Row, other: Row) -> Row:
    """A row for a contrast of a summary with another part, its note with what weakens either.

    Of a contrast less is better where of the summary more is: it is what is lost. It is not
    ranked, since who has learned nothing loses nothing.
    """
    return replace(
        row,
        summary=f"{row.summary}.{name}",
        better="lower" if row.better == "higher" else "higher",
        note=_joined(note, other.note, row.note),
        value=float("nan"),
        low=float("nan"),
        high=float("nan"),
        seed_sd=float("nan"),
        rank_low=None,
        rank_high=None,
    )


def _joined(*notes: str) -> str:
    """Notes as one, each remark once."""
    remarks = [remark for note in notes for remark in note.split("; ") if remark]
    return "; ".join(dict.fromkeys(remarks))


def _filled(row: Row, estimate: Estimate) -> Row:
    return replace(
        row,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        seed_sd=estimate.seed_sd,
        seeds=estimate.seeds,
        photos=estimate.photos,
        effective_units=estimate.effective_units,
        note=_joined(row.note, estimate.note),
    )
