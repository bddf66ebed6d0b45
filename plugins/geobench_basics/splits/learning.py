"""Who trains and who validates, of the photos that tests leave: groups whole and apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np

from geobench import (
    SAME_GROUP,
    Dataset,
    Fact,
    Indices,
    SplitConfig,
    in_groups_of,
    whole_groups,
)
from geobench_basics.splits.quotas import quota


@final
@dataclass(frozen=True)
class Learnt:
    """Rows that train and validate, and why others of the pool do neither.

    Args:
        train, val: the rows.
        left_out: reason -> rows; no `same-group` without rows.
        facts: what was measured.
    """

    train: Indices
    val: Indices
    left_out: Mapping[str, Indices] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)


@final
class Untested(NamedTuple):
    """Rows that share no group with tested ones, in order, and those that do."""

    rows: Indices
    same_group: Indices


def untested(dataset: Dataset, pool: Indices, tested: Indices, config: SplitConfig) -> Untested:
    """The rows of a pool by whether they share a group with tested ones; with `groups: shared`,
    none does."""
    if config.groups == "shared" or not dataset.table.grouped:
        return Untested(pool, pool[:0])
    same = in_groups_of(pool, tested, dataset.table.groups)
    return Untested(pool[~same], pool[same])


def with_same_group(left_out: Mapping[str, Indices], rows: Indices) -> dict[str, Indices]:
    """What is left out, and these rows because of their group."""
    both = np.sort(np.concatenate([left_out.get(SAME_GROUP, rows[:0]), rows]))
    return {**left_out, SAME_GROUP: both} if len(both) else dict(left_out)


def train_and_val(dataset: Dataset, pool: Indices, count: int, config: SplitConfig) -> Learnt:
    """The first `count` photos of a pool in random order validate, the others train.

    Groups are drawn whole, unless they are shared; what is left of one that was cut is left out.
    """
    if config.groups == "shared" or not dataset.table.grouped:
        return Learnt(pool[count:], pool[:count])
    drawn = whole_groups(pool, dataset.table.groups, count)
    return Learnt(drawn.rest, drawn.taken, with_same_group({}, drawn.cut))


def learn(
    dataset: Dataset,
    pool: Indices,
    tested: Indices,
    config: SplitConfig,
    *,
    most: int,
    share: float,
    beside: int = 0,
) -> Learnt:
    """Draw training and validation from what tests leave.

    Args:
        dataset: what is split.
        pool: rows in random order, none of them tested.
        tested: rows of test parts.
        config: whether groups are kept apart.
        most: the most validation photos.
        share: the most of them, of the pool without what shares a group with a tested photo, and
            of `beside` more.
        beside: how many photos the share is of, too: those of a test part drawn from the same pool.
    """
    pool, same = untested(dataset, pool, tested, config)
    count = quota(beside + len(pool), most=most, share=share)
    learnt = train_and_val(dataset, pool, count, config)
    return Learnt(learnt.train, learnt.val, with_same_group(learnt.left_out, same))
