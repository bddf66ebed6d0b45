"""Groups (photographers, sequences, folders) as splits see them: drawn whole, kept apart."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench.data import Indices
from geobench.statistics.units import unit_codes
from geobench.strings import Column, Strings

SAME_GROUP = "same-group"
"""Why a photo is left out that shares a group with a tested one, or with the other side of training
and validation."""


@final
@dataclass(frozen=True, eq=False)
class WholeGroups:
    """Rows drawn in whole groups.

    Args:
        taken: as many as were asked for, or all there are.
        rest: the rows of all other groups.
        cut: the rows of a group that was taken in part; they belong with neither.
    """

    taken: Indices
    rest: Indices
    cut: Indices


def whole_groups(order: Indices, groups: Column, count: int) -> WholeGroups:
    """Take `count` rows in whole groups, the groups in random order if `order` is.

    A group that no longer fits is passed over. Where none fits, what is missing is taken of the
    smallest that was passed over. Where each photo is its own group, the first `count` are taken.

    Args:
        order: rows, each once, (n,).
        groups: of the whole table, by row.
        count: how many to take.
    """
    nothing = np.empty(0, np.intp)
    if count <= 0 or not len(order):
        return WholeGroups(nothing, order, nothing)
    codes = unit_codes(groups[order])
    sizes = np.bincount(codes)
    queue = codes[_first_rows(order, codes)]
    chosen, room = np.zeros(len(sizes), bool), min(count, len(order))
    for group in queue.tolist():
        if sizes[group] <= room:
            chosen[group] = True
            room -= sizes[group]
        if not room:
            break
    whole = chosen[codes]
    if not room:
        return WholeGroups(order[whole], order[~whole], nothing)
    passed = queue[~chosen[queue]]
    of_smallest = np.flatnonzero(codes == passed[sizes[passed].argmin()])
    taken, cut = whole.copy(), np.zeros(len(order), bool)
    taken[of_smallest[:room]], cut[of_smallest[room:]] = True, True
    return WholeGroups(order[taken], order[~(taken | cut)], order[cut])


def _first_rows(order: Indices, codes: NDArray[np.intp]) -> Indices:
    """Where in `order` the lowest row of each group stands, ascending: a group's chance of being
    early does not grow with its size."""
    place = np.full(order.max() + 1, -1)
    place[order] = np.arange(len(order))
    ascending = place[place >= 0]
    first = np.empty(codes.max() + 1, np.intp)
    first[codes[ascending[::-1]]] = ascending[::-1]  # what is written last stays
    return np.sort(first)


def in_groups_of(rows: Indices, others: Indices, groups: Column) -> NDArray[np.bool_]:
    """Whether each of `rows` (n,) shares a group with one of `others`; groups are by row."""
    return in_groups(groups[rows], groups[others])


def in_groups(groups: Column, others: Column) -> NDArray[np.bool_]:
    """Whether each of `groups` (n,) is among `others`."""
    if isinstance(groups, Strings) and isinstance(others, Strings):
        return groups.isin(others)
    return np.isin(np.asarray(groups), np.asarray(others))
