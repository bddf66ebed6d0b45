"""Maps: where each method errs, and where the photos of a split were taken."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from geobench.figures.short_names import ABOVE, panel_names, short_names, shortened
from geobench.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, WIDTH, house_style, sheet
from geobench.figures.world import NO_PHOTOS, PROJECTION, draw_world, on_map, say_empty
from geobench.geo import Floats, Points
from geobench.readable import number

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
    medians = ["" if e.median_km is None else f": median {number(e.median_km)} km" for e in found]
    room = WIDTH / min(2, len(found)) - 0.2
    names = panel_names((errors.label for errors in found), endings=medians, room=room)
    with house_style():
        page = sheet(
            len(found),
            title=f"{shortened(part, most=ABOVE)}: test photos by the error of each answer{shown}",
            stamp=stamp,
            height=2.05,
            projection=PROJECTION,
            foot=0.55,
        )
        for axes, errors, median in zip(page.panels, found, medians, strict=True):
            draw_world(axes, on_earth=on_earth)
            axes.set_title(names[errors.label] + median, loc="center")
            if not len(errors.points):
                say_empty(axes, NO_PHOTOS)
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


# What is trained on or left out recedes, what is tested on stands out; to all readers.
_DEEP_ORANGE = "#E0701A"
ROLES = {"train": "#8fb3cf", "val": "#333333", "seen": BLUE, "unseen": _DEEP_ORANGE}
"""The colours of what is learnt from and tested on."""
LEFT_OUT = {
    "set-aside": "#7a4a86",
    "buffer": "#f0d890",
    "seen": "#b4e3fe",
    "surplus": "#c29fa4",
    "train-share": "#9aab78",
    "val-ratio": "#a587ff",
    "same-group": "#bebe5a",
    "val-set-aside": "#a0fac8",
    "val-buffer": "#d2fa82",
    "val-control": "#b4c8d2",
}
"""The colours of what is not used, by the reason."""
_MORE_TESTED = (BLUE, _DEEP_ORANGE, GREEN, PURPLE, ORANGE, SKY)
_MORE_LEFT_OUT = ("#feb4a5", "#be995c")


def draw_split(
    points: Points,
    role: NDArray[np.str_],
    *,
    tested: Collection[str],
    split: str,
    stamp: str,
    whole: bool,
    on_earth: bool,
) -> "Figure":
    """One map of a split: its photos, in the colour of what they are for.

    Args:
        points: where the photos were taken, (N, 2).
        role: train, val, a test part, or why they were left out, (N,).
        tested: the roles that are test parts.
        split: its label, for the title.
        stamp: where the numbers come from, for the corner.
        whole: whether `points` are all photos of the split, not at most 20,000 a role.
        on_earth: whether there is the Earth's land beneath them.
    """
    colours = role_colours(role.tolist(), tested=tested)
    more = "" if whole else " shown"
    short = short_names(colours, most=ABOVE)
    labels = {name: f"{short[name]} ({(role == name).sum():,}{more})" for name in colours}
    inches = sum(0.35 + 0.07 * len(label) for label in labels.values())  # of the legend
    rows = max(1, math.ceil(inches / (0.95 * WIDTH)))
    with house_style():
        page = sheet(
            1,
            title=f"Split {split}: what each photo is for",
            stamp=stamp,
            height=4.1,
            projection=PROJECTION,
            foot=0.25 + 0.2 * rows,
        )
        (axes,) = page.panels
        draw_world(axes, on_earth=on_earth)
        if not colours:
            say_empty(axes, NO_PHOTOS)
            return page.figure
        for name, colour in colours.items():
            inside = role == name
            longitude, latitude = on_map(points[inside])
            axes.scatter(
                longitude,
                latitude,
                s=3.5,
                lw=0,
                color=colour,
                zorder=role_height(name, tested),
                label=labels[name],
                rasterized=True,
            )
        page.figure.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 0.2 / page.figure.get_figheight()),
            ncols=-(-len(colours) // rows),
            markerscale=3,
            handletextpad=0.2,
            columnspacing=1.5,
            fontsize=9,
        )
    return page.figure


def role_colours(roles: Iterable[str], *, tested: Collection[str]) -> dict[str, str]:
    """Each role and its colour on every map, in the order of the legend.

    Args:
        roles: train, val, test parts, and why photos were left out.
        tested: the test parts among them; a part that a twin leaves out is none.
    """
    known = (*ROLES, *LEFT_OUT)

    def order(role: str) -> tuple[bool, bool, int, str]:
        learnt = role in _LEARNT
        place = known.index(role) if role in known else len(known)
        return (not learnt, role in tested, place, role)

    ordered = sorted(dict.fromkeys(roles), key=order)
    used = [name for name in ordered if name in tested or name in _LEARNT]
    left_out = [name for name in ordered if name not in used]
    found = _handed_out(used, ROLES, _MORE_TESTED) | _handed_out(left_out, LEFT_OUT, _MORE_LEFT_OUT)
    return {name: found[name] for name in ordered}


_LEARNT = ("train", "val")


def _handed_out(
    names: Sequence[str], fixed: Mapping[str, str], more: Sequence[str]
) -> dict[str, str]:
    """The fixed colours, and for other names those that are not in use, again where they end."""
    found = {name: fixed[name] for name in names if name in fixed}
    spare = itertools.cycle([colour for colour in more if colour not in found.values()])
    return found | {name: next(spare) for name in names if name not in found}


def role_height(role: str, tested: Collection[str]) -> float:
    """How high its dots lie: those of photos that are left out are beneath the others."""
    return 2 if role in _LEARNT or role in tested else 1
