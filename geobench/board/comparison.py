"""The comparison of two methods: the difference in every number, and who answered nearer where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench.board.contrast_rows import limits_of
from geobench.board.leaderboard import Leaderboard
from geobench.board.lines import Line, line
from geobench.board.part_rows import PartNumber
from geobench.board.tables import OF_LABELS, Row, joined, remarks
from geobench.board.worst import known
from geobench.data import Indices
from geobench.errors import ConfigError, StoreError
from geobench.geo import Floats, Points
from geobench.names import CEILING
from geobench.records import StoredRecord
from geobench.statistics.ranking import Comparison, compare
from geobench.summaries import Curve, Direction, Summary

SIGNIFICANT = 0.05
"""Below this p-value two methods are told apart."""

AS_NEAR_KM = 1.0
"""Answers whose distances from the truth differ by less are as near as each other."""

RESOLVES = (
    "What a part resolves is the smallest true difference that two methods would show at p < 0.05 "
    "with a chance of 80 %: the median over pairs of methods of the board that look at photos."
)

DESCRIBES = "describes, and is not tested"
"""Why two numbers are not compared of which neither more nor less is better."""

REMARK = (
    "Intervals and p-values are those of single comparisons, uncorrected: of twenty pairs of equal "
    "methods, one has p < 0.05. The ranks in the tables are corrected for all pairs (Holm)."
)


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """One number of two labels on the same photos of a part, in the unit of the summary.

    Args:
        summary, unit, better: of the tables.
        a, b: the two values, NaN where there is none.
        paired: a - b with its 95 % interval and the p-value of this one comparison, uncorrected;
            None where the two cannot be compared, or are not: the summary describes, or one of the
            two numbers is not ranked.
        photos: scored for both.
        effective_units: that they are worth.
        note: why the interval is weak, or why the two cannot be compared.
        resolution: the smallest true difference that two methods would show there, the median over
            pairs of methods of the board that look at photos; NaN where there is none.
    """

    summary: str
    unit: str
    better: Direction
    a: float
    b: float
    paired: Comparison | None = None
    photos: int = 0
    effective_units: float = float("nan")
    note: str = ""
    resolution: float = float("nan")

    @property
    def a_leads(self) -> bool | None:
        """Whether a is better; None where the two are not told apart at p < 0.05."""
        if self.paired is None or not self.paired.p_value < SIGNIFICANT:
            return None
        return (self.paired.difference > 0) == (self.better == "higher")


_SIDES = {"a": 1, "b": -1, "neither": 0}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Nearer:
    """How near two labels answered, photo by photo, in the order of the part.

    Args:
        a, b: the labels.
        ids: of the photos, (N,).
        points: where they were taken, (N, 2).
        a_km, b_km: distance from truth to answer, the mean over trainings, (N,).
        a_said, b_said: why, in the words of the label's first training, of each photo; None of one
            that gives no reasons, or whose words may not be shown.
        a_answered, b_answered: which photos all trainings of the label answered, (N,); for others
            something stands in. None of a label that answered all photos.
    """

    a: str
    b: str
    ids: NDArray[np.str_]
    points: Points
    a_km: Floats
    b_km: Floats
    a_said: Sequence[str] | None = None
    b_said: Sequence[str] | None = None
    a_answered: NDArray[np.bool_] | None = None
    b_answered: NDArray[np.bool_] | None = None

    @property
    def sides(self) -> NDArray[np.int8]:
        """Who answered nearer, (N,): 1 for a, -1 for b, 0 if they differ by less than 1 km."""
        gain = self.b_km - self.a_km
        return np.where(np.abs(gain) < AS_NEAR_KM, 0, np.sign(gain)).astype(np.int8)

    def counts(self) -> dict[str, int]:
        """On how many photos "a", "b" or "neither" answered nearer."""
        return {name: int((self.sides == side).sum()) for name, side in _SIDES.items()}

    def sentence(self) -> str:
        """Who answered nearer on how many photos, and who declined how many."""
        count = self.counts()
        text = (
            f"Of {len(self.ids):,} photos {self.a} is nearer on {count['a']:,}, {self.b} on "
            f"{count['b']:,}; on {count['neither']:,} they differ by less than {AS_NEAR_KM:g} km"
        )
        for label, answered in ((self.a, self.a_answered), (self.b, self.b_answered)):
            if answered is not None:
                declined = int((~answered).sum())
                text += f"; {label} does not answer {declined:,}, and counts as what stands in"
        return text

    def explained(self, most: int) -> Indices:
        """Of the photos of which either says why, those on which they differ most, (M,).

        Those that both answer come first: how far off what stands in is, nobody said.
        """
        spoken = np.zeros(len(self.ids), bool)
        for said in filter(None, (self.a_said, self.b_said)):
            spoken |= np.array([bool(words) for words in said])
        rows = np.flatnonzero(spoken)
        apart = np.abs(self.a_km - self.b_km)[rows]
        declined = np.zeros(len(rows), bool)
        for answered in (self.a_answered, self.b_answered):
            if answered is not None:
                declined |= ~answered[rows]
        return rows[np.lexsort((-apart, declined))[:most]]

    def lines(self, board: Leaderboard, part: str, *, photos: Indices | None = None) -> list[Line]:
        """A line for each photo: places in degrees, none where the dataset publishes scores.

        Args:
            board: where they are compared.
            part: the part's label.
            photos: which; all by default.
        """
        told = {
            "id": self.ids.tolist(),
            "a_error_km": self.a_km.tolist(),
            "b_error_km": self.b_km.tolist(),
            "nearer": [{1: self.a, -1: self.b, 0: None}[side] for side in self.sides.tolist()],
        }
        if board.manifest.parts[part].dataset.publishes != "scores":
            told |= {"lat": self.points[:, 0].tolist(), "lon": self.points[:, 1].tolist()}
        for side, answered in (("a", self.a_answered), ("b", self.b_answered)):
            if answered is not None:
                told[f"{side}_answered"] = answered.astype(int).tolist()
        for side, said in (("a", self.a_said), ("b", self.b_said)):
            if said is not None:
                told[f"{side}_explanation"] = list(said)
        whose: Line = {"benchmark": board.name, "part": part, "a": self.a, "b": self.b}
        rows = range(len(self.ids)) if photos is None else photos.tolist()
        return [line(whose | {name: cells[row] for name, cells in told.items()}) for row in rows]


def differences(
    board: Leaderboard, a: str, b: str, *, part: str, summary: str | None = None
) -> list[Difference]:
    """The difference of two labels in every summary that one of them has, or in one.

    The tests are those that the ranks of the tables come from, before Holm's correction, with the
    spread over seeds of these two labels in place of that of all.

    Args:
        board: where the scores lie.
        a, b: labels as in the tables; the ceiling is one.
        part: the part's label, such as "unseen-cells/unseen".
        summary: such as "distance.median"; all, unless said.

    Raises:
        ConfigError: the leaderboard has no such part, label or summary, or the labels are equal.
        StoreError: one of the two has no answers there, or no value of the one summary asked for,
            or the two were not scored on the same photos.
    """
    if a == b:
        raise ConfigError(f"{a} is compared with itself", remedy="Give two labels of the tables.")
    for label in (a, b):
        _answers(board, label, part)
    offered = [each for m in board.metrics for each in m.summaries if not isinstance(each, Curve)]
    if summary is not None:
        known(summary, {each.name: each for each in offered}, what="summary", board=board)
    numbers, resolutions = board.numbers(part, {a, b}), board.resolutions(part)
    found = []
    for each in offered:
        pair = numbers.get((a, each.name)), numbers.get((b, each.name))
        if summary == each.name or (summary is None and pair != (None, None)):
            difference = _difference(each, (a, b), pair)
            if resolved := resolutions.get(each.name):
                difference = replace(difference, resolution=resolved.value)
            found.append(difference)
    if summary is not None and found[0].paired is None:
        problem = f"{a} and {b} cannot be compared by {summary} on {part}: {found[0].note}"
        raise StoreError(problem, where=str(board.folder))
    return found


def lines(
    board: Leaderboard, found: Sequence[Difference], a: str, b: str, *, part: str
) -> list[Line]:
    """What `differences` found, a line for each summary, in the unit of table.csv.

    Args:
        board, a, b, part: as `differences` was asked.
        found: its answer.
    """
    told = []
    for each in found:
        cells: Line = {"benchmark": board.name, "part": part, "a": a, "b": b}
        cells |= {"summary": each.summary, "unit": each.unit, "better": each.better or ""}
        cells |= {"a_value": each.a, "b_value": each.b}
        test = each.paired
        for name in ("difference", "low", "high", "p_value"):
            cells[name] = None if test is None else float(getattr(test, name))
        cells["leads"] = {True: a, False: b, None: None}[each.a_leads]
        cells["photos"] = None if test is None else each.photos
        cells["effective_units"] = each.effective_units
        cells |= {"resolves": each.resolution, "note": each.note}
        told.append(line(cells))
    return told


def _difference(
    summary: Summary,
    labels: tuple[str, str],
    pair: tuple[PartNumber | str | None, PartNumber | str | None],
) -> Difference:
    a, b = pair
    values = [each.row.value if isinstance(each, PartNumber) else float("nan") for each in pair]
    found = Difference(summary.name, summary.unit, summary.better, values[0], values[1])
    if not (isinstance(a, PartNumber) and isinstance(b, PartNumber)):
        why = [
            f"{label} has no such number" if number is None else f"{label}: {number}"
            for label, number in zip(labels, pair, strict=True)
            if not isinstance(number, PartNumber)
        ]
        return replace(found, note="; ".join(why))
    if not np.array_equal(a.photos, b.photos):
        counts = f"{labels[0]} on {len(a.photos):,}, {labels[1]} on {len(b.photos):,}"
        return replace(found, note=f"not scored on the same photos: {counts}")
    notes = joined(_with_label(a.row), _with_label(b.row))
    if not (a.tested and b.tested):
        return replace(found, note=joined("" if summary.better else DESCRIBES, notes))
    size = a.row.effective_units
    paired = compare(a.replicates, b.replicates, effective_units=size)
    low, high, weak = limits_of(paired, a, b, paired=True)
    paired = replace(paired, low=low, high=high)
    note = joined(notes, weak)
    return replace(found, paired=paired, photos=len(a.photos), effective_units=size, note=note)


def _with_label(row: Row) -> str:
    """The note of a row; what is about the method stands with its label."""
    owner = {True: f"{row.label}: ", False: ""}
    return joined(*(owner[each.startswith(OF_LABELS)] + each for each in remarks(row.note)))


def nearer(board: Leaderboard, a: str, b: str, *, part: str) -> Nearer:
    """How near two labels answered on every photo of a part.

    Raises:
        ConfigError: the leaderboard has no such part or label.
        StoreError: one of the two has no answers there.
    """
    answers, arrays = [_answers(board, label, part) for label in (a, b)], board.part(part)
    truth, records = arrays["truth"], [_records(board, label, part) for label in (a, b)]
    a_km, b_km = (
        np.mean([geo.distance_km(answer, truth) for answer in each], axis=0) for each in answers
    )
    a_said, b_said = map(_explanations, records)
    a_answered, b_answered = map(_answered, records)
    return Nearer(a, b, arrays["id"], truth, a_km, b_km, a_said, b_said, a_answered, b_answered)


def _records(board: Leaderboard, label: str, part: str) -> list[StoredRecord]:
    """Those of each training of a label; none of the ceiling."""
    rows = [row for row in board.manifest.rows if (row.part, row.label) == (part, label)]
    photos = len(board.part(part)["id"])
    found = [StoredRecord.read(board.runs / row.folder, photos=photos) for row in rows]
    return [record for record in found if record is not None]


def _explanations(records: Sequence[StoredRecord]) -> list[str] | None:
    """What the first of them says of each photo, in words; None if it says nothing."""
    return records[0].beside().explanations if records else None


def _answered(records: Sequence[StoredRecord]) -> NDArray[np.bool_] | None:
    """Which photos all of them answer; None where that is every photo."""
    if not any(record.content.refused for record in records):
        return None
    answered: NDArray[np.bool_] = np.all([each.beside().answered for each in records], axis=0)
    return answered


def _answers(board: Leaderboard, label: str, part: str) -> list[Points]:
    """The answers of each training of a label, (N, 2); the ceiling's are training places."""
    known(part, board.manifest.parts, what="part", board=board)
    rows, arrays = board.manifest.rows, board.part(part)
    labels = dict.fromkeys([*(row.label for row in rows), CEILING])
    known(label, labels, what="method", board=board)
    if label == CEILING and np.isfinite(arrays["novelty"]).all():
        return [arrays["nearest"]]
    answers, status = [], "missing"
    for row in rows:
        if row.part == part and row.label == label:
            record = StoredRecord.read(board.runs / row.folder, photos=len(arrays["id"]))
            status = "missing" if record is None else record.status
            if record is None or status != "ok":
                break
            answers.append(record.answers())
    if status != "ok":
        problem = f"{label} has no answers on {part}: its record is {status}"
        raise StoreError(problem, where=str(board.folder))
    return answers
