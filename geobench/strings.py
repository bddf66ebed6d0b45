"""Columns of strings that repeat, or of which one is very long: each distinct string is held once.

An array of numpy.str_ is as wide as its longest string in every row: with one description of 64 kB
24,000 photos take 6 GB.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_PIECE = 1 << 15  # rows that are encoded at a time, in the processor's cache


@final
class Utf8(NamedTuple):
    """Strings as UTF-8: how many bytes each has, (n,), and all bytes end to end."""

    lengths: NDArray[np.int64]
    content: bytes


@final
class Strings:
    """Strings of N rows, as codes of distinct ones; numpy takes it for an array of numpy.str_.

    `column[3]` is a str, `column[rows]` are Strings, `column == "x"` is a mask (N,), and
    `np.asarray(column)` an array as wide as the longest string in it.

    Args:
        codes: of the rows, (N,): positions among the distinct strings.
        data: UTF-8 of the distinct strings, end to end, ascending by code point.
        starts: where in `data` each begins, and where the last ends, (V + 1,).
    """

    ndim = 1
    dtype = np.dtype(np.str_)

    def __init__(
        self, codes: NDArray[np.int32], data: NDArray[np.uint8], starts: NDArray[np.int64]
    ) -> None:
        self.codes = codes
        self._data = data
        self._starts = starts

    @classmethod
    def of(cls, values: NDArray[np.str_]) -> Self:
        """The same strings, (N,)."""
        distinct, codes = np.unique(values, return_inverse=True)
        encoded = [value.encode() for value in distinct.tolist()]
        starts = np.cumsum([0, *map(len, encoded)])
        return cls(codes.astype(np.int32), np.frombuffer(b"".join(encoded), np.uint8), starts)

    @property
    def shape(self) -> tuple[int]:
        return (len(self.codes),)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, key: Any) -> Any:
        found = self.codes[key]
        if isinstance(found, np.integer):
            return self._string(int(found))
        if found.ndim != 1:
            raise IndexError("a column of strings has one dimension: take np.asarray(column)")
        return Strings(found, self._data, self._starts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> Any:
        """Which rows are this string, or the same as another column's, (N,)."""
        if not isinstance(other, str):
            there = isinstance(other, Strings | np.ndarray | list)
            return np.equal(np.asarray(self), np.asarray(other)) if there else NotImplemented
        codes = range(len(self._starts) - 1)
        # Half a surrogate pair, which is no text, is in no column.
        place = bisect_left(codes, other.encode(errors="replace"), key=self._bytes)
        return (self.codes == place) & (place < len(codes) and self._string(place) == other)

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        return same if same is NotImplemented else ~same

    __hash__ = None  # type: ignore[assignment]  # as an array, which may be equal in part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array of these strings is always a copy")
        used, codes = np.unique(self.codes, return_inverse=True)
        strings = np.array([self._string(code) for code in used.tolist()], dtype=np.str_)
        return np.asarray(strings[codes], dtype=dtype)

    @property
    def size(self) -> int:
        return len(self.codes)

    def astype(self, dtype: Any) -> NDArray[Any]:
        """The strings as an array of this type."""
        return np.asarray(self, dtype=dtype)

    def tolist(self) -> list[str]:
        """The strings as Python has them."""
        found: list[str] = np.asarray(self).tolist()
        return found

    def isin(self, others: "Strings") -> NDArray[np.bool_]:
        """Whether each is one of `others`, (N,)."""
        if others._data is not self._data:
            return np.isin(np.asarray(self), np.asarray(others))
        there = np.zeros(len(self._starts) - 1, bool)
        there[others.codes] = True
        return there[self.codes]

    def in_utf8(self) -> Utf8:
        """All strings, at once."""
        used, codes = np.unique(self.codes, return_inverse=True)
        known = [self._bytes(code) for code in used.tolist()]
        sizes = np.diff(self._starts)[used]
        return Utf8(sizes[codes], b"".join(map(known.__getitem__, codes.tolist())))

    def _string(self, code: int) -> str:
        return self._bytes(code).decode()

    def _bytes(self, code: int) -> bytes:
        return self._data[self._starts[code] : self._starts[code + 1]].tobytes()


Column: TypeAlias = NDArray[Any] | Strings
"""One value for each row: numbers, or strings."""


def in_utf8(column: Column) -> Iterator[Utf8]:
    """The strings of a column as UTF-8, piece by piece."""
    flat = column if isinstance(column, Strings) else column.ravel()
    for start in range(0, len(flat), _PIECE):
        some = flat[start : start + _PIECE]
        if isinstance(some, Strings):
            yield some.in_utf8()
        else:
            yield _ascii(some) or _utf8(some)


def _ascii(strings: NDArray[np.str_]) -> Utf8 | None:
    """Strings of ASCII, without one Python object; None where there are others."""
    if not strings.dtype.itemsize:
        return None
    native = np.ascontiguousarray(strings, dtype=strings.dtype.newbyteorder("="))
    characters = native.view(np.uint32).reshape(len(native), -1)
    filled = characters != 0
    # NUL within a string is a part of it, after it is none.
    if characters.max() > 127 or (filled[:, 1:] > filled[:, :-1]).any():
        return None
    return Utf8(filled.sum(axis=1), characters[filled].astype(np.uint8).tobytes())


def _utf8(strings: NDArray[np.str_]) -> Utf8:
    plain = np.char.encode(strings, "utf-8")
    return Utf8(np.char.str_len(plain).astype(np.int64), b"".join(plain.tolist()))


@final
class Columns(Mapping[str, NDArray[Any]]):
    """Some rows of columns, each taken, and made an array, when it is asked for.

    Args:
        columns: by name, (N,) each.
        rows: which, (n,); all, by default.
    """

    def __init__(self, columns: Mapping[str, Column], rows: NDArray[np.intp] | None = None) -> None:
        self._columns = columns
        self._rows = rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._columns[name]
        return np.asarray(column if self._rows is None else column[self._rows])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the other rows, which may be those of test photos.
        columns, rows = self._columns, self._rows
        return Columns, (columns if rows is None else {n: columns[n][rows] for n in columns},)

    def take(self, indices: NDArray[np.intp]) -> "Columns":
        """These of the rows."""
        return Columns(self._columns, indices if self._rows is None else self._rows[indices])
