"""The layout of a delimited text: where its header stands, what divides values, how many."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import numpy as np

from geobench_basics.columns.contents import Text
from geobench_basics.columns.records import (
    Bytes,
    line_ends,
    quoted_values,
    records_of,
    says_number,
    widths_of,
)
from geobench_basics.columns.roles import ANSWER_PLACE, TRUE_PLACE

_DELIMITERS = (",", "\t", ";", "|")  # of equal counts the first
_SAMPLE, _LINES = 1 << 16, 64  # bytes, or lines where these are long, that are looked at
_FEW_LINES = 4  # that are looked at where they are very long
_REACH = 1 << 20  # bytes that may hold the header, and that show whether a line is it
_HEADERS = 20  # lines that may be the header, and as many comments
_FEWEST = 2  # columns of a table
_DECLARED = re.compile(rb'"?sep=([^"\w\s\x80-\xff])"?', re.IGNORECASE)


@final
@dataclass(frozen=True)
class Layout:
    """How to read a delimited text.

    Args:
        delimiter: what stands between values.
        names: of the columns; "" for those without one.
        start: where the first record below the header begins.
        before: the lines before the header that are neither empty nor a word on the delimiter.
    """

    delimiter: str
    names: list[str]
    start: int
    before: tuple[str, ...]

    def holds_place(self, values: Sequence[str]) -> bool:
        """Whether the values of a line are those of a photo: numbers, or words for none, where
        latitude and longitude are by their names; at least two of them, where these say nothing.
        """
        if self._place:
            return all(n < len(values) and says_number(values[n]) for n in self._place)
        return sum(map(says_number, values)) >= len(TRUE_PLACE)

    @cached_property
    def _place(self) -> list[int]:
        """Where the names of latitude and longitude are; empty where they are not."""
        for roles in (TRUE_PLACE, ANSWER_PLACE):
            named = [[role.group_of(name) is not None for name in self.names] for role in roles]
            if all(map(any, named)):
                return [each.index(True) for each in named]
        return []


class _Header(NamedTuple):
    delimiter: str
    names: list[str]
    start: int  # of what follows
    fits: bool  # what follows has as many values
    known: bool  # names of latitude and longitude are among them


class _Line(NamedTuple):
    start: int
    content: bytes


def layout_of(text: Text) -> Layout:
    """The layout of a text of at least one line.

    The header is the first line that has as many values as most below it, and, if there is one
    among the first lines, names of latitude and longitude. Lines of comments, titles and empty
    ones may stand before it.

    Raises:
        UnicodeDecodeError, csv.Error: the header cannot be read.
    """
    sample = _sample(text)
    declared, before, headers = "", list[_Line](), list[tuple[int, _Header]]()
    commented = list[tuple[int, _Header]]()
    for line in _first_lines(sample):
        if not declared and not headers and (said := _DECLARED.fullmatch(line.content)):
            declared = said[1].decode("latin-1")
            continue
        among = commented if line.content.startswith(b"#") else headers
        if len(among) < _HEADERS:
            among.append((len(before), _header(sample, line.start, declared=declared)))
        before.append(line)
        if headers and headers[-1][1].fits and headers[-1][1].known:
            break
    found = [
        *[each for each in headers if each[1].fits and each[1].known],
        *[each for each in headers[:1] if each[1].fits and not _has_numbers(each[1])],
        *[each for each in commented if each[1].fits and each[1].known],
        *[each for each in headers if each[1].known],
        *[each for each in headers if each[1].fits],
        *headers,
        *commented,
    ]
    count, chosen = found[0] if found else (0, _Header(",", [], len(text), False, False))
    passed = tuple(line.content.decode(errors="replace") for line in before[:count])
    return Layout(chosen.delimiter, chosen.names, chosen.start, passed)


def _sample(text: Text) -> bytes:
    """The beginning of the text, up to the end of a line; comments are beside the count."""
    size = _SAMPLE
    while size < len(text):
        head = np.frombuffer(text[:size], np.uint8)
        ends = line_ends(head)
        lines = np.count_nonzero(head[ends[:-1] + 1] != ord("#"))
        if lines >= (_LINES if size < _REACH else _FEW_LINES):
            return head[: int(ends[-1]) + 1].tobytes()
        size *= 8
    return text[:]


def _first_lines(sample: bytes) -> Iterator[_Line]:
    """The first lines that are not empty, as many as may be the header, and comments above."""
    start = len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0
    ends = line_ends(np.frombuffer(sample, np.uint8)).tolist()
    shown = seen = 0
    for end in [*ends, len(sample)]:
        content = sample[start:end].strip()
        if content:
            yield _Line(start, content)
        if content and not content.startswith(b"#"):
            shown, seen = shown + 1, seen + len(content)
            if shown == _HEADERS or seen > _REACH:
                return
        start = end + 1


def _header(sample: bytes, start: int, *, declared: str) -> _Header:
    """What the record that begins here is, taken as the header."""
    below = np.frombuffer(sample, np.uint8, offset=start)
    if len(below) > _REACH:
        ends = line_ends(below)
        enough = ends[_FEW_LINES:][:1].tolist()
        below = below[: max(_REACH, *enough, 0) + 1]
    head = below[:_SAMPLE].tobytes().decode(errors="replace")  # a delimiter of the header is there
    delimiters = [declared] if declared else [each for each in _DELIMITERS if each in head]
    candidates = [_read(below, delimiter) for delimiter in delimiters or _DELIMITERS[:1]]
    best = max(candidates, key=lambda h: (h.fits and h.known, h.fits, len(h.names)))
    if len(best.names) < _FEWEST:  # R writes spaces, which stand in many a title, too
        spaced = _read(below, " ")
        best = spaced if spaced.fits and spaced.known else best
    return best._replace(start=best.start + start)


def _has_numbers(header: _Header) -> bool:
    return any(map(says_number, header.names))


def _values(record: str, delimiter: str, *, count: int) -> list[str]:
    """The values of a record that may be the header."""
    if len(record) < csv.field_size_limit():
        values = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
        if len(values) == count:
            return values
    return record.split(delimiter)  # a stray quote, or a text so long that this is no header


def _read(below: Bytes, delimiter: str) -> _Header:
    quoted = quoted_values(below, delimiter=ord(delimiter))  # up to a fault: the end may be cut
    records = records_of(below, quoted)
    widths = widths_of(below, records, quoted, delimiter=ord(delimiter))
    head = below[: records.ends[0]].tobytes().decode()
    names = [name.strip() for name in _values(head, delimiter, count=int(widths[0]))]
    known = any(
        all(any(role.group_of(name) is not None for name in names) for role in place)
        for place in (TRUE_PLACE, ANSWER_PLACE)
    )
    rows = Counter(widths[1:].tolist())
    usual = max(rows, key=lambda width: (rows[width], width)) if rows else len(names)
    fits = usual in (len(names), len(names) + 1) and len(names) >= _FEWEST
    if fits and usual > len(names):
        # R leaves out the name of the rows' names; others end each row, but not the header, with
        # a delimiter.
        last = records.ends[1:][widths[1:] == usual] - 1
        ended = (below[last] == ord(delimiter)).all()
        names = [*names, ""] if ended else ["", *names]
    start = int(records.starts[1]) if len(records.starts) > 1 else len(below)
    return _Header(delimiter, names, start, fits, known)
