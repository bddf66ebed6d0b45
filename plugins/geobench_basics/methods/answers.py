"""Answers made elsewhere: a CSV or Parquet file of places per photo, checked and looked up."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Indices, Points, Remark, geo
from geobench_basics import columns
from geobench_basics.methods import said_along
from geobench_basics.methods.choosing import how_to_choose
from geobench_basics.methods.meeting import meet
from geobench_basics.methods.part_answers import PartAnswers
from geobench_basics.methods.said_along import SaidAlong

logger = logging.getLogger("geobench.columns")

Text: TypeAlias = NDArray[np.str_]
Mask: TypeAlias = NDArray[np.bool_]

_EXAMPLES = 3


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
class Renamed(NamedTuple):
    """A file whose rows are named as the photos are, and how many ids were met otherwise."""

    file: "AnswersFile"
    remarks: list[str]


@final
@dataclass(frozen=True)
class AnswersFile:
    """The rows of an answers file.

    Args:
        path: the file.
        ids: the photo of each row, (R,).
        points: the answers, (R, 2); NaN where there is none.
        refused: which rows decline to answer: they leave both coordinates empty, (R,).
        part: the part as written, (R,), or None.
        sample: which of a photo's samples, (R,), or None.
        weights: (R,), or None if all rows weigh the same.
        along: what it says beside places.
    """

    path: Path
    ids: Text
    points: Points
    refused: Mask
    part: Text | None
    sample: Text | None
    weights: geo.Floats | None
    along: SaidAlong

    @property
    def one_row_each(self) -> bool:
        """Whether no photo of a part has several rows."""
        parts = np.zeros(len(self.ids)) if self.part is None else self.part
        order = np.lexsort([self.ids, parts])
        same = (self.ids[order][1:] == self.ids[order][:-1]) & (
            parts[order][1:] == parts[order][:-1]
        )
        return not same.any()

    def meeting(self, known: Iterable[Text]) -> Renamed:
        """The same rows, by the ids of photos where these are meant unambiguously.

        Args:
            known: the ids of all photos that may be answered, part by part.
        """
        parts = [ids for ids in known if len(ids)]
        if not parts:
            return Renamed(self, [])
        met = meet(self.ids, np.unique(np.concatenate(parts)))
        return Renamed(replace(self, ids=met.ids), met.remarks)

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
        """The answers of one part, without what is declined and what weighs nothing."""
        rows = self.rows_of(part)
        rows = rows[~self.refused[rows]]
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

    def check(
        self,
        answered: Mapping[str, Text],
        *,
        known: Mapping[str, Text],
        others: Iterable[str],
        missing: bool,
    ) -> None:
        """Compare the file with the photos that it has to answer.

        Args:
            answered: part -> its ids, for each part of the split that the file answers.
            known: the same parts -> all ids that may be answered, used or not.
            others: the other parts of the split; rows about them are let be.
            missing: whether photos may go without an answer.

        Raises:
            DataError: missing, unknown or doubled (part, id, sample), or improper values, with
                the count and the first examples of each.
        """
        parts = {part: (ids, known[part]) for part, ids in answered.items()}
        if self.part is None and len(answered) > 1:
            together = np.concatenate([known[part] for part in answered])
            if len(np.unique(together)) < len(together):
                raise DataError(
                    f"parts {' and '.join(answered)} share ids, and the file has no column `part`",
                    where=str(self.path),
                    remedy="Add a column `part`, written as in table.csv.",
                )
            parts = {" and ".join(answered): (np.concatenate(list(answered.values())), together)}
        silent = [] if missing else self._silent(parts)
        strangers = self._nothing_in_common(parts)
        problems = [
            *strangers,
            *silent,
            *(text for part, (_, ids) in parts.items() for text in self._compare(part, ids)),
            *self._strange_parts({*answered, *others}),
            *self._improper(),
        ]
        if problems:
            hint = _STRANGERS if strangers else _MISSING if silent else ""
            hint += self._choice() if any(" doubled (" in text for text in problems) else ""
            raise DataError(
                f"the answers do not fit the photos: {'; '.join(problems)}",
                where=str(self.path),
                remedy=f"{hint}Answer every photo of a part once, or once "
                "per sample, and no other photo, with lat within 90 and lon within 360 degrees of "
                "0; the key `parts` says which parts the file answers.",
            )

    def _nothing_in_common(self, parts: Mapping[str, tuple[Text, Text]]) -> list[str]:
        """Of a file that names no photo at all, what ids of either side look like."""
        if not parts:
            return []
        named = np.concatenate([self.ids[self.rows_of(part)] for part in parts])
        known = np.concatenate([ids for _, ids in parts.values()])
        if not (len(named) and len(known)) or np.isin(named, known).any():
            return []
        some, other = ("; ".join(map(str, ids[:_EXAMPLES])) for ids in (named, known))
        return [f"no id in common (answers: {some}; photos: {other})"]

    def _choice(self) -> str:
        parts = np.zeros(len(self.ids)) if self.part is None else self.part
        return how_to_choose(columns.read_columns(self.path), self.ids, parts=parts)

    def _silent(self, parts: Mapping[str, tuple[Text, Text]]) -> list[str]:
        """The photos without an answer: those without a row, and those that are declined."""
        problems = []
        for part, (ids, _) in parts.items():
            rows = self.rows_of(part)
            named, refused = self.ids[rows], self.refused[rows]
            given = np.isin(ids, named)
            declined = given & ~np.isin(ids, named[~refused])
            photo = partial(_photo, part, ids)
            problems += _counted("missing", ~given, photo)
            problems += _counted("declined (coordinates left empty)", declined, photo)
        return problems

    def _compare(self, part: str, known: Text) -> list[str]:
        rows = self.rows_of(part)
        named = self.ids[rows]
        keys = [named] if self.sample is None else [self.sample[rows], named]
        order = np.lexsort(keys)
        again = np.zeros(len(rows), bool)
        again[order[1:]] = True
        for key in keys:
            again[order[1:]] &= key[order[1:]] == key[order[:-1]]
        problems = [
            *_counted("unknown", ~np.isin(named, known), lambda i: self._row(rows[i])),
            *_counted("doubled", again, lambda i: self._row(rows[i])),
        ]
        if self.weights is not None:
            said = rows[~self.refused[rows]]
            photos, index = np.unique(self.ids[said], return_inverse=True)
            total = np.bincount(index, self.weights[said], minlength=len(photos))
            problems += _counted("without weight", total == 0, lambda i: f"{part}, {photos[i]}")
        return problems

    def _strange_parts(self, known: set[str]) -> list[str]:
        """Rows that name a part of this very split that it does not have."""
        if self.part is None:
            return []
        known = known | {part.partition("@")[0] for part in known}
        prefixes = tuple({part[: -len(short_name(part))] for part in known if "/" in part})
        names = np.unique(self.part)
        strange = [n for n in names if prefixes and n.startswith(prefixes) and n not in known]
        return _counted("of an unknown part", np.isin(self.part, strange), self._row)

    def _improper(self) -> list[str]:
        """Rows with values that are none."""
        number = np.isfinite(self.points).all(axis=-1) | self.refused
        with np.errstate(invalid="ignore"):
            on_globe = (np.abs(self.points) <= (90.0, 360.0)).all(axis=-1) | self.refused
        problems = _counted("of coordinates that are no numbers", ~number, self._row)
        problems += _counted("off the globe", number & ~on_globe, self._row)
        if self.weights is not None:
            proper = (np.isfinite(self.weights) & (self.weights >= 0)) | self.refused
            problems += _counted("of an improper weight", ~proper, self._row)
        for name, mask in self.along.unreadable.items():
            what = f"of an improper {name}" + (_SCALE if name == "confidence" else "")
            problems += _counted(what, mask, self._row)
        return problems

    def _row(self, row: Any) -> str:
        where = [] if self.part is None else [str(self.part[row])]
        which = [] if self.sample is None else [f"sample {self.sample[row]}"]
        return ", ".join([*where, str(self.ids[row]), *which])


_MISSING = (
    "The key `missing` says what stands in for an answer where there is none: farthest, uniform or "
    "prior. "
)
_STRANGERS = (
    "`id_column` says which column holds the ids, of the answers and of a table of photos. "
)
_SCALE = " (a share from 0 to 1; `confidence_scale: 100` reads percent)"


def _photo(part: str, ids: Text, index: int) -> str:
    return f"{part}, {ids[index]}"


def _counted(what: str, mask: Mask, name: Callable[[int], str]) -> list[str]:
    found = np.flatnonzero(mask)
    if not len(found):
        return []
    examples = "; ".join(name(int(row)) for row in found[:_EXAMPLES])
    return [f"{len(found):,} {what} (first: {examples})"]


def read_answers(
    path: Path,
    *,
    where: Mapping[str, str] | None = None,
    id_column: str | None = None,
    lat_column: str | None = None,
    lon_column: str | None = None,
    confidence_scale: float = 1.0,
    cost_unit: str = "",
) -> AnswersFile:
    """Read a file of id, lat, lon and, if it has them, part, sample and weight, and what is said
    along.

    Args:
        where: column -> value of the rows that count; all rows, by default.
        id_column, lat_column, lon_column: which columns these are; found by their usual names, by
            default. Where a file holds true places beside the answers, the answers are read.
        confidence_scale: the confidence that stands for certainty.
        cost_unit: the currency of the column `cost`.

    Raises:
        ConfigError: a column that is not there, or that could be one of several.
        DataError: a file that cannot be read.
    """
    file = columns.read_columns(path)
    if where:
        file = columns.chosen(file, where)
    if file.incomplete is not None:
        cut = file.incomplete
        logger.warning("%s: %d lines: %s (first: %s)", path.name, cut.count, cut.what, cut.first)
    ids = file.names(file.ids(columns.ANSWER_ID, given=id_column))
    place = file.place(columns.ANSWER_PLACE, lat=lat_column, lon=lon_column)

    def optional(name: str) -> str | None:
        return file.find(columns.Role(f"column {name}", name, ((name,),)), given=None)

    part, sample, weight = optional("part"), optional("sample"), optional("weight")
    lat, lon = (columns.is_nothing(file.columns[name]) for name in place)
    return AnswersFile(
        path=path,
        ids=ids,
        points=np.stack([file.numbers(name) for name in place], axis=-1),
        refused=lat & lon,
        part=None if part is None else file.names(part),
        sample=None if sample is None else file.names(sample),
        weights=None if weight is None else file.numbers(weight),
        along=said_along.read(file, confidence_scale=confidence_scale, cost_unit=cost_unit),
    )
