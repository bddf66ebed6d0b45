"""Where the records of a delimited text begin, at which line, and how many values each has."""

import re
from itertools import pairwise
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench_basics.missing import is_missing

Positions: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]

_QUOTE, _LF, _CR = b'"'[0], b"\n"[0], b"\r"[0]
_PIECE = 1 << 24  # bytes compared at a time
_CACHED = 1 << 20  # bytes of which several things are asked
_COORDINATES = 2  # numbers that show where a record has its place
_LOOKED = 100  # lines of a quoted value that show whether they are rows
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?")


@final
class Fault(NamedTuple):
    """What is wrong with a quote, and where it stands."""

    position: int
    problem: str


@final
class Quoted(NamedTuple):
    """The quoted values of a text: where each opens and closes, (Q,) each; or why that is unclear.

    A quote opens a value where it is the first character of it, is doubled within it, and closes
    it where the value ends. Elsewhere, in values without quotes, it is a character.
    """

    opens: Positions
    closes: Positions
    fault: Fault | None = None

    def around(self, positions: Positions) -> NDArray[np.bool_]:
        """Which positions (n,) are within a quoted value."""
        if not len(self.opens):
            return np.zeros(len(positions), bool)
        before = np.searchsorted(self.opens, positions) - 1
        return (before >= 0) & (positions < self.closes[np.maximum(before, 0)])


NOTHING_QUOTED = Quoted(np.empty(0, np.int64), np.empty(0, np.int64))


@final
class Records(NamedTuple):
    """The records of a text, those of an empty line left out.

    Args:
        starts: where each begins, (R,).
        ends: where its content ends, (R,).
        lines: the number of its first line, (R,), from 1.
    """

    starts: Positions
    ends: Positions
    lines: Positions


def positions_of(text: Bytes, byte: int) -> Positions:
    """Where a byte stands."""
    found = [
        np.flatnonzero(text[start : start + _PIECE] == byte) + start
        for start in range(0, len(text), _PIECE)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def line_ends(text: Bytes) -> Positions:
    """The last byte of each line's end: LF, CR LF, or CR as old Macs have it."""
    feeds, returns = positions_of(text, _LF), positions_of(text, _CR)
    if not len(returns):
        return feeds
    followed = text[np.minimum(returns + 1, len(text) - 1)] == _LF
    return np.sort(np.concatenate([feeds, returns[~followed]]))


def records_of(text: Bytes, quoted: Quoted) -> Records:
    """The records of a text, which line ends outside of quoted values divide."""
    breaks = line_ends(text)
    dividing = breaks[~quoted.around(breaks)]
    starts = np.concatenate([[0], dividing + 1])
    ends = np.concatenate([dividing, [len(text)]])
    before = np.maximum(ends - 1, 0)
    closed_by_two = (ends > starts) & (ends < len(text))
    closed_by_two &= (text[np.minimum(ends, len(text) - 1)] == _LF) & (text[before] == _CR)
    ends = ends - closed_by_two
    lines = np.searchsorted(breaks, starts) + 1
    filled = ends > starts
    return Records(starts[filled], ends[filled], lines[filled])


def widths_of(text: Bytes, records: Records, quoted: Quoted, *, delimiter: int) -> Positions:
    """How many values each record has, (R,)."""
    between = positions_of(text, delimiter)
    between = between[~quoted.around(between)]
    first, last = (np.searchsorted(between, edge) for edge in (records.starts, records.ends))
    return np.asarray(last - first + 1)


def quotes_enclose_values(text: Bytes, *, delimiter: int) -> bool:
    """Whether each quote opens, closes or is doubled within a value of one line: the usual case,
    seen without keeping where they stand."""
    edges = np.zeros(256, bool)
    edges[[delimiter, _LF, _CR, _QUOTE]] = True
    last, before = len(text) - 1, 0
    for start in range(0, len(text), _CACHED):
        piece = text[start : start + _CACHED]
        quotes = np.flatnonzero(piece == _QUOTE)
        breaks = np.flatnonzero((piece == _LF) | (piece == _CR))
        if ((np.searchsorted(quotes, breaks) + before) % 2).any():
            return False
        # What is the first or the last of the text is compared with itself, a quote.
        opening, closing = quotes[before % 2 :: 2] + start, quotes[1 - before % 2 :: 2] + start
        if not edges[text[np.maximum(opening - 1, 0)]].all():
            return False
        if not edges[text[np.minimum(closing + 1, last)]].all():
            return False
        before += len(quotes)
    return before % 2 == 0


def quoted_values(text: Bytes, *, delimiter: int) -> Quoted:
    """The quoted values of a text."""
    quotes = positions_of(text, _QUOTE)
    if not len(quotes):
        return NOTHING_QUOTED
    edges = np.array([delimiter, _LF, _CR], np.uint8)
    last = len(text) - 1
    may_open = np.isin(text[np.maximum(quotes - 1, 0)], edges) | (quotes == 0)
    may_close = np.isin(text[np.minimum(quotes + 1, last)], edges) | (quotes == last)
    doubled = np.zeros(len(quotes), bool)  # followed by another
    doubled[:-1] = np.diff(quotes) == 1
    # Where all quotes are paired, every other one opens, or is the second of a doubled one.
    second = np.concatenate([[False], doubled[:-1]])
    opening, closing = slice(0, None, 2), slice(1, None, 2)
    clear = len(quotes) % 2 == 0
    clear = clear and bool((may_open | second)[opening].all())
    clear = clear and bool((may_close | doubled)[closing].all())
    if clear:
        really = ~doubled[closing]
        starts = np.concatenate([[True], really[:-1]])
        return Quoted(quotes[opening][starts], quotes[closing][really])
    return _one_by_one(quotes, may_open, may_close, doubled)


def _one_by_one(
    quotes: Positions,
    may_open: NDArray[np.bool_],
    may_close: NDArray[np.bool_],
    doubled: NDArray[np.bool_],
) -> Quoted:
    """The quoted values of a text in which some quote is a character, or out of place."""
    opens, closes = list[int](), list[int]()
    count, index, fault = len(quotes), 0, None
    opening, closing, twice = may_open.tolist(), may_close.tolist(), doubled.tolist()
    while index < count and fault is None:
        if not opening[index]:
            index += 1
            continue
        end = index + 1
        while end < count and twice[end]:
            end += 2
        if end >= count:
            fault = Fault(int(quotes[index]), "a quote opens a value that nothing closes")
        elif not closing[end]:
            fault = Fault(int(quotes[end]), "a quote within a quoted value is not doubled")
        else:
            opens.append(int(quotes[index]))
            closes.append(int(quotes[end]))
            index = end + 1
    return Quoted(np.array(opens, np.int64), np.array(closes, np.int64), fault)


def swallowing(text: Bytes, quoted: Quoted, *, delimiter: int, width: int) -> int | None:
    """Where a quote opens a value that has swallowed rows, or None: each line that it is on has as
    many values as the header, and the record has not, or there are numbers where it has them."""
    breaks = line_ends(text)
    first, last = np.searchsorted(breaks, quoted.opens), np.searchsorted(breaks, quoted.closes)
    several = np.flatnonzero(last > first).tolist()
    if not several:
        return None
    edges = np.concatenate([[0], breaks + 1, [len(text)]])
    records = records_of(text, quoted)
    record = np.searchsorted(records.starts, quoted.opens, side="right") - 1
    whole = (widths_of(text, records, quoted, delimiter=delimiter) == width)[record]

    def values_on(line: int) -> list[str]:
        return _values(text[edges[line] : edges[line + 1]], delimiter)

    for index in several:
        lines = [*range(first[index], min(last[index], first[index] + _LOOKED)), last[index]]
        rows = list[list[str]]()
        for line in lines:
            rows.append(values_on(line))
            if len(rows[-1]) != width:
                break
        if len(rows[-1]) != width:
            continue
        if not whole[index]:
            return int(quoted.opens[index])
        if any(any(map(_is_number, row)) for row in rows[1:]):
            around = _around(text, quoted, records, index, delimiter=delimiter)
            if _are_rows(rows, around):
                return int(quoted.opens[index])
    return None


def _values(line: Bytes, delimiter: int) -> list[str]:
    """The values on a line, quotes being characters."""
    return line.tobytes().decode(errors="replace").split(chr(delimiter))


def _around(
    text: Bytes, quoted: Quoted, records: Records, index: int, *, delimiter: int
) -> list[str]:
    """The values of the record that a quoted value is in; for that one, "?"."""

    def values(start: int, end: int) -> list[str]:
        between = positions_of(text[start:end], delimiter) + start
        edges = [start - 1, *between[~quoted.around(between)].tolist(), end]
        return [
            text[edge + 1 : next_edge].tobytes().decode(errors="replace")
            for edge, next_edge in pairwise(edges)
        ]

    opens, after = int(quoted.opens[index]), int(quoted.closes[index]) + 1
    record = int(np.searchsorted(records.starts, opens, side="right")) - 1
    before = values(int(records.starts[record]), opens)[:-1]
    return [*before, "?", *values(after, int(records.ends[record]))[1:]]


def _are_rows(lines: list[list[str]], record: list[str]) -> bool:
    """Whether the lines of a quoted value are rows by themselves: they have numbers where the
    record has them. One line holds those of the record itself, and so two have to."""
    numbers = [place for place, value in enumerate(record) if _is_number(value)]
    nothing = [place for place, value in enumerate(record) if _is_nothing(value)]
    places = numbers if len(numbers) >= _COORDINATES else [*numbers, *nothing]
    full = [all(_is_number(line[place]) for place in numbers or places) for line in lines]
    fits = (
        all(_is_number(line[place]) or _is_nothing(line[place]) for place in places)
        for line in lines
    )
    return bool(places) and sum(full) > bool(numbers) and all(fits)


def says_number(value: str) -> bool:
    """Whether this is a number, or a word for one that is not there."""
    return _is_number(value) or bool(value.strip().strip('"') and _is_nothing(value))


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value.strip().strip('"')) is not None


def _is_nothing(value: str) -> bool:
    return is_missing(value.strip().strip('"'))
