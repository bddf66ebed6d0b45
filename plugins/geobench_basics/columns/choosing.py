"""Which rows of a file count, where it holds several kinds of them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geobench import DataError
from geobench.names import did_you_mean
from geobench_basics.columns.column_file import ColumnFile
from geobench_basics.columns.conversion import as_array, as_strings, is_too_long

_KINDS = 20  # a column of more values tells no kinds of rows apart


def chosen(file: ColumnFile, where: Mapping[str, str]) -> ColumnFile:
    """The rows of a file that have these values, by column; all of them of none.

    Raises:
        ConfigError: there is no such column.
        DataError: there is no such row.
    """
    if not where:
        return file
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


def how_to_choose(
    file: ColumnFile, ids: NDArray[np.str_], *, within: Sequence[NDArray[Any]]
) -> str:
    """The remedy for several rows of a photo, where a column tells them apart; else "".

    Args:
        file: the rows that were chosen already.
        ids: of the photos, (R,).
        within: what tells rows of a photo apart already, (R,) each: parts, samples.
    """
    for name, column in file.columns.items():
        try:
            text = as_strings(column)
        except DataError:  # floats that are no names
            continue
        if is_too_long(text).any():
            continue  # an explanation, of which an array would be as wide everywhere
        values = as_array(text)
        if not 2 <= len(np.unique(values)) <= _KINDS:
            continue
        if len(set(zip(ids, *within, values, strict=True))) == file.rows:
            kinds = dict(sorted(Counter(values.tolist()).items()))
            often = max(kinds, key=lambda kind: (kinds[kind], kind))  # of equal ones the last
            example = json.dumps({name: often}, separators=(",", ":"), ensure_ascii=False)
            return (
                f"Rows of a photo differ in {name} ({', '.join(kinds)}): `where` chooses, for "
                f"instance where: {example} ; where they are draws, call that column sample. "
            )
    return ""
