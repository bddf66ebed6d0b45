"""Inputs: what methods see of a part; features from the store, labels in training only."""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypedDict, final

import numpy as np

from geobench.assignments import Part
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
from geobench.encoders import Encoder, Features
from geobench.errors import ConfigError, DataError, PluginError
from geobench.features.encode import encode
from geobench.features.encoding_time import EncodingTime
from geobench.features.store import Store, What
from geobench.progress import Track
from geobench.reasons import together

log = logging.getLogger(__name__)

KINDS: tuple[What, ...] = ("pooled", "tokens")
"""The kinds of features, in the order in which they are spoken of."""


@final
@dataclass(frozen=True, slots=True)
class Lacking:
    """Photos whose features are not in the store yet.

    Args:
        dataset: its name.
        what: "pooled" or "tokens".
        photos: how many.
        shape: of the features of one photo, or None where that is not known before.
    """

    dataset: str
    what: What
    photos: int
    shape: tuple[int, ...] | None

    @property
    def size(self) -> int | None:
        """Bytes on disk."""
        itemsize = np.dtype(np.float32).itemsize
        return None if self.shape is None else self.photos * prod(self.shape) * itemsize


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
        self._probes: dict[str, tuple[int, ...] | None] = {}

    def __reduce__(self) -> tuple[Any, ...]:  # another process opens what is stored for itself
        return Inputs, (self.encoder, frozenset(self.wants), self._folder)

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

    def unread(self, parts: list[Part]) -> dict[str, dict[str, int]]:
        """Digest of a dataset -> why pictures of its photos in these parts are known to be
        unreadable -> how many; only of datasets that have such."""
        found = dict[str, dict[str, int]]()
        for dataset, rows in _rows(parts):
            stores = self.stores(dataset).values()
            why = {row: reason for store in stores for row, reason in store.broken.items()}
            lost = np.intersect1d(np.array(list(why), np.intp), rows).tolist()
            if lost:
                photos = dataset.table.ids[lost].tolist()
                reasons = together([why[row] for row in lost], photos)
                found[dataset.digest] = dict(Counter(reasons).most_common())
        return found

    def width(self, dataset: Dataset, *, probe: bool = False) -> int | None:
        """How many numbers the pooled features of a photo have, or None where it is not known.

        Args:
            dataset: whose photos.
            probe: encode one of them, which may take long, if nothing else tells.

        Raises:
            PluginError: the encoder's `shape` is none.
        """
        shape = self.shape(dataset, "pooled")
        if shape is None and probe and self.encoder is not None:
            if dataset.digest not in self._probes:  # several methods may ask
                self._probes[dataset.digest] = _probed(self.encoder, dataset)
            shape = self._probes[dataset.digest]
        return None if shape is None else shape[0]

    def shape(self, dataset: Dataset, what: What) -> tuple[int, ...] | None:
        """The shape of the features of one photo, or None where it is not known before.

        The encoder says it, or features that are stored, or those that the dataset brings.

        Raises:
            PluginError: the encoder's `shape` is none.
        """
        if self.encoder is None:
            return None
        said = _said(self.encoder, what)
        if said is None and what in self.wants:
            said = self.stores(dataset)[what].shape
        if said is None and self.encoder.reads == "features" and len(dataset.table):
            try:
                found = self.encoder.encode(dataset.features(_FIRST), tokens=what == "tokens")
            except Exception as error:  # it is told where they are encoded, with its remedy
                log.debug("the features of %s have no shape yet: %s", dataset.name, error)
            else:
                said = _shape(found, what)
        return said

    def lacking(self, parts: list[Part]) -> list[Lacking]:
        """What there is to encode of these parts."""
        found = []
        for dataset, rows in _rows(parts):
            for what, store in self.stores(dataset).items():
                photos = len(store.missing(rows))
                if photos:
                    found.append(Lacking(dataset.name, what, photos, self.shape(dataset, what)))
        return found

    def provide(
        self,
        parts: list[Part],
        *,
        track: Track,
        on_broken: str,
        device: str = "cpu",
        again: bool = False,
    ) -> None:
        """Encode what is missing of these parts, on this device; with `again` also pictures that
        are known to be broken.

        Raises:
            DataError: pictures that cannot be read, where `on_broken` is "fail".
        """
        for dataset, rows in _rows(parts):
            stores, encoder = self.stores(dataset), self.encoder
            if not stores or encoder is None:
                continue
            # Read once before anything trains: found later, a changed byte fails who reads it.
            for store in stores.values():
                store.check(rows)
            encode(
                stores,
                encoder=encoder,
                dataset=dataset,
                rows=rows,
                track=track,
                device=device,
                again=again,
            )
            broken = np.intersect1d(self.broken(dataset), rows)
            if len(broken):
                first = int(broken[0])
                reason = next(s.broken[first] for s in stores.values() if first in s.broken)
                text = (
                    f"{len(broken)} of {len(rows)} pictures of {dataset.name} cannot be read, "
                    f"the first is {_named(dataset.table.ids[broken].tolist(), reason)}"
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


_FIRST = np.array([0])


def _rows(parts: list[Part]) -> Iterator[tuple[Dataset, Indices]]:
    """Each dataset of the parts, and its rows in them, ascending."""
    datasets = {part.dataset.digest: part.dataset for part in parts}
    for key, dataset in datasets.items():
        wanted = np.zeros(len(dataset.table), bool)
        for part in parts:
            if part.dataset.digest == key:
                wanted[part.rows] = True
        yield dataset, np.flatnonzero(wanted)


def _said(encoder: Encoder, what: What) -> tuple[int, ...] | None:
    try:
        said = encoder.shape(what)
    except Exception as error:
        problem = f"cannot say its shape ({type(error).__name__}: {error})"
    else:
        numbers = isinstance(said, tuple) and all(isinstance(n, int) and n > 0 for n in said)
        if said is None or (numbers and len(said) == _DIMENSIONS[what]):
            return said
        problem = f"says that {what} of a photo have the shape {said!r}"
    raise PluginError(
        problem,
        where=f"encoder {encoder.name}",
        remedy="`shape` gives (D,) for pooled features, (T, E) for tokens, or None.",
    )


def _probed(encoder: Encoder, dataset: Dataset) -> tuple[int, ...] | None:
    """The shape of what an encoder makes of the first picture that can be read."""
    if encoder.reads not in dataset.provides:
        return None
    for row in range(len(dataset.table)):
        (image,) = dataset.images(np.array([row]))
        if not isinstance(image, BrokenPicture):
            return _shape(encoder.encode(encoder.prepare(image)[None], tokens=False), "pooled")
    return None


def _named(photos: list[str], reason: str) -> str:
    """The photos, each once, the first with the reason why it cannot be read."""
    first, *others = photos
    reason = reason.removeprefix(f"{first.rpartition('/')[2]}: ")
    then = f", then {', '.join(others[:_NAMED])}" if others else ""
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f"{first} ({reason}){then}{more}"


_NAMED = 100  # photos
_DIMENSIONS = {"pooled": 1, "tokens": 2}


def _shape(features: Features, what: What) -> tuple[int, ...] | None:
    values = features.pooled if what == "pooled" else features.tokens
    return None if values is None else tuple(values.shape[1:])
