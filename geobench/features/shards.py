"""Shards: the features of some photos, in a folder in which a changed byte is found.

A shard has `rows.npy` (positions in the dataset's table), `values.npy` (float32), `broken.json`
(position -> why its picture could not be read), `time.json` (how long it took: features without it
are features) and `digests.json` (SHA-256 of these but values.npy, CRC-32 of its header and of every
block of it, when files of broken pictures had last changed, and a stamp). A CRC-32 differs wherever
bytes have changed within four in a row, and takes half the time of a SHA-256 (`perf/shards.py`).
"""

import errno
import io
import json
import logging
import threading
import weakref
import zlib
from collections import OrderedDict
from contextlib import suppress
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import drafts
from geobench.data import Indices
from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.features import encoding_time
from geobench.features.encoding_time import EncodingTime

log = logging.getLogger(__name__)

BLOCK = 1 << 20
"""Bytes of values.npy that have a digest of their own: what is read to check one row, at least."""
_DIGESTS = "digests.json"
_WHOLE = ("rows.npy", "broken.json")
_UNSTAMPED = {*_WHOLE, "values.npy"}  # what digests.json names as an earlier version wrote it
_HEADER = 4096  # bytes in which the header of values.npy ends
_FILES = 1 << 16  # open files are enough for 17 million photos
_OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # errors that say nothing of a file


def write(
    folder: Path,
    rows: Indices,
    values: NDArray[np.float32],
    *,
    broken: dict[int, str],
    tried: dict[int, float],
    took: EncodingTime | None,
) -> None:
    """Write the files of a shard into a folder that is not in its place yet.

    Args:
        folder: where.
        rows: positions in the dataset's table, (n,).
        values: their features, (n, ...).
        broken: position -> why its picture could not be read.
        tried: position -> when the file of that picture had last changed, where it is known.
        took: how long it took.
    """
    np.save(folder / "rows.npy", rows)
    np.save(folder / "values.npy", values)
    (folder / "broken.json").write_text(json.dumps(broken), "utf-8")
    digests: dict[str, Any] = {"tried": tried}
    digests |= {name: file_digest(folder / name) for name in _WHOLE}
    with (folder / "values.npy").open("rb") as stream:
        blocks = iter(lambda: stream.read(BLOCK), b"")
        digests["values.npy"] = [_digest(block) for block in blocks]
        end = stream.tell() - values.nbytes
        stream.seek(0)
        digests["header"] = _digest(stream.read(end))
    if took is not None:
        digests[encoding_time.FILE] = file_digest(took.write(folder))
    text = json.dumps(digests)  # in which numbers as names are words
    stamped = {**json.loads(text), "stamp": digest(json.loads(text))}
    (folder / _DIGESTS).write_text(json.dumps(stamped), "utf-8")


def checkable(folder: Path) -> bool:
    """Whether a shard has digests; those of earlier versions have none."""
    return (folder / _DIGESTS).exists()


@final
class Shard:
    """The features of n photos, (n, ...), mapped from a file and checked as they are read.

    Args:
        folder: where it lies.

    Attributes:
        rows: positions in the dataset's table, (n,).
        broken: position -> why its picture could not be read.
        tried: position -> when the file of that picture had last changed, where it is known.
        time: how long it took to make, or None.

    Raises:
        StoreError: it is not what was written, as far as that is seen without its features.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._open()
        except Exception as error:  # numpy, json and the system each raise their own
            if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
                raise
            raise StoreError(f"is damaged ({error})", where=str(folder)) from error

    def _open(self) -> None:
        digests = json.loads((self.folder / _DIGESTS).read_text("utf-8"))
        if set(digests) != _UNSTAMPED and digests.pop("stamp", "") != digest(digests):
            raise ValueError(f"{_DIGESTS} is not what was written")
        for name in _WHOLE:
            if file_digest(self.folder / name) != digests[name]:
                raise ValueError(f"{name} is not what was written")
        self.rows: Indices = np.load(self.folder / "rows.npy", allow_pickle=False)
        reasons = json.loads((self.folder / "broken.json").read_text("utf-8"))
        self.broken = {int(row): str(reason) for row, reason in reasons.items()}
        self.tried = {int(row): float(t) for row, t in digests.get("tried", {}).items()}
        self.time = self._read_time(digests)
        self._digests = list(digests["values.npy"])
        self._checked = np.zeros(len(self._digests), dtype=bool)
        size = (self.folder / "values.npy").stat().st_size
        with (self.folder / "values.npy").open("rb") as stream:
            header = io.BytesIO(stream.read(_HEADER))
        np.lib.format.read_magic(header)
        self.shape: tuple[int, ...]
        self.shape, _, self._kind = np.lib.format.read_array_header_1_0(header)
        self._start = header.tell()
        # Looked at by itself, because the plan goes by the shape, and reads no block.
        if digests.get("header") not in (None, _digest(header.getvalue()[: self._start])):
            raise ValueError("the header of values.npy is not what was written")
        self._map: _Mapped | None = None
        self._me = weakref.ref(self, partial(_forget, id(self)))
        self._known = (0, 0, 0)  # of which file blocks have been checked
        wanted = self._start + prod(self.shape) * self._kind.itemsize
        if size < wanted or len(self._digests) != -(-size // BLOCK):
            raise ValueError(f"{size} bytes of values")
        if len(self.rows) != len(self):
            raise ValueError(f"{len(self.rows)} rows, {len(self)} values")

    def _read_time(self, digests: dict[str, Any]) -> EncodingTime | None:
        path = self.folder / encoding_time.FILE
        if encoding_time.FILE in digests and not (
            path.is_file() and file_digest(path) == digests[encoding_time.FILE]
        ):
            log.warning("%s is not what was written: how long its features took is not known", path)
            return None
        return encoding_time.read(self.folder)

    def __len__(self) -> int:
        return self.shape[0]

    def _mapped(self) -> "_Mapped":
        """The map of its numbers, made again where other shards have taken its place.

        Raises:
            StoreError: the file is not there any more, or is shorter.
        """
        found = self._map
        if found is None:
            try:
                found = self._map = self._map_again()
            except (OSError, ValueError, TypeError) as error:
                if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
                    raise
                raise StoreError(f"is damaged ({error})", where=str(self.folder)) from error
        with _lock:
            _recent[id(self)] = self._me
            _recent.move_to_end(id(self))
            while len(_recent) > _most_mapped():
                oldest = _recent.popitem(last=False)[1]()
                if oldest is not None:
                    oldest._map = None
        return found

    def _map_again(self) -> "_Mapped":
        path = self.folder / "values.npy"
        about = path.stat()
        if (now := (about.st_ino, about.st_size, about.st_mtime_ns)) != self._known:
            self._known = now
            self._checked[:] = False
        content = np.memmap(path, np.uint8, mode="r")
        # One map for numbers and digests.
        return _Mapped(content, np.ndarray(self.shape, self._kind, content.data, self._start))

    def __getitem__(self, positions: Indices) -> NDArray[np.float32]:
        """The numbers at these positions in the shard.

        Raises:
            StoreError: they are not what was stored. The shard is then removed, so that the next
                run encodes its photos again.
        """
        mapped = self._mapped()
        if not self._checked.all():
            self._check(positions, mapped.content)
        return mapped.values[positions]

    def check(self, positions: Indices) -> None:
        """Read the blocks that the numbers at these positions lie in, unless they were read.

        Raises:
            StoreError: as reading them does.
        """
        self._check(positions, self._mapped().content)

    def _check(self, positions: Indices, content: NDArray[np.uint8]) -> None:
        """Check the blocks that these rows, and the header that says how to read them, lie in."""
        size = prod(self.shape[1:]) * self._kind.itemsize
        begin = self._start + positions * size
        begins = np.bincount(begin // BLOCK, minlength=len(self._checked) + 1)
        ends = np.bincount((begin + size - 1) // BLOCK + 1, minlength=len(self._checked) + 1)
        wanted = np.cumsum(begins - ends)[:-1] > 0
        wanted[0] = True
        for block in np.flatnonzero(wanted & ~self._checked).tolist():
            if _digest(content[block * BLOCK : (block + 1) * BLOCK]) != self._digests[block]:
                drafts.remove(self.folder)
                raise StoreError(
                    f"the features of {len(self)} photos are not what was stored",
                    where=str(self.folder),
                    remedy="They are removed. Run again: they are encoded again.",
                )
            self._checked[block] = True


class _Mapped(NamedTuple):
    """The bytes of values.npy, and the numbers among them."""

    content: NDArray[np.uint8]
    values: NDArray[np.float32]


_lock = threading.RLock()  # a shard may be forgotten wherever memory is asked for
_recent: OrderedDict[int, weakref.ref[Shard]] = OrderedDict()
"""The shards that are mapped, the one that was read last at the end."""


def _forget(shard: int, _: weakref.ref[Shard]) -> None:
    with _lock:
        _recent.pop(shard, None)


@cache
def _most_mapped() -> int:
    """How many shards are mapped at a time: each map is an open file, of which many systems allow
    a process 1,024, and five million photos have 5,000 shards. Where a process may ask for more,
    this one does: to map shards anew for every batch takes ten times as long as to read them."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 256
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        with suppress(OSError, ValueError):  # macOS has a limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            allowed = wanted
    return max(16, min(allowed if allowed > 0 else _FILES, _FILES) // 4)


def _digest(block: Any) -> int:
    return zlib.crc32(block)
