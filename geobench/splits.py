"""Splits: rules that turn a dataset into train, val and named test parts, each with a digest."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self, final

import numpy as np
from pydantic import Field

from geobench import components, footprints
from geobench.components import Plugin
from geobench.data import Column, Dataset, Fact, Indices, smallest_by_hash
from geobench.digests import array_digest
from geobench.errors import DataError
from geobench.geo import Places, Points
from geobench.names import LABEL
from geobench.statistics.units import effective_units


class SplitConfig(components.Config):
    """What every split has."""

    added = {"val_ratio": None}

    seed: int = Field(0, ge=0, description="draws the split; training has seeds of its own")
    train_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the training rows kept, by smallest hash of id; "
        "val and parts stay as they are",
    )
    val_ratio: float | None = Field(
        None,
        gt=0,
        description="the most validation photos for each training photo that is kept, by smallest "
        "hash of id and at least one: 0.1 for a tenth as many; none: all of them",
    )


@final
@dataclass(frozen=True)
class Part:
    """Rows of one dataset, with what intervals resample.

    Args:
        name: `train`, `val`, or the test part's name.
        dataset: where the rows are.
        rows: positions in the dataset's table, (N,).
        units: the resampling unit of each photo, (N,): the block, country or group that the
            rule drew, or the dataset's `group`.
    """

    name: str
    dataset: Dataset
    rows: Indices
    units: Column

    @classmethod
    def of(cls, name: str, dataset: Dataset, rows: Indices, units: Column | None = None) -> Self:
        """A part whose rows are sorted; its units are the dataset's groups unless given."""
        order = np.argsort(rows, kind="stable")
        rows = np.asarray(rows, dtype=np.intp)[order]
        units = dataset.table.groups[rows] if units is None else units[order]
        return cls(name, dataset, rows, units)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> np.ndarray[Any, np.dtype[np.str_]]:
        return self.dataset.table.ids[self.rows]

    @property
    def points(self) -> Points:
        return self.dataset.table.points[self.rows]

    @property
    def groups(self) -> Column:
        return self.dataset.table.groups[self.rows]

    @property
    def attributes(self) -> dict[str, Column]:
        return {name: c[self.rows] for name, c in self.dataset.table.attributes.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, coordinates and units, in order."""
        return array_digest(self.ids, self.points, self.units)

    def keep(self, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> "Part":
        """The rows where `mask` (N,) holds."""
        return replace(self, rows=self.rows[mask], units=self.units[mask])


@final
@dataclass(frozen=True)
class Assignment:
    """What a split made of a dataset.

    Args:
        train: what methods learn from; may be empty.
        val: what they tune on; may be empty.
        parts: one or more test parts of unique names.
        left_out: why rows are in none of these (`buffer`, `set-aside`) -> the rows.
        broken: part -> how many of its photos were left out because their picture is broken.
        apart_km: test part -> the distance to train and val that the split promises.
        facts: what the split measured.
    """

    train: Part
    val: Part
    parts: tuple[Part, ...]
    left_out: Mapping[str, Indices] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    apart_km: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def all_parts(self) -> tuple[Part, ...]:
        return (self.train, self.val, *self.parts)


class Split(Plugin):
    """A rule that assigns photos to train, val and test parts."""

    kind = "split"
    Config: ClassVar[type[components.Config]] = SplitConfig

    @property
    def separates_groups(self) -> bool:
        """Promises that no group is in test and in train or val; the harness checks.

        A class attribute will do where it does not depend on the configuration."""
        return False

    @property
    def twin_of(self) -> dict[str, Any] | None:
        """The `identity()` of the split whose test photos this one repeats, of any dataset, after
        a training of the same size on other photos; None if it is no twin.

        Sizes that differ by more than 1 % are an error where a benchmark has both."""
        return None

    @abstractmethod
    def draw(self, dataset: Dataset) -> Assignment:
        """Assign the rows of `dataset`; depends on the dataset and the configuration alone."""

    @final
    def assign(self, dataset: Dataset) -> Assignment:
        """Draw, apply `train_share` and `val_ratio`, and check what was promised.

        Raises:
            DataError: parts that overlap, repeat a name or are empty, or a broken promise.
        """
        drawn = self.draw(dataset)
        share, ratio = self.config.train_share, self.config.val_ratio
        left_out = dict(drawn.left_out)
        if share < 1 and len(drawn.train):
            train, left_out["train-share"] = _cut(drawn.train, round(share * len(drawn.train)))
            drawn = replace(drawn, train=train, left_out=left_out)
        most = len(drawn.val) if ratio is None else math.floor(ratio * len(drawn.train) + 1e-9)
        if most < len(drawn.val):
            val, left_out["val-ratio"] = _cut(drawn.val, most)
            drawn = replace(drawn, val=val, left_out=left_out)
        _check(self, drawn)
        return drawn


def _cut(part: Part, count: int) -> tuple[Part, Indices]:
    """So many of a part, at least one, by smallest hash of id; and the other rows."""
    mask = np.zeros(len(part), bool)
    mask[smallest_by_hash(part.ids, max(1, count))] = True
    return part.keep(mask), part.rows[~mask]


def _check(split: Split, drawn: Assignment) -> None:
    where = f"split {split.name}"
    names = [part.name for part in drawn.parts]
    if len(set(names)) != len(names) or not names:
        raise DataError(f"test parts are {names}: give one or more unique names", where=where)
    for name in names:
        if not LABEL.fullmatch(name):
            raise DataError(
                f"{name!r} is no name of a test part",
                where=where,
                remedy="Letters, digits, spaces and ._+@- are; it names a folder.",
            )
    for part in drawn.parts:
        if len(part) == 0:
            raise DataError(
                f"test part {part.name} is empty",
                where=where,
                remedy="Use a larger dataset or other settings of the split.",
            )
    home = drawn.train.dataset
    rows = [part.rows for part in drawn.all_parts if part.dataset is home]
    rows += list(drawn.left_out.values())
    joined = np.concatenate(rows)
    if len(np.unique(joined)) != len(joined):
        raise DataError("train, val, parts and left-out rows overlap", where=where)
    learnt = [part for part in (drawn.train, drawn.val) if len(part)]
    for part in drawn.parts:
        if split.separates_groups and part.dataset is home:
            shared = np.isin(part.groups, [g for p in learnt for g in np.unique(p.groups)])
            if shared.any():
                raise DataError(
                    f"{shared.sum()} photos of {part.name} share a group with train or val",
                    where=where,
                )
        promised = drawn.apart_km.get(part.name, 0)
        if promised and learnt:
            seen = Places(np.concatenate([p.points for p in learnt]))
            nearest = float(seen.nearest(part.points).distance_km.min())
            if nearest < promised:
                raise DataError(
                    f"{part.name} comes within {nearest:.3f} km of train or val, "
                    f"not the promised {promised:g} km",
                    where=where,
                )


_TWINS_DIFFER = 0.01  # the most, of the larger training


def check_twins(splits: Mapping[str, Split], drawn: Mapping[str, Assignment]) -> None:
    """Check that a split and its twin train and validate on as many photos, where both are there.

    Args:
        splits: label -> split.
        drawn: label -> what it drew, broken pictures included.

    Raises:
        DataError: their sizes differ by more than 1 %.
    """
    for label, twin in splits.items():
        wanted = twin.twin_of
        plain = [other for other, split in splits.items() if split.identity() == wanted]
        for other in plain if wanted is not None else []:
            one, two = drawn[label], drawn[other]
            for mine, its in ((one.train, two.train), (one.val, two.val)):
                large = max(len(mine), len(its))
                if abs(len(mine) - len(its)) > _TWINS_DIFFER * large:
                    raise DataError(
                        f"it is the twin of {other}, and has {len(mine):,} {mine.name} photos "
                        f"where {other} has {len(its):,}: a gap between the two would hold the "
                        "sizes of their trainings, too",
                        where=f"split {label}",
                        remedy="Draw as many (within 1 %), or return None from `twin_of`.",
                    )


def without(assignment: Assignment, broken: Mapping[str, Indices]) -> Assignment:
    """The same assignment without rows whose pictures are broken.

    Args:
        assignment: what a split drew.
        broken: digest of a dataset -> its broken rows.

    Raises:
        DataError: nothing is left of a test part.
    """

    def cleaned(part: Part) -> Part:
        bad = broken.get(part.dataset.digest)
        return part if bad is None else part.keep(~np.isin(part.rows, bad))

    parts = tuple(cleaned(part) for part in assignment.parts)
    for before, after in zip(assignment.parts, parts, strict=True):
        if len(after) == 0:
            raise DataError(f"all {len(before)} pictures of test part {before.name} are broken")
    train, val = cleaned(assignment.train), cleaned(assignment.val)
    counts = {
        before.name: len(before) - len(after)
        for before, after in zip(assignment.all_parts, (train, val, *parts), strict=True)
    }
    return replace(assignment, train=train, val=val, parts=parts, broken=counts)


def describe(assignment: Assignment, part: Part) -> dict[str, Fact]:
    """The facts of one test part: sizes, units, groups and ground shared with training, how far
    from it."""
    train = assignment.train
    facts = dict(assignment.facts)
    facts["train photos"] = Fact(len(train), "photos")
    facts["val photos"] = Fact(len(assignment.val), "photos")
    facts["test photos"] = Fact(len(part), "photos")
    for reason, rows in assignment.left_out.items():
        facts[f"left out: {reason}"] = Fact(len(rows), "photos")
    for name in ("train", "val", part.name):
        if assignment.broken.get(name):
            count = assignment.broken[name]
            facts[f"left out of {name}: broken picture"] = Fact(count, "photos")
    facts["units"] = Fact(len(np.unique(part.units)), "units")
    facts["effective units"] = Fact(effective_units(part.units), "units")
    if part.dataset is train.dataset:  # groups of two datasets cannot be compared
        shared = int(np.isin(part.groups, train.groups).sum())
        facts["test photos whose group is in train"] = Fact(shared, "photos")
    if len(assignment.val):
        distance = Places(assignment.val.points).nearest(part.points).distance_km
        facts["smallest distance to val"] = Fact(float(distance.min()), "km")
    if len(train):
        distance = Places(train.points).nearest(part.points).distance_km
        facts["smallest distance to train"] = Fact(float(distance.min()), "km")
        radii = [1.0, 25.0, 200.0]
        if part.dataset.reach_km:
            radii.append(part.dataset.reach_km)
        for radius in radii:
            share = float((distance <= radius).mean())
            facts[f"test photos within {radius:g} km of train"] = Fact(share, "share")
        facts |= footprints.facts(part, train)
    return facts
