"""How all pictures look: their sizes, and colours that colour-blind readers tell apart."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from geobench.board.tables import Row
from geobench.figures.fitted import width_of
from geobench.figures.short_names import TITLE_SIZE, short_names, shortened
from geobench.names import CEILING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

WIDTH = 8.5
"""Inches: at the 850 pixels of a README's column, type of 9 points is as large as its text."""

NAME_INCHES = 0.14
"""The height of a line of a name beside a panel."""

NAME_SIZE = 7.5
"""Points of its letters."""

LEADER_INCHES = 0.17
"""The most that lies between a panel and a name beside it."""

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), without its yellow, which fades on
# white.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#6b6b6b"

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = "osD^vPX"

_SETTINGS: Any = {  # a dictionary of matplotlib's settings
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.titlesize": TITLE_SIZE,
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
    "text.parse_math": False,  # a label such as $x$ is no formula
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
    """How one label is drawn in every picture of a leaderboard, and what is written of it."""

    colour: str
    dashes: Any
    marker: str
    name: str


def looks(labels: Sequence[str]) -> dict[str, Look]:
    """Label -> how it is drawn; the ceiling is grey and dashed.

    Where the colours end they begin again, with other dashes and markers.
    """
    found, names = {}, short_names([*labels, CEILING])
    for number, label in enumerate(label for label in labels if label != CEILING):
        lap, place = divmod(number, len(_COLOURS))
        found[label] = Look(
            _COLOURS[place],
            _DASHES[lap % len(_DASHES)],
            _MARKERS[(place + lap) % len(_MARKERS)],
            names[label],
        )
    found[CEILING] = Look(GREY, (0, (4, 2)), "_", CEILING)
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
    note: str = "",
    names: Sequence[str] = (),
    projection: str | None = None,
    foot: float = 0.0,
) -> Sheet:
    """A figure as wide as a README's column with `count` panels, two in a row.

    Everything is placed in inches, so that a leaderboard of one method and one of twenty have
    type of the same size.

    Args:
        count: the number of panels, at least 1.
        title: of the whole.
        stamp: where the numbers come from, for the lower right corner.
        height: of a panel, in inches; more where the names need it.
        note: a line below the title.
        names: what will be written to the right of the panels, which leaves room for it.
        projection: of the panels, None for plain axes; maps have no axes that need room.
        foot: inches below the panels, for a colour bar.
    """
    columns = min(2, count)
    rows = -(-count // columns)
    left, below = (0.7, 0.45) if projection is None else (0.05, 0.05)
    right = 0.12 + (_room_beside(names) if names else 0.0)
    height = max(height, NAME_INCHES * (len(names) + 2))
    above, head, bottom = 0.3, 0.52 if note else 0.35, 0.25 + foot
    width = WIDTH / columns
    total = head + rows * (above + height + below) + bottom
    figure = headed(total, title=title, stamp=stamp, note=note)
    panels = []
    for number in range(count):
        row, column = divmod(number, columns)
        lower = total - head - (row + 1) * (above + height + below) + below
        box = (column * width + left, lower, width - left - right, height)
        scaled = (box[0] / WIDTH, box[1] / total, box[2] / WIDTH, box[3] / total)
        panels.append(figure.add_axes(scaled, projection=projection))
    return Sheet(figure, panels)


def _room_beside(names: Sequence[str]) -> float:
    """Inches that names take to the right of a panel, with what leads to them."""
    wide = max(width_of(name, size=NAME_SIZE) for name in names)
    return max(0.1 + 0.062 * max(map(len, names)), LEADER_INCHES - 0.07 + wide)


def headed(height: float, *, title: str, stamp: str, note: str = "") -> "Figure":
    """An empty figure of README width, `height` inches high, with title, note and origin."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    left, right = 0.1 / WIDTH, 1 - 0.08 / WIDTH
    figure.text(left, 1 - 0.1 / height, title, va="top", fontsize=11, fontweight="bold")
    figure.text(left, 1 - 0.32 / height, note, va="top", fontsize=8.5, color=GREY)
    figure.text(right, 0.06 / height, stamp, ha="right", fontsize=7, color=GREY)
    for text in figure.texts:
        _fit(text, room=(right - left) * WIDTH * figure.dpi)
    return figure


def _fit(text: "Text", *, room: float) -> None:
    """Shorten a line of text until it is no wider than `room`, in pixels."""
    whole = text.get_text()
    most = len(whole)
    while most > _ALWAYS_FITS and (width := text.get_window_extent().width) > room:
        most = min(most - 1, int(most * room / width))
        text.set_text(shortened(whole, most=most))


_ALWAYS_FITS = 60
"""Letters of a line for which there is room without a look."""


def draw_intervals(axes: "Axes", x: Sequence[float], rows: Sequence[Row], look: Look) -> None:
    """A bar from the low to the high end of each row's interval, where it has one."""
    there = [(place, row) for place, row in zip(x, rows, strict=True) if math.isfinite(row.low)]
    places = [place for place, _ in there]
    low, high = [row.low for _, row in there], [row.high for _, row in there]
    strength = [0.4 if row.weak else 1.0 for _, row in there]  # a weak interval is pale
    axes.vlines(places, low, high, color=look.colour, lw=1.2, alpha=strength if there else None)


def in_shown_unit(row: Row) -> Row:
    """A row in the unit of its axis: shares in per cent."""
    if row.unit != "share":
        return row
    return replace(row, value=100 * row.value, low=100 * row.low, high=100 * row.high)


def axis_title(row: Row) -> str:
    """A summary as an axis names it: what, in which unit, which way is better."""
    unit = {"share": "%"}.get(row.unit, row.unit)
    way = f", {row.better} is better" if row.better else ""
    return f"{row.summary} ({unit}{way})"


def intervals(rows: Sequence[Row]) -> str:
    """What the intervals of these rows mean, in one sentence."""
    seeds = max((row.seeds for row in rows), default=1)
    if seeds < 3:
        return "95 % intervals over places, for the trained model at hand"
    return f"95 % intervals over places and {seeds} trainings"
