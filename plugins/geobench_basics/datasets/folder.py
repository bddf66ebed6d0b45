"""The dataset of photos at hand: a folder of pictures that know where they were taken."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, final

import numpy as np
from pydantic import Field

from geobench import BrokenPicture, Config, DataError, Dataset, Image, Indices, InputPath, Table
from geobench_basics.datasets.broken import log_broken


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
        from geobench_basics.datasets.exif import read_location
        from geobench_basics.datasets.pictures import find_pictures

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
        log_broken(self.name, counts, first={reason: names[0] for reason, names in broken.items()})
        if not ids:
            raise DataError(
                f"none of {len(files)} pictures says where it was taken ({_listed(counts)})",
                where=str(root),
                remedy="The folder dataset needs photos with GPS coordinates in their EXIF.",
            )
        names = groups = np.array(ids)
        if self.config.group == "folder":
            groups = np.array([file.rpartition("/")[0] or "." for file in ids])
        return Table(
            ids=names,
            points=np.array(places, dtype=np.float64),
            groups=groups,
            sizes=np.array([(root / file).stat().st_size for file in ids], dtype=np.int64),
            promised=len(files),
            broken=counts,
        )

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        from geobench_basics.datasets.pictures import read_picture

        for index in indices:
            yield read_picture(self.config.root / str(self.table.ids[index]))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
