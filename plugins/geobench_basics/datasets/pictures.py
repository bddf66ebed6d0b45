"""Picture files: their pixels upright, large ones at a fraction of their size."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from geobench import BrokenPicture, Image
from geobench_basics.datasets import bombs, opening
from geobench_basics.datasets.bombs import TooCostlyError
from geobench_basics.datasets.opening import opened, stopped_by, trouble
from geobench_basics.datasets.walk import MOST_MEGAPIXELS, SHORTER_SIDE

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


def last_changed(paths: Iterable[Path]) -> NDArray[np.float64]:
    """When these files last changed, in seconds since 1970, 0 where one is not there."""

    def one(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except OSError:
            return 0.0

    return np.array([one(path) for path in paths], dtype=np.float64)


def read_picture(path: Path, *, most_megapixels: float = MOST_MEGAPIXELS) -> Image | BrokenPicture:
    """The picture as uint8 (H, W, 3), turned as its EXIF orientation says; or why there is none.

    One whose shorter side has 2,048 pixels or more is read at 1/k of its sides, with the largest k
    that leaves it 1,024: no encoder looks at more, and twenty megapixels take a second otherwise.

    Raises:
        DataError: the machine, not the picture, is in trouble (permissions, too many open files).
    """
    try:
        with opened(path, most_megapixels=most_megapixels) as picture:
            turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
            bombs.refuse_scans(path, pixels=picture.width * picture.height)
            # JPEG is decoded at a half, a quarter or an eighth; other formats know no such mode.
            fraction = _fraction(picture)
            picture.draft(None, (picture.width // fraction, picture.height // fraction))
            if picture.mode in ("I", "F"):
                return BrokenPicture(f"{path.name}: pixels of mode {picture.mode} have no range")
            small = _reduced(_eight_bit(picture))
            upright = small if turn is None else small.transpose(turn)
            return np.asarray(upright.convert("RGB"), dtype=np.uint8)
    except Exception as error:  # a damaged file raises whatever its decoder stumbles over
        if trouble(error) != "content":
            raise stopped_by(error, path) from None
        return BrokenPicture(f"{path.name}: {_reason(error, path)}")


def _fraction(picture: PillowImage.Image) -> int:
    return max(1, min(picture.size) // SHORTER_SIDE)


def _eight_bit(picture: PillowImage.Image) -> PillowImage.Image:
    if picture.mode.startswith("I;16"):
        # Pillow would clip all that is brighter than 255 of 65,535.
        return PillowImage.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture


def _reduced(picture: PillowImage.Image) -> PillowImage.Image:
    """A large picture made smaller, each pixel the mean of a box."""
    if (fraction := _fraction(picture)) == 1:
        return picture
    return (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).reduce(fraction)


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, UnidentifiedImageError):
        if path.exists() and opening.lacks_decoder(path):
            return opening.NEEDS_DECODER
        return "no picture of a known format"
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    if isinstance(error, TooCostlyError):
        return str(error)
    return f"{type(error).__name__}: {error}"
