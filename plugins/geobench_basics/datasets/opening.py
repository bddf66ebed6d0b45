"""Opening picture files: by their content, whatever their names end with, and none that is huge."""

import errno
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from PIL import Image as PillowImage

from geobench import DataError
from geobench_basics.datasets import bombs

_LONGEST_SIDE = 65_535  # that of JPEG; what says more is damaged, and takes long to decode

HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
NEEDS_DECODER = "HEIC, which is read with pillow-heif: pip install 'geobench-geolocation[photos]'"
"""Why a picture is left out that is fine."""

_FORMATS = frozenset(
    {"AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "JXL", "MPO", "PNG", "PPM", "TIFF"}
    | {"WEBP"}
)
"""What is tried, by Pillow's names: pictures of cameras and of programs that work on them. Others
run programs (EPS, WMF), or take what is no picture for one."""

_FILE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBUSY, errno.ETIMEDOUT}
    | {errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EISDIR}
)
_MACHINE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class TooLargeError(Exception):
    """A picture has more pixels than are decoded."""


@contextmanager
def opened(path: Path, *, most_megapixels: float) -> Iterator[PillowImage.Image]:
    """The picture at `path`, of which only the head is read yet.

    Raises:
        TooLargeError: it has more pixels.
        TooCostlyError: its structure would keep a decoder busy for long.
        Exception: whatever a damaged file makes its decoder stumble over.
    """
    decodes_heic()
    kept = PillowImage.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow says of odd but readable files
        # Pillow's own limit is a warning up to twice its value, and too low for today's phones.
        PillowImage.MAX_IMAGE_PIXELS = None
        try:
            bombs.refuse_pieces(path)
            with PillowImage.open(path, formats=_formats()) as picture:
                pixels = picture.width * picture.height
                if pixels > most_megapixels * 1e6:
                    raise TooLargeError(f"more than {most_megapixels:g} megapixels")
                if max(picture.size) > _LONGEST_SIDE:
                    raise TooLargeError(f"a side of more than {_LONGEST_SIDE:,} pixels")
                bombs.refuse_empty_pixels(path, pixels=pixels, bands=len(picture.getbands()))
                yield picture
        finally:
            PillowImage.MAX_IMAGE_PIXELS = kept


@cache
def decodes_heic() -> bool:
    """Whether HEIC can be read here; Pillow has learnt it then."""
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    import pillow_heif

    pillow_heif.register_heif_opener()
    return True


def lacks_decoder(path: Path) -> bool:
    """Whether a file that cannot be opened is HEIC, and what reads HEIC is not installed."""
    if decodes_heic():
        return False
    with path.open("rb") as stream:
        head = stream.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def trouble(error: Exception) -> Literal["content", "file", "machine"]:
    """Whether an error met while reading a file is about its content (damaged, gone), about the
    file (no permission, a disk that fails), or about the machine (memory, open files)."""
    if isinstance(error, MemoryError):
        return "machine"
    if isinstance(error, OSError) and error.errno in _MACHINE:
        return "machine"
    if isinstance(error, OSError) and error.errno in _FILE:
        return "file"
    return "content"


def stopped_by(error: Exception, path: Path) -> DataError:
    """The error of a file that says nothing about the picture in it."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    remedy = "Make it readable, or take it away, and run again."
    if trouble(error) == "machine":
        remedy = "Free memory, or let fewer programs run, and run again."
    return DataError(f"cannot be read ({why})", where=str(path), remedy=remedy)


@cache
def _formats() -> tuple[str, ...]:
    PillowImage.init()
    return tuple(name for name in PillowImage.ID if name in _FORMATS)
