"""Datasets for photos at hand: a folder of GPS-tagged photos, and a table that lists photos."""

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from geobench import (
    BrokenPicture,
    Config,
    DataError,
    Dataset,
    Image,
    Indices,
    InputPath,
    Table,
)

if TYPE_CHECKING:
    from geobench_basics.photo_table import PhotoTable

logger = logging.getLogger("geobench.dataset")


class FolderConfig(Config):
    """Which folder, and what must not leak between train and test."""

    root: InputPath = Field(description="the folder; pictures are found in its sub-folders, too")
    group: Literal["photo", "folder"] = Field(
        "photo",
        description="what must not leak between train and test: the photo, or its folder",
    )


@final
class FolderDataset(Dataset):
    """Photos below a folder, placed by the GPS block of their EXIF.

    A photo's id is its path below the folder, with forward slashes. Pictures without a place are
    counted in `Table.broken` by reason, and logged.
    """

    name = "folder"
    Config = FolderConfig
    config: FolderConfig

    @classmethod
    def tiny(cls, folder: Path) -> FolderConfig:
        from geobench_basics.sample import write_folder

        return FolderConfig(root=write_folder(folder / "photos"), group="folder")

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"images"})

    def load(self) -> Table:
        """Read the EXIF of every picture.

        Raises:
            DataError: no pictures, or none with a place.
        """
        from geobench_basics.exif import read_location
        from geobench_basics.pictures import find_pictures

        root = self.config.root
        files = find_pictures(root)
        if not files:
            raise DataError("no picture files", where=str(root), remedy="Check dataset.root.")
        ids, places, broken = [], [], dict[str, list[str]]()
        for file in files:
            found = read_location(root / file)
            if isinstance(found, BrokenPicture):
                broken.setdefault(found.reason, []).append(file)
            else:
                ids.append(file)
                places.append((found.lat, found.lon))
        counts = {reason: len(names) for reason, names in broken.items()}
        _log(self.name, counts, {reason: names[0] for reason, names in broken.items()})
        if not ids:
            raise DataError(
                f"none of {len(files)} pictures says where it was taken ({_listed(counts)})",
                where=str(root),
                remedy="The folder dataset needs photos with GPS coordinates in their EXIF.",
            )
        by_folder = self.config.group == "folder"
        return Table(
            ids=np.array(ids),
            points=np.array(places, dtype=np.float64),
            groups=np.array([file.rpartition("/")[0] or "." for file in ids] if by_folder else ids),
            sizes=np.array([(root / file).stat().st_size for file in ids], dtype=np.int64),
            promised=len(files),
            broken=counts,
        )

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        from geobench_basics.pictures import read_picture

        for index in indices:
            yield read_picture(self.config.root / str(self.table.ids[index]))


class TableConfig(Config):
    """Which file, where its pictures are, and which column is which where names do not tell.

    Columns are found by their usual names, whatever the case, underscores and hyphens. If two
    could be meant, that is an error that names them and the key that decides.
    """

    unkeyed: ClassVar[frozenset[str]] = frozenset({"sliced"})

    file: InputPath = Field(description="a Parquet file, or a CSV separated by commas or tabs")
    images: InputPath | None = Field(
        None,
        description="the folder that the pictures are in, at any depth; none: coordinates only",
    )
    id_column: str | None = Field(
        None, description="ids; usually id, img_id, image_id, photo_id; else the picture column"
    )
    image_column: str | None = Field(
        None,
        description="names of the pictures' files; usually file, filename, path, image, img_file; "
        "else the ids",
    )
    lat_column: str | None = Field(None, description="usually lat, latitude")
    lon_column: str | None = Field(None, description="usually lon, lng, long, longitude")
    group_column: str | None = Field(
        None,
        description="what must not leak between train and test; usually group, sequence, author, "
        "creator_id, user_id; else the photo",
    )
    part_column: str | None = Field(
        None, description="the source's own parts; usually part, split, subset"
    )
    attributes: tuple[str, ...] | None = Field(
        None, description="the other columns to keep; all of them by default"
    )
    sliced: tuple[str, ...] | None = Field(
        None,
        description="the attributes that tables are sliced by; all but ids and other numbers that "
        "name things, by default",
    )
    publishes: Literal["pictures", "coordinates", "scores"] = Field(
        "coordinates", description="what a leaderboard may show of these photos"
    )


@final
class TableDataset(Dataset):
    """Photos, or places alone, that a CSV or Parquet file lists.

    Ids stay strings as written, `NA` stays Namibia, and an empty value is a missing one. Columns
    that play no role become attributes: numbers if all values are, else strings. Rows without a
    proper place, or whose picture is not there, are counted in `Table.broken`, and logged.
    """

    name = "table"
    Config = TableConfig
    config: TableConfig

    @classmethod
    def tiny(cls, folder: Path) -> TableConfig:
        from geobench_basics.sample import write_table

        file = write_table(folder / "table")
        return TableConfig(file=file, images=file.parent / "images")

    @property
    def publishes(self) -> Literal["pictures", "coordinates", "scores"]:
        return self.config.publishes

    @property
    def provides(self) -> frozenset[str]:
        return frozenset() if self.config.images is None else frozenset({"images"})

    def load(self) -> Table:
        """Read the file.

        Raises:
            ConfigError: a column that is not there, or that could be one of several.
            DataError: a file that cannot be read, or without one usable row.
        """
        return self._photos.table

    @cached_property
    def _photos(self) -> "PhotoTable":
        from geobench_basics.photo_table import read_photo_table

        photos = read_photo_table(self.config)
        _log(self.name, photos.table.broken, photos.first_broken)
        return photos

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        from geobench_basics.pictures import read_picture

        if self.config.images is None:
            raise DataError(
                "these coordinates have no pictures",
                where=f"dataset {self.name} ({self.config.file.name})",
                remedy="Name the pictures' folder: images: FOLDER",
            )
        for index in indices:
            yield read_picture(self.config.images / self._photos.picture(int(index)))


def _log(dataset: str, broken: Mapping[str, int], first: Mapping[str, str]) -> None:
    for reason, count in broken.items():
        logger.warning("%s: %d photos: %s (first: %s)", dataset, count, reason, first[reason])


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
