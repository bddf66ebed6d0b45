"""The tables of a leaderboard: their rows, column by column, written as CSV and read from it."""

import csv
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from geobench.board import lines
from geobench.errors import StoreError
from geobench.readable import in_one_line
from geobench.records import files

if TYPE_CHECKING:
    from pandas import DataFrame

RANKED = ("ok", "external", "released")
"""Status of what has a rank."""

TRAINED = ("ok", "ceiling")
"""Status of what depends on the training photos of this split."""

GALLERY = "gallery: "
"""How a note begins that says what places a retrieval method can answer with."""

CONSTANT = "a constant"
"""How a note begins that says that a number is mostly one that the method chose."""

REFUSALS = "refusals: "
"""How a note begins that says how many photos a method declined, and what they are scored as."""

FEW_DRAWS = "few draws: "
"""How a note begins that says that a method has fewer draws of a photo than are asked for."""

OF_LABELS = (GALLERY, REFUSALS, FEW_DRAWS)
"""How notes begin that are about a label and not about a number."""

OUT_OF_REACH = "the training place nearest to the truth scores 0 on every photo"
"""The note of a share that even a nearest answer does not raise above 0."""

_WEAK = ("effective", "undefined", "without any variance", "skewed")


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One row of table.csv, its fields in the order of the columns."""

    benchmark: str
    part: str
    slice: str
    average: str
    label: str
    method: str
    summary: str
    unit: str
    better: str
    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    seed_sd: float = float("nan")
    seeds: int = 0
    photos: int = 0
    not_applicable: int = 0
    answered: float = float("nan")
    effective_units: float = float("nan")
    rank_low: int | None = None
    rank_high: int | None = None
    status: str = "ok"
    note: str = ""

    @property
    def overall(self) -> bool:
        """Whether it is about all photos of its part, each of which counts once."""
        return self.slice == "all" and self.average == "photo"

    @property
    def weak(self) -> bool:
        """Whether its note says that its interval is weak; a note may also say other things."""
        return any(word in self.note for word in _WEAK)


@final
@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One row of curves.csv."""

    benchmark: str
    part: str
    slice: str
    label: str
    curve: str
    x: float
    value: float
    low: float
    high: float


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """One row of costs.csv: what the harness measured, or a fact that the method gave."""

    benchmark: str
    part: str
    label: str
    method: str
    seed: int
    device: str
    quantity: str
    unit: str
    value: float


@final
@dataclass(frozen=True, slots=True)
class Resolution:
    """One row of resolution.csv: the smallest true difference that two methods would show.

    It is the median over `pairs` pairs of methods that look at photos.
    """

    benchmark: str
    part: str
    summary: str
    unit: str
    value: float
    pairs: int
    photos: int
    effective_units: float


RESOLUTIONS = "resolution.csv"

KINDS: dict[str, type[Any]] = {
    "table.csv": Row,
    "curves.csv": CurvePoint,
    "costs.csv": Cost,
    RESOLUTIONS: Resolution,
}
"""What the lines of each table are."""

ROW_COLUMNS = tuple(column.name for column in fields(Row))


@final
@dataclass(slots=True)
class Tables:
    """All rows of a leaderboard, and what could not be computed."""

    rows: list[Row]
    curves: list[CurvePoint]
    costs: list[Cost]
    problems: list[str]
    resolutions: list[Resolution] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """Every label once, in the order of the tables."""
        return list(dict.fromkeys(row.label for row in self.rows))


def in_one_line_each(found: Tables) -> Tables:
    """The same tables, in whose texts nothing ends a line or moves a cursor: attributes of photos
    and facts of methods are of others."""
    return Tables(
        _in_lines(found.rows, Row),
        _in_lines(found.curves, CurvePoint),
        _in_lines(found.costs, Cost),
        found.problems,
        _in_lines(found.resolutions, Resolution),
    )


def _in_lines(rows: list[Any], kind: type[Any]) -> list[Any]:
    names = [column.name for column in fields(kind) if str(column.type) == str(str)]
    texts = {text for name in names for text in map(attrgetter(name), rows)}
    odd = {text: line for text in texts if (line := in_one_line(text)) != text}
    if not odd:
        return rows
    return [
        replace(row, **{n: odd[t] for n in names if (t := getattr(row, n)) in odd}) for row in rows
    ]


def as_csv(rows: Sequence[Any], kind: type[Any]) -> str:
    """Rows as CSV: six significant digits, empty where there is no number.

    A text that a spreadsheet would work out begins with an apostrophe, as it does when it is typed
    there; `parse`, `read` and `load` take it away again.
    """
    # Column by column: cell by cell, a large table takes several times as long.
    columns = []
    for column in fields(kind):
        cells = map(attrgetter(column.name), rows)
        if str(column.type) == str(float):
            columns.append(map(_number, cells))
        else:
            columns.append(map(lines.as_text, cells) if str(column.type) == str(str) else cells)
    head = [column.name for column in fields(kind)]
    return lines.csv_text([head, *zip(*columns, strict=True)])


def _number(value: float) -> str | int:
    if not isinstance(value, float):
        return value  # a whole number has all of its digits
    return "" if math.isnan(value) else f"{value:.6g}"


def remarks(note: str) -> list[str]:
    """What a row's note says, one by one."""
    return [remark for remark in note.split("; ") if remark]


def joined(*notes: str) -> str:
    """Notes as one, each remark once."""
    said = [note for note in notes if note]
    if len(said) < 2 and "; " not in "".join(said):  # as of most rows
        return "".join(said)
    return "; ".join(dict.fromkeys(each for note in notes for each in remarks(note)))


def read(folder: Path) -> Tables:
    """The tables of a leaderboard's folder, as they were written: six significant digits.

    Raises:
        StoreError: a table is missing, or has other columns.
    """
    rows, curves, costs, resolutions = (read_table(folder, name) for name in KINDS)
    return Tables(rows, curves, costs, [], resolutions)


def read_table(folder: Path, name: str) -> list[Any]:
    """The rows of one table of a leaderboard's folder, of its type in `KINDS`.

    Raises:
        StoreError: it is missing, or has other columns.
    """
    return _rows(_text(folder, name), KINDS[name], str(folder / name))


def read_overall(folder: Path) -> list[Row]:
    """The rows of table.csv that are about all photos of their part, each counting once.

    Of a large board they are a few in a hundred, and soon read.

    Raises:
        StoreError: it is missing, or has other columns.
    """
    where = str(folder / "table.csv")
    found = _lines(_text(folder, "table.csv"), Row, where)
    view = slice(ROW_COLUMNS.index("slice"), ROW_COLUMNS.index("average") + 1)
    rows: list[Row] = _made([line for line in found if line[view] == ["all", "photo"]], Row, where)
    return rows


def _text(folder: Path, name: str) -> str:
    path = folder / name
    if not os.path.lexists(path):
        raise StoreError(f"there is no {name}", where=str(folder), remedy=_REMEDY)
    return files.read_text(path)


def load(folder: str | Path) -> "DataFrame":
    """The table of a leaderboard as a pandas DataFrame, one row per number.

    Args:
        folder: a leaderboard's folder, such as "leaderboards/blue-marble".

    Raises:
        StoreError: there is no table.csv, or it is not one as it is written.
    """
    import pandas

    path = Path(folder) / "table.csv"
    if not os.path.lexists(path):
        raise StoreError(
            "there is no table.csv", where=str(folder), remedy="Give a leaderboard's folder."
        )
    columns = _columns(list(_lines(files.read_text(path), Row, str(path))), Row, str(path))
    # Of an empty table pandas would not know what its columns hold.
    return pandas.DataFrame(
        {
            column.name: pandas.Series(cells, dtype=_DTYPES[str(column.type)])
            for column, cells in zip(fields(Row), columns, strict=True)
        }
    )


_DTYPES = {str(str): "str", str(int): "int64", str(float): "float64", str(int | None): "float64"}


def parse(texts: Mapping[str, str], *, where: str) -> Tables:
    """Tables from the texts of the four files.

    Raises:
        StoreError: one has other columns.
    """
    read = {name: _rows(text, KINDS[name], f"{where}/{name}") for name, text in texts.items()}
    rows, curves, costs, resolutions = (read[name] for name in KINDS)
    return Tables(rows, curves, costs, [], resolutions)


def _rows(text: str, kind: type[Any], where: str) -> list[Any]:
    return _made(list(_lines(text, kind, where)), kind, where)


def _lines(text: str, kind: type[Any], where: str) -> Iterator[list[str]]:
    """The lines of a table below its head, which is that of this version."""
    found = cells_of(text, where=where)
    head = [column.name for column in fields(kind)]
    if next(found, None) != head:
        problem = "has other columns than this version writes"
        raise StoreError(problem, where=where, remedy=_REMEDY)
    for number, line in enumerate(found, 2):
        if len(line) != len(head):
            problem = f"has {len(line)} cells in row {number}, and {len(head)} columns"
            raise StoreError(problem, where=where, remedy=_REMEDY)
        yield line


def cells_of(text: str, *, where: str) -> Iterator[list[str]]:
    """The lines of a CSV file, each its cells.

    Raises:
        StoreError: a cell is longer than any that is written, or a line is none.
    """
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        problem = f"is no table ({error})"
        raise StoreError(problem, where=where, remedy=_REMEDY) from None


def _made(written: Sequence[Sequence[str]], kind: type[Any], where: str) -> list[Any]:
    """The rows of a table's lines."""
    return list(map(kind, *_columns(written, kind, where)))


def _columns(written: Sequence[Sequence[str]], kind: type[Any], where: str) -> list[Sequence[Any]]:
    """The columns of a table's lines, each of its type."""
    # Column by column: cell by cell, a large table takes several times as long.
    columns = list(zip(*written, strict=True)) or [()] * len(fields(kind))
    found: list[Sequence[Any]] = []
    for column, texts in zip(fields(kind), columns, strict=True):
        parse = _PARSERS[str(column.type)]
        try:
            found.append(list(map(parse, texts)))
        except (ValueError, OverflowError):
            problem = f"holds what is no number in the column {column.name}"
            raise StoreError(problem, where=where, remedy=_REMEDY) from None
    return found


_PARSERS: dict[str, Callable[[str], Any]] = {
    str(str): lines.of_text,
    str(int): lambda text: _whole(text),
    str(float): lambda text: float(text or "nan"),
    str(int | None): lambda text: _whole(text) if text else None,
}


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError
    return int(text)


_MOST_DIGITS = 16
"""Of a whole number in a table: a float and an array hold it."""

_REMEDY = "`geobench report` with the leaderboard's folder writes it from the records."
