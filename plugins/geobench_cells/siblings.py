"""Siblings: centres that divide regions of the sphere by which is nearest (spherical Voronoi)."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import geo
from geobench_cells.polygons import Polygons

Indices = NDArray[np.intp]

_APART = 3.0  # more than two points of the unit sphere can be
_FIRST = 12  # rivals that cut every cell before it is looked at: most cells have about six sides
_BEYOND = 1e-13  # radians, under a micrometre: rounding stays far below it
_MANY = 1 << 14  # queries from which on a second thread pays


@final
class Siblings:
    """Centres (C, 3), distinct unit vectors, that each divide one of the regions of `parents` (C,)
    among those of the same parent.

    The tree is one for all regions: the parent is a fourth coordinate, so far apart that the
    nearest centre is always one of the point's own region.
    """

    def __init__(self, centres: geo.Floats, parents: Indices) -> None:
        from scipy.spatial import cKDTree

        self.centres = centres
        self.parents = parents
        self._alone = bool((parents == 0).all())
        self._tree = cKDTree(self._places(centres, parents))

    def nearest(self, vectors: geo.Floats, parents: Indices) -> Indices:
        """The nearest centre to each of unit vectors (N, 3), in regions `parents` (N,)."""
        threads = -1 if len(vectors) >= _MANY else 1
        _, index = self._tree.query(self._places(vectors, parents), workers=threads)
        return np.asarray(index, dtype=np.intp)

    def divided(self, regions: Polygons) -> Polygons:
        """The regions, polygons whose cells are the parents, as polygons whose cells are the
        centres.

        A polygon is cut by the great circle between its centre and the one nearest to a corner,
        until each corner's nearest centre is its own. Polygons are convex: none of their points
        is nearer to another then.
        """
        polygons = self._roughly_divided(regions)
        done = []
        while len(polygons.counts):
            owner = np.repeat(np.arange(len(polygons.counts)), polygons.counts)
            own = polygons.cells[owner]
            rival = self.nearest(polygons.corners, self.parents[own])
            towards = self.centres[rival] - self.centres[own]
            length = np.linalg.norm(towards, axis=-1)
            beyond = (polygons.corners * towards).sum(-1) - _BEYOND * length
            # Of each polygon the corner that lies farthest beyond: the last of its own here.
            order = np.lexsort((beyond, owner))
            worst = order[np.cumsum(polygons.counts) - 1]
            open_ = beyond[worst] > 0
            settled, unsettled = np.flatnonzero(~open_), np.flatnonzero(open_)
            done.append(polygons.taken(settled, polygons.cells[settled]))
            left = polygons.taken(unsettled, polygons.cells[unsettled])
            polygons = left.cut(-towards[worst[unsettled]])
        return Polygons.joined(done)

    def _roughly_divided(self, regions: Polygons) -> Polygons:
        """A copy of its region for each centre, cut by its nearest rivals."""
        order = np.argsort(regions.cells, kind="stable")
        pieces = np.bincount(regions.cells, minlength=int(self.parents.max()) + 1)
        first, own = np.cumsum(pieces) - pieces, pieces[self.parents]
        within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
        which = order[np.repeat(first[self.parents], own) + within]
        polygons = regions.taken(which, np.repeat(np.arange(len(self.centres)), own))
        rivals = min(_FIRST + 1, len(self.centres))
        places = self._places(self.centres, self.parents)
        _, nearest = self._tree.query(places, k=list(range(1, rivals + 1)))
        for rival in np.asarray(nearest, dtype=np.intp).T[1:]:  # the nearest is the centre itself
            cells = polygons.cells
            siblings = self.parents[rival[cells]] == self.parents[cells]
            normals = self.centres[cells] - self.centres[rival[cells]]
            # A normal of zeros cuts nothing off.
            polygons = polygons.cut(np.where(siblings[:, None], normals, 0))
        return polygons

    def _places(self, vectors: geo.Floats, parents: Indices) -> geo.Floats:
        if self._alone:
            return vectors
        return np.concatenate([vectors, _APART * parents[:, None].astype(np.float64)], axis=-1)
