"""Lines of a table that a command writes: named cells, as CSV and as JSON, with all digits."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Cell: TypeAlias = str | int | float | None
"""What stands in a line below a column; None where there is nothing."""

Line: TypeAlias = dict[str, Cell]
"""Column -> cell, in the order of the columns."""


def line(cells: Mapping[str, Cell]) -> Line:
    """A line of these cells, in which a number that is none is nothing, as JSON has no NaN."""
    return {name: _finite(cell) for name, cell in cells.items()}


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def as_csv(lines: Sequence[Line]) -> str:
    """Lines as CSV: the columns of them all, in full precision; empty where there is nothing."""
    stream = io.StringIO()
    columns = dict.fromkeys(name for each in lines for name in each)
    writer = csv.DictWriter(stream, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()
