"""Picture files that are small and take long: known by their structure, before they are decoded.

A decoder goes through each piece of a file, and through all pixels for each scan of a JPEG. No
camera or program writes more pieces than are allowed here, and what would take a minute is left out
with the reason, on every machine alike: no clock decides.
"""

import mmap
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

NO_FILE = "no file, but a pipe, a socket or a device"

_File: TypeAlias = mmap.mmap | bytes

_MOST_SEGMENTS = 600  # of a JPEG before its pixels: a profile has 255 at most
_MOST_CHUNKS = 100_000  # of a PNG: of 8 KB each, those of 800 MB
_MOST_BLOCKS = 100_000  # of a GIF before its first picture
_MOST_STRIPS = 200_000  # strips or tiles of a TIFF
_MOST_PADDING = 1 << 16  # bytes that belong to no segment of a JPEG: Pillow reads them one by one
_SCANS, _MOST_SCANS = 20, 10_000  # scans of a JPEG that are always fine, and that never are
_SCANNED = 6e9  # pixels of all scans together, about 5 s
_MANY_PIXELS, _VALUES_PER_BYTE = 50e6, 400  # a JPEG of one colour has 240 to a byte

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_BETWEEN_SCANS = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # restarts are within a scan
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without content
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END, _SCAN = 0xD9, 0xDA
_STRIPS = frozenset({273, 324})  # tags: StripOffsets, TileOffsets


class TooCostlyError(Exception):
    """A picture would take much longer to read than any that a camera or a program writes, if not
    for ever."""


class _Segment(NamedTuple):
    marker: int
    start: int  # of its content, after its length
    end: int


def refuse_pieces(path: Path) -> None:
    """Refuse what is no file, and a file of far too many pieces before Pillow goes through them.

    Raises:
        TooCostlyError: it is such.
        OSError: it cannot be opened.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would wait for ever
        raise TooCostlyError(NO_FILE)
    with path.open("rb") as stream:
        head = stream.read(len(_PNG))
        check = next((each for mark, each in _CHECKS.items() if head.startswith(mark)), None)
        if check is not None:
            check(_content(stream))


def refuse_scans(path: Path, *, pixels: int) -> None:
    """Refuse a JPEG of so many scans that going through its pixels for each takes a minute.

    Args:
        pixels: of the picture.

    Raises:
        TooCostlyError: it has.
        OSError: it cannot be opened.
    """
    with path.open("rb") as stream:
        if stream.read(2) != _JPEG:
            return
        most = max(_SCANS, min(_MOST_SCANS, int(_SCANNED / max(pixels, 1))))
        for number, _ in enumerate(_scans(_content(stream)), 1):
            if number > most:
                raise TooCostlyError(f"more than {most:,} scans of its pixels")


def refuse_empty_pixels(path: Path, *, pixels: int, bands: int) -> None:
    """Refuse a large picture whose file has next to nothing to say of its pixels.

    Args:
        pixels: of the picture.
        bands: values of each.

    Raises:
        TooCostlyError: it is such.
        OSError: it cannot be looked at.
    """
    if pixels > _MANY_PIXELS and pixels * bands > _VALUES_PER_BYTE * path.stat().st_size:
        raise TooCostlyError(f"more than {_VALUES_PER_BYTE} values of pixels to a byte of its file")


def _content(stream: BinaryIO) -> _File:
    """A file without a copy in memory, where the file system can do that."""
    try:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        stream.seek(0)
        return stream.read()


def _segments(content: _File) -> Iterator[_Segment]:
    """The segments of a JPEG up to its first scan, whose header is the last of them."""
    position, padding = 2, 0
    while found := _MARKER.search(content, position):
        padding += found.start() - position
        if padding > _MOST_PADDING:
            break
        marker, start = content[found.start() + 1], found.end()
        if marker == _END:
            return
        if marker in _BARE:
            position = start
            continue
        length = int.from_bytes(content[start : start + 2], "big")
        yield _Segment(marker, start + 2, start + length)
        if marker == _SCAN:
            return
        position = start + max(length, 2)
    if len(content) - position > _MOST_PADDING:
        raise TooCostlyError("bytes without end that belong to nothing")


def _check_jpeg(content: _File) -> None:
    for number, _ in enumerate(_segments(content), 1):
        if number > _MOST_SEGMENTS:
            raise TooCostlyError(f"more than {_MOST_SEGMENTS} pieces before its pixels")


def _scans(content: _File) -> Iterator[int]:
    """Where the scans of a JPEG begin that a decoder goes through: one, where it has all colours
    and is not progressive."""
    frame: _Segment | None = None
    for segment in _segments(content):
        if segment.marker in _FRAMES:
            frame = segment
        if segment.marker != _SCAN:
            continue
        yield segment.start
        if frame is None or segment.end > len(content) or frame.end > len(content):
            return
        whole = content[segment.start] == content[frame.start + 5]  # components of each
        if whole and frame.marker not in _PROGRESSIVE:
            return
        position = segment.end
        while found := _BETWEEN_SCANS.search(content, position):
            marker, start = content[found.start() + 1], found.end()
            if marker == _END:
                return
            if marker == _SCAN:
                yield start + 2
            position = start + int.from_bytes(content[start : start + 2], "big")


def _check_png(content: _File) -> None:
    position = 8
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(content) or content[position + 4 : position + 8] == b"IEND":
            return
        position += 12 + int.from_bytes(content[position : position + 4], "big")
    raise TooCostlyError(f"more than {_MOST_CHUNKS:,} chunks")


def _check_gif(content: _File) -> None:
    palette = content[10] if len(content) > 10 else 0
    position = 13 + (3 << ((palette & 7) + 1) if palette & 0x80 else 0)
    within = False  # an extension, whose blocks begin with their lengths
    for _ in range(_MOST_BLOCKS):
        if position >= len(content):
            return
        first = content[position]
        if within:
            within, position = first > 0, position + 1 + first
        elif first == ord("!"):
            within, position = True, position + 2
        elif first in b",;":  # a picture, or the end
            return
        else:
            position += 1
    raise TooCostlyError(f"more than {_MOST_BLOCKS:,} blocks before its first picture")


def _check_tiff(content: _File) -> None:
    order = "<" if content[:2] == b"II" else ">"
    large = content[2:4] in (b"+\0", b"\0+")  # BigTIFF
    entry = f"{order}HHQ8s" if large else f"{order}HHI4s"
    where = f"{order}Q" if large else f"{order}I"
    try:
        (start,) = struct.unpack_from(where, content, 8 if large else 4)
        (count,) = struct.unpack_from(f"{order}{'Q' if large else 'H'}", content, start)
        start += 8 if large else 2
        for number in range(min(count, 1 << 16)):
            place = start + number * struct.calcsize(entry)
            tag, _, values, _ = struct.unpack_from(entry, content, place)
            if tag in _STRIPS and values > _MOST_STRIPS:
                raise TooCostlyError(f"more than {_MOST_STRIPS:,} strips or tiles")
    except struct.error:  # it ends before: Pillow says so
        return


_CHECKS = {
    _JPEG: _check_jpeg,
    _PNG: _check_png,
    b"GIF8": _check_gif,
    b"II": _check_tiff,
    b"MM": _check_tiff,
}
"""How files begin -> what is asked of them."""
