"""What a split makes of a dataset: `Part`s of rows, each with a digest, and the facts of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, final

import numpy as np

from geobench.data import Dataset, Fact, Indices
from geobench.digests import array_digest
from geobench.errors import DataError
from geobench.geo import Points, known_places
from geobench.grouping import in_groups
from geobench.resampling import Resampled, resample, rows_of_blocks
from geobench.statistics.units import Units
from geobench.strings import Column, Columns


@final
@dataclass(frozen=True)
class Part:
    """Rows of one dataset, with what intervals resample.

    Args:
        name: `train`, `val`, or the test part's name.
        dataset: where the rows are.
        rows: positions in the dataset's table, (N,).
        regions: what the rule drew of each photo, (N,): a block or country that it held out; the
            dataset's `group` where it drew no region.
        resampled: the units of the photos, and why; the core sets it, of test parts.
        subset_of: the test part that these are some photos of, where a split's key `only` names
            them.
    """

    name: str
    dataset: Dataset
    rows: Indices
    regions: Column
    resampled: Resampled | None = None
    subset_of: "Part | None" = None

    @classmethod
    def of(cls, name: str, dataset: Dataset, rows: Indices, regions: Column | None = None) -> Self:
        """A part whose rows are sorted; its regions are the dataset's groups unless given."""
        order = np.argsort(rows, kind="stable")
        rows = np.asarray(rows, dtype=np.intp)[order]
        regions = dataset.table.groups[rows] if regions is None else regions[order]
        return cls(name, dataset, rows, regions)

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
    def attributes(self) -> Columns:
        """The attributes of the photos, each an array when it is asked for."""
        return Columns(self.dataset.table.attributes, self.rows)

    @property
    def units(self) -> Column:
        """The resampling unit of each photo, (N,); the regions as long as nothing is joined."""
        return self.regions if self.resampled is None else self.resampled.units

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, coordinates and regions, in order.

        Units are not in it: how a part is resampled changes no answer and no score.
        """
        return array_digest(self.ids, self.points, self.regions)

    def with_units(self) -> "Part":
        """The same photos, with the units that intervals resample."""
        rows = rows_of_blocks(self.dataset.reach_km)
        units = resample(self.regions, groups=self.groups, points=self.points, block_rows=rows)
        return replace(self, resampled=units)

    def keep(self, chosen: np.ndarray[Any, np.dtype[np.bool_]] | Indices) -> "Part":
        """The rows where `chosen` (N,) holds, or at these positions; units stay what they are."""
        known = self.resampled
        some = None if known is None else replace(known, units=known.units[chosen])
        return replace(self, rows=self.rows[chosen], regions=self.regions[chosen], resampled=some)


@final
@dataclass(frozen=True)
class Assignment:
    """What a split made of a dataset.

    Args:
        train: what methods learn from; may be empty.
        val: what they tune on; may be empty.
        parts: one or more test parts of unique names.
        left_out: why rows are in none of these (`buffer`, `set-aside`, `same-group`) -> the rows.
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
    units = Units.of(part.units)
    facts["units"] = Fact(len(units.sizes), "units")
    facts["effective units"] = Fact(units.effective, "units")
    if part.dataset is train.dataset:  # groups of two datasets cannot be compared
        # Parts have no photo in common: where each is a group, nothing needs to be looked up.
        grouped = part.dataset.table.grouped
        shared = int(in_groups(part.groups, train.groups).sum()) if grouped else 0
        facts["test photos whose group is in train"] = Fact(shared, "photos")
    if len(assignment.val):
        distance = known_places(assignment.val.points).nearest(part.points).distance_km
        facts["smallest distance to val"] = Fact(float(distance.min()), "km")
    if len(train):
        distance = known_places(train.points).nearest(part.points).distance_km
        facts["smallest distance to train"] = Fact(float(distance.min()), "km")
        radii = [1.0, 25.0, 200.0]
        if part.dataset.reach_km:
            radii.append(part.dataset.reach_km)
        for radius in radii:
            share = float((distance <= radius).mean())
            facts[f"test photos within {radius:g} km of train"] = Fact(share, "share")
        from geobench import footprints  # a rule that is written needs no areas: runs and audits do

        facts |= footprints.facts(part, train)
    return facts
