"""Convex spherical polygons: cut by great circles, measured, and drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import geo

Indices = NDArray[np.intp]


@final
@dataclass(frozen=True, slots=True)
class Triangles:
    """Spherical triangles with sides of at most 90 degrees.

    Args:
        corners: unit vectors, (T, 3, 3), the second axis from corner to corner.
        cells: the cell that each is a part of, (T,).
    """

    corners: geo.Floats
    cells: Indices

    def areas(self) -> geo.Floats:
        """Steradians, (T,), by van Oosterom and Strackee (IEEE Trans. Biomed. Eng. 1983).

        The triple product is that of the sides, so that small triangles lose no digits.
        """
        a, b, c = np.moveaxis(self.corners, 1, 0)
        triple = (a * np.cross(b - a, c - a)).sum(-1)
        return np.asarray(
            2 * np.arctan2(np.abs(triple), 1 + (a * b + b * c + c * a).sum(-1)), dtype=np.float64
        )

    def sample(self, rng: np.random.Generator) -> geo.Floats:
        """One unit vector drawn uniformly by area inside each triangle, (T, 3).

        A point of the flat triangle is projected onto the sphere and kept with the probability
        (r_min / r)^3, r its distance from the origin: the projection's density but for a plane's
        constant factor. At least six tenths are kept, more the smaller the triangle; Arvo's
        direct map (SIGGRAPH 1995) loses digits where triangles are small.
        """
        a, b, c = np.moveaxis(self.corners, 1, 0)
        side = np.max([((x - y) ** 2).sum(-1) for x, y in ((a, b), (b, c), (c, a))], axis=0)
        least = 1 - side / 3  # r_min^2: 1 - r^2 is a sum over sides, at most a third of the longest
        drawn = np.empty_like(a)
        open_ = np.arange(len(a))
        while len(open_):
            across, up, level = rng.random((3, len(open_), 1))
            beyond = across + up > 1
            across, up = np.where(beyond, 1 - across, across), np.where(beyond, 1 - up, up)
            first = a[open_]
            flat = first + across * (b[open_] - first) + up * (c[open_] - first)
            square = (flat**2).sum(-1)
            drawn[open_] = flat / np.sqrt(square)[:, None]
            open_ = open_[level[:, 0] >= (least[open_] / square) ** 1.5]
        return np.asarray(drawn)


@final
@dataclass(frozen=True, slots=True)
class Polygons:
    """Convex polygons, each a part of a cell.

    Args:
        corners: unit vectors, (V, 3), polygon after polygon.
        counts: how many corners each polygon has, (P,), at least 3.
        cells: the cell that each polygon is a part of, (P,).
    """

    corners: geo.Floats
    counts: Indices
    cells: Indices

    @classmethod
    def octants(cls) -> "Polygons":
        """The whole sphere as one cell, in eight right-angled triangles."""
        signs = np.array(list(product((1.0, -1.0), repeat=3)))
        return cls((signs[:, None] * np.eye(3)).reshape(-1, 3), np.full(8, 3), np.zeros(8, np.intp))

    @classmethod
    def joined(cls, parts: Sequence["Polygons"]) -> "Polygons":
        """All polygons of at least one set of them."""
        return cls(
            np.concatenate([part.corners for part in parts]),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.cells for part in parts]),
        )

    def taken(self, which: Indices, cells: Indices) -> "Polygons":
        """Those of these indices, (Q,), repeats allowed, as parts of these cells, (Q,)."""
        counts = self.counts[which]
        first = (np.cumsum(self.counts) - self.counts)[which]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Polygons(self.corners[np.repeat(first, counts) + within], counts, cells)

    def cut(self, normals: geo.Floats) -> "Polygons":
        """What of each polygon lies on the side of its normal (P, 3): Sutherland and Hodgman
        (CACM 1974), with edges along great circles. What has no area left is gone."""
        owner = np.repeat(np.arange(len(self.counts)), self.counts)
        following = np.arange(1, len(owner) + 1)
        last = np.cumsum(self.counts) - 1
        following[last] = last + 1 - self.counts
        height = (self.corners * normals[owner]).sum(-1)
        inside = height >= 0
        crossing = inside != inside[following]
        drop = height - height[following]
        share = np.where(crossing, height / np.where(crossing, drop, 1), 0)
        crossed = self.corners + share[:, None] * (self.corners[following] - self.corners)
        crossed /= np.linalg.norm(crossed, axis=-1, keepdims=True)
        kept = np.stack([inside, crossing], axis=-1)
        counts = np.bincount(owner, kept.sum(-1), len(self.counts)).astype(np.intp)
        whole = counts >= 3
        corners = np.stack([self.corners, crossed], axis=1)[kept & whole[owner, None]]
        return Polygons(corners, counts[whole], self.cells[whole])

    def triangles(self) -> Triangles:
        """Each polygon as a fan of triangles around its first corner, in order of the cells."""
        fans = self.counts - 2
        first = np.repeat(np.cumsum(self.counts) - self.counts, fans)
        within = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
        corners = np.stack([first, first + within + 1, first + within + 2], axis=-1)
        cells = np.repeat(self.cells, fans)
        order = np.argsort(cells, kind="stable")
        return Triangles(self.corners[corners[order]], cells[order])
