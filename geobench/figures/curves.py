"""Curves of curves.csv: novelty, calibration, risk against coverage; a line per method."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

from geobench.board.tables import CurvePoint, Tables
from geobench.figures.names import number_axis, write_names
from geobench.figures.short_names import panel_names
from geobench.figures.style import (
    GREY,
    Look,
    house_style,
    intervals,
    looks,
    sheet,
)
from geobench.names import CEILING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """How a curve is drawn.

    Args:
        curve: its name in curves.csv.
        x, y: what the axes say, with units.
        scale: what values are multiplied with, 100 for shares in per cent; so is x with `x_scale`.
        logarithmic: the axes that are, of "xy".
        diagonal: draw the line on which x is y.
        bins: the curve whose points are drawn as dots beside it.
        short: what it is, for the title of a panel among others.
        signed: whether values can be below zero; where they cannot, the axis ends there.
    """

    curve: str
    x: str
    y: str
    scale: float = 1.0
    x_scale: float = 1.0
    logarithmic: str = ""
    diagonal: bool = False
    bins: str = ""
    short: str = ""
    signed: bool = False


@final
@dataclass(frozen=True, slots=True)
class Group:
    """A picture of one or several curves: its name, title and caption, and what it draws.

    `ceiling` is what its caption says more where the ceiling is one of the lines.
    """

    name: str
    title: str
    caption: str
    kinds: tuple[Kind, ...]
    ceiling: str = ""

    def has_points(self, tables: Tables) -> bool:
        """Whether there is a point of one of its curves."""
        return any(self._points(tables))

    def captioned(self, tables: Tables) -> str:
        """The caption of the picture of these tables."""
        dashed = any(point.label == CEILING for point in self._points(tables))
        return self.caption + (self.ceiling if dashed else "")

    def _points(self, tables: Tables) -> Iterator[CurvePoint]:
        names = {kind.curve for kind in self.kinds}
        return (point for point in tables.curves if point.curve in names)


_NOVELTY = "distance to the nearest training photo (km)"
_FAR = Kind(
    "distance.mean.novelty",
    _NOVELTY,
    "mean error (km)",
    logarithmic="xy",
    bins="-bins",
    short="error",
)
_LIKELY = Kind(
    "nll.novelty",
    _NOVELTY,
    "mean nll (nats per steradian)",
    logarithmic="x",
    bins="-bins",
    short="nll",
    signed=True,
)
_LEVELS = Kind(
    "calibration",
    "mass of the region (%)",
    "truths within it (%)",
    scale=100,
    x_scale=100,
    diagonal=True,
)
_KEPT = Kind(
    "risk-coverage", "photos kept, the surest first (%)", "their mean error (km)", x_scale=100
)

GROUPS = (
    Group(
        "novelty",
        "Error and likelihood against novelty",
        "Novelty is the distance of a test photo to the nearest training photo. Lines are kernel "
        "averages, dots means of bins of equally many photos.",
        (_FAR, _LIKELY),
        " Where it is new, it is also empty: the dashed line shows how far the nearest training "
        "place is.",
    ),
    Group(
        "calibration",
        "Calibration",
        "How often the smallest region of a given mass holds the truth. On the dotted diagonal a "
        "method is as sure as it may be, below it too sure, above it not sure enough.",
        (_LEVELS,),
    ),
    Group(
        "risk-coverage",
        "Risk against coverage",
        "The mean error of the answers that a method is surest of: sure is an answer that is near "
        "to the method's own samples.",
        (_KEPT,),
    ),
)
"""The pictures of curves, in the order of the page."""


def draw_curves(tables: Tables, group: Group, *, stamp: str) -> "Figure":
    """A panel per part and curve: lines, bands of the intervals, and the bins as dots.

    Args:
        tables: with points of one of the curves.
        group: which, and how.
        stamp: where the numbers come from, for the corner.
    """
    wanted = [
        (part, kind, points)
        for part in dict.fromkeys(point.part for point in tables.curves)
        for kind in group.kinds
        if (points := [p for p in tables.curves if (p.part, p.curve) == (part, kind.curve)])
    ]
    look = looks(tables.labels)
    said = [f": {kind.short}" if len(group.kinds) > 1 else "" for _, kind, _ in wanted]
    titles = panel_names((part for part, _, _ in wanted), endings=said)
    with house_style():
        page = sheet(
            len(wanted),
            title=group.title,
            note=f"bands: {intervals(tables.rows)}",
            stamp=stamp,
            height=2.6,
            names=sorted({look[p.label].name for _, _, points in wanted for p in points}),
        )
        for axes, (part, kind, points), ending in zip(page.panels, wanted, said, strict=True):
            axes.set_title(titles[part] + ending)
            bins = [p for p in tables.curves if (p.part, p.curve) == (part, kind.curve + kind.bins)]
            _panel(axes, kind, points, bins if kind.bins else [], look)
    return page.figure


def _panel(
    axes: "Axes",
    kind: Kind,
    points: list[CurvePoint],
    bins: list[CurvePoint],
    look: Mapping[str, Look],
) -> None:
    marks = {}
    if kind.diagonal:
        axes.plot([0, 100], [0, 100], color=GREY, lw=0.8, ls=":", label="as it should be")
    for label in dict.fromkeys(point.label for point in points):
        line, style = [point for point in points if point.label == label], look[label]
        x = [kind.x_scale * point.x for point in line]
        y = [kind.scale * point.value for point in line]
        low = [kind.scale * point.low for point in line]
        high = [kind.scale * point.high for point in line]
        axes.fill_between(x, low, high, color=style.colour, alpha=0.18, lw=0, label=label)
        axes.plot(x, y, color=style.colour, ls=style.dashes, lw=1.6, label=label)
        dots = [point for point in bins if point.label == label]
        at = [kind.x_scale * point.x for point in dots]
        axes.plot(at, [kind.scale * point.value for point in dots], ".", ms=5, color=style.colour)
        marks[label] = (x[-1], y[-1])
    heights = [kind.scale * v for p in points for v in (p.value, p.low, p.high)]
    _limit(axes, kind, "x", [kind.x_scale * point.x for point in points])
    _limit(axes, kind, "y", [height for height in heights if math.isfinite(height)])
    axes.set_xlabel(kind.x)
    axes.set_ylabel(kind.y)
    write_names(axes, marks, look=look)


def _limit(axes: "Axes", kind: Kind, which: Literal["x", "y"], values: list[float]) -> None:
    logarithmic = which in kind.logarithmic and min(values) > 0
    low, high = min(values), max(values)
    if which == "y" and which in kind.logarithmic:  # bands may reach below zero
        positive = [value for value in values if value > 0]
        logarithmic, low = bool(positive), min(positive, default=1.0)
        low = max(low, high / 1e4)
    if kind.diagonal:
        low, high = 0.0, 100.0
    elif logarithmic:
        low, high = low / 1.1, high * 1.1
    else:
        margin = 0.04 * ((high - low) or 1.0)
        low, high = low - margin * (which == "y"), high + margin
        low = low if kind.signed else max(low, 0.0)
    if logarithmic:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    number_axis(axes, which, low, high, most=5 if which == "x" else 8, logarithmic=logarithmic)
