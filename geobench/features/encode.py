"""Encoding: every picture is encoded once, into the stores of its features."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from typing import Any, final

import numpy as np
from filelock import BaseFileLock, FileLock
from numpy.typing import NDArray

from geobench import drafts
from geobench.data import Dataset, Indices
from geobench.encoders import Encoder, Features
from geobench.errors import DataError
from geobench.features import encoding_time, workers
from geobench.features.batches import in_batches
from geobench.features.encoding_time import EncodingTime
from geobench.features.store import Store, What
from geobench.features.workers import Prepared
from geobench.progress import Track

SHARD = 1024
"""Photos per shard."""


@final
@dataclass(frozen=True, slots=True)
class _Encoded:
    rows: Indices
    features: Features
    broken: dict[int, str]


def encode(
    stores: dict[What, Store],
    *,
    encoder: Encoder,
    dataset: Dataset,
    rows: Indices,
    track: Track,
    device: str = "cpu",
    again: bool = False,
) -> None:
    """Encode what the stores lack of `rows`, once for both kinds, in parallel where it pays.

    Args:
        stores: where features go, those of the encoder and the dataset.
        encoder: who encodes.
        dataset: whose photos.
        rows: which photos.
        track: shows how far it is.
        device: where the encoder works.
        again: try pictures, too, that are known to be broken.

    Raises:
        DataError: features of the wrong shape or not finite; a picture that breaks the encoder.
    """
    with ExitStack() as resources:
        # Several locks at once: every run takes them in the same order, that of the kinds, so that
        # no two wait for each other.
        for store in stores.values():
            resources.enter_context(_lock(store))
            store.clean()
        absent = {
            kind: _mask(store.missing(rows, broken=again), dataset)
            for kind, store in stores.items()
        }
        wanted = np.flatnonzero(np.any(list(absent.values()), axis=0))
        if len(wanted) == 0:
            return
        what = f"encode {dataset.name} by {encoder.name}"
        beside = next(iter(stores.values())).folder
        blocks = resources.enter_context(workers.blocks(encoder, dataset, wanted, beside))
        # Only now, so that workers get an encoder that has nothing on a device.
        encoder.to(device)
        tokens = bool(absent["tokens"].any()) if "tokens" in absent else False
        processes = 1 if workers.alone(encoder, dataset, wanted) else workers.count()
        blocks = _counted(blocks, track, len(wanted), what)
        begin = time.perf_counter()
        try:
            for shard in _shards(encoder, blocks, tokens):
                # Workers go on while a shard is written, so that its writing counts for the next.
                end = time.perf_counter()
                place = encoding_time.device_of(encoder.requires, device)
                took = EncodingTime(end - begin, len(shard.rows), processes, place)
                begin = end
                for kind, store in stores.items():
                    _add(shard, store, encoder, kind, absent[kind], took)
        finally:  # what was encoded before an error, or before Ctrl-C, is kept and told of
            for store in stores.values():
                store.reload()


def _lock(store: Store) -> BaseFileLock:
    path = drafts.lock_file(store.folder.with_suffix(".lock"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


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


def _counted(
    blocks: Iterable[Prepared], track: Track, photos: int, what: str
) -> Iterator[Prepared]:
    """The same blocks, while `track` is shown each photo of them."""

    def each() -> Iterator[Prepared | None]:
        for block in blocks:
            yield block
            yield from repeat(None, len(block) - 1)

    return (block for block in track(each(), photos, what) if block is not None)


def _shards(encoder: Encoder, blocks: Iterable[Prepared], tokens: bool) -> Iterator[_Encoded]:
    pending, waiting = list[Prepared](), 0
    for block in blocks:
        pending.append(block)
        waiting += len(block)
        if waiting >= SHARD:
            yield _encoded(encoder, pending, tokens)
            pending, waiting = [], 0
    if pending:
        yield _encoded(encoder, pending, tokens)


def _encoded(encoder: Encoder, blocks: list[Prepared], tokens: bool) -> _Encoded:
    rows = np.concatenate([block.rows for block in blocks])
    broken = {row: reason for block in blocks for row, reason in block.broken.items()}
    values = [block.values for block in blocks if len(block.rows)]
    return _Encoded(rows, in_batches(encoder, values, tokens=tokens), broken)
