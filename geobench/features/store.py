"""The feature store: what is encoded lies in immutable shards that are memory-mapped.

A store belongs to one (encoder digest, dataset digest). A shard is a folder, renamed into place
when it is complete; a byte of it that has changed since is found when it is read.
"""

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench import drafts
from geobench.data import Dataset, Indices, Rows
from geobench.digests import digest
from geobench.encoders import Encoder
from geobench.errors import DataError, StoreError
from geobench.features import encoding_time, shards
from geobench.features.encoding_time import EncodingTime
from geobench.features.shards import Shard
from geobench.names import file_name

log = logging.getLogger(__name__)

What: TypeAlias = Literal["pooled", "tokens"]
"""A kind of features."""


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
        named = file_name(f"{encoder.name}-{dataset.name}-{what}")
        self.folder = folder / f"{named}-{key[:16]}"
        self._dataset = dataset
        self._just_tried: set[int] = set()
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
        tried: list[tuple[int, float]] = []
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
            tried += shard.tried.items()
            if len(shard):
                self._shards.append(shard)
                self._times += [] if shard.time is None else [shard.time]
                self._position[shard.rows] = start + np.arange(len(shard))
                start += len(shard)
        self._try_mended(tried)
        if unchecked:
            log.warning(
                "%s: %d shards have no digests, as of an earlier version: their photos are encoded "
                "again",
                self.folder,
                unchecked,
            )

    def _try_mended(self, tried: list[tuple[int, float]]) -> None:
        """Take for broken no picture that was encoded since, or whose file is not as it was."""
        mended = {row for row in self.broken if self._position[row] >= 0}
        # What this process has tried it does not try again: its photos must be one or the other.
        rows = list({row for row, _ in tried} - mended - self._just_tried)
        now = self._dataset.changed(np.array(rows, dtype=np.intp)) if rows else None
        if now is not None:
            known = set(tried)
            same = zip(rows, now.tolist(), strict=True)
            mended |= {row for row, time in same if (row, time) not in known}
        for row in mended:
            del self.broken[row]

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the features of one photo; None where there are none yet."""
        return self._shards[0].shape[1:] if self._shards else None

    def missing(self, rows: Indices, *, broken: bool = False) -> Indices:
        """Those of `rows` that are not encoded; with `broken` those known to be broken, too."""
        there = self._position >= 0
        if not broken:
            there[list(self.broken)] = True
        return rows[~there[rows]]

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
        changed = self._dataset.changed(np.array(list(broken), dtype=np.intp)) if broken else None
        tried = {} if changed is None else dict(zip(broken, changed.tolist(), strict=True))
        self._just_tried |= set(broken)
        name = f"shard-{digest([rows.tolist(), sorted(broken)])[:16]}"
        with drafts.folder(self.folder / name) as draft:
            shards.write(draft, rows, values, broken=broken, tried=tried, took=took)

    def check(self, rows: Indices) -> None:
        """Read what is stored of these rows, and remove shards of which that has changed."""
        positions = np.sort(self._position[rows])
        starts = np.cumsum([0, *map(len, self._shards)])
        ends = np.searchsorted(positions, starts)
        lost = False
        for shard, start, (first, last) in zip(
            self._shards, starts.tolist(), pairwise(ends.tolist()), strict=False
        ):
            try:
                if first < last:
                    shard.check(positions[first:last] - start)
            except StoreError as error:
                log.warning("%s %s: its photos are encoded again", shard.folder, error.problem)
                drafts.remove(shard.folder)
                lost = True
        if lost:
            self.reload()

    def clean(self) -> None:
        """Remove damaged shards and what killed runs left behind; only under the store's lock."""
        self.reload()  # another run may have mended a shard since
        for shard in self._damaged:
            drafts.remove(shard)
        drafts.sweep(self.folder, age=0.0)
