"""Workers: pictures are read and prepared by processes that run ahead of the encoder."""

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import drafts
from geobench.data import BrokenPicture, Dataset, Image, Indices
from geobench.encoders import Encoder
from geobench.errors import DataError, GeobenchError
from geobench.features import sharing
from geobench.features.processes import EndedError, Processes
from geobench.features.sharing import Shared

_BLOCK = 128  # photos per task of a worker, at most
_FIRST = 8  # photos of the first task, which tells how large prepared ones are
_PARALLEL_FROM = 1024  # fewer photos than this are not worth starting workers for,
_PARALLEL_BYTES = 64 << 20  # unless their files are as large as this, a few seconds of decoding
_TASKS = 4  # of each worker, at least, so that none waits long for the last
_AHEAD = 4  # blocks per worker that wait to be encoded, at most
_AHEAD_BYTES = 2 << 30  # of prepared pictures that wait, unless one for each worker is more
_ENDED = 10  # pictures that end a worker, at which a run stops: each costs the start of another


@final
@dataclass(frozen=True, slots=True)
class Prepared:
    """Pictures as an encoder takes them.

    Args:
        rows: of the dataset, (n,).
        values: what its `prepare` made of them; None where there is none.
        broken: row -> why its picture cannot be read.
    """

    rows: Indices
    values: Any
    broken: dict[int, str]

    def __len__(self) -> int:
        """How many photos they are of, broken ones included."""
        return len(self.rows) + len(self.broken)


@contextmanager
def blocks(
    encoder: Encoder, dataset: Dataset, rows: Indices, beside: Path
) -> Iterator[Iterator[Prepared]]:
    """The prepared pictures of these rows, block by block; what workers map lies in `beside`."""
    if alone(encoder, dataset, rows):
        yield (each for part in _cut(rows, _BLOCK) for each in _pieces(encoder, dataset, part))
        return
    with drafts.scratch(beside) as scratch:
        shared = sharing.share((encoder, dataset), scratch / "arrays")
        with Processes(count(), _start_worker, shared) as pool:
            yield _in_order(_Preparing(pool, encoder, dataset), rows)


@final
@dataclass(slots=True)
class _Preparing:
    """Workers that prepare the pictures of a dataset, and those pictures that ended one.

    What ends a worker is found by giving the photos of its block to others, one by one: a picture
    that ends the second worker, too, is broken.
    """

    pool: Processes
    encoder: Encoder
    dataset: Dataset
    ended: list[str] = field(default_factory=list)

    def submit(self, rows: Indices) -> Future[Prepared]:
        """The prepared pictures of these rows, when they are there."""
        return self.pool.submit(partial(self._prepared, rows))

    def _prepared(self, rows: Indices) -> Prepared:
        try:
            return self.pool.call(_prepare_in_worker, rows)
        except EndedError:
            return _joined([self._alone(row) for row in rows.tolist()])

    def _alone(self, row: int) -> Prepared:
        try:
            return self.pool.call(_prepare_in_worker, np.array([row], np.intp))
        except EndedError as error:
            reason = f"to read it ends the process that does ({error})"
            self.ended.append(f"{self.dataset.table.ids[row]} ({error})")
            if len(self.ended) >= _ENDED:
                raise DataError(
                    f"{len(self.ended)} pictures ended the process that prepares them: "
                    f"{', '.join(self.ended)}",
                    where=f"encoder {self.encoder.name} on dataset {self.dataset.name}",
                    remedy="Mend or remove them. If they are sound, the encoder ends processes, or "
                    "memory runs out.",
                ) from error
            return Prepared(np.empty(0, np.intp), None, {row: reason})


def _in_order(pool: _Preparing, rows: Indices) -> Iterator[Prepared]:
    # Workers run a few blocks ahead and no more: prepared pictures are large. At 224 pixels in
    # float32 four blocks of 128 for each of 64 workers would hold 20 GB.
    first = min(_FIRST, _BLOCK)
    found = pool.submit(rows[:first]).result()
    looking = _looking_ahead(found, first)
    size = min(looking.photos, _share(len(rows)))
    yield found
    ahead: deque[Future[Prepared]] = deque()
    for part in _cut(rows, size, after=first):
        ahead.append(pool.submit(part))
        if len(ahead) > looking.blocks:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _cut(rows: Indices, size: int, *, after: int = 0) -> Iterator[Indices]:
    """The rows from `after` on, in blocks that end where blocks of all rows would."""
    ends = range((after // size + 1) * size, len(rows) + size, size)
    for end in ends:
        if len(part := rows[max(after, end - size) : end]):
            yield part


class _Ahead(NamedTuple):
    """How many photos a block has, and how many blocks may wait."""

    photos: int
    blocks: int


def _looking_ahead(found: Prepared, first: int) -> _Ahead:
    """By what the first block says of the size of a prepared picture; if all of it are broken,
    blocks stay as small."""
    if not len(found.rows):
        return _Ahead(first, _AHEAD * count())
    size = max(1, found.values.nbytes // len(found.rows))
    photos = _BLOCK
    while photos > 1 and photos * size * (_AHEAD + 1) * count() > _AHEAD_BYTES:
        photos //= 2
    fitting = _AHEAD_BYTES // (photos * size)
    return _Ahead(photos, min(_AHEAD * count(), max(count(), fitting)))


def _share(photos: int) -> int:
    """How many of few photos one task has."""
    size = _BLOCK
    while size > 1 and size * _TASKS * count() > photos:
        size //= 2
    return size


def alone(encoder: Encoder, dataset: Dataset, rows: Indices) -> bool:
    """Whether this process prepares the pictures, without workers."""
    if encoder.reads == "features" or count() == 1:
        return True
    sizes = dataset.table.sizes
    bytes_ = 0 if sizes is None else int(sizes[rows].sum())
    return len(rows) < _PARALLEL_FROM and bytes_ < _PARALLEL_BYTES


def count() -> int:
    """How many workers there are where they pay: one for each core that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_worker: dict[str, Any] = {}


def _start_worker(shared: Shared) -> None:
    encoder, dataset = shared.restored()
    _worker.update(encoder=encoder, dataset=dataset)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when the one that started it is gone: killed, it cannot say so."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _prepare_in_worker(rows: Indices) -> Prepared:
    return _prepare(_worker["encoder"], _worker["dataset"], rows)


def _prepare(encoder: Encoder, dataset: Dataset, rows: Indices) -> Prepared:
    return _joined(list(_pieces(encoder, dataset, rows)))


def _joined(pieces: Sequence[Prepared]) -> Prepared:
    """One or more as one."""
    if len(pieces) == 1:
        return pieces[0]
    values = [each.values for each in pieces if len(each.rows)]
    return Prepared(
        np.concatenate([each.rows for each in pieces]),
        np.concatenate(values) if values else None,
        {row: reason for each in pieces for row, reason in each.broken.items()},
    )


def _pieces(encoder: Encoder, dataset: Dataset, rows: Indices) -> Iterator[Prepared]:
    """Pictures one by one, so that whoever waits sees each; features at once."""
    if encoder.reads == "features":
        yield Prepared(rows, dataset.features(rows), {})
        return
    for row, image in zip(rows.tolist(), dataset.images(rows), strict=True):
        if isinstance(image, BrokenPicture):
            yield Prepared(np.empty(0, np.intp), None, {row: image.reason})
        else:
            values = _prepared(encoder, image, str(dataset.table.ids[row]))
            yield Prepared(np.array([row], np.intp), values[None], {})


def _prepared(encoder: Encoder, image: Image, photo: str) -> NDArray[Any]:
    try:
        return encoder.prepare(image)
    except GeobenchError:
        raise
    except Exception as error:
        raise DataError(
            f"the picture of {photo} breaks it ({type(error).__name__}: {error})",
            where=f"encoder {encoder.name}",
            remedy="Mend the picture, or let `prepare` take any uint8 (H, W, 3).",
        ) from error
