"""The tables of a leaderboard: their rows, column by column, and how they are written as CSV."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, final

RANKED = ("ok", "external", "released")


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
    effective_units: float = float("nan")
    rank_low: int | None = None
    rank_high: int | None = None
    status: str = "ok"
    note: str = ""


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
    """One row of costs.csv: a timing, the peak memory, or a fact that the method measured."""

    benchmark: str
    part: str
    label: str
    method: str
    seed: int
    device: str
    quantity: str
    unit: str
    value: float


ROW_COLUMNS = tuple(field.name for field in fields(Row))


@final
@dataclass(slots=True)
class Tables:
    """All rows of a leaderboard, and what could not be computed."""

    rows: list[Row]
    curves: list[CurvePoint]
    costs: list[Cost]
    problems: list[str]


def as_csv(rows: Sequence[Any], kind: type[Any]) -> str:
    """Rows as CSV: six significant digits, empty where there is no number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [field.name for field in fields(kind)]
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
