"""What the EXIF of a photo says: where and when it was taken, and by which camera."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final

from PIL import UnidentifiedImageError

from geobench import BrokenPicture
from geobench_basics.datasets import opening
from geobench_basics.datasets.bombs import TooCostlyError
from geobench_basics.datasets.opening import TooLargeError, opened, stopped_by, trouble
from geobench_basics.datasets.walk import CANNOT_BE_READ, NOT_READABLE

_EXIF, _GPS = 0x8769, 0x8825
_LAT_REF, _LAT, _LON_REF, _LON = 1, 2, 3, 4  # EXIF 2.32, table 15
_MAKE, _MODEL, _CHANGED = 0x010F, 0x0110, 0x0132  # table 4
_TAKEN, _DIGITIZED, _TAKEN_OFFSET, _DIGITIZED_OFFSET = 0x9003, 0x9004, 0x9011, 0x9012  # table 8
_ROUNDING = 1e-6  # of minutes and seconds: some cameras write 60.0
_LONGEST = 80  # characters of a camera's name


@final
@dataclass(frozen=True, slots=True)
class Location:
    """Latitude and longitude in degrees."""

    lat: float
    lon: float


@final
@dataclass(frozen=True, slots=True)
class Shot:
    """A photo as its EXIF tells of it.

    Args:
        location: where it was taken.
        date: when, as ISO 8601, with the zone where that is known; "" where it is not.
        camera: maker and model; "" where they are not known.
        size: bytes of its file.
    """

    location: Location
    date: str
    camera: str
    size: int


def read_shot(path: Path, *, most_megapixels: float, null_island: bool) -> Shot | BrokenPicture:
    """What the EXIF of the photo at `path` says, or why that names no place.

    The reasons name no file, so that they can be counted. Pixels are not read.

    Args:
        most_megapixels: a larger picture is none.
        null_island: whether latitude 0, longitude 0 is a place.

    Raises:
        DataError: the machine, not the file, is in trouble (memory, too many open files).
    """
    try:
        size = path.stat().st_size
        with opened(path, most_megapixels=most_megapixels) as picture:
            try:
                exif = picture.getexif()
                tags, gps, more = dict(exif), dict(exif.get_ifd(_GPS)), dict(exif.get_ifd(_EXIF))
            except OSError:
                raise
            except Exception:
                return BrokenPicture("EXIF that cannot be read")
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        return BrokenPicture(_why_not(error, path))
    location = location_of(gps)
    if isinstance(location, BrokenPicture):
        return location
    if location == Location(0, 0) and not null_island:
        return BrokenPicture("GPS at latitude 0, longitude 0, where there is no fix")
    return Shot(location, date_of(tags, more), camera_of(tags), size)


def location_of(block: dict[int, Any]) -> Location | BrokenPicture:
    """The location that an EXIF GPS block (tag number -> value) holds, or why it holds none."""
    if not block:
        return BrokenPicture("no GPS in its EXIF")
    if _LAT not in block or _LON not in block:
        return BrokenPicture("GPS without coordinates")
    lat, lon = _degrees(block[_LAT]), _degrees(block[_LON])
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return BrokenPicture("GPS coordinates that are no numbers")
    north, east = _letter(block.get(_LAT_REF)), _letter(block.get(_LON_REF))
    if north not in ("N", "S") or east not in ("E", "W"):
        return BrokenPicture("GPS without hemisphere")
    if not (0 <= lat <= 90 and 0 <= lon <= 180):
        return BrokenPicture("GPS coordinates off the globe")
    return Location(-lat if north == "S" else lat, -lon if east == "W" else lon)


def date_of(tags: dict[int, Any], more: dict[int, Any]) -> str:
    """When a photo was taken, as ISO 8601: the first that is known of when it was taken, when it
    was digitised, and when the file was last changed; "" for none.

    Args:
        tags: of the main block, tag number -> value.
        more: of the EXIF block.
    """
    written = (
        (more.get(_TAKEN), more.get(_TAKEN_OFFSET)),
        (more.get(_DIGITIZED), more.get(_DIGITIZED_OFFSET)),
        (tags.get(_CHANGED), None),
    )
    return next(filter(None, (_iso(_text(date), _text(zone)) for date, zone in written)), "")


def camera_of(tags: dict[int, Any]) -> str:
    """Maker and model, the maker once; "" for neither."""
    make, model = (_text(tags.get(tag))[:_LONGEST] for tag in (_MAKE, _MODEL))
    if make and model.lower().startswith(make.split()[0].lower()):
        return model
    return f"{make} {model}".strip()


def _why_not(error: Exception, path: Path) -> str:
    """Why a photo cannot be opened; raises what is no fault of the file."""
    if isinstance(error, TooLargeError | TooCostlyError):
        return str(error)
    if trouble(error) == "machine":
        raise stopped_by(error, path) from None
    if trouble(error) == "file":
        return CANNOT_BE_READ
    known = not isinstance(error, UnidentifiedImageError)
    return NOT_READABLE if known or not opening.lacks_decoder(path) else opening.NEEDS_DECODER


def _degrees(value: Any) -> float:
    """Degrees of up to three numbers: degrees, minutes and seconds; NaN if they are none."""
    numbers = value if isinstance(value, tuple) else (value,)
    if any(isinstance(number, bytes) for number in numbers):  # float reads digits in them
        return math.nan
    try:
        parts = [float(number) for number in numbers]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    if not 1 <= len(parts) <= 3 or not all(0 <= part <= 60 + _ROUNDING for part in parts[1:]):
        return math.nan
    return math.fsum(part / 60**place for place, part in enumerate(parts))


def _letter(value: Any) -> str:
    """The first letter of a reference, whose text some cameras pad with NULs or write as bytes."""
    return _text(value).upper()[:1]


def _text(value: Any) -> str:
    """A text on one line, without what cannot be printed; some cameras write it as bytes."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    shown = "".join(each if each.isprintable() else " " for each in text.partition("\0")[0])
    return " ".join(shown.split())


def _iso(date: str, zone: str) -> str:
    """A date as EXIF writes it, `2021:04:11 15:47:53`, as ISO 8601; "" if it is none."""
    found = re.match(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?", date)
    if found is None:
        return ""
    try:
        moment = datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:  # 0000:00:00, or the 31st of April
        return ""
    if found[4] is None:
        return moment.date().isoformat()
    return moment.isoformat() + (zone if re.fullmatch(r"[+-]\d\d:\d\d", zone) else "")
