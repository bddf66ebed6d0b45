"""Splits by photo, by group, by the source's own parts, and by whole datasets."""

import math
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import (
    Assignment,
    Component,
    DataError,
    Dataset,
    Fact,
    Indices,
    Part,
    Split,
    SplitConfig,
)

TRAIN_NAMES = ("train", "training")
VAL_NAMES = ("val", "valid", "validation", "dev")
"""What sources call their parts, in lower case; every other name is a test part."""


def quota(total: int, *, most: int, share: float) -> int:
    """How many of `total` photos to draw: `most`, or a share of all where that is less; at least
    one."""
    # The tiny addition keeps a tenth of 10 from being 0 by rounding.
    return max(1, min(most, math.floor(share * total + 1e-9)))


class RandomConfig(SplitConfig):
    """How many photos to draw for test and val."""

    test: int = Field(2000, ge=1, description="the most test photos")
    test_share: float = Field(1 / 6, gt=0, lt=1, description="the most test photos, of all")
    val: int = Field(1500, ge=1, description="the most validation photos")
    val_share: float = Field(0.1, gt=0, lt=1, description="the most validation photos, of all")


@final
class RandomSplit(Split):
    """Photos drawn at random: one part, test, whose places are seen in training."""

    name = "random"
    Config = RandomConfig
    config: RandomConfig

    def draw(self, dataset: Dataset) -> Assignment:
        total = len(dataset.table)
        order = np.random.default_rng(self.config.seed).permutation(total)
        tests = quota(total, most=self.config.test, share=self.config.test_share)
        vals = quota(total, most=self.config.val, share=self.config.val_share)
        test, val, train = np.split(order, [tests, tests + vals])
        return Assignment(
            train=Part.of("train", dataset, train),
            val=Part.of("val", dataset, val),
            parts=(Part.of("test", dataset, test),),
        )


class OfficialConfig(SplitConfig):
    """What to do where the source has train but no val."""

    val_share: float = Field(
        0.1, gt=0, lt=1, description="of the source's train, where it has no val"
    )


@final
class OfficialSplit(Split):
    """The dataset's own parts; all of it is test where it has none.

    Names count whatever their case: train or training; val, valid, validation or dev; every other
    is a test part, called `test` if it is the only one. Photos without a part are left out.
    """

    name = "official"
    Config = OfficialConfig
    config: OfficialConfig

    def draw(self, dataset: Dataset) -> Assignment:
        table = dataset.table
        if table.part is None:
            nothing = np.empty(0, np.intp)
            return Assignment(
                train=Part.of("train", dataset, nothing),
                val=Part.of("val", dataset, nothing),
                parts=(Part.of("test", dataset, np.arange(len(table))),),
            )
        written, codes = np.unique(table.part, return_inverse=True)
        plain = np.char.lower(np.char.strip(written))
        train = np.flatnonzero(np.isin(plain, TRAIN_NAMES)[codes])
        val = np.flatnonzero(np.isin(plain, VAL_NAMES)[codes])
        tests = sorted({str(n) for n in plain} - {*TRAIN_NAMES, *VAL_NAMES, ""})
        if not tests:
            raise DataError(
                f"the dataset's own parts are {', '.join(map(str, written))}: none is a test part",
                where=f"split official of {dataset.name}",
                remedy="Use another split, or a table whose part column names test photos.",
            )
        if len(train) > 1 and not len(val):
            order = np.random.default_rng(self.config.seed).permutation(train)
            val, train = np.split(
                order, [quota(len(train), most=len(train), share=self.config.val_share)]
            )
        unnamed = np.flatnonzero((plain == "")[codes])
        return Assignment(
            train=Part.of("train", dataset, train),
            val=Part.of("val", dataset, val),
            parts=tuple(
                Part.of(
                    "test" if len(tests) == 1 else name,
                    dataset,
                    np.flatnonzero((plain == name)[codes]),
                )
                for name in tests
            ),
            left_out={"no part": unnamed} if len(unnamed) else {},
        )


class ByGroupConfig(SplitConfig):
    """How many of the photos to draw, in whole groups, for test and val."""

    test_share: float = Field(1 / 6, gt=0, lt=1, description="of all photos, in whole groups")
    val_share: float = Field(0.1, gt=0, lt=1, description="of all photos, in whole groups")


@final
class ByGroupSplit(Split):
    """Whole groups (photographers, sequences) drawn at random: one part, test.

    Groups are taken in random order as long as they fit into the share; one that no longer fits
    is passed over.
    """

    name = "by-group"
    Config = ByGroupConfig
    config: ByGroupConfig
    separates_groups = True

    def draw(self, dataset: Dataset) -> Assignment:
        _, codes = np.unique(dataset.table.groups, return_inverse=True)
        sizes = np.bincount(codes)
        if len(sizes) < 3:
            raise DataError(
                f"the dataset has {len(sizes)} groups, and test, val and train need one each",
                where=f"split by-group of {dataset.name}",
                remedy="Use the split random, or a dataset with more groups.",
            )
        order = np.random.default_rng(self.config.seed).permutation(len(sizes))
        photos = len(codes)
        test = _take_groups(order, sizes, room=self.config.test_share * photos, leave=2)
        rest = order[~np.isin(order, test)]
        val = _take_groups(rest, sizes, room=self.config.val_share * photos, leave=1)
        in_test, in_val = np.isin(codes, test), np.isin(codes, val)
        return Assignment(
            train=Part.of("train", dataset, np.flatnonzero(~(in_test | in_val))),
            val=Part.of("val", dataset, np.flatnonzero(in_val)),
            parts=(Part.of("test", dataset, np.flatnonzero(in_test)),),
            facts={
                "groups": Fact(len(sizes), "groups"),
                "test groups": Fact(len(test), "groups"),
                "val groups": Fact(len(val), "groups"),
            },
        )


def _take_groups(order: Indices, sizes: NDArray[np.intp], *, room: float, leave: int) -> Indices:
    """Groups in this order that have room together, all but `leave` of them at most."""
    taken: list[int] = []
    for group in order:
        if room < 1 or len(taken) == len(order) - leave:
            break
        if sizes[group] <= room:
            taken.append(group)
            room -= sizes[group]
    # Where even the smallest group is larger than the share, it still has to do.
    return np.array(taken or [order[sizes[order].argmin()]], dtype=np.intp)


class TransferConfig(SplitConfig):
    """Which datasets to test on, and how many photos of the home dataset to validate on."""

    test: list[Component[Dataset]] = Field(
        min_length=1, description="the datasets that are test parts, each whole"
    )
    val: int = Field(1000, ge=1, description="the most validation photos")
    val_share: float = Field(0.1, gt=0, lt=1, description="the most validation photos, of all")


@final
class TransferSplit(Split):
    """Training on one dataset, tests on others, each a part named by its label."""

    name = "transfer"
    Config = TransferConfig
    config: TransferConfig

    @classmethod
    def tiny(cls, folder: Path) -> TransferConfig:
        from geobench_basics.datasets import TableDataset

        elsewhere = TableDataset(TableDataset.tiny(folder))
        return TransferConfig(test=[Component[Dataset].of(elsewhere)])

    def draw(self, dataset: Dataset) -> Assignment:
        total = len(dataset.table)
        order = np.random.default_rng(self.config.seed).permutation(total)
        vals = quota(total, most=self.config.val, share=self.config.val_share)
        parts, facts = [], {}
        for reference in self.config.test:
            other: Any = reference.plugin
            name = reference.label or other.name
            if other.digest == dataset.digest:
                raise DataError(
                    f"test part {name} is the very dataset that is trained on",
                    where="split transfer",
                    remedy="Name other datasets under test, or use another split.",
                )
            parts.append(Part.of(name, other, np.arange(len(other.table))))
            shared = np.isin(other.table.ids, dataset.table.ids).sum()
            facts[f"ids of {name} that are also at home"] = Fact(int(shared), "photos")
        return Assignment(
            train=Part.of("train", dataset, order[vals:]),
            val=Part.of("val", dataset, order[:vals]),
            parts=tuple(parts),
            facts=facts,
        )
