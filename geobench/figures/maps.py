"""Maps: where each method errs, and where the photos of a split were taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from geobench.figures.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    house_style,
    sheet,
)
from geobench.figures.world import PROJECTION, draw_world, on_map
from geobench.geo import Floats, Points
from geobench.tables import number

if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

_BOUNDS_KM = (0, 25, 200, 750, 2500, 5000, 20_015.2)
"""Edges of the colours: city, region, country, continent, an eighth of the globe, beyond."""


@final
@dataclass(frozen=True, slots=True)
class Errors:
    """What one map of errors shows.

    Args:
        label: whose.
        points: where the photos were taken, (N, 2), in an order that the errors do not decide.
        error_km: how far the answers are from it, (N,); over several trainings, the mean.
        median_km: the method's row `distance.median`, None where the tables have none.
    """

    label: str
    points: Points
    error_km: Floats
    median_km: float | None


def draw_errors(
    found: Sequence[Errors], *, part: str, stamp: str, whole: bool, on_earth: bool
) -> "Figure":
    """A map per method: each test photo where it was taken, in the colour of its error.

    Args:
        found: the methods of one part, at least one.
        part: its label, for the title.
        stamp: where the numbers come from, for the corner.
        whole: whether these are all photos of the part, not 20,000 of them.
        on_earth: whether there is the Earth's land beneath them.
    """
    from matplotlib.colors import BoundaryNorm

    norm = BoundaryNorm(_BOUNDS_KM, len(_BOUNDS_KM) - 1)
    shown = "" if whole else f" ({len(found[0].points):,} of them)"
    with house_style():
        page = sheet(
            len(found),
            title=f"{part}: test photos by the error of each answer{shown}",
            stamp=stamp,
            height=2.05,
            projection=PROJECTION,
            foot=0.55,
        )
        for axes, errors in zip(page.panels, found, strict=True):
            draw_world(axes, on_earth=on_earth)
            median = errors.median_km
            text = "" if median is None else f": median {number(median)} km"
            axes.set_title(errors.label + text, loc="center")
            longitude, latitude = on_map(errors.points)
            size = float(np.clip(4000 / max(len(errors.points), 1), 1.5, 8))
            axes.scatter(
                longitude,
                latitude,
                c=errors.error_km,
                s=size,
                cmap=error_colours(),
                norm=norm,
                lw=0,
                rasterized=True,
                label=errors.label,
            )
        height = page.figure.get_figheight()
        bar = page.figure.add_axes((0.2, 0.5 / height, 0.6, 0.12 / height))
        dots = page.panels[0].collections[-1]
        scale = page.figure.colorbar(dots, cax=bar, orientation="horizontal", spacing="uniform")
        scale.set_ticks(_BOUNDS_KM, labels=[f"{bound:,.0f}" for bound in _BOUNDS_KM])
        scale.set_label("distance of the answer from the truth (km)")
    return page.figure


def error_colours() -> "ListedColormap":
    """A colour for each step of error: light is near and dark is far, to all readers.

    What is lighter than the first would fade on the land.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["plasma_r"](np.linspace(0.08, 1, len(_BOUNDS_KM) - 1)))


# What is trained on recedes, what is tested on stands out; also to colour-blind readers.
ROLES = {
    "train": "#8fb3cf",
    "val": "#333333",
    "buffer": "#f0d890",
    "set-aside": "#7a4a86",
    "seen": BLUE,
    "unseen": "#E0701A",
}
_OTHERS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)


def draw_split(
    points: Points,
    role: NDArray[np.str_],
    *,
    split: str,
    stamp: str,
    whole: bool,
    on_earth: bool,
) -> "Figure":
    """One map of a split: its photos, in the colour of what they are for.

    Args:
        points: where the photos were taken, (N, 2).
        role: train, val, a test part, or why they were left out, (N,).
        split: its label, for the title.
        stamp: where the numbers come from, for the corner.
        whole: whether `points` are all photos of the split, not at most 20,000 a role.
        on_earth: whether there is the Earth's land beneath them.
    """
    colours = role_colours(role.tolist())
    with house_style():
        page = sheet(
            1,
            title=f"Split {split}: what each photo is for",
            stamp=stamp,
            height=4.1,
            projection=PROJECTION,
            foot=0.45,
        )
        (axes,) = page.panels
        draw_world(axes, on_earth=on_earth)
        for name, colour in colours.items():
            inside = role == name
            longitude, latitude = on_map(points[inside])
            count = f"{inside.sum():,}" + ("" if whole else " shown")
            axes.scatter(
                longitude,
                latitude,
                s=3.5,
                lw=0,
                color=colour,
                label=f"{name} ({count})",
                rasterized=True,
            )
        page.figure.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 0.2 / page.figure.get_figheight()),
            ncols=min(6, len(colours)),
            markerscale=3,
            handletextpad=0.2,
            columnspacing=1.5,
            fontsize=9,
        )
    return page.figure


def role_colours(roles: Iterable[str]) -> dict[str, str]:
    """Each role and its colour on every map, in the order in which they are drawn."""
    ordered = sorted(dict.fromkeys(roles), key=_order)
    spare = iter(_OTHERS * len(ordered))
    return {name: ROLES.get(name) or next(spare) for name in ordered}


def _order(role: str) -> tuple[int, str]:
    known = ("train", "val", "set-aside", "buffer", "seen")
    return (known.index(role) if role in known else len(known), role)
