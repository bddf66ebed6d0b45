"""Galleries: the places that retrieval methods answer with, the same ones for all of them."""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from pydantic import Field, ValidationInfo, model_validator

from geobench.components import Config, InputPath
from geobench.errors import DataError, GeobenchError, PluginError, words_of
from geobench.geo import Points, wrap
from geobench.partitions import EqualAreaGrid


@final
class Gallery(Config):
    """Which places a retrieval method can answer with.

    Training places, an even grid on the whole sphere, both, the places of a file, or those that
    released weights bring. What answers with training places cannot pass the ceiling, and what
    answers with others can, where nobody has trained; so it is part of the protocol: in the
    method's configuration, in its keys (a file and released places by their content), and in the
    tables. In YAML `gallery: grid`, or a mapping: `gallery: {source: both, rows: 400}`,
    `gallery: {source: file, file: places.csv}`.
    """

    added = {"file": None}

    source: Literal["training", "grid", "both", "file", "own"] = Field(
        "training",
        description="training places, an even grid, both, the places of `file`, or the method's "
        "own, which released weights bring",
    )
    rows: int = Field(
        200,
        ge=2,
        le=2000,
        description="bands of the grid, an EqualAreaGrid whose centres are its places; 200 make "
        "50,930 places about 100 km apart",
    )
    file: InputPath | None = Field(
        None,
        description="for `source: file`: a CSV with columns lat and lon (or latitude and "
        "longitude), or an npy of (places, 2), in degrees",
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any, info: ValidationInfo) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _file_where_it_is_asked_for(self) -> Self:
        if (self.source == "file") != (self.file is not None):
            raise ValueError(
                "`source: file` and `file: ...` belong together. Give both, or neither"
            )
        return self

    @property
    def has_training_places(self) -> bool:
        """Whether training places are in it."""
        return self.source in ("training", "both")

    def fixed(self, *, own: Points | None = None) -> Points:
        """The places that are there whatever was trained on, (G, 2): those of the grid, of the
        file, or of the method; none if there are training places alone.

        Args:
            own: for `source: own`, the places that the method brings, (G, 2).

        Raises:
            DataError: a file that holds no places.
            PluginError: `source: own` without places.
        """
        if self.file is not None:
            return _read(self.file)
        if self.source == "own":
            if own is None or len(own) == 0:
                raise PluginError(
                    "a gallery of a method's own places was given none",
                    remedy="Give `own=method.own_places()`, or use Retriever.places(train).",
                )
            return wrap(own, name="the method's own places")
        return np.empty((0, 2)) if self.source == "training" else EqualAreaGrid(self.rows).centres

    def places(self, train: Points, *, own: Points | None = None) -> Points:
        """The places of training photos (M, 2) in their order, then the fixed ones."""
        fixed = self.fixed(own=own)
        return np.concatenate([train, fixed]) if self.has_training_places else fixed

    def __str__(self) -> str:
        if self.source == "training":
            return "training places"
        if self.file is not None:
            return f"{len(_read(self.file)):,} places of {self.file.name}"
        if self.source == "own":
            return "the method's own places"
        even = f"an even grid of {len(EqualAreaGrid(self.rows)):,} places"
        return f"training places and {even}" if self.has_training_places else even


_SHOWN = 200  # characters of what is wrong, which may be what the file has for its columns
_LARGEST = 500_000_000  # bytes: of a CSV of some 25 million places
_COLUMNS = ({"lat", "latitude"}, {"lon", "lng", "longitude"})


def _read(path: Path) -> Points:
    """The places of a CSV or npy file, (G, 2), read again only if it has changed.

    Raises:
        DataError: it holds no places in degrees.
    """
    found = path.stat()
    return _places_at(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4)
def _places_at(path: Path, size: int, time_ns: int) -> Points:
    try:
        if size > _LARGEST:
            raise ValueError(f"it has {size:,} bytes, which is over {_LARGEST:,}")
        points = _read_npy(path) if path.suffix == ".npy" else _read_csv(path)
        if points.ndim != 2 or points.shape[1:] != (2,) or len(points) == 0:
            raise ValueError(f"it holds an array {points.shape}, not (places, 2)")
        places = wrap(points, name="its places")
    except GeobenchError as error:
        problem = error.problem
    except (OSError, ValueError, csv.Error) as error:
        problem = words_of(error, _SHOWN)
    else:
        places.flags.writeable = False  # whoever asks again gets the same
        return places
    raise DataError(
        f"is no gallery: {problem}",
        where=str(path),
        remedy="Give a CSV with columns lat and lon, or an npy of (places, 2), in degrees.",
    )


def _read_npy(path: Path) -> Points:
    """An array of numbers that is in the file: mapped, because a head may promise far more."""
    points = np.lib.format.open_memmap(path, mode="r")
    if points.dtype.kind not in "fiu":
        raise ValueError(f"it holds {points.dtype}, no numbers")
    return np.array(points)


def _read_csv(path: Path) -> Points:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = csv.reader(stream)
        head = [name.strip().lower() for name in next(rows, [])]
        found = [[i for i, name in enumerate(head) if name in names] for names in _COLUMNS]
        if [len(each) for each in found] != [1, 1]:
            raise ValueError(f"its columns are {', '.join(head) or 'none'}")
        (lat,), (lon,) = found
        points = []
        for row in rows:
            try:
                points.append((float(row[lat]), float(row[lon])))
            except (ValueError, IndexError):
                raise ValueError(f"line {rows.line_num} gives no latitude and longitude") from None
    return np.array(points).reshape(-1, 2)
