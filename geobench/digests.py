"""Digests of JSON data, arrays and files: what keys are made of, and stored files are known by."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from geobench.errors import DataError
from geobench.strings import Column, Strings, in_utf8


def digest(data: Any) -> str:
    """SHA-256, in hex, of JSON data in canonical form (sorted keys, no spaces)."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def array_digest(*arrays: Column) -> str:
    """SHA-256, in hex, of arrays of numbers or strings: values and shapes, whatever the width
    or byte order they are held in."""
    state = hashlib.sha256()
    for array in arrays:
        if isinstance(array, Strings) or array.dtype.kind == "U":
            state.update(f"S{array.shape}".encode())
            contents = []
            # Strings are told apart by their lengths, so that "ab","c" is not "a","bc".
            for lengths, content in in_utf8(array):
                state.update(lengths.astype("<i8").tobytes())
                contents.append(content)
            for content in contents:
                state.update(content)
        elif array.dtype.kind in "fiub":
            plain = array.astype("<f8" if array.dtype.kind == "f" else "<i8")
            state.update(f"{plain.dtype.kind}{array.shape}".encode())
            state.update(np.ascontiguousarray(plain).tobytes())
        else:
            raise TypeError(f"an array of {array.dtype} has no digest: give numbers or str_")
    return state.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        ValueError: it is no regular file.
    """
    from geobench import bounded  # here, because few plugins open files

    with bounded.opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def written_digest(path: Path) -> str:
    """SHA-256, in hex, of a file of a leaderboard as it was written.

    Text was written with line ends of Unix. A checkout on another system may have others, and says
    the same.

    Raises:
        OSError: the system does not open it.
        ValueError: it is a link, no regular file, or larger than anything that is written.
    """
    from geobench import bounded

    if path.suffix in _TEXT:
        text = bounded.content(path, most=bounded.MOST_TEXT, links=False)
        return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()
    with bounded.opened(path, most=bounded.MOST_FILE, links=False) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


_TEXT = (".json", ".csv", ".md", ".svg")


def of_files(*paths: Path) -> str:
    """SHA-256, in hex, over the content of files, such as the weights of a method.

    A file is read once per process, and again only if its size or time has changed.

    Raises:
        DataError: one of them is not there.
    """
    for path in paths:
        if not path.is_file():
            raise DataError(
                "is not there", where=str(path), remedy="Put the file there, and run again."
            )
    return digest([known_digest(path) for path in paths])


def known_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex; it is read again only if its size or time has changed
    since this process read it."""
    found = path.stat()
    key = (path, found.st_size, found.st_mtime_ns)
    if key not in known_files:
        known_files[key] = file_digest(path)
    return known_files[key]


known_files: dict[tuple[Path, int, int], str] = {}
"""(path, size, time) -> the digest of what this process has read; a process of a training is given
that of the run, which has read the weights while planning."""
