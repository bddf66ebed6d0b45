"""The columns of a file, found by name or by the role that they play."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, final

from geobench import ConfigError, names
from geobench_basics.columns.conversion import ArrowColumn
from geobench_basics.columns.roles import PlaceRoles, Role


@final
class Place(NamedTuple):
    """The names of the columns of latitude and longitude."""

    lat: str
    lon: str


@final
@dataclass(frozen=True)
class ColumnFile:
    """The flat columns of a file, by name, in the file's order."""

    path: Path
    columns: Mapping[str, ArrowColumn]
    rows: int

    def named(self, given: str, *, key: str) -> str:
        """The column that the configuration names, in whatever case.

        Args:
            key: the configuration key, for the error.

        Raises:
            ConfigError: it is not there.
        """
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

    def find(self, role: Role, *, given: str | None) -> str | None:
        """The column that plays a role, or None.

        Args:
            given: the name that the configuration says, if it does.

        Raises:
            ConfigError: `given` is not there, or several columns could be meant.
        """
        if given is not None:
            return self.named(given, key=role.key)
        groups = {name: role.group_of(name) for name in self.columns}
        best = min((group for group in groups.values() if group is not None), default=None)
        found = [name for name, group in groups.items() if group is not None and group == best]
        if len(found) > 1:
            raise ConfigError(
                f"columns {' and '.join(found)} could each be {role}",
                where=str(self.path),
                remedy=f"Say which in the configuration, for instance {role.key}: {found[0]}",
            )
        return found[0] if found else None

    def require(self, role: Role, *, given: str | None) -> str:
        """As `find`, but the column must be there.

        Raises:
            ConfigError: it is not, or several columns could be meant.
        """
        name = self.find(role, given=given)
        if name is None:
            raise ConfigError(
                f"no column is named like {role} ({role.usual})",
                where=str(self.path),
                remedy=f"Name it by {role.key}; the columns are: {', '.join(self.columns)}.",
            )
        return name

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
