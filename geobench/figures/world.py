"""Maps of the world: an equal-area projection with the land in grey, where it is the Earth."""

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geobench import coasts
from geobench.figures.style import GREY
from geobench.geo import Floats, Points
from geobench.partitions import EqualAreaGrid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import Colormap, ListedColormap, Normalize

NO_PHOTOS = "no photos"
"""What an empty map says where there is no photo to show."""

PROJECTION = "mollweide"
"""Equal-area, so that a crowd of photos looks as dense as it is."""

_LAND, _SEA = "#e3e3e0", "#f8f9fa"


@functools.cache
def land() -> NDArray[np.uint8]:
    """Whether there is land, (360, 720): from south to north and from 180 W to 180 E.

    Every third cell of 10 minutes is kept.
    """
    return np.asarray(coasts.mask("10min_i")[1::3, 1::3] == coasts.LAND, dtype=np.uint8)


def draw_world(axes: "Axes", *, on_earth: bool, step: int = 1) -> None:
    """Land and sea on axes of the projection PROJECTION; of another planet neither is known.

    Args:
        axes: to draw on.
        on_earth: whether it is the Earth.
        step: how many cells of `land` a side of a shown one has; 2 is enough for small maps, and
            four times as fast.
    """
    if on_earth:
        mask = land()[::step, ::step]
        latitude = np.radians(np.linspace(-90, 90, mask.shape[0] + 1))
        longitude = np.radians(np.linspace(-180, 180, mask.shape[1] + 1))
        axes.pcolormesh(longitude, latitude, mask, cmap=_colours(), rasterized=True, zorder=0)
    else:
        axes.set_facecolor(_SEA)
    _bare(axes)


def draw_flat_world(axes: "Axes", *, on_earth: bool) -> None:
    """The same on plain axes in degrees, for maps as small as a stamp."""
    if on_earth:
        extent = (-180.0, 180.0, -90.0, 90.0)
        axes.imshow(land(), cmap=_colours(), extent=extent, origin="lower", aspect="equal")
    else:
        axes.set_facecolor(_SEA)
        axes.set_aspect("equal")
    axes.set_xlim(-180, 180)
    axes.set_ylim(-90, 90)
    _bare(axes)


def _colours() -> "ListedColormap":
    from matplotlib.colors import ListedColormap

    return ListedColormap([_SEA, _LAND])


def draw_cells(
    axes: "Axes",
    grid: EqualAreaGrid,
    cells: NDArray[np.intp],
    values: Floats,
    *,
    cmap: "Colormap | str",
    norm: "Normalize",
) -> "PolyCollection":
    """Some cells of a grid in colours, on axes of the projection PROJECTION.

    Args:
        axes: to draw on.
        grid: of cells.
        cells: which of them, (M,).
        values: what their colours say, (M,).
        cmap: the colours.
        norm: their scale.
    """
    from matplotlib.collections import PolyCollection

    # Projected all at once: matplotlib would do it polygon by polygon, in seconds a map.
    # Only axes of a map have these two, and no type tells such axes apart.
    projection, affine = axes.transProjection, axes.transAffine  # type: ignore[attr-defined]
    corners = np.stack(on_map(_outlines(grid.rows)[cells]), axis=-1)
    flat = projection.transform(corners.reshape(-1, 2)).reshape(corners.shape)
    mesh = PolyCollection(
        flat,
        cmap=cmap,
        norm=norm,
        lw=0.3,  # or the land shows through the seams between cells
        edgecolor="face",
        rasterized=True,
        transform=affine + axes.transAxes,
    )
    mesh.set_array(values)
    axes.add_collection(mesh, autolim=False)
    return mesh


@functools.lru_cache(maxsize=4)
def _outlines(rows: int) -> Points:
    """The corners of all cells of a grid, (cells, 12, 2)."""
    return np.stack([outline(bounds) for bounds in EqualAreaGrid(rows).bounds()])


def say_empty(axes: "Axes", why: str) -> None:
    """Say on a map why there is nothing on it: an empty one looks like one that failed."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GREY)


def _bare(axes: "Axes") -> None:
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#b5b5b5")
    axes.spines[:].set_linewidth(0.6)


def on_map(points: Points) -> tuple[Floats, Floats]:
    """Points as the projection takes them: longitude and latitude in radians."""
    radians = np.radians(points)
    return radians[..., 1], radians[..., 0]


def outline(bounds: Floats) -> Points:
    """The corners of a cell, its curved sides in steps, (N, 2).

    Args:
        bounds: south, west, north and east edge in degrees, (4,).
    """
    south, west, north, east = bounds
    up = np.linspace(south, north, 6)
    sides = (np.stack([up, np.full(6, west)], -1), np.stack([up[::-1], np.full(6, east)], -1))
    return np.concatenate(sides)


def untorn(way: Points) -> Points:
    """The places of a line (N, 2), with a gap of NaN wherever it crosses the date line."""
    torn = np.flatnonzero(np.abs(np.diff(way[:, 1])) > 180)
    return np.insert(way, torn + 1, np.nan, axis=0)
