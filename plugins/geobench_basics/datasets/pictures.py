"""Picture files: which files are pictures, and their pixels upright."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from geobench import BrokenPicture, Image

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"}
    | {".bmp", ".gif", ".avif", ".heic", ".heif"}
)
"""Endings, in lower case, of what counts as a picture, readable here or not."""

_ORIENTATION = 0x0112
_Turn = PillowImage.Transpose
_TURNS = {
    2: _Turn.FLIP_LEFT_RIGHT,
    3: _Turn.ROTATE_180,
    4: _Turn.FLIP_TOP_BOTTOM,
    5: _Turn.TRANSPOSE,
    6: _Turn.ROTATE_270,
    7: _Turn.TRANSVERSE,
    8: _Turn.ROTATE_90,
}  # EXIF 2.32, table 6: what puts each orientation upright


def find_pictures(root: Path) -> list[str]:
    """Paths of all pictures below `root`, relative to it, with forward slashes, sorted.

    Links to pictures count; links to folders are not followed.
    """
    found = []
    for folder, _, names in os.walk(root):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        found += [prefix + name for name in names if Path(name).suffix.lower() in SUFFIXES]
    return sorted(found)


def read_picture(path: Path) -> Image | BrokenPicture:
    """The picture as uint8 (H, W, 3), turned as its EXIF orientation says; or why there is none.

    Raises:
        OSError: the machine, not the picture, is in trouble (permissions, too many open files).
    """
    try:
        with quiet_pillow(), PillowImage.open(path) as picture:
            turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
            upright = picture if turn is None else picture.transpose(turn)
            if upright.mode.startswith("I;16"):
                # Pillow would clip all that is brighter than 255 of 65,535.
                grey = (np.asarray(upright) >> 8).astype(np.uint8)
                return np.repeat(grey[..., None], 3, axis=2)
            if upright.mode in ("I", "F"):
                return BrokenPicture(f"{path.name}: pixels of mode {upright.mode} have no range")
            return np.asarray(upright.convert("RGB"), dtype=np.uint8)
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        if machine_trouble(error):
            raise
        return BrokenPicture(f"{path.name}: {type(error).__name__}: {error}")


def machine_trouble(error: Exception) -> bool:
    """Whether an error met while reading a file says nothing about the file's content."""
    if isinstance(error, OSError):
        return error.errno is not None and not isinstance(error, FileNotFoundError)
    return isinstance(error, MemoryError)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence what Pillow says of odd but readable files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
