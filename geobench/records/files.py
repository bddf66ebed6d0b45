"""Arrays and JSON as files that are known when they were changed after they were written."""

import io
import json
import logging
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import bounded, drafts
from geobench.digests import array_digest, digest, written_digest
from geobench.errors import StoreError, said_by

log = logging.getLogger(__name__)

STAMP = "sha256"
"""Name, among the arrays of an npz and the keys of a record, of the digest of all others: what was
cut or changed after it was written is known by it."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz (compressed, no pickle), whole or not at all; same arrays, same bytes.

    Raises:
        StoreError: an array is not of numbers or of numpy.str_.
    """
    stamped = {**arrays, STAMP: np.array(_stamp(path, arrays))}
    stream = io.BytesIO()
    bounded.packed(stamped, stream)
    drafts.write_file(path, stream.getvalue())


def _stamp(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    names = sorted(arrays)
    for name in names:
        if name == STAMP or np.asarray(arrays[name]).dtype.kind not in "Ufiub":
            raise StoreError(
                f"array {name!r} of {np.asarray(arrays[name]).dtype} cannot be stored",
                where=str(path),
                remedy=f"Give arrays of numbers or of numpy.str_, of any name but {STAMP}.",
            )
    return digest([names, array_digest(*(np.asarray(arrays[name]) for name in names))])


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz that `write_arrays` wrote.

    Raises:
        StoreError: the file is missing, a link, damaged, or not as it was written.
    """
    try:
        arrays = bounded.arrays(path, links=False)
        if str(arrays.pop(STAMP, "")) != _stamp(path, arrays):
            raise ValueError("its arrays are not those that were written")
    except Exception as error:  # zipfile, zlib, numpy and the system each raise their own
        raise unreadable(path, error) from None
    return arrays


def unreadable(path: Path, error: Exception) -> StoreError:
    """The error that a stored file cannot be read, and why."""
    why = said_by(error)
    if isinstance(error, OSError) and error.strerror:
        why = error.strerror
    elif type(error) is ValueError:
        why = why.removeprefix("ValueError: ")
    remedy = "Put the file itself in its place." if path.is_symlink() else ANEW
    return StoreError(f"cannot be read ({why})", where=str(path), remedy=remedy)


ANEW = "Run it again, or get it anew from whoever made it."
"""The remedy for a stored file that is not as it was written."""


def readable(path: Path, names: Collection[str] = ()) -> bool:
    """Whether the arrays of an npz are there as they were written, those of these names too."""
    try:
        lacking = set(names) - set(read_arrays(path))
    except StoreError as error:
        if os.path.lexists(path):
            log.warning("%s", error)
        return False
    if lacking:
        log.warning("%s: has no %s, and is made again", path, ", ".join(sorted(lacking)))
    return not lacking


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object.

    Raises:
        StoreError: the file is missing, a link, damaged, or holds what no such file is written
            with, see `bounded.json_of`.
    """
    try:
        data = bounded.json_of(bounded.content(path, most=bounded.MOST_JSON, links=False))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if not isinstance(data, dict):
        raise StoreError("holds no JSON object", where=str(path), remedy=ANEW)
    return data


def read_text(path: Path, *, errors: str = "strict") -> str:
    """The text of a stored file, with the line ends that it has.

    Args:
        path: the file's.
        errors: what becomes of bytes that are no UTF-8, as `bytes.decode` takes it.

    Raises:
        StoreError: it is missing, a link, no regular file, too large, or not in UTF-8.
    """
    try:
        return bounded.content(path, most=bounded.MOST_TEXT, links=False).decode(errors=errors)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a stored file as `written_digest` makes it.

    Raises:
        StoreError: it is missing, a link, no regular file, or too large.
    """
    try:
        return written_digest(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON, indented, keys in the given order, whole or not at all."""
    drafts.write_file(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def write_stamped(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON with the digest of all that is in it."""
    write_json(path, {**data, STAMP: digest(dict(data))})


def read_stamped(path: Path) -> dict[str, Any]:
    """What `write_stamped` wrote.

    Raises:
        StoreError: the file is missing, damaged, or not as it was written.
    """
    data = read_json(path)
    stamp = data.pop(STAMP, "")
    try:
        whole = stamp == digest(data)
    except ValueError:  # a number that JSON has none for
        whole = False
    if not whole:
        raise StoreError("is not as it was written", where=str(path), remedy="Run again.")
    return data
