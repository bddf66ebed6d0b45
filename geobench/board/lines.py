"""Lines of a table that a command writes: named cells, as CSV and as JSON, with all digits."""

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias

from geobench.readable import in_one_line

Cell: TypeAlias = str | int | float | None
"""What stands in a line below a column; None where there is nothing."""

Line: TypeAlias = dict[str, Cell]
"""Column -> cell, in the order of the columns."""


def line(cells: Mapping[str, Cell]) -> Line:
    """A line of these cells, in which a number that is none is nothing, as JSON has no NaN."""
    return {name: _finite(cell) for name, cell in cells.items()}


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


_FORMULA = re.compile("'*(?:[\t\r\n]|\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20])")
"""What a spreadsheet takes for a formula, or cuts a cell by, at its beginning; also where there are
apostrophes before it, so that reading takes away one that writing has put there."""


def as_text(cell: str) -> str:
    """A text as a cell of CSV: an apostrophe comes before what a spreadsheet would work out."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def of_text(cell: str) -> str:
    """The text that `as_text` made a cell of; any other cell is its own text."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def csv_text(lines: Iterable[Iterable[Any]]) -> str:
    """Lines of cells as CSV, each ended by a line feed; cells are read again as they are."""
    written: list[str] = []
    # The writer puts in quotes what holds its end of a line: with this one a lone \r, too.
    csv.writer(SimpleNamespace(write=written.append), lineterminator="\r\n").writerows(lines)
    return "".join(f"{line[:-2]}\n" for line in written)


def as_csv(lines: Sequence[Line]) -> str:
    """Lines as CSV: the columns of them all, in full precision; empty where there is nothing.

    A text is written by `as_text`, so that no spreadsheet works it out.
    """
    columns = list(dict.fromkeys(name for each in lines for name in each))
    cells = ([_cell(each.get(name)) for name in columns] for each in lines)
    return csv_text([map(as_text, columns), *cells])


def _cell(cell: Cell) -> Cell:
    return as_text(in_one_line(cell)) if isinstance(cell, str) else cell
