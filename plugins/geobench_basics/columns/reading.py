"""CSV and Parquet files read as named columns, without guessing."""

import csv
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from geobench import DataError
from geobench_basics.columns.column_file import ColumnFile


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
