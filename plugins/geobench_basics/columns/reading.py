"""CSV and Parquet files read as named columns, without guessing."""

import csv
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from geobench import DataError, Strings
from geobench_basics.columns.column_file import ColumnFile, spoken
from geobench_basics.columns.contents import read_text
from geobench_basics.columns.conversion import ArrowColumn, as_attribute
from geobench_basics.columns.delimited import read_delimited
from geobench_basics.columns.parquet import read_parquet, refuse_repeated

logger = logging.getLogger("geobench.columns")

_PARQUET = b"PAR1", b"PARE"  # the second is encrypted
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_UNNAMED = re.compile(r"Unnamed: \d+(\.\d+)*|\.\.\.\d+")  # by pandas, and by R's readr
_R_UNNAMED = re.compile(r"X(\.\d+)?")  # which may be a coordinate, too
_RESET = ("index", "level_0")  # by reset_index() of pandas, above all other columns
_SHOWN = 200  # characters of what a library says


def read_columns(path: Path) -> ColumnFile:
    """Read a Parquet file, or else text in which commas, semicolons, tabs or bars stand between
    values, packed by gzip, bzip2 or zstd or not.

    Values of text stay as written. What cannot be used is left out, and said: columns of a Parquet
    file that hold neither text nor numbers, and lines that are no rows.

    Raises:
        DataError: a file that cannot be read, or column names that repeat.
    """
    if path.is_dir():
        raise DataError(
            "is a folder, not a file",
            where=str(path),
            remedy="Name the CSV or Parquet file in it.",
        )
    if path.exists() and not path.is_file():
        raise DataError(
            "is a pipe or a device, which cannot be read twice",
            where=str(path),
            remedy="Write its content to a file, and name that.",
        )
    try:
        file = _read(path)
    except (pa.ArrowException, OSError, csv.Error, UnicodeDecodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        said = " ".join(str(error).split())[:_SHOWN].rstrip(".")
        raise DataError(
            f"cannot be read: {said if number is None else os.strerror(number)}",
            where=str(path),
            remedy="Give a Parquet file, or UTF-8 text separated by commas, semicolons or tabs "
            "with a header, that you may read and that is whole.",
        ) from error
    if not file.columns:
        raise DataError(
            "has no columns", where=str(path), remedy="Give a header, and rows below it."
        )
    if file.left_out:
        named = ", ".join(f"{spoken(name)} ({kind})" for name, kind in file.left_out.items())
        logger.warning("%s: columns that are neither text nor numbers: %s", path.name, named)
    return file


def _read(path: Path) -> ColumnFile:
    with path.open("rb") as stream:
        mark = stream.read(len(_PARQUET[0]))
    if mark in _PARQUET:
        return _parquet_file(path)
    text = read_text(path)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(
            "is no Parquet file: it does not begin with PAR1",
            where=str(path),
            remedy="Write it again; if it is text, name it .csv.",
        )
    found = read_delimited(path, text)
    refuse_repeated(found.names, path)
    columns = dict(zip(found.names, found.columns, strict=True))
    if found.names.count("") > 1:
        columns.pop("")
    cut = next((each for each in found.passed if each.incomplete), None)
    for each in found.passed:
        if not each.incomplete:
            logger.warning(
                "%s: %d lines are no rows: %s (first: %s)",
                path.name,
                each.count,
                each.what,
                each.first,
            )
    return ColumnFile(
        path,
        columns,
        found.rows,
        index=_index(columns),
        delimiter=found.delimiter,
        incomplete=cut,
        line_of=found.line_of,
    )


def _parquet_file(path: Path) -> ColumnFile:
    found = read_parquet(path)
    names = [name.strip() for name in found.columns]
    refuse_repeated(names, path)
    columns = dict(zip(names, found.columns.values(), strict=True))
    return ColumnFile(path, columns, found.rows, index=_index(columns), left_out=found.left_out)


def _index(columns: Mapping[str, ArrowColumn]) -> frozenset[str]:
    """The columns that number the rows because a program wrote its index along."""
    found = frozenset(
        name
        for name, column in columns.items()
        if not name
        or _PANDAS_INDEX.fullmatch(name)
        or (_UNNAMED.fullmatch(name) and _all_differ(column))
        or (_R_UNNAMED.fullmatch(name) and _counts_rows(column, first=1))
    )
    for name, column in columns.items():
        if name in _RESET and any(_counts_rows(column, first=first) for first in (0, 1)):
            found |= {name}
        elif name not in found:
            break
    return found


def _all_differ(column: ArrowColumn) -> bool:
    """Whether values are whole and all different: spreadsheets leave out names of others, too."""
    values = as_attribute(column)
    whole = not isinstance(values, Strings) and values.dtype.kind == "i"
    return whole and len(np.unique(values)) == len(values)


def _counts_rows(column: ArrowColumn, *, first: int) -> bool:
    values = as_attribute(column)
    counted = first + np.arange(len(values))
    return not isinstance(values, Strings) and np.array_equal(values, counted)
