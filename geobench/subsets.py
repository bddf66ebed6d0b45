"""Subsets: some photos of each test part, as parts of their own."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geobench.assignments import Assignment, Part
from geobench.errors import DataError

ANSWERED_BY_ALL = "answered-by-all"
"""The photos that no method of the benchmark declines."""

_EXAMPLES = 3


def listed(drawn: Assignment, file: Path, *, where: str) -> Assignment:
    """The test parts, each with the photos alone whose ids a file lists; parts of which it lists
    none are left out.

    Args:
        drawn: what a split drew.
        file: ids, one a line.
        where: whose file it is, for errors.

    Raises:
        DataError: it cannot be read, or lists ids that no test photo has.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file.name} cannot be read: {error}",
            where=where,
            remedy="Give a text of ids, one a line, in UTF-8.",
        ) from error
    ids = np.unique([line.strip() for line in lines if line.strip()] or np.empty(0, "U1"))
    known = np.concatenate([part.ids for part in drawn.parts])
    unknown = np.setdiff1d(ids, known)
    if len(unknown) or not len(ids):
        first = ", ".join(unknown[:_EXAMPLES].tolist())
        raise DataError(
            f"{len(unknown):,} of the {len(ids):,} ids in {file.name} are of no test photo"
            + (f" (first: {first})" if first else ""),
            where=where,
            remedy=f"List ids as the dataset has them, such as {known[0]}, one a line.",
        )
    chosen = {part.name: np.isin(part.ids, ids) for part in drawn.parts}
    return cut(drawn, chosen, name=re.sub(r"[^A-Za-z0-9._+-]+", "-", file.stem), where=where)


def cut(
    drawn: Assignment, chosen: Mapping[str, NDArray[np.bool_]], *, name: str, where: str
) -> Assignment:
    """The test parts with some of their photos each, named `<part>@<name>`.

    Photos that are in none count as left out. Units are those of the photos that are left.

    Args:
        drawn: what a split drew.
        chosen: test part -> which of its photos stay, (N,); a part of which none does is left out.
        name: of the subset.
        where: whose it is, for the error.

    Raises:
        DataError: no photo is left.
    """
    home, outside, parts = drawn.train.dataset, [np.empty(0, np.intp)], list[Part]()
    apart: dict[str, float] = {}
    for part in drawn.parts:
        mask = chosen[part.name]
        if part.dataset is home:
            outside.append(part.rows[~mask])
        if mask.any():
            some = replace(part.keep(mask), name=f"{part.name}@{name}", subset_of=part)
            parts.append(some.with_units())
            if part.name in drawn.apart_km:
                apart[some.name] = drawn.apart_km[part.name]
    if not parts:
        raise DataError(
            f"no test photo is left of the subset {name}",
            where=where,
            remedy="Leave the key `only` out, and all test photos are tested.",
        )
    lost = np.sort(np.concatenate(outside))
    left_out = {**drawn.left_out, f"not {name}": lost} if len(lost) else drawn.left_out
    return replace(drawn, parts=tuple(parts), left_out=left_out, apart_km=apart)
