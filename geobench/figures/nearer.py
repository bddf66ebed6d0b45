"""Where on Earth each of two methods wins: photo by photo, and cell by cell."""

from typing import TYPE_CHECKING

import numpy as np

from geobench.board.comparison import AS_NEAR_KM, Nearer
from geobench.data import hashes, smallest_by_hash
from geobench.figures.short_names import ABOVE, short_names, shortened
from geobench.figures.style import BLUE, GREY, ORANGE, house_style, sheet
from geobench.figures.world import NO_PHOTOS, PROJECTION, draw_world, on_map, outline, say_empty
from geobench.partitions import EqualAreaGrid
from geobench.records.parts import MAP_ROWS
from geobench.scoring.slices import CELL_ROWS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

SIDES = {1: BLUE, -1: ORANGE, 0: "#7d7d7d"}
"""The colours of `Nearer.sides`: a, b, neither."""

_GRID = EqualAreaGrid(CELL_ROWS)
_FEWEST_PHOTOS = 5  # in a cell that is coloured


def draw_nearer(found: Nearer, *, part: str, stamp: str, on_earth: bool) -> "Figure":
    """Two maps: each photo in the colour of who answered nearer, and the shares of each cell.

    Args:
        found: the answers of the two.
        part: its label, for the title.
        stamp: where the numbers come from, for the corner.
        on_earth: whether there is the Earth's land beneath them.
    """
    from matplotlib.lines import Line2D

    names, sides = short_names([found.a, found.b]), found.sides
    a, b = names[found.a], names[found.b]
    with house_style():
        page = sheet(
            2,
            title=f"{shortened(part, most=ABOVE)}: where {a} or {b} is nearer",
            stamp=stamp,
            height=2.05,
            projection=PROJECTION,
            foot=0.65,
        )
        for axes in page.panels:
            draw_world(axes, on_earth=on_earth)
        dots, cells = page.panels
        drawn = _draw_photos(dots, found)
        whole = drawn == len(sides)
        dots.set_title(
            "each photo" if whole else f"{drawn:,} of {len(sides):,} photos", loc="center"
        )
        cells.set_title(f"cells of {_FEWEST_PHOTOS} photos or more", loc="center")
        height = page.figure.get_figheight()
        count = {side: int((sides == side).sum()) for side in SIDES}
        said = {
            1: f"{a} nearer ({count[1]:,})",
            -1: f"{b} nearer ({count[-1]:,})",
            0: f"errors within {AS_NEAR_KM:g} km of each other ({count[0]:,})",
        }
        handles = [
            Line2D([], [], marker="o", ls="", ms=5, color=SIDES[side], label=name)
            for side, name in said.items()
        ]
        page.figure.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.25, 0.85 / height),
            handletextpad=0.2,
            labelspacing=0.3,
            fontsize=8,
        )
        mesh = _draw_cells(cells, found)
        if mesh is None:
            say_empty(cells, f"no cell has {_FEWEST_PHOTOS} photos")
            return page.figure
        bar = page.figure.add_axes((0.6, 0.65 / height, 0.3, 0.12 / height))
        scale = page.figure.colorbar(mesh, cax=bar, orientation="horizontal")
        scale.set_ticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
        scale.set_label(f"photos on which {a} is nearer", fontsize=8)
    return page.figure


def _draw_photos(axes: "Axes", found: Nearer) -> int:
    """A dot per photo, or for 20,000 of them; which lies on top is chance."""
    if not len(found.ids):
        say_empty(axes, NO_PHOTOS)
        return 0
    kept = smallest_by_hash(found.ids, MAP_ROWS)
    kept = kept[np.argsort(hashes(found.ids[kept]), kind="stable")]
    longitude, latitude = on_map(found.points[kept])
    colours = [SIDES[side] for side in found.sides[kept].tolist()]
    size = float(np.clip(4000 / len(kept), 1.5, 8))
    axes.scatter(longitude, latitude, c=colours, s=size, lw=0, rasterized=True)
    return len(kept)


def _draw_cells(axes: "Axes", found: Nearer) -> "PolyCollection | None":
    """Cells of equal area in the colour of the share of their photos that a is nearer on.

    None where no cell has photos enough.
    """
    from matplotlib.collections import PolyCollection

    cell = _GRID.assign(found.points)
    count = np.bincount(cell, minlength=len(_GRID))
    wins = np.bincount(cell, weights=(found.sides + 1) / 2, minlength=len(_GRID))
    shown = np.flatnonzero(count >= _FEWEST_PHOTOS)
    if not len(shown):
        return None
    corners = [np.stack(on_map(outline(_GRID.bounds()[each])), axis=-1) for each in shown]
    mesh = PolyCollection(corners, cmap=_shares(), lw=0.3, edgecolor=GREY)
    mesh.set_array(wins[shown] / count[shown])
    mesh.set_clim(0, 1)
    axes.add_collection(mesh, autolim=False)
    return mesh


def _shares() -> "LinearSegmentedColormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", [SIDES[-1], "#ffffff", SIDES[1]])
