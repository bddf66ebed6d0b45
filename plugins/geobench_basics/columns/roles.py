"""The roles that columns play, and the names by which each is usually found."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final


@final
@dataclass(frozen=True)
class Role:
    """What a column holds, and how it is found.

    Args:
        title: what it holds, for errors.
        key: the configuration key that says which column it is.
        groups: its usual names, whatever the case and punctuation; a name of an earlier group
            goes before one of a later group, and two of one group could each be meant.
    """

    title: str
    key: str
    groups: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        return self.title

    @property
    def usual(self) -> str:
        """Some of its usual names, for errors."""
        return ", ".join(name for group in self.groups for name in group[:3])

    def group_of(self, name: str) -> int | None:
        """The number of the group that a column's name is of, or None."""
        return self._numbers.get(plain(name))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The usual names, plain -> the number of their group."""
        return {
            plain(name): number
            for number, group in reversed(list(enumerate(self.groups)))
            for name in group
        }

    def only(self, number: int) -> "Role":
        """The same role, found by the names of one group alone."""
        return Role(self.title, self.key, self.groups[number : number + 1])


@final
class PlaceRoles(NamedTuple):
    """Latitude and longitude: columns that belong together, so that their groups correspond."""

    lat: Role
    lon: Role


def plain(name: str) -> str:
    """The name in lower case and without punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


_LAT = ("lat", "latitude")
_LON = ("lon", "lng", "long", "longitude")
_TRUE = ("true", "gt", "ground_truth", "truth", "target", "actual", "real", "label")
_ANSWER = (
    *("pred", "p", "predicted", "prediction", "predictions", "est", "estimated", "estimate"),
    *("guess", "guessed", "answer", "output", "model", "hat"),
)
_POSITION = ("gps", "decimal", "geo", "photo", "image", "img", "deg", "degrees", "wgs84")


def _combined(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """`pred_lat`, `lat_pred`, ... of each pair."""
    return tuple(_each_way(words, others))


def _each_way(words: tuple[str, ...], others: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        for other in others:
            yield from (f"{word}_{other}", f"{other}_{word}")


def _place(whose: str, first: tuple[str, ...]) -> PlaceRoles:
    lat, lon = (
        Role(
            f"the {what}{whose}",
            key,
            (_combined(first, words), words, _combined(_POSITION, words)),
        )
        for what, key, words in (
            ("latitude", "lat_column", _LAT),
            ("longitude", "lon_column", _LON),
        )
    )
    return PlaceRoles(lat, lon)


TRUE_PLACE = _place("", _TRUE)
"""Where photos were taken: `true_lat` before `lat` before `gps_lat`; never `pred_lat`."""

ANSWER_PLACE = _place(" of the answers", _ANSWER)
"""Where a method says that: `pred_lat` before `lat` before `gps_lat`; never `true_lat`."""

TRUE_LAT, TRUE_LON = TRUE_PLACE
ANSWER_LAT, ANSWER_LON = ANSWER_PLACE

ID = Role("the photos' ids", "id_column", (("id", "img_id", "image_id", "photo_id", "picture_id"),))
PICTURE = Role(
    "the pictures' names",
    "image_column",
    (
        (
            *("file", "filename", "image", "img", "picture", "filepath", "path"),
            *("image_file", "img_file", "image_name", "img_name", "image_path", "img_path"),
        ),
    ),
)
ANSWER_ID = Role(ID.title, ID.key, ID.groups + PICTURE.groups)
"""The ids of a file of answers, which are often the names of its pictures."""

GROUP = Role(
    "the group",
    "group_column",
    (
        (
            *("group", "group_id", "sequence", "sequence_id", "author", "author_id", "creator"),
            *("creator_id", "user", "user_id", "usernsid", "ownernsid", "uploader"),
            "photographer",
        ),
    ),
)
PART = Role("the part", "part_column", (("part", "split", "subset"),))
