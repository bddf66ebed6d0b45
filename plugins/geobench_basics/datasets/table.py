"""The dataset of photos, or places alone, that a CSV or Parquet file lists."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from numpy.typing import NDArray

from geobench import BrokenPicture, DataError, Image, Indices, Table
from geobench_basics.datasets.broken import log_broken
from geobench_basics.datasets.credits import CreditedDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.datasets.walk import READING

if TYPE_CHECKING:
    from geobench_basics.datasets.photo_table import PhotoTable


@final
class TableDataset(CreditedDataset):
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

    @property
    def reading(self) -> str:
        return READING if "images" in self.provides else ""

    def load(self) -> Table:
        """Read the file.

        Raises:
            ConfigError: a column that is not there, or that could be one of several.
            DataError: a file that cannot be read, or without one usable row.
        """
        return self._photos.table

    @cached_property
    def _photos(self) -> "PhotoTable":
        from geobench_basics.datasets.photo_table import read_photo_table

        photos = read_photo_table(self.config)
        log_broken(self.name, photos.table.broken, first=photos.first_broken)
        return photos

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        from geobench_basics.datasets.pictures import read_picture

        if self.config.images is None:
            raise DataError(
                "these coordinates have no pictures",
                where=f"dataset {self.name} ({self.config.file.name})",
                remedy="Name the pictures' folder: images: FOLDER",
            )
        for index in indices:
            yield read_picture(self.config.images / self._photos.picture(int(index)))

    def changed(self, indices: Indices) -> NDArray[np.float64] | None:
        from geobench_basics.datasets.pictures import last_changed

        if self.config.images is None:
            return None
        root = self.config.images
        return last_changed(root / self._photos.picture(index) for index in indices.tolist())
