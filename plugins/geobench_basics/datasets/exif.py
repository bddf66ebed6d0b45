"""Where a photo was taken, as the GPS block of its EXIF says."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from PIL import Image as PillowImage

from geobench import BrokenPicture
from geobench_basics.datasets.pictures import machine_trouble, quiet_pillow

_GPS = 0x8825
_LAT_REF, _LAT, _LON_REF, _LON = 1, 2, 3, 4  # EXIF 2.32, table 15


@final
@dataclass(frozen=True, slots=True)
class Location:
    """Latitude and longitude in degrees."""

    lat: float
    lon: float


def read_location(path: Path) -> Location | BrokenPicture:
    """Where the photo at `path` was taken, or why that is not known.

    The reasons name no file, so that they can be counted. Pixels are not read.

    Raises:
        OSError: the machine, not the picture, is in trouble (permissions, too many open files).
    """
    try:
        with quiet_pillow(), PillowImage.open(path) as picture:
            block = dict(picture.getexif().get_ifd(_GPS))
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        if machine_trouble(error):
            raise
        return BrokenPicture("not a readable picture")
    return location_of(block)


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


def _degrees(value: Any) -> float:
    """Degrees of up to three numbers: degrees, minutes and seconds; NaN if they are none."""
    numbers = value if isinstance(value, tuple) else (value,)
    try:
        parts = [float(number) for number in numbers]
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan
    if not 1 <= len(parts) <= 3 or min(parts[1:], default=0) < 0:
        return math.nan
    return math.fsum(part / 60**place for place, part in enumerate(parts))


def _letter(value: Any) -> str:
    """The first letter of a reference, whose text some cameras pad with NULs or write as bytes."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return text.strip("\0 ").upper()[:1]
