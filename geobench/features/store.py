"""The feature store: every picture is encoded once, into immutable shards that are memory-mapped.

A store belongs to one (encoder digest, dataset digest). A shard is a folder, renamed into place
when it is complete; a byte of it that has changed since is found when it is read.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from geobench import drafts
from geobench.data import BrokenPicture, Dataset, Image, Indices, Rows
from geobench.digests import digest
from geobench.encoders import Encoder, Features
from geobench.errors import DataError, GeobenchError, StoreError
from geobench.features import encoding_time, shards, sharing
from geobench.features.encoding_time import EncodingTime
from geobench.features.shards import Shard
from geobench.features.sharing import Shared

log = logging.getLogger(__name__)

What: TypeAlias = Literal["pooled", "tokens"]
Track: TypeAlias = Callable[[Iterable[Any], int | None, str], Iterator[Any]]

SHARD = 1024
"""Photos per shard."""
_BLOCK = 128  # photos per task of a worker
_PARALLEL_FROM = 1024  # fewer photos than this are not worth starting workers for
_AHEAD = 4  # blocks per worker that wait to be encoded


@final
@dataclass(frozen=True, slots=True)
class _Prepared:
    rows: Indices
    values: Any
    broken: dict[int, str]


@final
@dataclass(frozen=True, slots=True)
class _Encoded:
    rows: Indices
    features: Features
    broken: dict[int, str]


@final
class Store:
    """The features of one kind of one dataset by one encoder.

    Args:
        folder: where all stores lie (`.geobench/features`).
        encoder: who encodes.
        dataset: whose photos.
        what: "pooled" or "tokens".
    """

    def __init__(self, folder: Path, encoder: Encoder, dataset: Dataset, *, what: What) -> None:
        key = digest([encoder.digest(what), dataset.digest])
        self.folder = folder / f"{encoder.name}-{dataset.name}-{what}-{key[:16]}"
        self._size = len(dataset.table)
        self._shards: list[Shard] = []
        self._position = np.full(self._size, -1, dtype=np.int64)
        self.broken: dict[int, str] = {}
        self._times: list[EncodingTime] = []
        self._damaged: list[Path] = []
        self.reload()

    def reload(self) -> None:
        """Read what is on disk now; the photos of a damaged shard are as good as not encoded."""
        said, self._damaged = self._damaged, []
        self._shards, self.broken, self._times, start = [], {}, [], 0
        self._position[:] = -1
        unchecked = 0
        for folder in sorted(self.folder.glob("shard-*")):
            try:
                if not shards.checkable(folder):
                    unchecked += folder not in said
                    self._damaged.append(folder)
                    continue
                shard = Shard(folder)
                found = [*shard.rows.tolist(), *shard.broken]
                if found and not 0 <= min(found) <= max(found) < self._size:
                    beyond = f"is damaged (rows beyond the dataset's {self._size})"
                    raise StoreError(beyond, where=str(folder))
            except StoreError as error:
                if folder not in said:
                    log.warning("%s %s: its photos are encoded again", folder, error.problem)
                self._damaged.append(folder)
                continue
            self.broken |= shard.broken
            if len(shard):
                self._shards.append(shard)
                self._times += [] if shard.time is None else [shard.time]
                self._position[shard.rows] = start + np.arange(len(shard))
                start += len(shard)
        if unchecked:
            log.warning(
                "%s: %d shards have no digests, as of an earlier version: their photos are encoded "
                "again",
                self.folder,
                unchecked,
            )

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the features of one photo; None where there are none yet."""
        return self._shards[0].shape[1:] if self._shards else None

    def missing(self, rows: Indices) -> Indices:
        """Those of `rows` that are neither encoded nor known to be broken."""
        absent = rows[self._position[rows] < 0]
        return np.setdiff1d(absent, np.array(sorted(self.broken), dtype=np.intp))

    def rows(self, rows: Indices) -> Rows:
        """The features of these rows; nothing is read yet.

        Raises:
            DataError: one of them is not there.
        """
        position = self._position[rows]
        if (position < 0).any():
            raise DataError(f"{int((position < 0).sum())} photos are not in {self.folder}")
        return Rows(self._shards, position)

    @property
    def time(self) -> EncodingTime | None:
        """How long its features took to make; None if that is not known."""
        return encoding_time.of_all(self._times)

    def add(
        self,
        rows: Indices,
        values: NDArray[Any],
        broken: dict[int, str],
        took: EncodingTime | None = None,
    ) -> None:
        """Write one shard; it appears whole or not at all."""
        name = f"shard-{digest([rows.tolist(), sorted(broken)])[:16]}"
        with drafts.folder(self.folder / name) as draft:
            shards.write(draft, rows, values, broken=broken, took=took)

    def clean(self) -> None:
        """Remove damaged shards and what killed runs left behind; only under the store's lock."""
        self.reload()  # another run may have mended a shard since
        for shard in self._damaged:
            drafts.remove(shard)
        drafts.sweep(self.folder, age=0.0)


def encode(
    stores: dict[What, Store],
    *,
    encoder: Encoder,
    dataset: Dataset,
    rows: Indices,
    track: Track,
    device: str = "cpu",
) -> None:
    """Encode what the stores lack of `rows`, once for both kinds, in parallel where it pays.

    Args:
        stores: where features go, those of the encoder and the dataset.
        encoder: who encodes.
        dataset: whose photos.
        rows: which photos.
        track: shows how far it is.
        device: where the encoder works.

    Raises:
        DataError: features of the wrong shape or not finite; a picture that breaks the encoder.
    """
    with ExitStack() as resources:
        for store in stores.values():
            lock = drafts.real(store.folder.with_suffix(".lock"))
            lock.parent.mkdir(parents=True, exist_ok=True)
            resources.enter_context(FileLock(lock))
            store.clean()
        absent = {kind: _mask(store.missing(rows), dataset) for kind, store in stores.items()}
        wanted = np.flatnonzero(np.any(list(absent.values()), axis=0))
        if len(wanted) == 0:
            return
        what = f"encode {dataset.name} by {encoder.name}"
        beside = next(iter(stores.values())).folder
        blocks = resources.enter_context(_blocks(encoder, dataset, wanted, beside))
        # Only now, so that workers get an encoder that has nothing on a device.
        encoder.to(device)
        tokens = bool(absent["tokens"].any()) if "tokens" in absent else False
        workers = 1 if _alone(encoder, wanted) else _workers()
        begin = time.perf_counter()
        for shard in track(_shards(encoder, blocks, tokens), -(-len(wanted) // SHARD), what):
            # Workers go on while a shard is written, so that its writing counts for the next.
            end = time.perf_counter()
            place = encoding_time.device_of(encoder.requires, device)
            took = EncodingTime(end - begin, len(shard.rows), workers, place)
            begin = end
            for kind, store in stores.items():
                _add(shard, store, encoder, kind, absent[kind], took)
        for store in stores.values():
            store.reload()


def _mask(rows: Indices, dataset: Dataset) -> NDArray[np.bool_]:
    mask = np.zeros(len(dataset.table), dtype=bool)
    mask[rows] = True
    return mask


def _add(
    shard: _Encoded,
    store: Store,
    encoder: Encoder,
    kind: What,
    absent: NDArray[np.bool_],
    took: EncodingTime,
) -> None:
    # A run that was killed between the two kinds left one of them with a shard more.
    new = absent[shard.rows]
    broken = {row: reason for row, reason in shard.broken.items() if absent[row]}
    if new.any() or broken:
        values = shard.features.tokens if kind == "tokens" else shard.features.pooled
        values = _checked(values, shard.rows, encoder, kind)
        store.add(shard.rows[new], values[new], broken, took)


def _checked(
    values: NDArray[Any] | None, rows: Indices, encoder: Encoder, kind: What
) -> NDArray[np.float32]:
    where = f"encoder {encoder.name}"
    if values is None:
        if len(rows) == 0:
            return np.empty((0, 1), np.float32)
        raise DataError(f"gives no {kind}", where=where, remedy="A planned method wants them.")
    if len(values) != len(rows):
        raise DataError(f"{len(values)} {kind} rows for {len(rows)} photos", where=where)
    with np.errstate(over="ignore"):
        values = np.asarray(values, dtype=np.float32)
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if bad.any():
        raise DataError(
            f"{kind} of {int(bad.sum())} photos are not finite, the first is row {rows[bad][0]}",
            where=where,
        )
    promised = encoder.shape(kind)
    if promised is not None and values.shape[1:] != promised:
        raise DataError(
            f"{kind} of a photo have the shape {values.shape[1:]}, and its `shape` says {promised}",
            where=where,
        )
    return values


def _shards(encoder: Encoder, blocks: Iterable[_Prepared], tokens: bool) -> Iterator[_Encoded]:
    pending: list[_Prepared] = []
    for block in blocks:
        pending.append(block)
        if sum(len(p.rows) + len(p.broken) for p in pending) >= SHARD:
            yield _encoded(encoder, pending, tokens)
            pending = []
    if pending:
        yield _encoded(encoder, pending, tokens)


def _encoded(encoder: Encoder, blocks: list[_Prepared], tokens: bool) -> _Encoded:
    rows = np.concatenate([block.rows for block in blocks])
    broken = {row: reason for block in blocks for row, reason in block.broken.items()}
    values = [block.values for block in blocks if len(block.rows)]
    return _Encoded(rows, in_batches(encoder, values, tokens=tokens), broken)


def in_batches(encoder: Encoder, pieces: Iterable[Any], *, tokens: bool) -> Features:
    """What an encoder makes of what it prepared, `encoder.batch` photos at a time.

    Args:
        encoder: who encodes.
        pieces: what `encode` takes, of any number of photos each.
        tokens: whether tokens are wanted, too.
    """
    found = [encoder.encode(batch, tokens=tokens) for batch in _batches(pieces, encoder.batch)]
    return _joined(found) if found else Features(None)


def _batches(pieces: Iterable[Any], size: int) -> Iterator[Any]:
    """The same photos in batches of `size`, of which the last may be smaller."""
    waiting: list[Any] = []
    count = 0
    for piece in pieces:
        start, length = 0, _length(piece)
        while start < length:
            part = _cut(piece, slice(start, start + size - count))
            waiting.append(part)
            start, count = start + _length(part), count + _length(part)
            if count == size:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _length(piece: Any) -> int:
    if isinstance(piece, Features):
        return next((len(v) for v in (piece.pooled, piece.tokens) if v is not None), 0)
    return len(piece)


def _cut(piece: Any, photos: slice) -> Any:
    if isinstance(piece, Features):
        pooled, tokens = piece.pooled, piece.tokens
        return Features(
            None if pooled is None else pooled[photos], None if tokens is None else tokens[photos]
        )
    return piece[photos]


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], Features):
        pooled = [v.pooled for v in values if v.pooled is not None]
        tokens = [v.tokens for v in values if v.tokens is not None]
        return Features(
            np.concatenate(pooled) if pooled else None, np.concatenate(tokens) if tokens else None
        )
    return values[0] if len(values) == 1 else np.concatenate(values)


@contextmanager
def _blocks(
    encoder: Encoder, dataset: Dataset, rows: Indices, beside: Path
) -> Iterator[Iterator[_Prepared]]:
    """The prepared pictures of these rows, block by block; what workers map lies in `beside`."""
    parts = [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
    if _alone(encoder, rows):
        yield (_prepare(encoder, dataset, part) for part in parts)
        return
    with drafts.scratch(beside) as scratch:
        shared = sharing.share((encoder, dataset), scratch / "arrays")
        with ProcessPoolExecutor(
            _workers(), get_context("spawn"), initializer=_start_worker, initargs=(shared,)
        ) as pool:
            try:
                yield _in_order(pool, parts)
            finally:
                pool.shutdown(cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, parts: list[Indices]) -> Iterator[_Prepared]:
    # Workers run a few blocks ahead and no more: prepared pictures are large.
    ahead: deque[Future[_Prepared]] = deque()
    for part in parts:
        ahead.append(pool.submit(_prepare_in_worker, part))
        if len(ahead) > _AHEAD * _workers():
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _alone(encoder: Encoder, rows: Indices) -> bool:
    """Whether this process prepares the pictures, without workers."""
    return encoder.reads == "features" or len(rows) < _PARALLEL_FROM or _workers() == 1


def _workers() -> int:
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


def _prepare_in_worker(rows: Indices) -> _Prepared:
    return _prepare(_worker["encoder"], _worker["dataset"], rows)


def _prepare(encoder: Encoder, dataset: Dataset, rows: Indices) -> _Prepared:
    if encoder.reads == "features":
        return _Prepared(rows, dataset.features(rows), {})
    values, kept, broken = [], [], {}
    for row, image in zip(rows.tolist(), dataset.images(rows), strict=True):
        if isinstance(image, BrokenPicture):
            broken[row] = image.reason
        else:
            values.append(_prepared(encoder, image, str(dataset.table.ids[row])))
            kept.append(row)
    return _Prepared(np.array(kept, np.intp), np.stack(values) if values else None, broken)


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
