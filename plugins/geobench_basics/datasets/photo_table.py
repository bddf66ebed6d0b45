"""A CSV or Parquet file that lists photos, read as columns and matched with picture files."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geobench import ConfigError, DataError, Strings, Table
from geobench_basics import columns
from geobench_basics.datasets.opening import HEIC_SUFFIXES, NEEDS_DECODER, decodes_heic
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.datasets.walk import CANNOT_BE_READ, find_pictures

_EXAMPLES = 3  # ids in a message
_SHOWN = 40  # characters of a value in a message
_MISSING, _SEVERAL = -1, -2  # instead of the number of a row's picture
_LOCKED, _UNDECODED = -3, -4  # likewise


@final
@dataclass(frozen=True)
class PhotoTable:
    """The rows that can be used, with their pictures.

    Args:
        table: the photos.
        paths: Arrow strings: each photo's picture below the folder; None without pictures.
        first_broken: for each reason in `table.broken`, the first row that has it.
    """

    table: Table
    paths: Any
    first_broken: Mapping[str, str]

    def picture(self, index: int) -> str:
        """The path of a photo's picture, relative to the pictures' folder."""
        return str(self.paths[index].as_py())


logger = logging.getLogger("geobench.dataset")


class _Roles(NamedTuple):
    id: str
    image: str | None
    lat: str
    lon: str
    group: str | None
    part: str | None


def read_photo_table(config: TableConfig) -> PhotoTable:
    """Read what a `table` dataset's configuration names.

    Raises:
        ConfigError: a column that is not there, or that could be one of several.
        DataError: a file that cannot be read, or without one usable row.
    """
    file = columns.chosen(columns.read_columns(config.file), config.where or {})
    roles = _roles(file, config)
    points = np.stack([file.numbers(roles.lat), file.numbers(roles.lon)], -1)
    ids = file.strings(roles.id)
    with np.errstate(invalid="ignore"):
        problems = {
            "no id": pc.equal(ids, "").to_numpy(),
            f"id of over {columns.LONGEST_NAME:,} characters": columns.is_too_long(ids),
            "coordinates that are no numbers": ~np.isfinite(points).all(axis=-1),
            "coordinates off the globe": (np.abs(points[:, 0]) > 90) | (np.abs(points[:, 1]) > 360),
        }
    paths = sizes = None
    if config.images is not None:
        pictures = _match_pictures(file, roles, config.images)
        missing = "picture missing"
        if pictures.closed:
            missing += f", maybe in a folder that {CANNOT_BE_READ}"
        problems[missing] = pictures.row == _MISSING
        problems["several pictures of that name"] = pictures.row == _SEVERAL
        problems[f"picture that {CANNOT_BE_READ}"] = pictures.row == _LOCKED
        problems[NEEDS_DECODER] = pictures.row == _UNDECODED
        paths = pc.take(pictures.paths, pa.array(np.maximum(pictures.row, 0)))
        sizes = pictures.sizes[np.maximum(pictures.row, 0)]

    usable = _usable(file, roles, problems)
    good = usable.good
    if not good.any():
        reasons = ", ".join(f"{count} {reason}" for reason, count in usable.broken.items())
        raise DataError(
            f"none of {file.rows} rows can be used ({reasons or 'the file is empty'})",
            where=str(config.file),
            remedy=f"Latitude is read from column {roles.lat}, longitude from {roles.lon}"
            + (f", pictures from {config.images}." if config.images else "."),
        )

    def kept(name: str) -> Any:
        column = file.columns[name]
        return column if good.all() else column.filter(pa.array(good))

    table_ids = columns.as_array(kept(roles.id))
    _refuse_repeated(file, table_ids, good)
    groups: NDArray[np.str_] | Strings = table_ids
    if roles.group is not None and roles.group != roles.id:
        groups = columns.as_groups(kept(roles.group), kept(roles.id))
    names = _attributes(file, roles, config)
    sliced = _sliced(file, names, config)
    mark = file.decimal_mark(columns.Place(roles.lat, roles.lon))
    attributes = {name: columns.as_attribute(kept(name), mark=mark) for name in names}
    _say_infinite(file, attributes)
    attributes |= {name: columns.as_categories(attributes[name]) for name in sliced or ()}
    return PhotoTable(
        table=Table(
            ids=table_ids,
            points=points[good],
            groups=groups,
            attributes=attributes,
            part=None if roles.part is None else columns.as_text(kept(roles.part)),
            sizes=None if sizes is None else sizes[good],
            promised=file.rows + (file.incomplete.count if file.incomplete else 0),
            broken=usable.broken,
            sliced=sliced,
            # What is named in the configuration is declared; what a file happens to hold is not.
            published=tuple(names) if config.attributes is not None else sliced,
        ),
        paths=None if paths is None else paths.filter(pa.array(good)),
        first_broken=usable.first,
    )


def _say_infinite(file: columns.ColumnFile, attributes: Mapping[str, Any]) -> None:
    for name, values in attributes.items():
        if not isinstance(values, Strings) and (count := file.infinite(name)):
            logger.warning("table: %d infinite numbers of %s are missing ones", count, name)


def _refuse_repeated(
    file: columns.ColumnFile, ids: NDArray[np.str_], good: NDArray[np.bool_]
) -> None:
    """Raise DataError if rows share an id, and say how to choose among them where that is known."""
    distinct, counts = np.unique(ids, return_counts=True)
    if len(distinct) == len(ids):
        return
    some = replace(file, columns={n: c.filter(pa.array(good)) for n, c in file.columns.items()})
    some = replace(some, rows=len(ids))
    first = ", ".join(distinct[counts > 1][:_EXAMPLES].tolist())
    raise DataError(
        f"{len(ids) - len(distinct):,} rows repeat the id of another (first: {first})",
        where=str(file.path),
        remedy=columns.how_to_choose(some, ids, within=[])
        or "Every photo needs an id of its own: name the column of ids by id_column.",
    )


class _Usable(NamedTuple):
    good: NDArray[np.bool_]  # which rows of the file
    broken: Mapping[str, int]  # as of Table
    first: Mapping[str, str]  # as of PhotoTable


def _usable(
    file: columns.ColumnFile, roles: _Roles, problems: Mapping[str, NDArray[np.bool_]]
) -> _Usable:
    """The rows without a problem, and of each other row the first of its problems, counted."""
    good = np.ones(file.rows, bool)
    broken, first = dict[str, int](), dict[str, str]()
    for reason, mask in problems.items():
        found = np.flatnonzero(mask & good)
        if len(found):
            broken[reason] = len(found)
            first[reason] = _shown(file, roles, int(found[0]))
            good[found] = False
    if file.incomplete is not None:
        broken[file.incomplete.what] = file.incomplete.count
        first[file.incomplete.what] = file.incomplete.first
    return _Usable(good, broken, first)


def _shown(file: columns.ColumnFile, roles: _Roles, row: int) -> str:
    """A row as the log shows it: where it stands, its id and its place as written."""
    values = [file.columns[name].slice(row, 1) for name in (roles.id, roles.lat, roles.lon)]
    written = [str(value[0].as_py()) for value in values]
    photo, *place = [text if len(text) <= _SHOWN else text[:_SHOWN] + "..." for text in written]
    return f"{file.where(row)}, id {photo!r}, at {', '.join(place)}"


def _roles(file: columns.ColumnFile, config: TableConfig) -> _Roles:
    named = file.find(columns.ID, given=config.id_column)
    image = None
    if config.images is not None or config.image_column is not None or named is None:
        image = file.find(columns.PICTURE, given=config.image_column)
    place = file.place(columns.TRUE_PLACE, lat=config.lat_column, lon=config.lon_column)
    return _Roles(
        id=file.ids(columns.ID, given=config.id_column, otherwise=image),
        image=image,
        lat=place.lat,
        lon=place.lon,
        group=file.find(columns.GROUP, given=config.group_column),
        part=file.find(columns.PART, given=config.part_column),
    )


def _attributes(file: columns.ColumnFile, roles: _Roles, config: TableConfig) -> list[str]:
    if config.attributes is None:
        return [name for name in file.columns if name not in roles and name not in file.index]
    wanted = [file.named(name, key="attributes") for name in config.attributes]
    return [name for name in wanted if name not in roles]


def _sliced(
    file: columns.ColumnFile, attributes: list[str], config: TableConfig
) -> tuple[str, ...] | None:
    if config.sliced is None:
        return None
    wanted = [file.named(name, key="sliced") for name in config.sliced]
    for name in wanted:
        if name not in attributes:
            raise ConfigError(
                f"sliced says {name!r}, which is no attribute of the photos",
                where=str(file.path),
                remedy=f"The attributes are: {', '.join(attributes) or 'none'}.",
            )
    return tuple(name for name in attributes if name in wanted)


class _Pictures(NamedTuple):
    paths: Any  # Arrow strings, (P,)
    sizes: NDArray[np.int64]  # (P,)
    row: NDArray[np.int64]  # for each row of the file the picture's number, or why there is none
    closed: bool  # whether folders cannot be read, in which more may lie


def _match_pictures(file: columns.ColumnFile, roles: _Roles, root: Path) -> _Pictures:
    below = find_pictures(root)
    found = _named_in_utf8(below.pictures)
    if below.closed:
        said = ", ".join(below.closed[:_EXAMPLES])
        logger.warning("table: %d folders of images cannot be read: %s", len(below.closed), said)
    if not found:
        remedy = "Check dataset.images."
        if below.closed:
            remedy = f"Let this user read it: {len(below.closed)} folders cannot be read."
        raise DataError("no picture files", where=str(root), remedy=remedy)
    paths = pa.array(found)
    row = np.full(file.rows, _MISSING)
    for name in dict.fromkeys([roles.image, roles.id]):
        if name is not None and (row < 0).any():
            row = np.where(row < 0, _lookup(file.strings(name), paths), row)
    sizes = np.zeros(len(found), np.int64)
    for index in np.unique(row[row >= 0]):
        try:
            sizes[index] = (root / found[index]).stat().st_size
        except FileNotFoundError:  # a link to nothing
            row[row == index] = _MISSING
            continue
        if not os.access(root / found[index], os.R_OK):
            row[row == index] = _LOCKED
        elif (root / found[index]).suffix.lower() in HEIC_SUFFIXES and not decodes_heic():
            row[row == index] = _UNDECODED
    return _Pictures(paths, sizes, row, bool(below.closed))


def _named_in_utf8(paths: list[str]) -> list[str]:
    """Those of the pictures that a table can name at all."""
    kept = [path for path in paths if path.encode(errors="replace").decode() == path]
    if len(kept) < len(paths):
        count = len(paths) - len(kept)
        logger.warning("table: %d pictures have names that are no UTF-8: no row names them", count)
    return kept


def _lookup(names: Any, paths: Any) -> NDArray[np.int64]:
    """The number of each named picture: of the very name, or else of the same name with accents
    stored in another way."""
    row = _lookup_exactly(names, paths)
    if (row == _MISSING).any():
        forms = [pc.utf8_normalize(each, form="NFC") for each in (names, paths)]
        if not (forms[0].equals(names) and forms[1].equals(paths)):
            row = np.where(row == _MISSING, _lookup_exactly(*forms), row)
    return row


def _lookup_exactly(names: Any, paths: Any) -> NDArray[np.int64]:
    """The number of each named picture: by its path below the folder, or, for a name without
    folders, by its file name at any depth; each with its ending or without."""
    names = pc.replace_substring(names, "\\", "/")
    names = pc.replace_substring_regex(names, r"^(\./)+", "")
    bare = pc.invert(pc.match_substring(names, "/")).to_numpy(zero_copy_only=False)
    files = pc.replace_substring_regex(paths, r"^.*/", "")
    row = np.full(len(names), _MISSING)
    for keys, anywhere in ((paths, False), (files, True)):
        for key in (keys, pc.replace_substring_regex(keys, r"\.[^./]*$", "")):
            open_rows = (row == _MISSING) & (bare if anywhere else True)
            if open_rows.any():
                row = np.where(open_rows, _find(names, key), row)
    return row


def _find(names: Any, keys: Any) -> NDArray[np.int64]:
    encoded = pc.dictionary_encode(keys)
    codes = encoded.indices.to_numpy()
    _, first, count = np.unique(codes, return_index=True, return_counts=True)
    code = pc.fill_null(pc.index_in(names, value_set=encoded.dictionary), -1).to_numpy()
    found = np.where(count[code] > 1, _SEVERAL, first[code])
    return np.where(code < 0, _MISSING, found)
