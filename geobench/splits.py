"""Splits: rules that turn a dataset into train, val and named test parts."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, field_validator

from geobench import components
from geobench.assignments import Assignment, Part
from geobench.components import InputPath, Plugin
from geobench.data import Dataset, Indices, smallest_by_hash
from geobench.errors import DataError
from geobench.geo import known_places
from geobench.grouping import SAME_GROUP, in_groups
from geobench.names import LABEL


def _kind_of_only(value: Any) -> str:
    return "ids" if isinstance(value, list | tuple) else "word"


# Told apart by a function, so that of a word is not said, too, that it is no list.
Only: TypeAlias = Annotated[
    Annotated[Literal["answered-by-all"] | InputPath | None, Tag("word")]
    | Annotated[tuple[str, ...], Tag("ids")],
    Discriminator(_kind_of_only),
]
"""The photos that a split tests, if not all."""


class SplitConfig(components.Config):
    """What every split has."""

    added = {"val_ratio": None, "groups": "apart", "only": None}

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
    groups: Literal["apart", "shared"] = Field(
        "apart",
        description="`apart`: photos of a group that is tested neither train nor validate, and "
        "training and validation share none; `shared`: all may",
    )
    only: Only = Field(
        None,
        description="test on some photos of each part, as a part of their own: on those whose ids "
        "a file lists, one a line, or a list here, or, `answered-by-all`, on those that no method "
        "of the benchmark is known to decline",
    )

    @field_validator("only", mode="before")
    @classmethod
    def _ids_are_text(cls, value: Any) -> Any:
        if value is None or isinstance(value, str | Path):
            return value
        if not isinstance(value, list | tuple):
            raise ValueError(
                f"{value!r} is neither answered-by-all, nor a file, nor a list of ids. Write a "
                "list of ids in brackets, or one a line in a file"
            )
        strange = [each for each in value if not isinstance(each, str)]
        if strange:
            raise ValueError(
                f"ids are text, and {strange[0]!r} is not. Write each id in quotes, as the dataset "
                f'has it: "{strange[0]}"'
            )
        return tuple(value)


class Split(Plugin):
    """A rule that assigns photos to train, val and test parts."""

    kind = "split"
    Config: ClassVar[type[components.Config]] = SplitConfig

    @property
    def separates_groups(self) -> bool:
        """Promises that it draws no group for test and for train or val; the harness checks.

        A class attribute will do where it does not depend on the configuration. Without it, the
        core leaves out what shares a group with a test photo, unless `groups` is `shared`."""
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
        """Draw, keep groups apart, apply `train_share` and `val_ratio`, check what was promised,
        say what of the test parts is resampled, and take the photos that `only` lists.

        Which photos all methods answer, a benchmark knows: it takes those afterwards.

        Raises:
            DataError: parts that overlap, repeat a name or are empty, a broken promise, or groups
                that leave nothing to train or validate on.
        """
        drawn = self.draw(dataset)
        # A promise is checked of what was drawn: what is left out below would hide it.
        _check_groups(self, drawn)
        if self.config.groups == "apart":
            drawn = _groups_apart(drawn, where=f"split {self.name} of {dataset.name}")
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
        # Of train and val, which no interval resamples, regions are no matter, nor in a key.
        train, val = (Part.of(p.name, p.dataset, p.rows) for p in (drawn.train, drawn.val))
        parts = tuple(part.with_units() for part in drawn.parts)
        drawn = replace(drawn, train=train, val=val, parts=parts)
        if isinstance(self.config.only, Path | tuple):
            from geobench import subsets  # few splits have one

            where = f"split {self.name} of {dataset.name}"
            return subsets.listed(drawn, self.config.only, where=where)
        return drawn


def _groups_apart(drawn: Assignment, *, where: str) -> Assignment:
    """Without training and validation photos that share a group with a tested one; and of groups
    in both training and validation, without the photos on one side."""
    home = drawn.train.dataset
    # A dataset that was read twice is one: its groups mean the same.
    kin = [p for p in drawn.parts if p.dataset is home or p.dataset.digest == home.digest]
    if not home.table.grouped and all(part.dataset is home for part in kin):
        return drawn  # parts share no photo, and each is a group
    tested = [_tested(part, kin) for part in (drawn.train, drawn.val)]
    train, val = drawn.train.keep(~tested[0]), drawn.val.keep(~tested[1])
    lost = [drawn.train.rows[tested[0]], drawn.val.rows[tested[1]]]
    both = [in_groups(train.groups, val.groups), in_groups(val.groups, train.groups)]
    if both[0].any():
        # The side that has the smaller share of its photos there: the other would lose more by it.
        if both[0].mean() < both[1].mean():
            lost.append(train.rows[both[0]])
            train = train.keep(~both[0])
        else:
            lost.append(val.rows[both[1]])
            val = val.keep(~both[1])
    same = np.concatenate([drawn.left_out.get(SAME_GROUP, lost[0][:0]), *lost])
    if not len(same):
        return drawn
    # A rule that leaves them out itself hands over a training that is empty already.
    had_train = len(drawn.train) or SAME_GROUP in drawn.left_out
    for part, had in ((train, had_train), (val, len(drawn.val))):
        if had and not len(part):
            raise DataError(
                f"no {part.name} photo is left: {len(same):,} share a group with test photos, or "
                "with the other side of training and validation",
                where=where,
                remedy="Draw whole groups (the split by-group), or set `groups: shared`.",
            )
    left_out = {**drawn.left_out, SAME_GROUP: np.sort(same)}
    return replace(drawn, train=train, val=val, left_out=left_out)


def _tested(part: Part, tests: Sequence[Part]) -> NDArray[np.bool_]:
    """Which photos of a part share a group with one of the test parts, (N,)."""
    found = np.zeros(len(part), bool)
    for test in tests:
        found |= in_groups(part.groups, test.groups)
    return found


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
    if len(joined) and np.bincount(joined).max() > 1:
        raise DataError("train, val, parts and left-out rows overlap", where=where)
    learnt = [part for part in (drawn.train, drawn.val) if len(part)]
    for part in drawn.parts:
        promised = drawn.apart_km.get(part.name, 0)
        if promised and learnt:
            away = [known_places(p.points).nearest(part.points).distance_km for p in learnt]
            nearest = float(min(distance.min() for distance in away))
            if nearest < promised:
                raise DataError(
                    f"{part.name} comes within {nearest:.3f} km of train or val, "
                    f"not the promised {promised:g} km",
                    where=where,
                )


def _check_groups(split: Split, drawn: Assignment) -> None:
    """Raise DataError if a split draws a group for test and for train or val against a promise."""
    home, learnt = drawn.train.dataset, (drawn.train, drawn.val)
    for part in drawn.parts:
        if split.separates_groups and part.dataset is home:
            shared = _tested(part, learnt)
            if shared.any():
                raise DataError(
                    f"{shared.sum()} photos of {part.name} share a group with train or val",
                    where=f"split {split.name}",
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
