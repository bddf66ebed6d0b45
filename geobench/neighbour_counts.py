"""How many places lie near each of many points: exact counts, for whole groups of points at once.

Points and places are sorted along a curve that fills the sphere and cut into blocks, blocks of
blocks, and so on. Two blocks that lie wholly within the radius of each other are counted in one
step, and two that lie wholly beyond it are passed over; only where the edge of the circle may run
between them are their points compared. A tree that is asked point by point visits every place.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

LEAF = 16
"""Points of the smallest block."""
_CLOSE = 1e-12  # of a length of 1: far above what rounding moves, far below what photos are apart
_POINTS = 1 << 16  # so many points at a time
_PAIRS = (
    1 << 20
)  # pairs of blocks at a time, some 100 bytes each: where there are more, half as many points
_AT_ONCE = 512  # pairs of smallest blocks that are compared at a time, in the processor's cache


@final
@dataclass(frozen=True, slots=True)
class Level:
    """Balls around the blocks of one level.

    Args:
        centres: (B, 3).
        radii: chords, (B,).
        sizes: points in each block, (B,).
    """

    centres: Floats
    radii: Floats
    sizes: NDArray[np.intp]


@final
class Blocks:
    """Unit vectors in an order in which neighbours follow each other, cut into blocks.

    Args:
        vectors: (N, 3), one or more, in such an order.
    """

    def __init__(self, vectors: Floats) -> None:
        self.vectors = vectors
        self.levels = [_balls(vectors)]
        while len(self.levels[-1].sizes) > 1:
            self.levels.append(_pairs(self.levels[-1]))


def count_within(points: Floats, places: Floats, chord: float) -> Indices:
    """How many places lie at a chord of at most `chord` from each point.

    Args:
        points: unit vectors, (N, 3).
        places: unit vectors, (M, 3), one or more.
        chord: on the unit sphere, 0 or more.

    Returns:
        (N,).
    """
    known = Blocks(places[np.argsort(_along_curve(places))])
    order = np.argsort(_along_curve(points))
    counts = np.zeros(len(points), np.intp)
    for start in range(0, len(points), _POINTS):
        some = order[start : start + _POINTS]
        counts[some] = _counts(Blocks(points[some]), known, chord)
    return counts


def _along_curve(vectors: Floats) -> NDArray[np.uint64]:
    """Where on Morton's curve through the cube around the sphere each vector lies, (N,)."""
    found = np.zeros(len(vectors), np.uint64)
    for axis in range(3):
        spread = ((vectors[:, axis] + 1) / 2 * (2**21 - 1)).astype(np.uint64)
        # Two empty bits after each of 21: by halves, quarters, and so on.
        for shift, mask in (
            (32, 0x1F00000000FFFF),
            (16, 0x1F0000FF0000FF),
            (8, 0x100F00F00F00F00F),
            (4, 0x10C30C30C30C30C3),
            (2, 0x1249249249249249),
        ):
            spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
        found |= spread << np.uint64(axis)
    return found


def _balls(vectors: Floats) -> Level:
    """Around each LEAF of the vectors."""
    starts = np.arange(0, len(vectors), LEAF)
    sizes = np.diff(np.append(starts, len(vectors)))
    centres = np.add.reduceat(vectors, starts) / sizes[:, None]
    away = vectors - np.repeat(centres, sizes, axis=0)
    squares = np.einsum("ij,ij->i", away, away)
    return Level(centres, np.sqrt(np.maximum.reduceat(squares, starts)), sizes)


def _pairs(level: Level) -> Level:
    """Around the balls of each two blocks, the first and the second, and so on."""
    starts = np.arange(0, len(level.sizes), 2)
    sizes = np.add.reduceat(level.sizes, starts)
    weighted = np.add.reduceat(level.centres * level.sizes[:, None], starts)
    centres = weighted / sizes[:, None]
    away = np.linalg.norm(level.centres - np.repeat(centres, 2, axis=0)[: len(level.sizes)], axis=1)
    return Level(centres, np.maximum.reduceat(away + level.radii, starts), sizes)


def _counts(points: Blocks, places: Blocks, chord: float) -> Indices:
    """How many of the places lie so near to each of the points, (N,)."""
    top = min(len(points.levels), len(places.levels)) - 1
    ours, theirs = (
        grid.ravel()
        for grid in np.meshgrid(
            np.arange(len(points.levels[top].sizes)),
            np.arange(len(places.levels[top].sizes)),
            indexing="ij",
        )
    )
    counts = np.zeros(len(points.levels[top].sizes), np.intp)
    for level in range(top, -1, -1):
        one, two = points.levels[level], places.levels[level]
        if level < top:
            counts = np.repeat(counts, 2)[: len(one.sizes)]
            ours, theirs = _children(ours, theirs, len(one.sizes), len(two.sizes))
        inside, edge = _placed(one, two, ours, theirs, chord)
        counts += np.bincount(
            ours[inside], two.sizes[theirs[inside]], minlength=len(counts)
        ).astype(np.intp)
        ours, theirs = ours[edge], theirs[edge]
        if len(ours) > _PAIRS and len(points.vectors) > LEAF:
            middle = len(points.vectors) // 2
            halves = np.split(points.vectors, [middle])
            return np.concatenate([_counts(Blocks(half), places, chord) for half in halves])
    at_edge = _compared(points, places, ours, theirs, chord)
    return np.repeat(counts, points.levels[0].sizes) + at_edge


def _children(
    ours: Indices, theirs: Indices, most_ours: int, most_theirs: int
) -> tuple[Indices, Indices]:
    """All pairs of the blocks that make up each pair of blocks."""
    one = np.concatenate([2 * ours, 2 * ours, 2 * ours + 1, 2 * ours + 1])
    two = np.concatenate([2 * theirs, 2 * theirs + 1, 2 * theirs, 2 * theirs + 1])
    there = (one < most_ours) & (two < most_theirs)
    return one[there], two[there]


def _placed(
    one: Level, two: Level, ours: Indices, theirs: Indices, chord: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pairs of blocks lie wholly within the chord, and which neither within nor beyond."""
    away = np.zeros(len(ours))
    for axis in range(3):
        away += (one.centres[ours, axis] - two.centres[theirs, axis]) ** 2
    distance = np.sqrt(away)
    reach = one.radii[ours] + two.radii[theirs] + _CLOSE
    inside = distance + reach <= chord
    return inside, ~inside & (distance - reach <= chord)


def _compared(
    points: Blocks, places: Blocks, ours: Indices, theirs: Indices, chord: float
) -> Indices:
    """How many near places a comparison of the points of pairs of smallest blocks finds, (N,)."""
    one, two = _padded(points.vectors), _padded(places.vectors)
    least = 1 - chord**2 / 2  # the cosine at the edge
    counts = np.zeros(one.shape[:2], np.intp)
    in_order = np.argsort(ours, kind="stable")
    ours, theirs = ours[in_order], theirs[in_order]
    for start in range(0, len(ours), _AT_ONCE):
        mine, its = ours[start : start + _AT_ONCE], theirs[start : start + _AT_ONCE]
        cosines = one[mine] @ two[its].transpose(0, 2, 1)
        near, surely = cosines >= least - _CLOSE, cosines >= least + _CLOSE
        pair, row, column = np.nonzero(near != surely)
        away = one[mine[pair], row] - two[its[pair], column]
        near[pair, row, column] = np.square(away).sum(axis=1) <= chord**2
        near[its == len(two) - 1, :, places.levels[0].sizes[-1] :] = False
        # Sums of bytes, in which LEAF fits, are several times as fast as counts of truths.
        counted = np.einsum("ijk->ij", near.view(np.int8))
        first = np.flatnonzero(np.diff(mine, prepend=-1))
        counts[mine[first]] += np.add.reduceat(counted, first, axis=0, dtype=np.intp)
    return counts.ravel()[: len(points.vectors)]


def _padded(vectors: Floats) -> Floats:
    """The points of each smallest block, (B, LEAF, 3); the last is filled up."""
    blocks = -(-len(vectors) // LEAF)
    full = np.zeros((blocks * LEAF, 3))
    full[: len(vectors)] = vectors
    return full.reshape(blocks, LEAF, 3)
