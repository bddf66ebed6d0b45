"""CSV and Parquet files as named columns: found by their usual names, read without guessing."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from geobench import ConfigError, DataError, Strings, names

ArrowColumn: TypeAlias = Any
"""A pyarrow ChunkedArray."""

_PIECE = 1 << 16  # rows turned into Python strings at a time
_EXACT = 2**53  # whole numbers from here on are not exact as floats
_WHOLE = r"^-?(0|[1-9][0-9]*)$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_PLAIN_NUMBER = r"^(-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[nN][aA][nN])$"

_NOTHING = ("", "nan", "NaN", "None", "null", "<NA>")

ID = ("id", "imgid", "imageid", "photoid", "pictureid")
PICTURE = (
    *("image", "img", "picture", "file", "filename", "filepath", "path"),
    *("imagefile", "imgfile", "imagename", "imgname", "imagepath", "imgpath"),
)
LAT = ("lat", "latitude")
LON = ("lon", "lng", "long", "longitude")
GROUP = (
    *("group", "groupid", "sequence", "sequenceid", "author", "authorid", "creator"),
    *("creatorid", "user", "userid", "usernsid", "ownernsid", "uploader", "photographer"),
)
PART = ("part", "split", "subset")
"""Usual names of each role's column, in lower case and without punctuation."""


@final
@dataclass(frozen=True)
class ColumnFile:
    """The flat columns of a file, by name, in the file's order."""

    path: Path
    columns: Mapping[str, ArrowColumn]
    rows: int

    def find(self, usual: Sequence[str], *, given: str | None, key: str, role: str) -> str | None:
        """The column that plays a role, or None.

        Args:
            usual: names, in lower case and without punctuation, that the column may have.
            given: the name that the configuration says, if it does.
            key: the configuration key that decides, or what else to do; for the error.
            role: what the column holds; for the error.

        Raises:
            ConfigError: `given` is not there, or several columns could be meant.
        """
        if given is not None:
            same = [name for name in self.columns if name.lower() == given.lower()]
            if given in self.columns:
                return given
            if len(same) == 1:
                return same[0]
            raise ConfigError(
                f"{key} says {given!r}, and there is no such column",
                where=str(self.path),
                remedy=names.did_you_mean(given, self.columns),
            )
        found = [name for name in self.columns if _plain(name) in usual]
        if len(found) > 1:
            raise ConfigError(
                f"columns {' and '.join(found)} could each be {role}",
                where=str(self.path),
                remedy=f"Say which in the configuration, for instance {key}: {found[0]}",
            )
        return found[0] if found else None

    def require(self, usual: Sequence[str], *, given: str | None, key: str, role: str) -> str:
        """As `find`, but the column must be there.

        Raises:
            ConfigError: it is not, or several columns could be meant.
        """
        name = self.find(usual, given=given, key=key, role=role)
        if name is None:
            raise ConfigError(
                f"no column is named like {role} ({', '.join(usual)})",
                where=str(self.path),
                remedy=f"Name it by {key}; the columns are: {', '.join(self.columns)}.",
            )
        return name


def read_columns(path: Path) -> ColumnFile:
    """Read a Parquet file (`.parquet`, `.pq`), or else a CSV separated by commas or tabs.

    A CSV's values stay text as written, compressed or not; of a Parquet file, columns that hold
    lists or records are left out.

    Raises:
        DataError: a file that cannot be read, or column names that repeat.
    """
    if path.is_dir():
        raise DataError(
            "is a folder, not a file",
            where=str(path),
            remedy="Name the CSV or Parquet file in it.",
        )
    try:
        parquet = path.suffix.lower() in (".parquet", ".pq")
        table = _read_parquet(path) if parquet else _read_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise DataError(
            f"cannot be read: {error if number is None else os.strerror(number)}",
            where=str(path),
            remedy="Give a Parquet file, or UTF-8 text separated by commas or tabs with a header, "
            "that you may read.",
        ) from error
    names = [name.strip() for name in table.column_names]
    repeated = sorted({name for name in names if names.count(name) > 1 and name})
    if repeated:
        raise DataError(
            f"columns repeat: {', '.join(repeated)}",
            where=str(path),
            remedy="Give every column a name of its own.",
        )
    # A column without a name is an index that somebody's program wrote along.
    columns = {name: column for name, column in zip(names, table.columns, strict=True) if name}
    return ColumnFile(path, columns, table.num_rows)


def _read_csv(path: Path) -> Any:
    with pa.input_stream(str(path), compression="detect") as stream:
        # A cut-off character at the end of the piece is no error of the file.
        head = stream.read(1 << 20).decode("utf-8-sig", "ignore")
    first = head.split("\n", 1)[0].rstrip("\r")
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    names = next(csv.reader([first], delimiter=delimiter), [])
    return pyarrow.csv.read_csv(
        str(path),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            null_values=[],
            strings_can_be_null=False,
        ),
    )


def _read_parquet(path: Path) -> Any:
    file = pyarrow.parquet.ParquetFile(str(path))
    flat = [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]
    return file.read(columns=flat)


def as_strings(column: ArrowColumn) -> ArrowColumn:
    """The column as Arrow strings, trimmed; missing values are empty.

    Raises:
        DataError: whole numbers held as floats that are too long to be exact.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = pc.cast(column, kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        values = as_numbers(column)
        if np.nanmax(np.abs(values), initial=0) >= _EXACT:
            raise DataError(
                "a column of names or numbers to keep as text holds floats beyond 2^53, whose "
                "last digits are lost",
                remedy="Write such ids as text.",
            )
        if (np.isnan(values) | (values == np.floor(values))).all():
            column = pc.cast(pa.chunked_array([pa.array(values, from_pandas=True)]), pa.int64())
    return pc.utf8_trim_whitespace(pc.fill_null(pc.cast(column, pa.string()), ""))


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
    """The column as a numpy array of strings, as wide as the longest; missing values are empty."""
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


def as_numbers(column: ArrowColumn) -> NDArray[np.float64]:
    """The column as float64; NaN where there is no number."""
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        text = pc.utf8_trim_whitespace(column)
        try:
            column = pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            number = pc.match_substring_regex(text, _NUMBER)
            column = pc.cast(pc.if_else(number, text, None), pa.float64())
    return np.array(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)


def as_attribute(column: ArrowColumn) -> NDArray[Any] | Strings:
    """The column as integers or floats if all of it is such numbers, and as strings otherwise.

    Numbers that would lose something stay strings: leading zeros, more digits than a float has.
    Missing values are NaN or empty.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = pc.cast(column, kind.value_type), kind.value_type
    if pa.types.is_integer(kind):
        return _whole_or_float(column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return as_numbers(column)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return as_text(column)
    text = pc.utf8_trim_whitespace(column)
    text = pc.if_else(pc.equal(text, ""), None, text)
    if text.null_count == len(text):
        return as_text(column)
    try:
        if pc.all(pc.match_substring_regex(text, _WHOLE)).as_py():
            return _whole_or_float(pc.cast(text, pa.int64()))
        if pc.all(pc.match_substring_regex(text, _PLAIN_NUMBER)).as_py():
            values = np.array(pc.cast(text, pa.float64()).to_numpy(), dtype=np.float64)
            if np.nanmax(np.abs(values), initial=0) < _EXACT:
                return values
    except pa.ArrowInvalid:
        pass  # more digits than 64 bits hold: text
    return as_text(column)


def _whole_or_float(column: ArrowColumn) -> NDArray[Any] | Strings:
    if column.null_count == 0:
        try:
            return np.array(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
        except pa.ArrowInvalid:  # unsigned, and too large
            return as_text(column)
    values = as_numbers(column)
    return values if np.nanmax(np.abs(values), initial=0) < _EXACT else as_text(column)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
