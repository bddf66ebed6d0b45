"""Near-duplicates among the pictures of a dataset, and between training and test photos."""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench.audit.findings import EXAMPLES, Line, Section, names, photos, shown
from geobench.audit.fingerprints import LEAST_COSINE, RADIUS, Looked, joined, near_pairs
from geobench.data import Dataset, Indices
from geobench.geo import distance_km

NONE = -1
"""Stands for "no photo" among positions."""


@final
class Lookalikes:
    """The pictures of one or more datasets, those with equal fingerprints taken together.

    A set of equal pictures is compared once, however many there are: a source may hold
    a hundred thousand times the picture that says "no longer available".

    Args:
        looked: what the pictures of each dataset look like; positions go through all in order.
    """

    def __init__(self, looked: Sequence[Looked]) -> None:
        self.looked = looked
        everything = joined([each.fingerprints for each in looked])
        rows = np.concatenate([everything.hashes[:, None].view(np.int8), everything.shapes], axis=1)
        whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).ravel()
        _, first, same = np.unique(whole, return_index=True, return_inverse=True)
        self.first: Indices = first
        """Of each set of equal pictures, the position of the first."""
        self.set_of: Indices = same
        """The set of each position."""
        self.size = np.bincount(same, minlength=len(first))
        sets = type(everything)(everything.hashes[first], everything.shapes[first])
        self.pairs = [(pairs.first, pairs.second) for pairs in near_pairs(sets)]

    def positions(self, dataset: Dataset, rows: Indices) -> Indices:
        """Positions of those of these rows of a dataset that have a fingerprint, in its order."""
        start = 0
        for each in self.looked:
            if each.dataset is dataset:
                return start + np.flatnonzero(np.isin(each.rows, rows))
            start += len(each.rows)
        return np.empty(0, np.intp)

    def rows(self, positions: Indices) -> Indices:
        """The row of each position in the table of its dataset."""
        return np.concatenate([each.rows for each in self.looked])[positions]

    def shown(self, position: int) -> str:
        """The id of the photo at a position."""
        for each in self.looked:
            if position < len(each.rows):
                return shown(each.dataset, each.dataset.table.ids[each.rows[position]])
            position -= len(each.rows)
        raise IndexError(position)

    def lookalike(self, learnt: Indices) -> Indices:
        """For each set a position among `learnt` whose picture is nearly the same, or NONE."""
        known = np.full(len(self.first), NONE)
        known[self.set_of[learnt[::-1]]] = learnt[::-1]
        found = known.copy()
        for a, b in self.pairs:
            for near, far in ((a, b), (b, a)):
                better = (known[far] != NONE) & (found[near] == NONE)
                found[near[better]] = known[far[better]]
        return found


def check(looked: Looked, alike: Lookalikes, *, total: int) -> Section:
    """Near-duplicates within a dataset; `alike` holds its pictures alone.

    Args:
        looked: its pictures.
        alike: the same, searched.
        total: photos of the dataset.
    """
    count = looked.count
    pairs = int((alike.size * (alike.size - 1) // 2).sum())
    others = alike.size - 1  # of each photo of a set, how many are nearly the same
    examples = [
        f"{alike.shown(int(a))} = {alike.shown(int(b))}" for a, b in _equal(alike, most=EXAMPLES)
    ]
    for a, b in alike.pairs:
        pairs += int((alike.size[a] * alike.size[b]).sum())
        np.add.at(others, a, alike.size[b])
        np.add.at(others, b, alike.size[a])
        for left, right in zip(a[:EXAMPLES], b[:EXAMPLES], strict=True):
            one, other = int(alike.first[left]), int(alike.first[right])
            examples.append(f"{alike.shown(one)} ~ {alike.shown(other)}{_apart(alike, one, other)}")
    having = int(alike.size[others > 0].sum())
    worst = int(others.argmax()) if len(others) else NONE
    most = int(others[worst]) if worst != NONE else 0
    limited = "" if count == total else "; those with the smallest hash of id"
    lines = [photos("looked at", count, total, detail=f"of {total:,} photos{limited}")]
    for why, rows in looked.broken.items():
        named = names(looked.dataset, np.array(rows))
        lines.append(photos(f"cannot be read: {why}", len(rows), count, examples=named))
    lines += [
        photos(
            "of one colour",
            len(looked.flat),
            count,
            detail="not compared",
            examples=names(looked.dataset, looked.flat),
        ),
        photos("have a near-duplicate", having, count),
        Line("pairs of near-duplicates", pairs, "pairs", examples=tuple(examples[:EXAMPLES])),
        photos(
            "near-duplicates of one photo, at most",
            most,
            count,
            examples=(alike.shown(int(alike.first[worst])),) if most else (),
        ),
    ]
    return Section("Pictures", ABOUT, tuple(lines))


ABOUT = (
    f"Near-duplicates: perceptual hashes within {RADIUS} of 64 bits, confirmed by a cosine of at "
    f"least {LEAST_COSINE:g}. Shares are of the pictures looked at."
)


def _equal(alike: Lookalikes, *, most: int) -> list[NDArray[np.intp]]:
    """Two photos of each of the first sets of several equal pictures."""
    several = np.flatnonzero(alike.size > 1)[:most]
    return [np.flatnonzero(alike.set_of == number)[:2] for number in several]


def _apart(alike: Lookalikes, one: int, other: int) -> str:
    """How far two photos of one dataset are apart, where that may be shown."""
    (looked,) = alike.looked
    if looked.dataset.publishes == "scores":
        return ""
    points = looked.dataset.table.points
    return f" ({float(distance_km(points[looked.rows[one]], points[looked.rows[other]])):,.1f} km)"
