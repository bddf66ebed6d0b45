"""Files that others made: only regular ones are opened, and what they claim is looked at first.

A device never ends, a pipe never begins, a few bytes of JSON or of an archive can ask for more
memory than there is. Whoever calls says whose file it is and what to do.
"""

import io
import json
import math
import os
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MOST_DEPTH = 100
"""Lists and mappings in each other, in JSON."""
MOST_DIGITS = 100
"""Of a whole number in JSON: a float holds it, and it is soon written."""
MOST_JSON = 64 << 20
MOST_TEXT = 256 << 20
MOST_FILE = 4 << 30
"""Bytes of a JSON file, of another text, and of any file, that are read of a board."""

INFLATED, TIMES = 128 << 20, 256
"""Bytes to which an archive of arrays may inflate whatever its size, and times its size. Arrays of
answers inflate to some ten times; one that compresses better is written as it is."""
_MOST_ARRAYS = 10_000
_MOST_DIMENSIONS = 8


def opened(path: Path, *, most: int | None = None, links: bool = True) -> io.BufferedReader:
    """A regular file, open to be read.

    Args:
        path: of the file.
        most: bytes that it may have.
        links: follow a link that lies there.

    Raises:
        OSError: the system does not open it.
        ValueError: it is a link that is not followed, no regular file, or larger.
    """
    # A pipe that nobody writes to would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not links:
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            raise ValueError(_LINK)
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except IsADirectoryError:  # some systems open a folder, and some do not
        raise ValueError("is a folder, not a file") from None
    except OSError:
        if not links and os.path.islink(path):
            raise ValueError(_LINK) from None
        if os.path.lexists(path) and not os.path.isfile(path):  # a socket, say
            raise ValueError("is no regular file") from None
        raise
    found = os.fstat(stream.fileno())
    fault = ""
    if not stat.S_ISREG(found.st_mode):
        fault = "is no regular file"
    elif most is not None and found.st_size > most:
        fault = f"has {found.st_size:,} bytes, and at most {most:,} are read"
    if fault:
        stream.close()
        raise ValueError(fault)
    return stream


_LINK = "is a link, and none is followed here"


def content(path: Path, *, most: int | None = None, links: bool = True) -> bytes:
    """All bytes of a regular file; arguments and errors as of `opened`."""
    with opened(path, most=most, links=links) as stream:
        return stream.read()


def json_of(written: bytes) -> Any:
    """The data of a JSON text in UTF-8.

    Raises:
        ValueError: it is none, or one that would break what works with it: nested over MOST_DEPTH
            deep, a number that is none or of over MOST_DIGITS digits, a key twice, half a
            character.
    """
    brackets = written.count(b"[") + written.count(b"{")
    if brackets > MOST_DEPTH and _depth(written) > MOST_DEPTH:
        raise ValueError(f"is nested over {MOST_DEPTH} deep")
    text = written.decode()
    data = json.loads(
        text,
        parse_constant=_no_number,
        parse_float=_number,
        parse_int=_whole,
        object_pairs_hook=_each_key_once,
    )
    if _HALF.search(text):  # most have no such escape; a pair of them is a letter
        json.dumps(data, ensure_ascii=False).encode()
    return data


_HALF = re.compile(r"\\u[dD]")
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)|[\[{\]}]', re.DOTALL)


def _depth(written: bytes) -> int:
    """How deep the lists and mappings of a JSON text stand in each other."""
    deep = deepest = 0
    for token in _TOKEN.finditer(written):
        sign = token.group()
        deep += (sign in b"[{") - (sign in b"]}")
        deepest = max(deepest, deep)
        if deepest > MOST_DEPTH:
            break
    return deepest


def _no_number(name: str) -> float:
    raise ValueError(f"holds {name}, which is no number")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"holds {text[:20]}, which is too large a number")
    return value


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"holds a number of {len(text):,} digits")
    return int(text)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("says the same key twice")
    return found


def arrays(path: Path, *, links: bool = True) -> dict[str, NDArray[Any]]:
    """The arrays of an npz: of numbers and strings, no pickle.

    What the directory of the archive and the heads of the arrays claim is looked at before
    anything is inflated.

    Args:
        path: of the file.
        links: follow a link that lies there.

    Raises:
        Exception: it cannot be read; zipfile, zlib, numpy and the system each raise their own.
        ValueError: it claims more than its size can hold, or holds other arrays.
    """
    with opened(path, links=links) as stream:
        size = os.fstat(stream.fileno()).st_size
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            inflated, names = sum(each.file_size for each in members), {m.filename for m in members}
            if len(members) > _MOST_ARRAYS or len(names) < len(members):
                raise ValueError("lists too many arrays, or one twice")
            if inflated > most_inflated(size):
                raise ValueError(f"would inflate from {size:,} bytes to {inflated:,}")
            return {each.filename.removesuffix(".npy"): _array(archive, each) for each in members}


def most_inflated(size: int) -> int:
    """Bytes to which an archive of arrays of so many bytes may inflate."""
    return max(INFLATED, TIMES * size)


def packed(found: Mapping[str, NDArray[Any]], stream: BinaryIO) -> None:
    """Write arrays as an npz that `arrays` reads: compressed, unless that looks like a bomb."""
    np.savez_compressed(stream, allow_pickle=False, **found)
    if sum(each.nbytes for each in found.values()) > most_inflated(stream.tell()):
        stream.seek(0)
        stream.truncate()
        np.savez(stream, allow_pickle=False, **found)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way")
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        heads = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in heads:
            raise ValueError(f"{member.filename} is of another version")
        shape, by_column, dtype = heads[version](stream)
        count, left = math.prod(shape), member.file_size - stream.tell()
        if dtype.kind not in "Ufiub" or dtype.hasobject or (count and not dtype.itemsize):
            raise ValueError(f"{member.filename} is of {dtype}, not of numbers or strings")
        if min(shape, default=0) < 0 or len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f"{member.filename} is of shape {shape}")
        if count * dtype.itemsize != left:
            raise ValueError(f"{member.filename} does not hold what its head claims")
        flat = np.empty(count, dtype)
        _fill(flat.view(np.uint8) if count else flat, stream)
    return flat.reshape(shape[::-1]).T if by_column else flat.reshape(shape)


def _fill(flat: NDArray[Any], stream: IO[bytes]) -> None:
    place = 0
    while place < flat.nbytes:
        got = stream.read(min(1 << 20, flat.nbytes - place))
        if not got:
            raise ValueError("ends too early")
        flat[place : place + len(got)] = np.frombuffer(got, np.uint8)
        place += len(got)
