"""Accuracy against distance: how many answers lie within a radius, one line per method."""

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from geobench.board.tables import CurvePoint, Row, Tables
from geobench.figures.names import write_names
from geobench.figures.short_names import panel_names
from geobench.figures.style import (
    Look,
    draw_intervals,
    house_style,
    in_shown_unit,
    intervals,
    looks,
    sheet,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAME = r"accuracy@[\d.e+]+km"

RADII_KM = (1.0, 5000.0)
"""What is shown; curves.csv goes on to the antipode."""


_STEP, _WIDTH = 0.04, 0.2  # decades from bar to bar, and of all bars of a radius at most


def draw_accuracy(tables: Tables, *, stamp: str) -> "Figure":
    """A panel per part: lines and bands are the curve `accuracy`, dots the rows `accuracy@...`.

    Args:
        tables: with points of the curve `accuracy`.
        stamp: where the numbers come from, for the corner.
    """
    points = [point for point in tables.curves if is_shown(point)]
    rows = [row for row in tables.rows if re.fullmatch(_NAME, row.summary)]
    parts = list(dict.fromkeys(point.part for point in points))
    labels = list(dict.fromkeys(point.label for point in points))
    look, titles = looks(tables.labels), panel_names(parts)
    with house_style():
        page = sheet(
            len(parts),
            title="Accuracy against distance",
            note=f"bands and bars: {intervals(rows or tables.rows)}",
            stamp=stamp,
            height=2.6,
            names=[look[label].name for label in labels],
        )
        for axes, part in zip(page.panels, parts, strict=True):
            axes.set_title(titles[part])
            _panel(
                axes,
                [point for point in points if point.part == part],
                [row for row in rows if row.part == part and row.overall],
                look,
            )
    return page.figure


def is_shown(point: CurvePoint) -> bool:
    """Whether a point of curves.csv is in the picture."""
    inside = RADII_KM[0] <= point.x <= RADII_KM[1]
    return point.curve == "accuracy" and point.slice == "all" and inside


def _panel(
    axes: "Axes", points: list[CurvePoint], rows: list[Row], look: Mapping[str, Look]
) -> None:
    marks = {}
    labels = list(dict.fromkeys(point.label for point in points))
    step = min(_STEP, _WIDTH / max(len(labels), 1))
    for place, label in enumerate(labels):
        curve, style = [point for point in points if point.label == label], look[label]
        x = [point.x for point in curve]
        low, high = [100 * point.low for point in curve], [100 * point.high for point in curve]
        axes.fill_between(x, low, high, color=style.colour, alpha=0.18, lw=0, label=label)
        named = [in_shown_unit(row) for row in rows if row.label == label]
        named = [row for row in named if RADII_KM[0] <= _radius(row) <= RADII_KM[1]]
        dots = [(_radius(row), row.value) for row in named]
        shift = 10 ** (step * (place - (len(labels) - 1) / 2))  # bars side by side, not upon
        draw_intervals(axes, [x * shift for x, _ in dots], named, style)
        axes.plot([x for x, _ in dots], [y for _, y in dots], ".", ms=5, color=style.colour)
        line = sorted([*dots, *((point.x, 100 * point.value) for point in curve)])
        x, y = [x for x, _ in line], [y for _, y in line]
        axes.plot(x, y, color=style.colour, ls=style.dashes, lw=1.6, label=label)
        marks[label] = line[-1]
    radii = sorted({_radius(row) for row in rows} or {1.0, 10.0, 100.0, 1000.0})
    radii = [radius for radius in radii if RADII_KM[0] <= radius <= RADII_KM[1]]
    axes.set_xscale("log")
    axes.set_xlim(RADII_KM[0] / 10 ** (_WIDTH / 2), RADII_KM[1])
    axes.set_xticks(radii, _beside_each_other(axes, [f"{radius:,g}" for radius in radii], radii))
    axes.minorticks_off()
    axes.tick_params(axis="x", labelsize=7)
    axes.set_ylim(0, 101)
    axes.set_xlabel("distance from the truth (km)")
    axes.set_ylabel("answers within it (%)")
    write_names(axes, marks, look=look)


def _beside_each_other(axes: "Axes", texts: list[str], radii: list[float]) -> list[str]:
    """The numbers of an axis, without those that would lie upon the one before."""
    places = axes.transData.transform([(radius, 0.0) for radius in radii])[:, 0] / axes.figure.dpi
    end, shown = -math.inf, []
    for text, place in zip(texts, places.tolist(), strict=True):
        half = 0.031 * len(text)  # inches, of digits of 7 points
        shown.append(text if place - half > end else "")
        end = place + half + 0.03 if shown[-1] else end
    return shown


def _radius(row: Row) -> float:
    return float(row.summary.removeprefix("accuracy@").removesuffix("km"))
