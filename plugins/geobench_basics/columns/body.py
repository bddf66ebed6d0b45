"""The text below a header: rows read by pyarrow, and by a second count what it would lose."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from geobench import DataError
from geobench_basics.columns.contents import Text, invalid_position
from geobench_basics.columns.conversion import without_quotes
from geobench_basics.columns.layout import Layout
from geobench_basics.columns.records import (
    NOTHING_QUOTED,
    Bytes,
    Fault,
    Positions,
    Quoted,
    Records,
    line_ends,
    quoted_values,
    quotes_enclose_values,
    records_of,
    swallowing,
    widths_of,
)

_BLOCK = 1 << 20  # bytes that pyarrow reads at a time; a record has to fit
_LARGEST = (1 << 31) - 1
_SHOWN = 60  # characters of a line in a message
_QUOTES = (
    "Write a quote within a quoted value twice and close each quoted value, or save the file as "
    "Parquet, or with tabs, where quotes are characters like any other."
)


@final
@dataclass(frozen=True)
class PassedOver:
    """Lines of a text that are no rows of it.

    Args:
        count: how many.
        what: they are.
        first: the first of them, with its number.
        incomplete: whether they may have been rows, of which some values are missing.
    """

    count: int
    what: str
    first: str
    incomplete: bool = False


@final
class Body:
    """The text below a header.

    Args:
        path: of the file, for errors.
        text: all of it.
        layout: of the text.
    """

    def __init__(self, path: Path, text: Text, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self._text = text
        self._all: Bytes = np.frombuffer(text, np.uint8)
        self._bytes = self._all[layout.start :]
        self._has_quotes = text.find(b'"', layout.start) >= 0
        self._delimiter = ord(layout.delimiter)
        self._enclosing = False  # whether quotes enclose values
        self._enclosing_lines = False  # and line ends in them
        self._strange = 0  # records with another number of values than the header
        self._commented = np.zeros(0, bool)  # the records of that number that are comments, if any

    def read(self) -> Any:
        """The rows as a table of strings, whose columns are named by their numbers.

        Raises:
            DataError: quotes or numbers of values do not fit.
        """
        if not self._has_quotes:
            table = self._parse()
        elif self.layout.delimiter == "\t":
            table = self._with_quotes_as_characters()
        else:
            self._enclosing = True
            if not quotes_enclose_values(self._bytes, delimiter=self._delimiter):
                self._check_quotes()
                self._enclosing_lines = bool(self._quoted.around(self._breaks).any())
            table = self._parse()
        if self._strange:
            self._check_strange()
            counted = int((self._widths == self._width).sum())
            if counted != len(table):
                raise DataError(
                    f"{len(table)} rows are read where {counted} are counted",
                    where=str(self.path),
                    remedy=_QUOTES,
                )
        return self._without_comments(table)

    def _without_comments(self, table: Any) -> Any:
        """The rows but for comments that have as many values as the header."""
        if not table.num_columns or not pc.any(pc.starts_with(table.column(0), "#")).as_py():
            return table
        may_be = np.array(pc.starts_with(table.column(0), "#").to_numpy())
        starts = self._records.starts[self._widths == self._width]
        may_be &= self._bytes[starts] == ord("#")  # and not a quote
        lines = zip(*(c.to_pylist() for c in table.filter(pa.array(may_be)).columns), strict=True)
        may_be[may_be] = [not self.layout.holds_place(values) for values in lines]
        self._commented = may_be
        return table.filter(pa.array(~may_be))

    @property
    def _width(self) -> int:
        return len(self.layout.names)

    def _with_quotes_as_characters(self) -> Any:
        """Text with tabs: quotes are characters, but for values that a program has enclosed."""
        table = self._parse()
        if self._strange:
            # Line feeds or tabs in quoted values, if that makes all rows whole.
            quoted, strange = self._values_in_quotes, self._strange
            if quoted.fault is None and self._swallowing(quoted) is None:
                self._enclosing = self._enclosing_lines = True
                whole = self._parse()
                if not self._strange:
                    return whole
                self._enclosing, self._enclosing_lines, self._strange = False, False, strange
        return pa.table([without_quotes(column) for column in table.columns], table.column_names)

    def _parse(self) -> Any:
        """The rows; those with another number of values than the header are counted."""
        block = _BLOCK
        while True:
            try:
                return self._parsed(block, skipping=False)
            except pa.ArrowInvalid:
                if not self._is_utf8:
                    raise
            try:
                return self._parsed(block, skipping=True)
            except pa.ArrowInvalid:
                if block > len(self._bytes) or block == _LARGEST:
                    raise
            block = min(block * 16, _LARGEST)  # a record may be longer than the block

    def _parsed(self, block: int, *, skipping: bool) -> Any:
        names = [str(number) for number in range(self._width)]
        self._strange = 0
        if not len(self._bytes):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        return pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(self._bytes)),
            pyarrow.csv.ReadOptions(column_names=names, block_size=block),
            pyarrow.csv.ParseOptions(
                delimiter=self.layout.delimiter,
                quote_char='"' if self._enclosing else False,
                newlines_in_values=self._enclosing_lines,
                # It would stumble over text that is no UTF-8, and print that.
                invalid_row_handler=self._skip if skipping else None,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[],
                strings_can_be_null=False,
            ),
        )

    @cached_property
    def _is_utf8(self) -> bool:
        return invalid_position(self._text) is None

    def _skip(self, row: Any) -> str:
        self._strange += 1
        return "skip"

    @property
    def _quoted(self) -> Quoted:
        return self._values_in_quotes if self._enclosing else NOTHING_QUOTED

    @cached_property
    def _values_in_quotes(self) -> Quoted:
        return quoted_values(self._bytes, delimiter=self._delimiter)

    @cached_property
    def _breaks(self) -> Positions:
        return line_ends(self._bytes)

    @cached_property
    def _above(self) -> int:
        """How many lines end before this text."""
        return len(line_ends(self._all[: self.layout.start]))

    def _line(self, position: int) -> int:
        return int(np.searchsorted(self._breaks, position)) + 1 + self._above

    def _check_quotes(self) -> None:
        """Raises DataError where a quote is not in its place."""
        fault = self._quoted.fault
        if fault is None and (position := self._swallowing(self._quoted)) is not None:
            fault = Fault(
                position, "a quote opens a value of several lines, each of which looks like a row"
            )
        if fault is not None:
            where = f"{self.path}, line {self._line(fault.position)}"
            raise DataError(fault.problem, where=where, remedy=_QUOTES)

    def _swallowing(self, quoted: Quoted) -> int | None:
        return swallowing(self._bytes, quoted, delimiter=self._delimiter, width=self._width)

    @cached_property
    def _records(self) -> Records:
        return records_of(self._bytes, self._quoted)

    @cached_property
    def _widths(self) -> NDArray[np.int64]:
        return widths_of(self._bytes, self._records, self._quoted, delimiter=self._delimiter)

    def _content(self, record: int) -> str:
        start, end = self._records.starts[record], self._records.ends[record]
        return self._bytes[start : min(end, start + 4 * _SHOWN)].tobytes().decode(errors="replace")

    @cached_property
    def _others(self) -> list[int]:
        """The records that are no rows, but for those of spaces alone."""
        found = np.flatnonzero(self._widths != self._width).tolist()
        return [record for record in found if self._content(record).strip()]

    def _check_strange(self) -> None:
        """Comments, and records with fewer values below all rows, are no rows; all others are
        mistakes.

        Raises:
            DataError: there is such a mistake.
        """
        rows = np.flatnonzero(self._widths == self._width)
        last = rows[-1] if len(rows) else -1
        for record in self._others:
            values = int(self._widths[record])
            footer = 0 <= last < record and values < self._width
            if self._content(record).startswith("#") or footer:
                continue
            raise DataError(
                f"there are {values} values where the header has {self._width}: "
                f"{_shown(self._content(record))}",
                where=f"{self.path}, line {self._records.lines[record] + self._above}",
                remedy=f"Enclose a value that holds {self.layout.delimiter!r} in quotes; a comment "
                "begins with #.",
            )

    def passed(self) -> list[PassedOver]:
        """The lines that are no rows, by kind."""
        found = []
        if before := self.layout.before:
            found.append(PassedOver(len(before), "above the header", _shown(before[0])))
        others = self._others if self._strange else []
        comments = [record for record in others if self._is_comment(record)]
        cut = sorted(set(others) - set(comments))
        if self._commented.any():
            rows = np.flatnonzero(self._widths == self._width)
            comments = sorted([*comments, *rows[self._commented].tolist()])
        more = any(self._widths[record] > self._width for record in cut)
        number = "another number of" if more else "fewer"
        for records, what in ((comments, "comments"), (cut, f"{number} values than the header")):
            if records:
                line = self._records.lines[records[0]] + self._above
                first = f"line {line}: {_shown(self._content(records[0]))}"
                found.append(PassedOver(len(records), what, first, incomplete=records is cut))
        return found

    def _is_comment(self, record: int) -> bool:
        """Whether a record with another number of values than the header is no cut row."""
        content = self._bytes[self._records.starts[record] : self._records.ends[record]].tobytes()
        values = content.decode(errors="replace").split(self.layout.delimiter)
        return content.startswith(b"#") and not self.layout.holds_place(values)

    def line_of(self, row: int) -> int:
        """The number of a row's first line in the file."""
        return int(self._row_lines[row])

    @cached_property
    def _row_lines(self) -> Positions:
        lines = self._records.lines + self._above
        lines = lines[self._widths == self._width] if self._strange else lines
        return np.asarray(lines[~self._commented] if self._commented.any() else lines)


def _shown(content: str) -> str:
    line = " ".join(content.split())
    return repr(line if len(line) <= _SHOWN else line[:_SHOWN] + "...")
