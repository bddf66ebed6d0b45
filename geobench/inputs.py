"""Inputs: what methods see of a part; features from the store, labels in training only."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, final

import numpy as np

from geobench.data import (
    BrokenPicture,
    Dataset,
    Examples,
    Image,
    Indices,
    Labelled,
    Read,
    Rows,
)
from geobench.encoders import Encoder
from geobench.encoding_time import EncodingTime
from geobench.errors import ConfigError, DataError
from geobench.features import Store, Track, What, encode
from geobench.splits import Part

log = logging.getLogger(__name__)

KINDS: tuple[What, ...] = ("pooled", "tokens")
"""The kinds of features, in the order in which they are spoken of."""


@final
class Inputs:
    """The features that the methods of one benchmark want, and the examples made of them.

    Args:
        encoder: the benchmark's encoder, or None where no method wants features.
        wants: the union of what its methods want, of "pooled" and "tokens".
        folder: where feature stores lie.
    """

    def __init__(self, encoder: Encoder | None, wants: frozenset[str], folder: Path) -> None:
        self.encoder = encoder
        self.wants: tuple[What, ...] = tuple(what for what in KINDS if what in wants)
        self._folder = folder
        self._stores: dict[str, dict[What, Store]] = {}

    def check(self, dataset: Dataset) -> None:
        """Raise ConfigError if the encoder cannot read what the dataset brings."""
        if not self.wants or self.encoder is None:
            return
        if self.encoder.reads not in dataset.provides:
            has = " and ".join(sorted(dataset.provides)) or "neither images nor features"
            raise ConfigError(
                f"encoder {self.encoder.name} reads {self.encoder.reads}, "
                f"and dataset {dataset.name} has {has}",
                remedy="Use `encoder: given` for a dataset's own features, "
                "or leave out the methods that want features.",
            )

    def stores(self, dataset: Dataset) -> dict[What, Store]:
        """The feature stores of a dataset, opened once."""
        if self.encoder is None or not self.wants:
            return {}
        if dataset.digest not in self._stores:
            self._stores[dataset.digest] = {
                what: Store(self._folder, self.encoder, dataset, what=what) for what in self.wants
            }
        return self._stores[dataset.digest]

    def broken(self, dataset: Dataset) -> Indices:
        """The rows whose pictures are known to be unreadable."""
        rows = {row for store in self.stores(dataset).values() for row in store.broken}
        return np.array(sorted(rows), dtype=np.intp)

    def provide(self, parts: list[Part], *, track: Track, on_broken: str) -> None:
        """Encode what is missing of these parts.

        Raises:
            DataError: pictures that cannot be read, where `on_broken` is "fail".
        """
        datasets = {part.dataset.digest: part.dataset for part in parts}
        for key, dataset in datasets.items():
            stores = self.stores(dataset)
            if not stores or self.encoder is None:
                continue
            rows = np.concatenate([part.rows for part in parts if part.dataset.digest == key])
            rows = np.unique(rows)
            encode(stores, encoder=self.encoder, dataset=dataset, rows=rows, track=track)
            broken = np.intersect1d(self.broken(dataset), rows)
            if len(broken):
                first = int(broken[0])
                reason = next(s.broken[first] for s in stores.values() if first in s.broken)
                text = (
                    f"{len(broken)} of {len(rows)} pictures of {dataset.name} cannot be read, "
                    f"the first is {dataset.table.ids[first]} ({reason})"
                )
                if on_broken == "fail":
                    raise DataError(text, remedy="Mend them, or set `on_broken: exclude`.")
                log.warning("%s; they are left out for every method", text)

    def time(self, dataset: Dataset, wants: frozenset[str]) -> EncodingTime | None:
        """How long the features in `wants` took to make; None if it is not known, or none are."""
        found = [store.time for what, store in self.stores(dataset).items() if what in wants]
        known = [each for each in found if each is not None]
        # An encoder makes tokens and pooled features together, so that times do not add up.
        return max(known, key=lambda each: each.seconds_per_photo, default=None)

    def labelled(self, part: Part, wants: frozenset[str]) -> Labelled:
        """The photos of a part with the features in `wants`, their places and attributes."""
        return Labelled(part.ids, part.points, part.attributes, **self._given(part, wants))

    def examples(self, part: Part, wants: frozenset[str]) -> Examples:
        """The photos of a part with the features in `wants`, as they are at test time."""
        return Examples(part.ids, **self._given(part, wants))

    def _given(self, part: Part, wants: frozenset[str]) -> "_Given":
        stores = self.stores(part.dataset) if len(part) else {}
        dataset, rows = part.dataset, part.rows

        def read(positions: Indices) -> Iterator[Image | BrokenPicture]:
            return dataset.images(rows[positions])

        return {
            "pooled": stores["pooled"].rows(rows) if "pooled" in wants and stores else None,
            "tokens": stores["tokens"].rows(rows) if "tokens" in wants and stores else None,
            "read": read if "images" in dataset.provides else None,
        }


class _Given(TypedDict):
    """What photos are given beside their ids."""

    pooled: Rows | None
    tokens: Rows | None
    read: Read | None
