"""The configuration of the dataset `table`: which file, and which of its columns is which."""

from typing import ClassVar, Literal

from pydantic import Field

from geobench import InputPath
from geobench_basics.datasets.credits import CreditsConfig


class TableConfig(CreditsConfig):
    """Which file, where its pictures are, and which column is which where names do not tell.

    Columns are found by their usual names, whatever the case, underscores and hyphens. If two
    could be meant, that is an error that names them and the key that decides.
    """

    unkeyed: ClassVar[frozenset[str]] = frozenset({"sliced", "where"})

    file: InputPath = Field(
        description="a Parquet file, or text with commas, semicolons or tabs, also packed (.gz, "
        ".bz2, .zst)"
    )
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
    lat_column: str | None = Field(
        None, description="usually true_lat, gt_lat, lat, latitude, gps_lat, in this order"
    )
    lon_column: str | None = Field(
        None, description="usually true_lon, gt_lon, lon, lng, long, longitude, gps_lon, likewise"
    )
    group_column: str | None = Field(
        None,
        description="what must not leak between train and test; usually group, sequence, author, "
        "creator_id, user_id; else the photo",
    )
    part_column: str | None = Field(
        None, description="the source's own parts; usually part, split, subset"
    )
    attributes: tuple[str, ...] | None = Field(
        None,
        description="the other columns to keep; all of them by default. Boards show every value "
        "of those named here, of others what at least 20 photos share",
    )
    sliced: tuple[str, ...] | None = Field(
        None,
        description="the attributes that tables are sliced by, of which whole numbers that repeat "
        "are categories; all but ids and other numbers that name things, by default",
    )
    where: dict[str, str] | None = Field(
        None,
        description="column -> value of the rows that are read, where a file lists each photo "
        "several times",
    )
    publishes: Literal["pictures", "coordinates", "scores"] = Field(
        "coordinates", description="what a leaderboard may show of these photos"
    )
