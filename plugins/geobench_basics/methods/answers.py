"""Answers made elsewhere: a CSV or Parquet file of places per photo, read and looked up."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Indices, Points, Remark, geo
from geobench.names import meet
from geobench_basics import columns
from geobench_basics.methods import said_along
from geobench_basics.methods.part_answers import PartAnswers
from geobench_basics.methods.said_along import SaidAlong

logger = logging.getLogger("geobench.columns")

Text: TypeAlias = NDArray[np.str_]
Mask: TypeAlias = NDArray[np.bool_]


def short_name(part: str) -> str:
    """A part without its split: `seen` of `unseen-cells/seen`."""
    return part.rpartition("/")[2]


def ways_to_write(part: str) -> set[str]:
    """A part with its split and without; a subset (`official/test@answered-by-all`) as the whole
    part, too."""
    whole = part.partition("@")[0]
    return {part, short_name(part), whole, short_name(whole)}


def split_of(part: str) -> str:
    """The split of a part: `unseen-cells` of `unseen-cells/seen`, "" where none is written."""
    return part.rpartition("/")[0]


@final
@dataclass(frozen=True)
class Source:
    """Where the rows of an answers file stand.

    Args:
        path: the file.
        where: column -> value of the rows that count; of all of them, by default.
        column_of: what is read (`lat`, `weight`, `confidence`) -> the column that holds it.
    """

    path: Path
    where: Mapping[str, str]
    column_of: Mapping[str, str]

    def read(self) -> columns.ColumnFile:
        """The rows that count."""
        return columns.chosen(columns.read_columns(self.path), self.where)


@final
class Renamed(NamedTuple):
    """A file whose rows are named as the photos are, and what is odd about its ids."""

    file: "AnswersFile"
    remarks: list[str]


@final
@dataclass(frozen=True)
class AnswersFile:
    """The rows of an answers file.

    Args:
        source: the file.
        ids: the photo of each row, (R,).
        points: the answers, (R, 2); NaN where there is none.
        refused: which rows decline to answer: they leave both coordinates empty, (R,).
        part: the part as written, (R,), or None.
        sample: which of a photo's samples, (R,), or None.
        weights: (R,), or None if all rows weigh the same.
        along: what it says beside places.
        passed_over: which rows are about no photo that may be answered, (R,); None for none.
        strange: which of them are about no photo of the dataset at all, (R,); None for none.
    """

    source: Source
    ids: Text
    points: Points
    refused: Mask
    part: Text | None
    sample: Text | None
    weights: geo.Floats | None
    along: SaidAlong
    passed_over: Mask | None = None
    strange: Mask | None = None

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def one_row_each(self) -> bool:
        """Whether no photo of a part has several rows."""
        parts = np.zeros(len(self.ids)) if self.part is None else self.part
        order = np.lexsort([self.ids, parts])
        same = (self.ids[order][1:] == self.ids[order][:-1]) & (
            parts[order][1:] == parts[order][:-1]
        )
        return not same.any()

    def meeting(self, known: Iterable[Text], *, elsewhere: Iterable[Text] = ()) -> Renamed:
        """The same rows, by the ids of photos where these are meant unambiguously.

        Args:
            known: the ids of all photos that may be answered, part by part.
            elsewhere: those of all photos of the same datasets, training photos with them; a row
                about one is passed over, and not strange.
        """
        parts = [ids for ids in known if len(ids)]
        if not parts:
            return Renamed(self, [])
        asked = np.unique(np.concatenate(parts))
        met = meet(self.ids, asked)
        over = ~np.isin(met.ids, asked)
        if not over.any():
            return Renamed(replace(self, ids=met.ids), met.remarks)
        others = set().union(*(ids.tolist() for ids in elsewhere)).difference(asked.tolist())
        rest = met.ids[over]
        if others and not others.issuperset(rest.tolist()):
            rest = meet(rest, np.array(list(others))).ids
        ids = met.ids.astype(np.result_type(met.ids, rest))
        ids[over] = rest
        strange = over.copy()
        strange[over] = [name not in others for name in rest.tolist()]
        return Renamed(replace(self, ids=ids, passed_over=over, strange=strange), met.remarks)

    def rows_of(self, part: str) -> Indices:
        """The rows about a part (`unseen-cells/seen`): those that name it, with the split or
        without, or all of a file that names no parts. Of a part of some photos
        (`official/test@answered-by-all`) they are those of the whole part.

        Raises:
            DataError: some rows name it with the split and others without.
        """
        if self.part is None:
            return np.arange(len(self.ids))
        full, short = self.part == part, self.part == short_name(part)
        if not (full.any() or short.any()):
            whole = part.partition("@")[0]
            full, short = self.part == whole, self.part == short_name(whole)
        if short_name(part) != part and full.any() and short.any():
            raise DataError(
                f"some rows are of part {part}, others of {short_name(part)} of whatever split",
                where=str(self.path),
                remedy="Write the part in one way: with the split, as in table.csv.",
            )
        return np.flatnonzero(full | short)

    def of(self, part: str) -> PartAnswers:
        """The answers of one part, without what is declined, passed over or weighs nothing."""
        rows = self.rows_of(part)
        left_out = self.refused if self.passed_over is None else self.refused | self.passed_over
        rows = rows[~left_out[rows]]
        weights = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        rows, weights = rows[weights > 0], weights[weights > 0]
        return PartAnswers(self.ids[rows], self.points[rows], weights=weights, rows=rows)

    def said_of(self, ids: Text, *, part: str, answered: Mask, rows: Indices) -> dict[str, Remark]:
        """What is said of photos (N,) along with their answers; nothing of most files.

        Args:
            part: of the photos.
            answered: which of them are answered, (N,).
            rows: the rows that are their answers, (A,).
        """
        if not self.along.anything:
            return {}
        of_part = self.rows_of(part)
        order = np.argsort(ids, kind="stable")
        place = np.searchsorted(ids, self.ids[of_part], sorter=order)
        found = order[np.minimum(place, len(ids) - 1)] if len(ids) else place
        photo = np.full(len(self.ids), -1)
        same = ids[found] == self.ids[of_part] if len(ids) else np.zeros(len(of_part), bool)
        photo[of_part[same]] = found[same]
        answer = np.full(len(ids), -1)
        answer[photo[of_part[same]][::-1]] = of_part[same][::-1]  # the first of each
        answer[answered] = rows
        return self.along.of(photo, answer, answered=answered)


def read_answers(
    path: Path,
    *,
    where: Mapping[str, str] | None = None,
    id_column: str | None = None,
    lat_column: str | None = None,
    lon_column: str | None = None,
    along: Collection[str] = said_along.ALL,
    confidence_scale: float = 1.0,
    cost_unit: str = "",
) -> AnswersFile:
    """Read a file of id, lat, lon and, if it has them, part, sample and weight, and what is said
    along.

    Args:
        where: column -> value of the rows that count; all rows, by default.
        id_column, lat_column, lon_column: which columns these are; found by their usual names, by
            default. Where a file holds true places beside the answers, the answers are read.
        along: what of that is read.
        confidence_scale: the confidence that stands for certainty.
        cost_unit: the currency of the column `cost`.

    Raises:
        ConfigError: a column that is not there, or that could be one of several.
        DataError: a file that cannot be read.
    """
    file = columns.chosen(columns.read_columns(path), where or {})
    if file.incomplete is not None:
        cut = file.incomplete
        logger.warning("%s: %d lines: %s (first: %s)", path.name, cut.count, cut.what, cut.first)
    ids = file.names(file.ids(columns.ANSWER_ID, given=id_column))
    place = file.place(columns.ANSWER_PLACE, lat=lat_column, lon=lon_column)

    def optional(name: str) -> str | None:
        return file.find(columns.Role(f"column {name}", name, ((name,),)), given=None)

    part, sample, weight = optional("part"), optional("sample"), optional("weight")
    lat, lon = (columns.is_nothing(file.columns[name]) for name in place)
    said = said_along.read(file, along, confidence_scale=confidence_scale, cost_unit=cost_unit)
    found = {"lat": place.lat, "lon": place.lon, **said.columns}
    if weight is not None:
        found["weight"] = weight
    return AnswersFile(
        source=Source(path, where or {}, found),
        ids=ids,
        points=np.stack([file.numbers(name) for name in place], axis=-1),
        refused=lat & lon,
        part=None if part is None else file.names(part),
        sample=None if sample is None else file.names(sample),
        weights=None if weight is None else file.numbers(weight),
        along=said,
    )
