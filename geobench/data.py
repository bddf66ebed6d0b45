"""Datasets: a columnar table of photos, and access to their pixels or features."""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from geobench.components import Plugin, canonical
from geobench.digests import array_digest, digest
from geobench.errors import DataError, PredictionError
from geobench.geo import Floats, Points, wrap
from geobench.strings import Column, Columns, Strings

Indices: TypeAlias = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True)
class Fact:
    """A measured number that belongs in a record and in no key."""

    value: float
    unit: str


@final
@dataclass(frozen=True, slots=True)
class Table:
    """The photos of a dataset as columns; no Python object per row.

    Columns of strings are arrays of numpy.str_, or `Strings`, which a long one does not make wide.

    Args:
        ids: unique strings, (N,).
        points: where each photo was taken, (N, 2), degrees.
        groups: what must not leak between train and test (uploader, sequence; where there is
            neither, the photo), (N,) strings or integers.
        attributes: further columns by name, (N,) strings or numbers; "" or NaN where unknown.
        part: the source's own part of each photo ("train", "test", ...), (N,), or None.
        sizes: bytes of each photo's file, (N,), or None where there are no files.
        promised: how many photos the source promised.
        broken: what was promised and is not in the table: reason -> how many. Names of files and
            paths are taken out of reasons, for pages show them.
        sliced: the attributes whose values are slices of the tables; None stands for all but
            numbers that name things, such as ids (`identifiers.names_things`).
        published: the attributes that are declared fit to be published, each value of them; None
            stands for those that `sliced` names. Of others a board shows only values that at least
            20 photos share and that are no addresses of people, and says how many it leaves out.
    """

    ids: NDArray[np.str_]
    points: Points
    groups: Column
    attributes: Mapping[str, Column] = field(default_factory=dict)
    part: Column | None = None
    sizes: NDArray[np.int64] | None = None
    promised: int = 0
    broken: Mapping[str, int] = field(default_factory=dict)
    sliced: tuple[str, ...] | None = None
    published: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def grouped(self) -> bool:
        """Whether groups are other than the photos themselves."""
        return self.groups is not self.ids

    def take(self, indices: Indices) -> "Table":
        """These photos only, as if the source had promised no other."""
        ids = self.ids[indices]
        return replace(
            self,
            ids=ids,
            points=self.points[indices],
            groups=self.groups[indices] if self.grouped else ids,
            attributes={name: column[indices] for name, column in self.attributes.items()},
            part=None if self.part is None else self.part[indices],
            sizes=None if self.sizes is None else self.sizes[indices],
            promised=len(indices),
            broken={},
        )


@final
@dataclass(frozen=True, slots=True)
class BrokenPicture:
    """Stands in `images` where a picture cannot be read, and says why.

    The reason stands in logs as it is, and on pages without names of files, paths and numbers that
    differ from photo to photo (`geobench.reasons`).
    """

    reason: str


Image: TypeAlias = NDArray[np.uint8]
Publishes: TypeAlias = Literal["pictures", "coordinates", "scores"]
Read: TypeAlias = Callable[[Indices], Iterator["Image | BrokenPicture"]]
"""(positions (n,)) -> their pictures, lazily."""


class Dataset(Plugin):
    """Photos with the places they were taken at.

    Subclasses give `load`, and `images` or `features` or neither, and say which in `provides`.
    """

    kind = "dataset"

    @property
    def title(self) -> str:
        """What pages call it; "": its name."""
        return ""

    @property
    def licence(self) -> str:
        """Of its pictures and places; a class may say it as an attribute. "": not stated."""
        return ""

    @property
    def citation(self) -> str:
        """Whom to credit; a class may say it as an attribute. "": nobody is named."""
        return ""

    @property
    def publishes(self) -> Publishes:
        """What a leaderboard may show: `pictures`, `coordinates`, or only `scores`."""
        return "coordinates"

    @property
    def provides(self) -> frozenset[str]:
        """Of "images" and "features", what the dataset has."""
        return frozenset()

    @property
    def on_earth(self) -> bool:
        """Whether its places are on the real Earth, of which continents and coasts are known."""
        return True

    @property
    def reach_km(self) -> float:
        """Two photos closer than this may show the same thing."""
        return 0.0

    @property
    def view_km(self) -> float:
        """The side of the square of ground that each photo shows, centred on its place and north
        up (azimuthal equidistant there); 0 where photos show no such square."""
        return 0.0

    @property
    def reading(self) -> str:
        """How files become pixels, in words that change whenever pixels do: in the digest, so that
        no features of before are taken for those of now. "" where that never changed."""
        return ""

    @abstractmethod
    def load(self) -> Table:
        """Read the table; called once, when it is first needed."""

    def images(self, indices: Indices) -> Iterator[Image | BrokenPicture]:
        """The pictures of these rows, in order, each uint8 (H, W, 3), read lazily."""
        raise DataError(f"dataset {self.name} has no pictures")

    def changed(self, indices: Indices) -> NDArray[np.float64] | None:
        """When the files of these pictures last changed, in seconds since 1970, (n,), 0 where there
        is none; None where that is not known. One that could not be read is tried again once this
        is another time, and by `geobench run --force` in any case."""
        return None

    def features(self, indices: Indices) -> Any:
        """The dataset's own features of these rows, a geobench.Features."""
        raise DataError(f"dataset {self.name} has no features of its own")

    @cached_property
    def table(self) -> Table:
        """The checked table.

        Raises:
            DataError: ids that repeat, columns of different lengths, coordinates off the globe, or
                slices by what is no attribute.
        """
        return _checked(self.load(), self.name)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over name, version, configuration without paths, ids, coordinates, groups,
        attributes and, for photos on disk, each file's size and how it is read."""
        table = self.table
        columns = [table.ids, table.points, table.groups]
        columns += [table.attributes[name] for name in sorted(table.attributes)]
        columns += [column for column in (table.part, table.sizes) if column is not None]
        config = canonical(self.config, paths=False)
        head = [self.name, self.version, config, sorted(table.attributes)]
        head += [self.reading] if self.reading else []
        return digest([head, array_digest(*columns)])


def _checked(table: Table, name: str) -> Table:
    from geobench.reasons import counted  # a start needs none

    count = len(table.ids)
    columns = {"points": table.points, "groups": table.groups, **table.attributes}
    columns |= {"part": table.part} if table.part is not None else {}
    columns |= {"sizes": table.sizes} if table.sizes is not None else {}
    for column, values in {"ids": table.ids, **columns}.items():
        kind = np.dtype(np.str_) if isinstance(values, Strings) else np.asarray(values).dtype
        if kind.kind not in "Ufiub":
            raise DataError(
                f"column {column} holds {kind}",
                where=f"dataset {name}",
                remedy="Give arrays of numbers, or of strings as numpy.str_.",
            )
        if len(values) != count:
            raise DataError(
                f"column {column} has {len(values)} rows where ids have {count}",
                where=f"dataset {name}",
            )
    unique, counts = np.unique(table.ids, return_counts=True)
    if len(unique) != count:
        raise DataError(
            f"{count - len(unique)} ids repeat, the first is {str(unique[counts > 1][0])!r}",
            where=f"dataset {name}",
            remedy="Every photo needs an id of its own.",
        )
    try:
        points = wrap(table.points, name="coordinates").reshape(count, 2)
    except PredictionError as error:
        raise DataError(error.problem, where=f"dataset {name}") from None
    return Table(
        ids=table.ids,
        points=points,
        groups=table.groups,
        attributes=dict(table.attributes),
        part=table.part,
        sizes=table.sizes,
        promised=table.promised or count,
        broken=counted(table.broken),
        sliced=_sliced(table, name),
        published=table.published if table.published is not None else table.sliced or (),
    )


def _sliced(table: Table, name: str) -> tuple[str, ...]:
    """The attributes that are sliced by, in the order in which the table has them."""
    from geobench.identifiers import names_things  # a start, and most plugins, need none

    if table.sliced is None:
        numbers = {a: v for a, v in table.attributes.items() if not isinstance(v, Strings)}
        return tuple(
            a for a in table.attributes if a not in numbers or not names_things(a, numbers[a])
        )
    for wanted in table.sliced:
        if wanted not in table.attributes:
            there = ", ".join(table.attributes) or "none"
            raise DataError(
                f"sliced names {wanted!r}, which is no attribute",
                where=f"dataset {name}",
                remedy=f"The attributes are: {there}.",
            )
    return tuple(a for a in table.attributes if a in table.sliced)


def hashes(ids: NDArray[np.str_]) -> NDArray[np.uint64]:
    """A 64-bit hash of each id, the same on every machine: the order in which photos are taken
    wherever only some can be."""
    found = (hashlib.blake2b(str(i).encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(b"".join(found), dtype=">u8").astype(np.uint64)


def smallest_by_hash(ids: NDArray[np.str_], count: int) -> Indices:
    """Positions of the `count` ids with the smallest hashes, in ascending position."""
    if count >= len(ids):
        return np.arange(len(ids))
    return np.sort(np.argsort(hashes(ids), kind="stable")[:count])


class Numbers(Protocol):
    """Numbers per photo, (n, ...): an array, or what reads them when it is asked."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, positions: Indices, /) -> NDArray[Any]: ...


@final
class Rows:
    """Numbers per photo, held in shards (memory-mapped or not), read in pieces.

    Args:
        shards: arrays (n_k, ...), or what reads them, of equal trailing shape.
        rows: for each row its position in the shards laid end to end, (N,); all, by default.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, shards: Sequence[Numbers], rows: Indices | None = None) -> None:
        self._shards = list(shards)
        self._starts = np.concatenate([[0], np.cumsum([len(s) for s in self._shards])])
        self._rows = np.arange(self._starts[-1]) if rows is None else np.asarray(rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._shards[0].shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, indices: Indices | slice) -> "Rows":
        """The same numbers restricted to these rows; nothing is read."""
        return Rows(self._shards, self._rows[indices])

    def __getitem__(self, key: slice | Indices) -> NDArray[np.float32]:
        wanted = self._rows[key]
        if len(self._shards) == 1:
            return np.asarray(self._shards[0][wanted], dtype=np.float32)
        out = np.empty((len(wanted), *self.shape[1:]), np.float32)
        shard = np.searchsorted(self._starts, wanted, side="right") - 1
        for k in np.unique(shard):
            where = shard == k
            out[where] = self._shards[k][wanted[where] - self._starts[k]]
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or np.float32, copy=False)


class Examples:
    """Photos as a method sees them: ids and features. It has no labels: they cannot leak.

    Args:
        ids: (N,).
        pooled: one vector per photo, (N, D), or None if the method does not want it.
        tokens: several vectors per photo, (N, T, E), or None likewise.
        read: gives the pictures of these positions; set by the harness.
    """

    def __init__(
        self,
        ids: NDArray[np.str_],
        *,
        pooled: Rows | None = None,
        tokens: Rows | None = None,
        read: Read | None = None,
    ) -> None:
        self.ids = ids
        given = {"pooled": pooled, "tokens": tokens}
        self.features: Mapping[str, Rows] = {
            n: rows for n, rows in given.items() if rows is not None
        }
        """Those of "pooled" and "tokens" that there are."""
        self.read = read

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pooled(self) -> Rows:
        """One vector per photo, (N, D).

        Raises:
            DataError: the method did not ask for them, or the benchmark has none.
        """
        return self._of("pooled")

    @property
    def tokens(self) -> Rows:
        """Several vectors per photo, (N, T, E).

        Raises:
            DataError: the method did not ask for them, or the benchmark has none.
        """
        return self._of("tokens")

    def _of(self, what: str) -> Rows:
        if what not in self.features and len(self) == 0:
            raise DataError(
                f"there are no photos here, and so no {what} features",
                remedy="Look at len(val) first: a split may have no validation photos.",
            )
        if what not in self.features:
            raise DataError(
                f"these photos come without {what} features",
                remedy=f'Name "{what}" in the method\'s `wants`, and an encoder in the YAML file.',
            )
        return self.features[what]

    def images(self) -> Iterator[Image | BrokenPicture]:
        """The pictures, lazily, for explanations; not for prediction.

        Raises:
            DataError: the dataset has no pictures.
        """
        if self.read is None:
            raise DataError("these examples have no pictures")
        return self.read(np.arange(len(self)))

    def take(self, indices: Indices) -> Self:
        """These examples only; features are not read."""
        some = self.with_features({n: rows.take(indices) for n, rows in self.features.items()})
        some.ids, read = self.ids[indices], self.read
        some.read = None if read is None else (lambda positions: read(indices[positions]))
        return some

    def few(self, count: int) -> Self:
        """At most `count` of them: those with the smallest hashes of id, in their order."""
        return self.take(smallest_by_hash(self.ids, count))

    def with_features(self, features: Mapping[str, Rows]) -> Self:
        """The same photos with other features by name, "pooled" or "tokens", (N, ...) each."""
        changed = copy(self)
        changed.features = dict(features)
        return changed


@final
class Labelled(Examples):
    """Photos to learn from: examples with the places they were taken at.

    Args:
        ids: (N,).
        points: true places, (N, 2), degrees.
        attributes: further columns by name, (N,) each.
        pooled, tokens, read: as of Examples.
    """

    def __init__(
        self,
        ids: NDArray[np.str_],
        points: Points,
        attributes: Mapping[str, Column] = MappingProxyType({}),
        *,
        pooled: Rows | None = None,
        tokens: Rows | None = None,
        read: Read | None = None,
    ) -> None:
        super().__init__(ids, pooled=pooled, tokens=tokens, read=read)
        self.points = points
        self.attributes = attributes if isinstance(attributes, Columns) else Columns(attributes)

    def take(self, indices: Indices) -> Self:
        """These examples only, with their labels; features are not read."""
        some = super().take(indices)
        some.points = self.points[indices]
        some.attributes = self.attributes.take(indices)
        return some

    def unlabelled(self) -> Examples:
        """The same photos as they are at test time."""
        return Examples(
            self.ids,
            pooled=self.features.get("pooled"),
            tokens=self.features.get("tokens"),
            read=self.read,
        )


@final
@dataclass(frozen=True, slots=True)
class Truth:
    """What metrics compare with.

    Args:
        points: true places, (N, 2).
        attributes: further columns, (N,) each.
        novelty: distance in km to the nearest training photo, (N,); NaN where nothing trained.
    """

    points: Points
    attributes: Mapping[str, NDArray[Any]]
    novelty: Floats

    def __len__(self) -> int:
        return len(self.points)

    def take(self, indices: Indices) -> "Truth":
        """The truth of these photos only."""
        attributes = {name: column[indices] for name, column in self.attributes.items()}
        return Truth(self.points[indices], attributes, self.novelty[indices])
