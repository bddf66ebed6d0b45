"""Subsets: some photos of each test part, as parts of their own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geobench import names
from geobench.assignments import Assignment, Part
from geobench.errors import DataError

ANSWERED_BY_ALL = "answered-by-all"
"""The photos that no method of the benchmark declines."""

LISTED = "listed"
"""What a subset is called whose ids a configuration lists."""

_EXAMPLES = 3
_LONGEST = 1024  # characters of an id; an array makes room for the longest at every place
_LARGEST = 500_000_000  # bytes of a file of ids
_HEADER = re.compile(r"(img|image|photo|picture|pic|file)?s?(ids?|uu?id|keys?|file|names?|path)?")


def listed(drawn: Assignment, source: Path | Sequence[str], *, where: str) -> Assignment:
    """The test parts, each with the photos alone whose ids are listed; parts of which none is are
    left out.

    Ids meet with and without folder and file ending. The first line of a file may say what the
    others are.

    Args:
        drawn: what a split drew.
        source: a file of ids, one a line, after which the subset is named; or ids.
        where: whose they are, for errors.

    Raises:
        DataError: a file cannot be read; ids of no test photo; or ids that would be published with
            the configuration, of a dataset of which only scores may be.
    """
    known = np.concatenate([part.ids for part in drawn.parts])
    if isinstance(source, Path):
        lines, name, what = _lines(source, where=where), source.stem, source.name
    else:
        lines, name, what = list(source), LISTED, "the list"
        _check_publishable(drawn, where=where)
    if (longest := max(map(len, lines), default=0)) > _LONGEST:
        raise DataError(
            f"{what} has an id of {longest:,} characters",
            where=where,
            remedy=f"List one id a line, of at most {_LONGEST:,} characters.",
        )
    found = names.meet(np.array(lines or [""], dtype=np.str_), known).ids[: len(lines)]
    if (
        isinstance(source, Path)
        and len(lines) > 1
        and _is_header(lines[0])
        and found[0] not in known
    ):
        found = found[1:]
    ids = np.unique(found)
    unknown = np.setdiff1d(ids, known)
    if len(unknown) or not len(ids):
        first = ", ".join(unknown[:_EXAMPLES].tolist())
        raise DataError(
            f"{len(unknown):,} of the {len(ids):,} ids in {what} are of no test photo"
            + (f" (first: {first})" if first else ""),
            where=where,
            remedy=f"List ids as the dataset has them, such as {known[0]}, one a line"
            + ("." if isinstance(source, Path) else " of a file, or in brackets here."),
        )
    chosen = {part.name: np.isin(part.ids, ids) for part in drawn.parts}
    return cut(drawn, chosen, name=re.sub(r"[^A-Za-z0-9._+-]+", "-", name), where=where)


def _lines(file: Path, *, where: str) -> list[str]:
    """The lines of a file that are not blank, trimmed."""
    try:
        if (size := file.stat().st_size) > _LARGEST:
            raise OSError(f"it has {size:,} bytes, which is over {_LARGEST:,}")
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file.name} cannot be read: {error}",
            where=where,
            remedy="Give a text of ids, one a line, in UTF-8.",
        ) from error
    return [line.strip() for line in lines if line.strip()]


def _is_header(line: str) -> bool:
    """Whether a line is a column's name rather than an id: `img_id`, `"Photo ID"`, `filename`."""
    words = re.sub(r"[\s_\-\"']", "", line.lower())
    return bool(words and _HEADER.fullmatch(words))


def _check_publishable(drawn: Assignment, *, where: str) -> None:
    for part in drawn.parts:
        if part.dataset.publishes == "scores":
            raise DataError(
                f"only lists ids of {part.dataset.name}, which publishes scores alone: they would "
                "stand in benchmark.json",
                where=where,
                remedy="Write them into a file, one a line, and name that: of it only a digest "
                "is published.",
            )


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
