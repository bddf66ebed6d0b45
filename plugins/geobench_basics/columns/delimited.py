"""Delimited text read as columns of strings, as written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pyarrow as pa

from geobench import DataError
from geobench_basics.columns.body import Body, PassedOver
from geobench_basics.columns.contents import Text, invalid_position
from geobench_basics.columns.conversion import ArrowColumn
from geobench_basics.columns.layout import layout_of
from geobench_basics.columns.records import line_ends

_REMEDY = "Save it as UTF-8, for instance: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW"


@final
@dataclass(frozen=True)
class Delimited:
    """The columns of a delimited text.

    Args:
        names: of the columns, "" for those without one.
        columns: Arrow strings, for each name.
        rows: how many.
        delimiter: what stands between values.
        passed: the lines that are no rows.
        line_of: the number of a row -> that of its first line in the file.
    """

    names: list[str]
    columns: list[ArrowColumn]
    rows: int
    delimiter: str
    passed: list[PassedOver]
    line_of: Callable[[int], int]


def read_delimited(path: Path, text: Text) -> Delimited:
    """Read a text in which commas, semicolons, tabs or bars stand between values.

    Raises:
        DataError: it is not UTF-8, or quotes or numbers of values do not fit.
        pyarrow.ArrowException, csv.Error: it cannot be read.
    """
    try:
        layout = layout_of(text)
        body = Body(path, text, layout)
        table = body.read()
    except (UnicodeDecodeError, pa.ArrowInvalid):
        position = invalid_position(text)
        if position is None:
            raise
        breaks = line_ends(np.frombuffer(text, np.uint8))
        raise DataError(
            f"byte {text[position]:#04x} is no UTF-8",
            where=f"{path}, line {np.searchsorted(breaks, position) + 1}",
            remedy=_REMEDY,
        ) from None
    return Delimited(
        layout.names, table.columns, len(table), layout.delimiter, body.passed(), body.line_of
    )
