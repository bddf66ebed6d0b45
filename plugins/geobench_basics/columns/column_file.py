"""The columns of a file, found by name or by the role that they play."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import ConfigError, DataError, Strings
from geobench import names as spelling
from geobench_basics.columns.body import PassedOver
from geobench_basics.columns.conversion import (
    LONGEST_NAME,
    ArrowColumn,
    DecimalMark,
    as_array,
    as_attribute,
    as_numbers,
    as_strings,
    infinite,
    is_too_long,
    maybe_thousands,
    with_commas,
    with_points,
)
from geobench_basics.columns.roles import PlaceRoles, Role

_MOST = 40  # names of columns in a message
_LONGEST = 60  # characters of one


@final
class Place(NamedTuple):
    """The names of the columns of latitude and longitude."""

    lat: str
    lon: str


@final
@dataclass(frozen=True)
class ColumnFile:
    """The columns of a file that hold text or numbers, by name, in the file's order.

    Args:
        path: of the file.
        columns: by name; "" is that of a column without one.
        rows: how many.
        index: those of the columns that only number the rows, as pandas and R write them along.
        left_out: columns that hold neither text nor numbers -> what they hold.
        delimiter: what stands between the values of a text; "" of other files.
        incomplete: lines of a text that may have been rows, with too few or too many values.
        line_of: the number of a row -> that of its line in a text.
    """

    path: Path
    columns: Mapping[str, ArrowColumn]
    rows: int
    index: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ""
    incomplete: PassedOver | None = None
    line_of: Callable[[int], int] | None = None

    def where(self, row: int) -> str:
        """Where a row stands: `line 4` of a text, `row 3` of another file."""
        return f"row {row + 1}" if self.line_of is None else f"line {self.line_of(row)}"

    def strings(self, name: str) -> ArrowColumn:
        """A column as Arrow strings, trimmed; missing values are empty.

        Raises:
            DataError: floats that are infinite, or whole numbers too long to be exact as floats.
        """
        try:
            return as_strings(self.columns[name])
        except DataError as error:
            where = f"{self.path}, column {name}"
            raise DataError(error.problem, where=where, remedy=error.remedy) from None

    def names(self, name: str) -> NDArray[np.str_]:
        """A column of names, such as ids, as a numpy array (N,); missing values are empty.

        Raises:
            DataError: as `strings`; or a value is so long that it names nothing.
        """
        strings = self.strings(name)
        too_long = np.flatnonzero(is_too_long(strings))
        if len(too_long):
            first = int(too_long[0])
            raise DataError(
                f"{len(too_long)} values of the column {name} have over {LONGEST_NAME:,} "
                f"characters, the first is in {self.where(first)}",
                where=str(self.path),
                remedy="Give names: look for a quote that is not closed, or another column.",
            )
        return as_array(strings)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64 (N,), NaN where there is no number; a comma may stand for the decimal
        point. Where commas stand between values, it does not beside numbers with points in the same
        column, nor in `1,250` beside such numbers in others."""
        column = self.columns[name]
        comma = self.delimiter not in ("", ",")
        if not comma and (commas := with_commas(column)) and not with_points(column):
            clear = commas > maybe_thousands(column)
            comma = clear or not any(map(with_points, self.columns.values()))
        return as_numbers(column, comma=comma)

    def decimal_mark(self, place: Place) -> DecimalMark:
        """What stands before decimals in this file: what does in most of its coordinates, and where
        these are whole numbers, what each column says in a file with semicolons."""
        commas = sum(with_commas(self.columns[name]) for name in place)
        points = sum(with_points(self.columns[name]) for name in place)
        if commas or points:
            return "," if commas > points else "."
        return "" if self.delimiter == ";" else "."

    def infinite(self, name: str) -> int:
        """How many values of a column are infinite numbers."""
        return infinite(self.columns[name])

    @property
    def shown(self) -> str:
        """The columns' names, for errors."""
        there = [spoken(name) for name in self.columns if name not in self.index]
        more = f" and {len(there) - _MOST} more" if len(there) > _MOST else ""
        return f"{', '.join(there[:_MOST])}{more}" if there else "none"

    def named(self, given: str, *, key: str) -> str:
        """The column that the configuration names, in whatever case.

        Args:
            key: the configuration key, for the error.

        Raises:
            ConfigError: it is not there.
        """
        if given in self.columns:
            return given
        wanted = spelling.meeting_form(given)
        there = {name: spelling.meeting_form(name) for name in self.columns}
        same = [name for name, form in there.items() if form == wanted]
        same = same or [name for name, form in there.items() if form.lower() == wanted.lower()]
        if len(same) == 1:
            return same[0]
        if given in self.left_out:
            raise ConfigError(
                f"{key} says {given!r}, a column of {self.left_out[given]}, which is neither text "
                "nor numbers",
                where=str(self.path),
                remedy=f"Name another column ({self.shown}), or write this one as text.",
            )
        raise ConfigError(
            f"{key} says {given!r}, and there is no such column",
            where=str(self.path),
            remedy=spelling.did_you_mean(given, map(spoken, self.columns)),
        )

    def find(self, role: Role, *, given: str | None) -> str | None:
        """The column that plays a role, or None.

        Args:
            given: the name that the configuration says, if it does.

        Raises:
            ConfigError: `given` is not there, or several columns could be meant.
        """
        if given is not None:
            return self.named(given, key=role.key)
        groups = {name: role.group_of(name) for name in self.columns if name not in self.index}
        best = min((group for group in groups.values() if group is not None), default=None)
        found = [name for name, group in groups.items() if group is not None and group == best]
        if len(found) > 1:
            names = [spoken(name) for name in found]
            raise ConfigError(
                f"columns {' and '.join(names)} could each be {role}",
                where=str(self.path),
                remedy=f"Say which in the configuration, for instance {role.key}: {names[0]}",
            )
        return found[0] if found else None

    def require(self, role: Role, *, given: str | None) -> str:
        """As `find`, but the column must be there.

        Raises:
            ConfigError: it is not, or several columns could be meant.
        """
        name = self.find(role, given=given)
        if name is None:
            strange = [name for name in self.left_out if role.group_of(name) is not None]
            if strange:
                held = self.left_out[strange[0]]
                raise ConfigError(
                    f"column {spoken(strange[0])}, {role}, cannot be used: it holds {held}",
                    where=str(self.path),
                    remedy=f"Write it as text, or name another by {role.key}: {self.shown}.",
                )
            raise ConfigError(
                f"no column is named like {role} ({role.usual})",
                where=str(self.path),
                remedy=f"Name it by {role.key}; the columns are: {self.shown}.",
            )
        return name

    def ids(self, role: Role, *, given: str | None, otherwise: str | None = None) -> str:
        """The column that plays the role of ids; else the other one; else the row names that R or
        pandas wrote along, where they are more than numbers.

        Raises:
            ConfigError: there is none, or several columns could be meant.
        """
        found = self.find(role, given=given)
        if found is None:
            found = otherwise
        row_names = [n for n in self.index if isinstance(as_attribute(self.columns[n]), Strings)]
        if found is None and len(row_names) == 1:
            return row_names[0]
        return self.require(role, given=given) if found is None else found

    def place(self, roles: PlaceRoles, *, lat: str | None, lon: str | None) -> Place:
        """The columns of latitude and longitude, of one kind where they can be: `true_lon`
        belongs to `true_lat`, and not to `lat`.

        Args:
            lat, lon: the names that the configuration says, if it does.

        Raises:
            ConfigError: one is not there, or several columns could be meant.
        """
        lats = [self.named(lat, key=roles.lat.key)] if lat is not None else list(self.columns)
        lons = [self.named(lon, key=roles.lon.key)] if lon is not None else list(self.columns)
        for group in range(len(roles.lat.groups)):
            there = [
                any(role.group_of(name) == group for name in found)
                for role, found in ((roles.lat, lats), (roles.lon, lons))
            ]
            if all(there):
                return Place(
                    self.require(roles.lat.only(group), given=lat),
                    self.require(roles.lon.only(group), given=lon),
                )
        return Place(self.require(roles.lat, given=lat), self.require(roles.lon, given=lon))


def spoken(name: str) -> str:
    """A column's name as a message shows it: on one line, and not at any length."""
    line = " ".join(name.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
