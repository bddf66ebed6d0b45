"""Which rows of a file count, where it holds several kinds of them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from geobench import DataError
from geobench.names import did_you_mean
from geobench_basics.columns.column_file import ColumnFile

_KINDS = 20  # values that an error shows


def chosen(file: ColumnFile, where: Mapping[str, str]) -> ColumnFile:
    """The rows of a file that have these values, by column.

    Raises:
        ConfigError: there is no such column.
        DataError: there is no such row.
    """
    kept = np.ones(file.rows, bool)
    for key, value in where.items():
        name = file.named(key, key="where")
        written = file.names(name)
        kept &= written == value
        if not kept.any():
            raise DataError(
                f"no row has {value!r} in its column {name}, as `where` asks",
                where=str(file.path),
                remedy=did_you_mean(value, map(str, np.unique(written)[:_KINDS])),
            )
    filtered = {name: column.filter(pa.array(kept)) for name, column in file.columns.items()}
    rows, line_of = np.flatnonzero(kept), file.line_of
    return replace(
        file,
        columns=filtered,
        rows=len(rows),
        line_of=None if line_of is None else lambda row: line_of(int(rows[row])),
    )
