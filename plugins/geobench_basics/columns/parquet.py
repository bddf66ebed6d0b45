"""Parquet files read as columns of numbers and strings; other columns are named."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from geobench import DataError
from geobench_basics.columns.column_file import spoken
from geobench_basics.columns.conversion import ArrowColumn

_FEW = 16  # rows that show whether binary values are text
_ENCRYPTED = b"PARE"
_UUID_BYTES = 16
_NUMBERS_AND_TEXT = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_string,
    pa.types.is_large_string,
)
_BINARY = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)
_SAID = {
    "fixed_size_binary": "binary",
    "large_binary": "binary",
    "binary_view": "binary",
    "month_day_nano_interval": "interval",
}


@final
@dataclass(frozen=True)
class ParquetColumns:
    """The columns of a Parquet file that hold numbers or strings.

    Args:
        columns: by name.
        left_out: other columns -> what they hold.
        rows: of the file.
    """

    columns: dict[str, ArrowColumn]
    left_out: dict[str, str]
    rows: int


def read_parquet(path: Path) -> ParquetColumns:
    """Read the columns that hold numbers or strings, or what has a text of its own (dates, UUIDs).

    Raises:
        DataError: it is encrypted, or names repeat.
        OSError, pyarrow.ArrowException: it cannot be read.
    """
    with path.open("rb") as stream:
        if stream.read(len(_ENCRYPTED)) == _ENCRYPTED:
            raise DataError(
                "is encrypted", where=str(path), remedy="Save it as Parquet without encryption."
            )
    with pyarrow.parquet.ParquetFile(str(path), memory_map=True) as file:
        fields = list(file.schema_arrow)
        names = [field.name for field in fields]
        if len(set(names)) < len(names):
            refuse_repeated(names, path)
        kinds = {field.name: field.type for field in fields}
        left_out = {name: _kind(kind) for name, kind in kinds.items() if _nested(kind)}
        wanted = [name for name in names if name not in left_out]
        binary = [name for name in wanted if _binary(kinds[name])]
        if binary:  # pictures may be in them: they are not read whole to see that they are no text
            for few in islice(file.iter_batches(_FEW, columns=binary), 1):
                for name in binary:
                    if _usable(pa.chunked_array([few.column(name)])) is None:
                        left_out[name] = _kind(kinds[name])
        table = file.read(columns=[name for name in wanted if name not in left_out])
    columns = dict[str, ArrowColumn]()
    for name in [name for name in wanted if name not in left_out]:
        usable = _usable(table.column(name))
        if usable is None:
            is_text = _plain(kinds[name]) in (pa.string(), pa.large_string(), pa.string_view())
            left_out[name] = "text that is no UTF-8" if is_text else _kind(kinds[name])
        else:
            columns[name] = usable
    return ParquetColumns(columns, left_out, file.metadata.num_rows)


def refuse_repeated(names: list[str], path: Path) -> None:
    """Raises DataError where names repeat."""
    repeated = sorted(name for name, count in Counter(names).items() if count > 1 and name)
    if repeated:
        raise DataError(
            f"columns repeat: {', '.join(map(spoken, repeated))}",
            where=str(path),
            remedy="Give every column a name of its own.",
        )


def _kind(kind: Any) -> str:
    words = str(kind).split("<")[0].split("[")[0]
    return _SAID.get(words, words)


def _storage(kind: Any) -> Any:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _nested(kind: Any) -> bool:
    return bool(pa.types.is_nested(_plain(kind)))


def _binary(kind: Any) -> bool:
    return any(check(_storage(kind)) for check in _BINARY)


def _usable(column: ArrowColumn) -> ArrowColumn | None:
    """The column as numbers or strings, or None."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        named = getattr(kind, "extension_name", "")
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
        if named == "arrow.uuid" and pa.types.is_fixed_size_binary(kind):
            return _uuids(column)
    if pa.types.is_run_end_encoded(kind):
        column = pa.chunked_array(
            [pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type
        )
        kind = column.type
    plain = _plain(kind)
    try:
        column.validate(full=True)  # few programs look whether what they write as text is UTF-8
        if not any(check(plain) for check in _NUMBERS_AND_TEXT):
            pc.cast(pc.cast(column, plain), pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowIndexError):
        return None
    return column


def _plain(kind: Any) -> Any:
    """What the values are, of a dictionary those of its entries."""
    kind = _storage(kind)
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _uuids(column: ArrowColumn) -> ArrowColumn:
    """The usual text of UUIDs: 8-4-4-4-12 digits."""
    known = pc.is_valid(column)
    filled = pc.cast(pc.fill_null(column, bytes(_UUID_BYTES)), pa.binary())
    content = b"".join(filled.to_pylist()).hex().encode()
    digits = np.frombuffer(content, np.uint8).reshape(len(column), 2 * _UUID_BYTES)
    text = np.full((len(column), 36), ord("-"), np.uint8)
    text[:, [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]] = digits
    strings = pa.array(text.view("S36").ravel().astype("U36"), pa.string())
    return pa.chunked_array([pc.if_else(known.combine_chunks(), strings, None)])
