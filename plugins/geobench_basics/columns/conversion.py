"""What columns become: strings as written, numbers, groups, attributes."""

from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geobench import DataError, Strings
from geobench.names import meeting_form
from geobench_basics import missing

ArrowColumn: TypeAlias = Any
"""A pyarrow ChunkedArray."""

DecimalMark: TypeAlias = Literal[".", ",", ""]
"""What stands before the decimals of a file's numbers; "" where each column says that itself."""

_PIECE = 1 << 16  # rows turned into Python strings at a time
_EXACT_BITS = {16: 11, 32: 24, 64: 53}  # whole numbers from 2^these on are not exact as floats
_EXACT = 2**53
_WHOLE = r"^-?(0|[1-9][0-9]*)$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_PLAIN_NUMBER = r"^(-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[nN][aA][nN])$"

_ENCLOSED = r'^"(?:[^"]|"")*"$'
_COMMA_NUMBER = r"^([-+]?[0-9]*),([0-9]+)$"
_POINT_NUMBER = r"^[-+]?([0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?$"
_THOUSANDS = r"^[-+]?[1-9][0-9]{0,2},[0-9]{3}$"  # or three decimals
_INFINITE = r"^[-+]?(?i:inf(inity)?)$"

_NOTHING = ("", "nan", "NaN", "None", "null", "<NA>")
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
_FEWEST = 3  # different whole numbers are slices without being declared
LONGEST_NAME = 1024
"""Characters of what names a photo or a part; an array of numpy is as wide as the longest."""


def meeting_forms(texts: NDArray[np.str_]) -> NDArray[np.str_]:
    """The `meeting_form` of each, (N,)."""
    if all(map(str.isascii, texts.tolist())):
        return texts
    return np.array([meeting_form(text) for text in texts.tolist()], dtype=np.str_)


def is_nothing(column: ArrowColumn) -> NDArray[np.bool_]:
    """Where a column is empty, or says what is written in the place of a number, (N,)."""
    if pa.types.is_floating(_plain(column).type):  # no words, nor need numbers be exact
        return np.isnan(as_numbers(column))
    there = pc.is_in(as_strings(column), value_set=pa.array(["", *missing.WORDS]))
    return np.asarray(there.to_numpy())


def as_strings(column: ArrowColumn) -> ArrowColumn:
    """The column as Arrow strings, trimmed; missing values are empty.

    Raises:
        DataError: floats that are infinite, or whole numbers too long to be exact as floats.
    """
    column = _plain(column)
    kind = column.type
    if pa.types.is_floating(kind):
        values = as_numbers(column)
        what = "a column of names or numbers to keep as text holds"
        if infinite := int(np.isinf(values).sum()):
            raise DataError(
                f"{what} infinite numbers ({infinite:,} of {len(values):,})",
                remedy="Write such ids as text, and leave what has none empty.",
            )
        bits = _EXACT_BITS[kind.bit_width]
        if np.nanmax(np.abs(values), initial=0) >= 2**bits:
            raise DataError(
                f"{what} floats of {kind.bit_width} bits beyond 2^{bits}, whose last digits are "
                "lost",
                remedy="Write such ids as text.",
            )
        if (np.isnan(values) | (values == np.floor(values))).all():
            column = pc.cast(pa.chunked_array([pa.array(values, from_pandas=True)]), pa.int64())
    return pc.utf8_trim_whitespace(pc.fill_null(pc.cast(column, pa.string()), ""))


def without_quotes(column: ArrowColumn) -> ArrowColumn:
    """Values as they were before a program enclosed them in quotes."""
    enclosed = pc.match_substring_regex(column, _ENCLOSED)
    if not pc.any(enclosed).as_py():
        return column
    inside = pc.replace_substring(pc.utf8_slice_codeunits(column, 1, -1), '""', '"')
    return pc.if_else(enclosed, inside, column)


def as_text(column: ArrowColumn) -> Strings:
    """The column as strings, each distinct one held once; missing values are empty."""
    # As in an array of numpy, a string does not end with NUL.
    encoded = pc.dictionary_encode(pc.utf8_rtrim(as_strings(column), "\0")).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    distinct = encoded.dictionary
    order = pc.sort_indices(distinct).to_numpy()
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    content = distinct.take(pa.array(order)).cast(pa.large_binary())
    starts = np.concatenate([[0], np.cumsum(pc.binary_length(content).to_numpy())])
    _, _, data = content.buffers()
    held = np.frombuffer(data, np.uint8)[: starts[-1]] if data else np.empty(0, np.uint8)
    return Strings(rank[encoded.indices.to_numpy()], held, starts.astype(np.int64))


def as_array(column: ArrowColumn) -> NDArray[np.str_]:
    """The column as a numpy array of strings, as wide as the longest; missing values are empty.

    It is for names, of which none is long (`is_too_long`).
    """
    strings = as_strings(column)
    width = pc.max(pc.utf8_length(strings)).as_py() or 1
    out = np.empty(len(strings), dtype=f"U{max(width, 1)}")
    for start in range(0, len(strings), _PIECE):
        piece = strings.slice(start, _PIECE)
        out[start : start + len(piece)] = piece.to_numpy(zero_copy_only=False)
    return out


def as_groups(column: ArrowColumn, ids: ArrowColumn) -> Strings:
    """The column as what must not leak; a photo of which nothing is known is a group of its own.

    Nothing is known where the value is missing, or is what programs write in its place.

    Args:
        ids: of the photos, (N,).
    """
    groups = pc.utf8_rtrim(as_strings(column), "\0")
    unknown = pc.is_in(groups, value_set=pa.array(_NOTHING))
    return as_text(pc.if_else(unknown, as_strings(ids), groups))


def is_too_long(strings: ArrowColumn) -> NDArray[np.bool_]:
    """Which Arrow strings (N,) are too long for a name."""
    return np.asarray(pc.greater(pc.utf8_length(strings), LONGEST_NAME).to_numpy())


def as_numbers(column: ArrowColumn, *, comma: bool = False) -> NDArray[np.float64]:
    """The column as float64; NaN where there is no number.

    Args:
        comma: whether a comma may stand for the decimal point.
    """
    column = _plain(column)
    if _is_text(column.type):
        text = pc.utf8_trim_whitespace(column)
        try:
            column = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            text = _with_points(text) if comma else text
            number = pc.match_substring_regex(text, _NUMBER)
            column = pc.cast(pc.if_else(number, text, None), pa.float64())
    elif not any(check(column.type) for check in _NUMBERS):
        return as_numbers(pc.cast(column, pa.string()), comma=comma)  # dates, and text as bytes
    if pa.types.is_integer(column.type):
        column = pc.cast(column, pa.float64(), safe=False)  # beyond 2^53 to the nearest
    return np.array(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)


def with_commas(column: ArrowColumn) -> int:
    """How many values are numbers with a decimal comma, if that is what it is."""
    return _matching(column, _COMMA_NUMBER)


def with_points(column: ArrowColumn) -> int:
    """How many values of text are numbers with a decimal point."""
    return _matching(column, _POINT_NUMBER)


def maybe_thousands(column: ArrowColumn) -> int:
    """How many values are numbers of which a comma may as well divide the thousands: `1,250`."""
    return _matching(column, _THOUSANDS)


def infinite(column: ArrowColumn) -> int:
    """How many values are, or say, infinity."""
    column = _plain(column)
    if pa.types.is_floating(column.type):
        return int(np.isinf(as_numbers(column)).sum())
    return _matching(column, _INFINITE)


def _matching(column: ArrowColumn, pattern: str) -> int:
    column = _plain(column)
    if not _is_text(column.type):
        return 0
    found = pc.match_substring_regex(pc.utf8_trim_whitespace(column), pattern)
    return int(pc.sum(found).as_py() or 0)


def _plain(column: ArrowColumn) -> ArrowColumn:
    """The values themselves, where a dictionary holds each once."""
    kind = column.type
    return pc.cast(column, kind.value_type) if pa.types.is_dictionary(kind) else column


def _with_points(text: ArrowColumn) -> ArrowColumn:
    return pc.replace_substring_regex(text, _COMMA_NUMBER, r"\1.\2")


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def as_attribute(column: ArrowColumn, *, mark: DecimalMark = ".") -> NDArray[Any] | Strings:
    """The column as integers or floats if all of it is such numbers, and as strings otherwise.

    Numbers that would lose something stay strings: leading zeros, more digits than a float has.
    Missing values are NaN or empty; among numbers alone `NA` and the like, and infinite ones, are
    missing values.

    Args:
        mark: what stands before decimals; where it is a comma, numbers with points are text.
    """
    column = _plain(column)
    kind = column.type
    if pa.types.is_integer(kind):
        return _whole_or_float(column)
    if pa.types.is_floating(kind):
        values = as_numbers(column)
        return np.where(np.isinf(values), np.nan, values)
    if pa.types.is_decimal(kind):
        values = as_numbers(column)
        return values if np.nanmax(np.abs(values), initial=0) < _EXACT else as_text(column)
    if not _is_text(kind):
        return as_text(column)
    text = pc.utf8_trim_whitespace(column)
    if mark == "," or (mark == "" and with_commas(text)):
        if with_points(text):
            return as_text(column)
        text = _with_points(text)
    text = pc.if_else(pc.equal(text, ""), None, text)
    found = _numbers_of(text)
    if found is None:
        nothing = pc.is_in(text, value_set=pa.array(missing.WORDS))
        nothing = pc.or_(nothing, pc.match_substring_regex(text, _INFINITE))
        found = _numbers_of(pc.if_else(nothing, None, text))
    return as_text(column) if found is None else found


def _numbers_of(text: ArrowColumn) -> NDArray[Any] | None:
    """The numbers that all of these strings are, NaN for null; None where some are none."""
    if text.null_count == len(text):
        return None
    try:
        if pc.all(pc.match_substring_regex(text, _WHOLE)).as_py():
            found = _whole_or_float(pc.cast(text, pa.int64()))
            return None if isinstance(found, Strings) else found
        if pc.all(pc.match_substring_regex(text, _PLAIN_NUMBER)).as_py():
            values = np.array(pc.cast(text, pa.float64()).to_numpy(), dtype=np.float64)
            if np.nanmax(np.abs(values), initial=0) < _EXACT:
                return values
    except pa.ArrowInvalid:
        pass  # more digits than 64 bits hold: text
    return None


def _whole_or_float(column: ArrowColumn) -> NDArray[Any] | Strings:
    if column.null_count == 0:
        try:
            return np.array(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
        except pa.ArrowInvalid:  # unsigned, and too large
            return as_text(column)
    values = as_numbers(column)
    return values if np.nanmax(np.abs(values), initial=0) < _EXACT else as_text(column)


def as_categories(values: NDArray[Any] | Strings) -> NDArray[Any] | Strings:
    """Whole numbers that stand for things, as strings; "" for NaN. Others stay as they are.

    They stand for things where more than three differ (fewer are slices by themselves) and each
    is of two photos on average: ids and populations differ from nearly all photos.
    """
    if isinstance(values, Strings):
        return values
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if (known != np.floor(known)).any() or not _FEWEST < len(different) <= len(known) / 2:
        return values
    shown = np.where(np.isfinite(values), values, 0).astype(np.int64).astype(np.str_)
    return Strings.of(np.where(np.isfinite(values), shown, ""))
