"""Answers made elsewhere: a CSV or Parquet file of places per photo, checked and looked up."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench import Atoms, DataError, Indices, Points, Prediction, geo
from geobench_basics import columns
from geobench_basics.methods.given_draws import GivenDraws

logger = logging.getLogger("geobench.columns")

Text = NDArray[np.str_]
Mask = NDArray[np.bool_]

_ALIKE = 1 - 1e-12  # of the heaviest of a photo's weights, as which this share of it counts
_PAIRS = 1 << 20  # at most this many pairs of a photo's places in memory at once


def short_name(part: str) -> str:
    """A part without its split: `seen` of `unseen-cells/seen`."""
    return part.rpartition("/")[2]


def split_of(part: str) -> str:
    """The split of a part: `unseen-cells` of `unseen-cells/seen`, "" where none is written."""
    return part.rpartition("/")[0]


@final
@dataclass(frozen=True)
class PartAnswers:
    """The rows about one part, gathered by photo.

    Args:
        ids: the photos that are answered, sorted, (P,).
        start: where each photo's rows begin, (P,).
        count: how many rows each photo has, (P,).
        points: the answers, photo after photo, (R, 2).
        weights: their weights, (R,), above 0.
        drawn: whether the rows are draws of something else, and not all the places that there are.
    """

    ids: Text
    start: Indices
    count: Indices
    points: Points
    weights: geo.Floats
    drawn: bool

    def predictions(self, ids: Text) -> Prediction:
        """What the rows of photos (N,) say: draws, or places with their weights.

        A photo's answer is its heaviest row; of several such, the one that most of them lie
        around.

        Raises:
            DataError: a photo without an answer.
        """
        photo = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        absent = np.flatnonzero(self.ids[photo] != ids) if len(self.ids) else np.arange(len(ids))
        if len(absent):
            raise DataError(f"{len(absent)} photos have no answer, the first is {ids[absent[0]]}")
        count = self.count[photo]
        slot = np.arange(count.max(initial=1))
        used = slot < count[:, None]
        row = self.start[photo][:, None] + np.where(used, slot, 0)
        points, weights = self.points[row], np.where(used, self.weights[row], 0)
        best, everyone = _heaviest(points, weights), np.arange(len(ids))
        if self.drawn:
            return GivenDraws(points[everyone, best], points, count)
        # Atoms answers with the first of the heaviest.
        for array in (points, weights):
            array[everyone, best], array[:, 0] = array[:, 0].copy(), array[everyone, best]
        return Atoms(points, weights)


def _heaviest(points: Points, weights: geo.Floats) -> Indices:
    """The slot of each photo's answer among points (N, K, 2) of weights (N, K), (N,)."""
    heavy = weights >= weights.max(axis=-1, keepdims=True) * _ALIKE
    best = heavy.argmax(axis=-1)
    ties = heavy.sum(axis=-1)
    for size in np.unique(ties[ties > 2]):  # of two, neither has more around it
        photos = np.flatnonzero(ties == size)
        step = max(1, _PAIRS // int(size) ** 2)
        for start in range(0, len(photos), step):
            block = photos[start : start + step]
            slots = np.nonzero(heavy[block])[1].reshape(len(block), size)
            tied = points[block[:, None], slots]
            same = (tied == geo.densest_point(tied)[:, None]).all(axis=-1)
            best[block] = slots[np.arange(len(block)), same.argmax(axis=-1)]
    return np.asarray(best)


@final
@dataclass(frozen=True)
class AnswersFile:
    """The rows of an answers file.

    Args:
        path: the file.
        ids: the photo of each row, (R,).
        points: the answers, (R, 2).
        part: the part as written, (R,), or None.
        sample: which of a photo's samples, (R,), or None.
        weights: (R,), or None if all rows weigh the same.
    """

    path: Path
    ids: Text
    points: Points
    part: Text | None
    sample: Text | None
    weights: geo.Floats | None

    def rows_of(self, part: str) -> Indices:
        """The rows about a part (`unseen-cells/seen`): those that name it, with the split or
        without, or all of a file that names no parts.

        Raises:
            DataError: some rows name it with the split and others without.
        """
        if self.part is None:
            return np.arange(len(self.ids))
        full, short = self.part == part, self.part == short_name(part)
        if short_name(part) != part and full.any() and short.any():
            raise DataError(
                f"some rows are of part {part}, others of {short_name(part)} of whatever split",
                where=str(self.path),
                remedy="Write the part in one way: with the split, as in table.csv.",
            )
        return np.flatnonzero(full | short)

    def of(self, part: str) -> PartAnswers:
        """The answers of one part.

        Several rows of a photo are draws where each photo's weigh alike; a row without weight is
        none. That is one rule for the whole part: a weighted file may well give some photo two
        places of equal weight, and a file of draws a photo a single one.
        """
        rows = self.rows_of(part)
        if self.weights is not None:
            rows = rows[self.weights[rows] > 0]
        rows = rows[np.argsort(self.ids[rows], kind="stable")]
        ids, start, count = np.unique(self.ids[rows], return_index=True, return_counts=True)
        weights = np.ones(len(rows)) if self.weights is None else self.weights[rows]
        heaviest = np.maximum.reduceat(weights, start) if len(rows) else weights
        alike = (weights >= np.repeat(heaviest, count) * _ALIKE).all()
        drawn = bool(alike and (count > 1).any())
        return PartAnswers(ids, start, count, self.points[rows], weights, drawn)

    def check(
        self, answered: Mapping[str, Text], *, known: Mapping[str, Text], others: Iterable[str]
    ) -> None:
        """Compare the file with the photos that it has to answer.

        Args:
            answered: part -> its ids, for each part of the split that the file answers.
            known: the same parts -> all ids that may be answered, used or not.
            others: the other parts of the split; rows about them are let be.

        Raises:
            DataError: missing, unknown or doubled (part, id, sample), or improper values, with
                the count and the first example of each.
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
        problems = [
            text
            for part, (ids, all_ids) in parts.items()
            for text in self._compare(part, ids, all_ids)
        ]
        problems += self._strange_parts({*answered, *others})
        lat, lon = self.points[:, 0], self.points[:, 1]
        on_globe = (np.abs(lat) <= 90) & (np.abs(lon) <= 360)  # not so for NaN
        problems += _counted("off the globe", ~on_globe, self._row)
        if self.weights is not None:
            proper = np.isfinite(self.weights) & (self.weights >= 0)
            problems += _counted("of an improper weight", ~proper, self._row)
        if problems:
            raise DataError(
                f"the answers do not fit the photos: {'; '.join(problems)}",
                where=str(self.path),
                remedy="Answer every photo of a part once, or once per sample, and no other photo, "
                "with lat within 90 and lon within 360 degrees of 0; the key `parts` says which "
                "parts the file answers.",
            )

    def _compare(self, part: str, ids: Text, known: Text) -> list[str]:
        rows = self.rows_of(part)
        named = self.ids[rows]
        keys = [named] if self.sample is None else [self.sample[rows], named]
        order = np.lexsort(keys)
        again = np.zeros(len(rows), bool)
        again[order[1:]] = True
        for key in keys:
            again[order[1:]] &= key[order[1:]] == key[order[:-1]]
        problems = [
            *_counted("missing", ~np.isin(ids, named), lambda i: f"{part}, {ids[i]}"),
            *_counted("unknown", ~np.isin(named, known), lambda i: self._row(rows[i])),
            *_counted("doubled", again, lambda i: self._row(rows[i])),
        ]
        if self.weights is not None:
            photos, index = np.unique(named, return_inverse=True)
            total = np.bincount(index, self.weights[rows], minlength=len(photos))
            problems += _counted("without weight", total == 0, lambda i: f"{part}, {photos[i]}")
        return problems

    def _strange_parts(self, known: set[str]) -> list[str]:
        """Rows that name a part of this very split that it does not have."""
        if self.part is None:
            return []
        prefixes = tuple({part[: -len(short_name(part))] for part in known if "/" in part})
        names = np.unique(self.part)
        strange = [n for n in names if prefixes and n.startswith(prefixes) and n not in known]
        return _counted("of an unknown part", np.isin(self.part, strange), self._row)

    def _row(self, row: Any) -> str:
        where = [] if self.part is None else [str(self.part[row])]
        which = [] if self.sample is None else [f"sample {self.sample[row]}"]
        return ", ".join([*where, str(self.ids[row]), *which])


def _counted(what: str, mask: Mask, name: Callable[[int], str]) -> list[str]:
    found = np.flatnonzero(mask)
    return [f"{len(found)} {what} (first: {name(int(found[0]))})"] if len(found) else []


def read_answers(
    path: Path,
    *,
    id_column: str | None = None,
    lat_column: str | None = None,
    lon_column: str | None = None,
) -> AnswersFile:
    """Read a file of id, lat, lon and, if it has them, part, sample and weight.

    Args:
        id_column, lat_column, lon_column: which columns these are; found by their usual names, by
            default. Where a file holds true places beside the answers, the answers are read.

    Raises:
        ConfigError: a column that is not there, or that could be one of several.
        DataError: a file that cannot be read.
    """
    file = columns.read_columns(path)
    if file.incomplete is not None:
        cut = file.incomplete
        logger.warning("%s: %d lines: %s (first: %s)", path.name, cut.count, cut.what, cut.first)
    ids = file.names(file.ids(columns.ANSWER_ID, given=id_column))
    place = file.place(columns.ANSWER_PLACE, lat=lat_column, lon=lon_column)

    def optional(name: str) -> str | None:
        return file.find(columns.Role(f"column {name}", name, ((name,),)), given=None)

    part, sample, weight = optional("part"), optional("sample"), optional("weight")
    return AnswersFile(
        path=path,
        ids=ids,
        points=np.stack([file.numbers(name) for name in place], axis=-1),
        part=None if part is None else file.names(part),
        sample=None if sample is None else file.names(sample),
        weights=None if weight is None else file.numbers(weight),
    )
