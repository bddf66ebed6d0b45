"""Arrays and JSON as files that are known when they were changed after they were written."""

import io
import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import drafts
from geobench.digests import array_digest, digest
from geobench.errors import StoreError

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
    np.savez_compressed(stream, allow_pickle=False, **stamped)
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
        StoreError: the file is missing, damaged, or not as it was written.
    """
    try:
        # Opened here, because numpy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if str(arrays.pop(STAMP, "")) != _stamp(path, arrays):
            raise ValueError("its arrays are not those that were written")
    except Exception as error:  # zipfile, zlib, numpy and the system each raise their own
        problem = f"cannot be read ({type(error).__name__}: {error})"
        raise StoreError(problem, where=str(path), remedy="Remove it and run again.") from None
    return arrays


def readable(path: Path, names: Collection[str] = ()) -> bool:
    """Whether the arrays of an npz are there as they were written, those of these names too."""
    try:
        lacking = set(names) - set(read_arrays(path))
    except StoreError as error:
        if path.exists():
            log.warning("%s", error)
        return False
    if lacking:
        log.warning("%s: has no %s, and is made again", path, ", ".join(sorted(lacking)))
    return not lacking


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problem = f"cannot be read ({error})"
        raise StoreError(problem, where=str(path), remedy="Remove it and run again.") from None
    if not isinstance(data, dict):
        raise StoreError("holds no JSON object", where=str(path))
    return data


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
