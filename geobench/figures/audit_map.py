"""Maps of an audit: where the photos of a dataset are, and which of them are doubtful or leak."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geobench.audit import Audit, Mark
from geobench.data import smallest_by_hash
from geobench.figures.maps import role_colours, role_height
from geobench.figures.short_names import ABOVE, short_names
from geobench.figures.style import house_style, sheet
from geobench.figures.world import NO_PHOTOS, PROJECTION, draw_world, on_map, say_empty
from geobench.geo import Points
from geobench.records.parts import MAP_ROWS, split_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PHOTOS = "#7d9fba"
# Rings, so that the photo and its role are seen inside; none has the colour of a role.
_RINGS = ("#000000", "#B2182B", "#1B7837", "#762A83")


def draw_dataset(audit: Audit) -> "Figure":
    """A map of a dataset: its photos, and rings around those whose place is doubtful."""
    table = audit.dataset.table
    kept = smallest_by_hash(table.ids, MAP_ROWS)
    roles = np.full(len(kept), "photos")
    total = {"photos": len(table)}
    title = f"Dataset {audit.dataset.name}: where its photos were taken"
    colours = {"photos": _PHOTOS}
    return _draw(
        audit, table.points[kept], roles, total, colours, ["photos"], audit.doubtful, title
    )


def draw_leakage(audit: Audit) -> "Figure":
    """A map of a split: what each photo is for, and rings around test photos that leak.

    Photos of test parts whose dataset publishes only scores are not on it.
    """
    drawn = audit.assignment
    if drawn is None:
        raise ValueError("no split was audited")
    home = drawn.train.dataset.table
    shown = [part for part in drawn.all_parts if part.dataset.publishes != "scores"]
    places = {part.name: (part.points, part.ids) for part in shown}
    places |= {why: (home.points[rows], home.ids[rows]) for why, rows in drawn.left_out.items()}
    arrays = split_map(places)
    total = {name: len(ids) for name, (_, ids) in places.items() if len(ids)}
    title = f"Split {audit.split} of {audit.dataset.name}: what each photo is for"
    tested = [part.name for part in drawn.parts]
    colours = role_colours(total, tested=tested)
    points, role = arrays["points"], arrays["role"]
    return _draw(audit, points, role, total, colours, tested, audit.leaking, title)


def _draw(
    audit: Audit,
    points: Points,
    role: NDArray[np.str_],
    total: dict[str, int],
    colours: dict[str, str],
    tested: Sequence[str],
    marks: Sequence[Mark],
    title: str,
) -> "Figure":
    """Dots in the colour of their role, and rings of one colour for each mark.

    Args:
        audit: whose dataset is named in the corner.
        points: (N, 2).
        role: (N,).
        total: role -> how many photos have it, shown or not.
        colours: role -> its colour, in the order of the legend.
        tested: the roles that, with train and val, lie above the others.
        marks: what the rings are drawn around.
        title: of the picture.
    """
    with house_style():
        page = sheet(
            1,
            title=title,
            stamp=f"{audit.dataset.name}, digest {audit.dataset.digest[:12]}",
            height=4.1,
            projection=PROJECTION,
            foot=0.65,
        )
        (axes,) = page.panels
        draw_world(axes, on_earth=audit.dataset.on_earth)
        if not len(points):
            say_empty(axes, NO_PHOTOS)
        names = short_names(colours, most=ABOVE)
        size = float(np.clip(40_000 / max(len(points), 1), 2, 5))
        for name, colour in colours.items():
            inside = role == name
            count = f"{total[name]:,}"
            if inside.sum() < total[name]:
                count = f"{inside.sum():,} of {count} shown"
            height = role_height(name, tested)
            dots: dict[str, Any] = {"s": size, "lw": 0, "color": colour, "zorder": height}
            _scatter(axes, points[inside], label=f"{names[name]} ({count})", **dots)
        for number, mark in enumerate(marks):
            kept = mark.points[:MAP_ROWS]
            count = f"{len(mark.points):,}"
            ring: dict[str, Any] = {
                "s": 28 + 18 * number,  # rings of one photo lie around each other
                "lw": 0.9,
                "facecolor": "none",
                "edgecolor": _RINGS[number % len(_RINGS)],
                "zorder": 3,
            }
            _scatter(axes, kept, label=f"{_called(audit, mark)} ({count})", **ring)
        page.figure.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 0.2 / page.figure.get_figheight()),
            ncols=min(4, len(colours) + len(marks)),
            markerscale=1.8,
            handletextpad=0.2,
            columnspacing=1.5,
            fontsize=9,
        )
    return page.figure


def _called(audit: Audit, mark: Mark) -> str:
    return f"leaks in {mark.name}" if mark in audit.leaking else mark.name


def _scatter(axes: "Axes", points: Points, **look: Any) -> None:
    longitude, latitude = on_map(points)
    axes.scatter(longitude, latitude, rasterized=True, **look)
