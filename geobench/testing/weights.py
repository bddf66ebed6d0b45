"""Files that decide numbers and that no key names: which there are, and what becomes of one whose
bytes change."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from geobench.components import Component, unkeyed_fields
from geobench.testing.check import Failure, ensure

WEIGHTS = frozenset(
    f".{suffix}"
    for kind in (
        "npz npy pt pth ckpt bin safetensors onnx",
        "pkl pickle joblib h5 hdf5 parquet",
    )
    for suffix in kind.split()
)
"""How the names of files of weights end."""

_FILES = 8  # looked at, at most
_LATER = 3600 * 10**9  # nanoseconds
_REMEDY = "Return its digest from `content`: geobench.digests.of_files(path)."


def keyed_paths(value: Any) -> list[Path]:
    """The files and folders that a configuration names, whose content is in its keys."""
    if isinstance(value, Path):
        return [value]
    if isinstance(value, Component):
        return keyed_paths(value.plugin.config)
    if isinstance(value, BaseModel):
        names = set(type(value).model_fields) - unkeyed_fields(type(value))
        return [path for name in sorted(names) for path in keyed_paths(getattr(value, name))]
    if isinstance(value, Mapping):
        return keyed_paths(list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return [path for each in value for path in keyed_paths(each)]
    return []


def unnamed_files(folder: Path, config: Any) -> list[Path]:
    """Files below `folder` that no keyed field of a configuration names, eight at most."""
    named = [path.resolve() for path in keyed_paths(config)]
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path.resolve().is_relative_to(place) for place in named)
    ]
    return found[:_FILES]


def ensure_known_by_content(
    path: Path, key: Callable[[], object], complaint: Callable[[], str]
) -> bool:
    """Raise Failure if other bytes in a file change what is said, and not the key.

    Args:
        path: the file; its bytes and its time are afterwards what they were.
        key: the key of a new instance.
        complaint: what a new instance says otherwise than before; "" if nothing.

    Returns:
        whether the file is in the key.
    """
    before = key()
    with _as_it_was(path) as time_ns:
        os.utime(path, ns=(time_ns + _LATER, time_ns + _LATER))
        ensure(
            key() == before,
            f"where {path.name} is touched, and stays the same, its key is another",
            "`content` is a digest of the bytes, not of a time: geobench.digests.of_files(path).",
        )
        _damage(path)
        os.utime(path, ns=(time_ns + 2 * _LATER, time_ns + 2 * _LATER))
        try:
            if key() != before:
                return True
            said = complaint()
        except Exception as error:
            said = f"it fails ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
    if said:
        raise Failure(
            f"it reads {path.name}, and nothing of it is in the key: where bytes of it change, "
            f"{said}",
            remedy=_REMEDY,
        )
    return False


@contextmanager
def _as_it_was(path: Path) -> Iterator[int]:
    whole, stat = path.read_bytes(), path.stat()
    try:
        yield stat.st_mtime_ns
    finally:
        _overwrite(path, whole)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _damage(path: Path) -> None:
    """Flip a bit of every byte: who reads it cannot but see, be it a header or a digit."""
    _overwrite(path, bytes(byte ^ 1 for byte in path.read_bytes()))


def _overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as stream:  # never shorter in between: it may be mapped into memory
        stream.write(content)
