"""Names beside lines and dots, none upon another, and numbers beside logarithmic axes."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geobench.figures.fitted import width_of
from geobench.figures.style import LEADER_INCHES, NAME_INCHES, NAME_SIZE, Look
from geobench.geo import Floats
from geobench.names import CEILING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_names(
    axes: "Axes",
    marks: Mapping[str, tuple[float, float]],
    *,
    look: Mapping[str, Look],
    texts: Mapping[str, str] | None = None,
) -> None:
    """Write names to the right of the panel, each led to its mark by a thin line.

    Args:
        axes: whose limits and scales are final.
        marks: label -> what it is the name of, in data units: the end of a line, or a dot.
        look: label -> its colour.
        texts: label -> what is written; its full name, unless said.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    at = {label: to_axes.transform(mark) for label, mark in marks.items()}
    labels = sorted(at, key=lambda label: float(at[label][1]))
    written = {label: (texts or {}).get(label) or full_name(label, look) for label in labels}
    line = NAME_INCHES / (axes.bbox.height / axes.figure.dpi)
    sizes = line * np.array([1 + written[label].count("\n") for label in labels])
    wanted = np.array([at[label][1] for label in labels], dtype=np.float64)
    beside = 1 + min(0.05, LEADER_INCHES / (axes.bbox.width / axes.figure.dpi))
    for label, place in zip(labels, spread(wanted, sizes), strict=True):
        colour = look[label].colour
        axes.annotate(
            written[label],
            xy=tuple(at[label]),
            xytext=(beside, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            va="center",
            fontsize=NAME_SIZE,
            linespacing=1.0,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "relpos": (0, 0.5)},
        )


def full_name(label: str, look: Mapping[str, Look]) -> str:
    """A label as it stands beside a panel; the ceiling's says in a second line what it is."""
    return look[label].name + "\n(ceiling)" * (label == CEILING)


def spread(wanted: Floats, sizes: Floats) -> Floats:
    """Ascending positions in [0, 1], moved as little as possible (squared) so that none overlap.

    It is the isotonic regression of what is wanted less the room that those before take, kept
    within the panel, and that room again.

    Args:
        wanted: where the middles of the names would be, (N,).
        sizes: how much of the panel's height each name takes, (N,).
    """
    from scipy.optimize import isotonic_regression

    steps = np.concatenate([[0.0], np.cumsum((sizes[1:] + sizes[:-1]) / 2)])
    lowest, highest = sizes[0] / 2, 1 - sizes[-1] / 2 - steps[-1]
    apart = np.maximum(np.minimum(isotonic_regression(wanted - steps).x, highest), lowest)
    return np.asarray(apart + steps)


_BETWEEN = 0.02
"""Inches, at least, on each side of a number below a panel."""


def number_axis(
    axes: "Axes", which: Literal["x", "y"], low: float, high: float, *, most: int, logarithmic: bool
) -> None:
    """Give an axis its final limits and between two and `most` numbers, written in full.

    Args:
        axes: the panel.
        which: of its axes.
        low, high: its limits.
        most: how many numbers have room.
        logarithmic: whether it is.
    """
    from matplotlib.ticker import MaxNLocator, NullLocator

    ticks: list[float] = []
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
            ticks = [step * 10.0**decade for decade in decades for step in steps]
            ticks = [tick for tick in ticks if low <= tick <= high]
            if len(ticks) <= most:
                break
        ticks = ticks[:: max(-(-len(ticks) // most), 1)]
    if len(ticks) < 2:
        found: Any = MaxNLocator(min(most, 5)).tick_values(low, high)
        ticks = [float(tick) for tick in found if low <= tick <= high]
    ticks = ticks if len(ticks) > 1 else [low, high]
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    if which == "x":  # numbers below an axis are wider than they are high
        ticks = _apart(axes, ticks)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(ticks, labels=[_written(tick) for tick in ticks])
    axis.set_minor_locator(NullLocator())


def _written(tick: float) -> str:
    return f"{tick:,.6g}"


def _apart(axes: "Axes", ticks: Sequence[float]) -> list[float]:
    """Of numbers below a panel those that have room, or its limits where not even two have.

    Args:
        axes: whose limits and scale are final.
        ticks: ascending, two or more.
    """
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    size = FontProperties(size=rcParams["xtick.labelsize"]).get_size_in_points()
    inches = axes.bbox.width / axes.figure.dpi
    ends = axes.transData + axes.transAxes.inverted()
    at = {tick: inches * float(ends.transform((tick, axes.get_ylim()[1]))[0]) for tick in ticks}
    half = {tick: width_of(_written(tick), size=size) / 2 + _BETWEEN for tick in ticks}

    def clear(one: float, other: float) -> bool:
        return at[one] + half[one] <= at[other] - half[other]

    first, *between, last = ticks
    if not clear(first, last):
        return list(axes.get_xlim())
    kept = [first]
    for tick in between:
        if clear(kept[-1], tick) and clear(tick, last):
            kept.append(tick)
    return [*kept, last]
