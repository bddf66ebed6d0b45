"""The dataset of photos at hand: a folder of pictures that know where they were taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import BrokenPicture, DataError, Image, Indices, InputPath, Table
from geobench_basics.datasets.broken import encodable
from geobench_basics.datasets.credits import CreditedDataset, CreditsConfig
from geobench_basics.datasets.walk import MOST_MEGAPIXELS, READING

if TYPE_CHECKING:
    from geobench_basics.datasets.exif import Shot
    from geobench_basics.datasets.walk import Found

Attribute = Literal["date", "camera"]


class FolderConfig(CreditsConfig):
    """Which folder, what must not leak between train and test, and what counts as a photo."""

    # What they change is in the digest as it is: ids, places and attributes.
    unkeyed = frozenset({"attributes", "null_island", "most_megapixels"})
    added = {"publishes": "coordinates"}

    root: InputPath = Field(description="the folder; pictures are found in its sub-folders, too")
    group: Literal["photo", "folder"] = Field(
        "photo",
        description="what must not leak between train and test: the photo, or its folder",
    )
    attributes: tuple[Attribute, ...] = Field(
        ("date", "camera"), description="what of the EXIF is kept, where some photo has it"
    )
    null_island: bool = Field(
        False,
        description="whether latitude 0, longitude 0 is a place; cameras without a fix write it",
    )
    most_megapixels: float = Field(
        MOST_MEGAPIXELS, gt=0, description="larger pictures are left out, and not decoded"
    )
    publishes: Literal["pictures", "coordinates", "scores"] = Field(
        "coordinates", description="what a leaderboard may show of these photos"
    )


@final
@dataclass(frozen=True)
class _Photos:
    """The photos that can be used.

    Args:
        table: of them.
        renamed: id -> path below the folder, of those whose path is no text.
    """

    table: Table
    renamed: dict[str, str]


@final
class FolderDataset(CreditedDataset):
    """Photos below a folder, placed by the GPS block of their EXIF.

    A photo's id is its path below the folder, with forward slashes. Pictures without a place are
    counted in `Table.broken` by reason, and logged, and so is what is passed over: hidden, in the
    trash, thumbnails. Date and camera are attributes.
    """

    name = "folder"
    Config = FolderConfig
    config: FolderConfig

    @classmethod
    def tiny(cls, folder: Path) -> FolderConfig:
        from geobench_basics.sample import write_folder

        return FolderConfig(root=write_folder(folder / "photos"), group="folder")

    @property
    def publishes(self) -> Literal["pictures", "coordinates", "scores"]:
        return self.config.publishes

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"images"})

    @property
    def reading(self) -> str:
        return READING

    def load(self) -> Table:
        """Read the EXIF of every picture.

        Raises:
            DataError: no pictures, or none with a place.
        """
        return self._photos.table

    @cached_property
    def _photos(self) -> _Photos:
        from geobench_basics.datasets.exif import Shot, read_shot
        from geobench_basics.datasets.walk import find

        config = self.config
        found = find(config.root)
        left_out = found.left_out
        shots = dict[str, Shot]()
        renamed = dict[str, str]()
        for file in found.pictures:
            shot = read_shot(
                config.root / file,
                most_megapixels=config.most_megapixels,
                null_island=config.null_island,
            )
            name = encodable(file)
            if isinstance(shot, BrokenPicture):
                left_out.add(shot.reason, file)
            elif name in shots:  # one file's name spells the bytes of the other's
                left_out.add("a name that another photo has", file)
            else:
                shots[name] = shot
                if name != file:
                    renamed[name] = file
        left_out.log(self.name)
        if not shots:
            raise _nothing(found, config.root)
        return _Photos(self._table(shots, found), renamed)

    def _table(self, shots: "dict[str, Shot]", found: "Found") -> Table:
        files = list(shots)
        ids = groups = np.array(files)
        if self.config.group == "folder":
            groups = np.array([file.rpartition("/")[0] or "." for file in files])
        columns: dict[str, NDArray[np.str_]] = {
            name: np.array([getattr(shot, name) for shot in shots.values()])
            for name in self.config.attributes
        }
        attributes = {name: column for name, column in columns.items() if (column != "").any()}
        places = [(shot.location.lat, shot.location.lon) for shot in shots.values()]
        return Table(
            ids=ids,
            points=np.array(places, dtype=np.float64),
            groups=groups,
            attributes=attributes,
            sizes=np.array([shot.size for shot in shots.values()], dtype=np.int64),
            promised=len(files) + sum(found.left_out.counts.values()),
            broken=found.left_out.counts,
            # A date names its photo, and slices no table.
            sliced=tuple(name for name in attributes if name != "date"),
            published=tuple(
                name
                for name in attributes
                if name != "date" or "attributes" in self.config.model_fields_set
            ),
        )

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        from geobench_basics.datasets.pictures import read_picture

        for index in indices.tolist():
            yield read_picture(self._file(index), most_megapixels=self.config.most_megapixels)

    def changed(self, indices: Indices) -> NDArray[np.float64]:
        from geobench_basics.datasets.pictures import last_changed

        return last_changed(self._file(index) for index in indices.tolist())

    def _file(self, index: int) -> Path:
        name = str(self._photos.table.ids[index])
        return self.config.root / self._photos.renamed.get(name, name)


def _nothing(found: "Found", root: Path) -> DataError:
    from geobench_basics.datasets.opening import NEEDS_DECODER
    from geobench_basics.datasets.walk import CLOSED

    where, left_out = encodable(str(root)), found.left_out
    remedy = "The folder dataset needs photos with GPS coordinates in their EXIF."
    if NEEDS_DECODER in left_out.counts:
        remedy = "Install it, or export the photos as JPEG with their location."
    elif not found.pictures and CLOSED in left_out.counts:
        remedy = "Let this user read the folder, and all in it."
    elif not found.pictures and found.aside:
        remedy = "Name the folder that they lie in: root: FOLDER"
    if not left_out.counts:
        return DataError("no picture files", where=where, remedy="Check dataset.root.")
    count = sum(left_out.counts.values())
    return DataError(
        f"none of {count} pictures says where it was taken ({left_out})",
        where=where,
        remedy=remedy,
    )
