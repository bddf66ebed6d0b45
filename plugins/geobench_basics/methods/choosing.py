"""Which rows of a file of answers count, where it holds several kinds of answers to each photo."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench_basics import columns

_KINDS = 20  # a column of more values tells no kinds of answers apart


def how_to_choose(file: columns.ColumnFile, ids: NDArray[np.str_], *, parts: NDArray[Any]) -> str:
    """The remedy for several rows of a photo, where a column tells them apart; else "".

    Args:
        file: the whole file.
        ids: of the photos, (R,).
        parts: that its rows are about, (R,).
    """
    if file.rows != len(ids):  # some were chosen already
        return ""
    for name, column in file.columns.items():
        if columns.is_too_long(columns.as_strings(column)).any():
            continue  # an explanation, of which an array would be as wide everywhere
        values = columns.as_array(column)
        kinds = list(map(str, np.unique(values)))
        if not 2 <= len(kinds) <= _KINDS:
            continue
        if len(set(zip(ids, parts, values, strict=True))) == file.rows:
            example = json.dumps({name: kinds[-1]}, separators=(",", ":"), ensure_ascii=False)
            return (
                f"Rows of a photo differ in {name} ({', '.join(kinds)}): `where` chooses, for "
                f"instance where: {example} ; where they are draws, call that column sample. "
            )
    return ""
