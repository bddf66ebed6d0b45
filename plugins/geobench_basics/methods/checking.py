"""Whether an answers file fits the photos that it has to answer, and what of it is passed over."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import DataError, Indices
from geobench_basics import columns
from geobench_basics.methods.answers import AnswersFile, Mask, Text, short_name

Namer: TypeAlias = Callable[[int], str]

_EXAMPLES = 3
_LONGEST = 40  # characters of a value in a message
_FEW = 0.5  # a smaller share of ids that meet, on either side, is no mere difference of editions


@final
class _Photos(NamedTuple):
    """Those of a part, or of several that the file does not tell apart.

    Args:
        ids: of the photos that have to be answered.
        known: of those that may be.
    """

    ids: Text
    known: Text


def check(
    file: AnswersFile,
    answered: Mapping[str, Text],
    *,
    known: Mapping[str, Text],
    others: Iterable[str],
    missing: bool,
) -> list[str]:
    """Compare a file with the photos that it has to answer.

    Args:
        file: whose ids have met those of the photos.
        answered: part -> its ids, for each part of the split that the file answers.
        known: the same parts -> all ids that may be answered, used or not.
        others: the other parts of the split; rows about them are let be.
        missing: whether photos may go without an answer.

    Returns:
        What is odd about it and no mistake: rows about photos that the dataset does not have.

    Raises:
        DataError: photos without an answer, doubled (part, id, sample), few ids in common, or
            improper values, with the count and the first examples of each.
    """
    parts = {part: _Photos(ids, known[part]) for part, ids in answered.items()}
    if file.part is None and len(parts) > 1:
        parts = _together(file, parts)
    silent = [] if missing else _silent(file, parts)
    few = _few_in_common(file, parts)
    doubled = [text for part, photos in parts.items() for text in _doubled(file, part, photos)]
    problems = [
        *few,
        *silent,
        *doubled,
        *(text for part, photos in parts.items() for text in _weightless(file, part, photos)),
        *_strange_parts(file, {*answered, *others}),
        *_improper(file),
    ]
    strangers = _strangers(file, parts)
    if not problems:
        return [
            f"{text}: no photo of the dataset is called so, and these rows are passed over"
            for text in strangers
        ]
    hint = _STRANGERS if few else _MISSING if silent else ""
    hint += _how_to_tell_apart(file) if doubled else ""
    raise DataError(
        f"the answers do not fit the photos: {'; '.join([*problems, *strangers])}",
        where=str(file.path),
        remedy=f"{hint}{_of_coordinates(file)}{file.along.remedy}{_of_scale(file)}Answer every "
        "photo of a part once, or once per sample, with lat within 90 and lon within 360 degrees "
        "of 0; the key `parts` says which parts the file answers.",
    )


_MISSING = (
    "The key `missing` says what stands in for an answer where there is none: farthest, uniform or "
    "prior. "
)
_STRANGERS = (
    "`id_column` says which column holds the ids, of the answers and of a table of photos. "
)
_SAMPLES = (
    "Several rows of a photo are draws where a column sample numbers them (0, 1, 2 and so on); of "
    "one answer each, keep one row. "
)


def _together(file: AnswersFile, parts: Mapping[str, _Photos]) -> dict[str, _Photos]:
    """The photos of all parts, of a file that does not name these."""
    together = np.concatenate([photos.known for photos in parts.values()])
    if len(np.unique(together)) < len(together):
        raise DataError(
            f"parts {' and '.join(parts)} share ids, and the file has no column `part`",
            where=str(file.path),
            remedy="Add a column `part`, written as in table.csv.",
        )
    ids = np.concatenate([photos.ids for photos in parts.values()])
    return {" and ".join(parts): _Photos(ids, together)}


def _few_in_common(file: AnswersFile, parts: Mapping[str, _Photos]) -> list[str]:
    """Of a file that names no photo, or next to none, what ids of either side look like."""
    if not parts:
        return []
    rows = np.unique(np.concatenate([file.rows_of(part) for part in parts]))
    named, known = file.ids[rows], np.concatenate([photos.known for photos in parts.values()])
    if not (len(named) and len(known)):
        return []
    met, given = np.isin(named, known), np.isin(known, named)
    if met.any():
        strange = np.zeros(len(rows), bool) if file.strange is None else file.strange[rows]
        different = [len(np.unique(named[mask])) for mask in (met, strange)]
        if different[0] >= _FEW * sum(different) or given.mean() >= _FEW:
            return []
        named = named[strange]
    some, other = ("; ".join(_different(ids)) for ids in (named, known[~given]))
    many = f"{given.sum():,} of {len(known):,} ids" if met.any() else "no id"
    return [f"{many} in common (answers: {some}; photos: {other})"]


def _silent(file: AnswersFile, parts: Mapping[str, _Photos]) -> list[str]:
    """The photos without an answer: those without a row, and those that are declined."""
    problems = []
    for part, (ids, _) in parts.items():
        rows = file.rows_of(part)
        named, refused = file.ids[rows], file.refused[rows]
        given = np.isin(ids, named)
        declined = given & ~np.isin(ids, named[~refused])
        photo = partial(_photo, part, ids)
        problems += _counted("missing", ~given, photo)
        problems += _counted("declined (coordinates left empty)", declined, photo)
    return problems


def _doubled(file: AnswersFile, part: str, photos: _Photos) -> list[str]:
    rows = _asked_rows(file, part, photos)
    named = file.ids[rows]
    keys = [named] if file.sample is None else [file.sample[rows], named]
    order = np.lexsort(keys)
    again = np.zeros(len(rows), bool)
    again[order[1:]] = True
    for key in keys:
        again[order[1:]] &= key[order[1:]] == key[order[:-1]]
    return _counted("doubled", again, lambda i: _row(file, rows[i]))


def _weightless(file: AnswersFile, part: str, photos: _Photos) -> list[str]:
    if file.weights is None:
        return []
    rows = _asked_rows(file, part, photos)
    said = rows[~file.refused[rows]]
    ids, index = np.unique(file.ids[said], return_inverse=True)
    total = np.bincount(index, file.weights[said], minlength=len(ids))
    return _counted("without weight", total == 0, lambda i: f"{part}, {ids[i]}")


def _asked_rows(file: AnswersFile, part: str, photos: _Photos) -> Indices:
    rows = file.rows_of(part)
    return rows[np.isin(file.ids[rows], photos.known)]


def _strangers(file: AnswersFile, parts: Mapping[str, _Photos]) -> list[str]:
    """Rows that are about no photo of the dataset, or about none of the part that they name."""
    found = []
    for part, photos in parts.items():
        rows = file.rows_of(part)
        if file.part is not None:
            unknown = ~np.isin(file.ids[rows], photos.known)
        elif file.strange is not None:
            unknown = file.strange[rows]
        else:
            continue
        found += _counted("unknown", unknown, partial(_row_of, file, rows))
    return found


def _strange_parts(file: AnswersFile, known: set[str]) -> list[str]:
    """Rows that name a part of this very split that it does not have."""
    if file.part is None:
        return []
    known = known | {part.partition("@")[0] for part in known}
    prefixes = tuple({part[: -len(short_name(part))] for part in known if "/" in part})
    names = np.unique(file.part)
    strange = [n for n in names if prefixes and n.startswith(prefixes) and n not in known]
    return _counted("of an unknown part", np.isin(file.part, strange), partial(_row, file))


def _improper(file: AnswersFile) -> list[str]:
    """Rows with values that are none, as they are written."""
    number = _numbers(file)
    with np.errstate(invalid="ignore"):
        on_globe = (np.abs(file.points) <= (90.0, 360.0)).all(axis=-1) | file.refused
    wrong = {"of coordinates that are no numbers": (["lat", "lon"], ~number)}
    wrong["off the globe"] = (["lat", "lon"], number & ~on_globe)
    if file.weights is not None:
        proper = (np.isfinite(file.weights) & (file.weights >= 0)) | file.refused
        wrong["of an improper weight"] = (["weight"], ~proper)
    for name, mask in file.along.unreadable.items():
        wrong[f"of an improper {name}"] = ([name], mask)
    problems = []
    for what, (names, mask) in wrong.items():
        asked = mask if file.passed_over is None else mask & ~file.passed_over
        if asked.any():
            problems += _counted(what, asked, _as_written(file, names))
    if file.along.looks_divided:
        most = np.nanmax(file.along.numbers["confidence"]) * file.along.scale
        problems.append(
            f"all confidences are {most:g} at most, where {file.along.scale:g} would be certainty"
        )
    return problems


def _numbers(file: AnswersFile) -> Mask:
    return np.isfinite(file.points).all(axis=-1) | file.refused


def _as_written(file: AnswersFile, names: Iterable[str]) -> Namer:
    """Names a row, and what stands in some of its columns."""
    read = file.source.read()
    held = [read.columns[file.source.column_of[name]] for name in names]

    def shown(row: int) -> str:
        return f"{_row(file, row)}: {', '.join(_value(column[row].as_py()) for column in held)}"

    return shown


def _value(value: Any) -> str:
    line = "" if value is None else " ".join(str(value).split())
    return repr(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}...")


def _of_coordinates(file: AnswersFile) -> str:
    if _numbers(file).all():
        return ""
    return (
        "Coordinates are numbers of degrees; leave both empty, or write NA, where a photo is "
        "declined: the key `missing` says what stands in for its answer. "
    )


def _of_scale(file: AnswersFile) -> str:
    if not file.along.looks_divided:
        return ""
    return (
        "These are shares: leave confidence_scale out for this file. In the YAML file each file "
        "has its own; `geobench score` gives all of its files the same. "
    )


def _how_to_tell_apart(file: AnswersFile) -> str:
    within = [key for key in (file.part, file.sample) if key is not None]
    return columns.how_to_choose(file.source.read(), file.ids, within=within) or _SAMPLES


def _row(file: AnswersFile, row: int) -> str:
    where = [] if file.part is None else [str(file.part[row])]
    which = [] if file.sample is None else [f"sample {file.sample[row]}"]
    return ", ".join([*where, str(file.ids[row]), *which])


def _row_of(file: AnswersFile, rows: Indices, index: int) -> str:
    return _row(file, int(rows[index]))


def _photo(part: str, ids: Text, index: int) -> str:
    return f"{part}, {ids[index]}"


def _counted(what: str, mask: NDArray[np.bool_], name: Namer) -> list[str]:
    found = np.flatnonzero(mask)
    if not len(found):
        return []
    examples = _different(name(int(row)) for row in found)
    return [f"{len(found):,} {what} (first: {'; '.join(examples)})"]


def _different(names: Iterable[str]) -> list[str]:
    """The first few that differ."""
    found = dict[str, None]()
    for name in names:
        found[str(name)] = None
        if len(found) == _EXAMPLES:
            break
    return list(found)
