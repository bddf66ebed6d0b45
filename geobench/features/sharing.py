"""Sharing with worker processes: an object is pickled once, and its arrays lie in one file.

Every worker maps that file, so that a table of millions of rows is in memory once, as far as it is
read, and not once per worker. What a worker gets is the same object all the same: an array that is
changed there is changed for that worker alone.
"""

import mmap
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

_ALIGNED = 64  # bytes: where arrays begin, so that numpy reads them as fast as its own


@final
@dataclass(frozen=True, slots=True)
class Shared:
    """What a worker is sent in an object's place.

    Args:
        pickled: the object without what its arrays hold.
        path: the file of that.
        sizes: bytes of each array in the file.
    """

    pickled: bytes
    path: Path
    sizes: tuple[int, ...]

    def restored(self) -> Any:
        """The object, its arrays mapped from the file, which may be removed from now on."""
        if not any(self.sizes):
            return pickle.loads(self.pickled, buffers=[b"" for _ in self.sizes])
        with self.path.open("rb") as stream:
            mapped = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
        arrays, start = [], 0
        for size in self.sizes:
            arrays.append(mapped[start : start + size])
            start += _room(size)
        return pickle.loads(self.pickled, buffers=arrays)


def share(value: Any, path: Path) -> Shared:
    """Write the arrays that an object holds to `path`, wherever in it they are.

    Contiguous arrays of numbers and of numpy.str_ go there, and those of Arrow; whatever else there
    is, lists of strings, say, is pickled and sent to every worker.
    """
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    sizes = []
    with path.open("wb") as stream:
        for buffer in buffers:
            raw = buffer.raw()
            stream.write(raw)
            stream.write(bytes(_room(raw.nbytes) - raw.nbytes))
            sizes.append(raw.nbytes)
    return Shared(pickled, path, tuple(sizes))


def _room(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
