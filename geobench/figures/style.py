"""How all pictures look: colours that colour-blind readers tell apart, names beside the lines."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from geobench.config import CEILING
from geobench.tables import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.5
"""Inches: at the 850 pixels of a README's column, type of 9 points is as large as its text."""

GREY = "#6b6b6b"

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), without its yellow, which fades on
# white; the darkest come first. Where it ends, the lines change their dashes.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = "osD^vPX"

_SETTINGS: Any = {  # a dictionary of matplotlib's settings
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "figure.dpi": 144,
    "savefig.dpi": 144,
    "svg.hashsalt": "geobench",  # the same bytes each time
    "svg.fonttype": "none",
}


@contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's settings for everything that is drawn or saved inside."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


@final
@dataclass(frozen=True, slots=True)
class Look:
    """How one label is drawn in every picture of a leaderboard."""

    colour: str
    dashes: Any
    marker: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Label -> how it is drawn; the ceiling is grey and dashed."""
    found = {}
    for number, label in enumerate(label for label in labels if label != CEILING):
        lap, place = divmod(number, len(_COLOURS))
        found[label] = Look(_COLOURS[place], _DASHES[lap % len(_DASHES)], _MARKERS[place])
    found[CEILING] = Look(GREY, (0, (4, 2)), "_")
    return found


@final
@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure and its panels, row by row."""

    figure: "Figure"
    panels: "list[Axes]"


def sheet(
    count: int,
    *,
    title: str,
    stamp: str,
    height: float,
    columns: int = 2,
    names: Sequence[str] = (),
    projection: str | None = None,
    foot: float = 0.0,
) -> Sheet:
    """A figure as wide as a README's column with `count` panels in at most `columns` columns.

    Everything is placed in inches, so that a leaderboard of one method and one of twenty have
    type of the same size.

    Args:
        count: the number of panels, at least 1.
        title: of the whole.
        stamp: where the numbers come from, for the lower right corner.
        height: of a panel, in inches.
        columns: the most panels in a row.
        names: what will be written to the right of the panels, which leaves room for it.
        projection: of the panels, None for plain axes; maps have no axes that need room.
        foot: inches below the panels, for a colour bar.
    """
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    left, below = (0.7, 0.45) if projection is None else (0.05, 0.05)
    right = 0.12 + (0.1 + 0.058 * max(map(len, names)) if names else 0.0)
    above, head, bottom = 0.3, 0.35, 0.25 + foot
    width = WIDTH / columns
    total = head + rows * (above + height + below) + bottom
    figure = Figure(figsize=(WIDTH, total))
    figure.text(0.1 / WIDTH, 1 - 0.1 / total, title, va="top", fontsize=11, fontweight="bold")
    figure.text(1 - 0.08 / WIDTH, 0.06 / total, stamp, ha="right", fontsize=7, color=GREY)
    panels = []
    for number in range(count):
        row, column = divmod(number, columns)
        lower = total - head - (row + 1) * (above + height + below) + below
        box = (column * width + left, lower, width - left - right, height)
        scaled = (box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total)
        panels.append(figure.add_axes(scaled, projection=projection))
    return Sheet(figure, panels)


def name_lines(
    axes: "Axes", ends: Mapping[str, float], *, look: Mapping[str, Look], texts: Mapping[str, str]
) -> None:
    """Write names at the right edge, each beside the end of its line, none upon another.

    Args:
        axes: whose limits and scale are final.
        ends: label -> the vertical position of its line's end, in data units.
        look: label -> its colour.
        texts: label -> what is written.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    edge = axes.get_xlim()[1]
    at = {label: float(to_axes.transform((edge, y))[1]) for label, y in ends.items()}
    labels = sorted(at, key=lambda label: at[label])
    inches = axes.bbox.height / axes.figure.dpi
    places = spread(np.array([at[label] for label in labels]), 0.14 / inches)
    for label, place in zip(labels, places, strict=True):
        axes.annotate(
            texts[label],
            xy=(1, at[label]),
            xytext=(1.05, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=look[label].colour,
            va="center",
            fontsize=7.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": look[label].colour, "lw": 0.6, "shrinkA": 1},
        )


def draw_intervals(axes: "Axes", x: Sequence[float], rows: Sequence[Row], look: Look) -> None:
    """A bar from the low to the high end of each row's interval, where it has one."""
    there = [(place, row) for place, row in zip(x, rows, strict=True) if math.isfinite(row.low)]
    places = [place for place, _ in there]
    low, high = [row.low for _, row in there], [row.high for _, row in there]
    axes.vlines(places, low, high, color=look.colour, lw=1.2)


def spread(wanted: "np.ndarray[Any, Any]", gap: float) -> "np.ndarray[Any, Any]":
    """Ascending positions moved as little as possible (squared) so that each two are `gap` apart.

    It is the isotonic regression of wanted - i gap, plus i gap.
    """
    from scipy.optimize import isotonic_regression

    steps = gap * np.arange(len(wanted))
    return np.asarray(isotonic_regression(wanted - steps).x + steps)


def in_shown_unit(row: Row) -> Row:
    """A row in the unit of its axis: shares in per cent."""
    if row.unit != "share":
        return row
    return replace(row, value=100 * row.value, low=100 * row.low, high=100 * row.high)


def axis_title(row: Row) -> str:
    """A summary as an axis names it: what, in which unit, which way is better."""
    unit = {"share": "%"}.get(row.unit, row.unit)
    return f"{row.summary} ({unit}, {row.better} is better)"


def intervals(rows: Sequence[Row]) -> str:
    """What the intervals of these rows mean, in one sentence."""
    seeds = max((row.seeds for row in rows), default=1)
    if seeds < 3:
        return "95 % intervals over places, for the trained model at hand"
    return f"95 % intervals over places and {seeds} trainings"
