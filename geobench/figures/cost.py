"""Cost against quality: the seconds that a method takes, and its score."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from geobench.board.tables import Row, Tables
from geobench.figures.names import number_axis, write_names
from geobench.figures.short_names import panel_names
from geobench.figures.slopes import shown_summaries
from geobench.figures.style import (
    Look,
    axis_title,
    draw_intervals,
    house_style,
    in_shown_unit,
    intervals,
    looks,
    sheet,
)
from geobench.names import CEILING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST = 1e-3  # seconds; a logarithmic axis has no zero
_COUNTED = ("fit_seconds", "predict_seconds")


def seconds(tables: Tables, part: str) -> dict[str, float]:
    """Label -> seconds to fit and to answer a part, the mean over seeds, from costs.csv."""
    found: dict[str, dict[int, float]] = {}
    for cost in tables.costs:
        if cost.part == part and cost.quantity in _COUNTED:
            by_seed = found.setdefault(cost.label, {})
            by_seed[cost.seed] = by_seed.get(cost.seed, 0.0) + cost.value
    return {label: float(np.mean(list(by_seed.values()))) for label, by_seed in found.items()}


def timed_parts(tables: Tables) -> list[str]:
    """The parts on which some method has both a score and its seconds."""
    parts = dict.fromkeys(row.part for row in _rows(tables))
    timed = {part: seconds(tables, part) for part in parts}
    return [p for p in parts if any(r.part == p and r.label in timed[p] for r in _rows(tables))]


def _rows(tables: Tables) -> list[Row]:
    names = shown_summaries(tables)[:1]
    rows = [row for row in tables.rows if row.summary in names and row.overall]
    # Of answers from a file nobody knows what they took.
    known = [row for row in rows if math.isfinite(row.value) and row.status != "external"]
    return [in_shown_unit(row) for row in known]


def draw_cost(tables: Tables, *, stamp: str) -> "Figure":
    """A panel per part: a dot per method, its seconds against its score with the interval.

    Args:
        tables: with costs; there are `timed_parts`.
        stamp: where the numbers come from, for the corner.
    """
    rows = _rows(tables)
    parts = timed_parts(tables)
    counted = [cost for cost in tables.costs if cost.quantity in _COUNTED]
    devices = sorted({cost.device for cost in counted} - {""})
    look, titles = looks(tables.labels), panel_names(parts)
    with house_style():
        page = sheet(
            len(parts),
            title="Cost against quality",
            note=f"on {', '.join(devices)}; bars: {intervals(rows)}",
            stamp=stamp,
            height=2.6,
            names=[look[label].name for label in tables.labels],
        )
        for axes, part in zip(page.panels, parts, strict=True):
            axes.set_title(titles[part])
            of_part = {row.label: row for row in rows if row.part == part}
            _panel(axes, of_part, seconds(tables, part), look)
    return page.figure


def _panel(
    axes: "Axes", rows: Mapping[str, Row], spent: Mapping[str, float], look: Mapping[str, Look]
) -> None:
    times = [max(spent[label], _LEAST) for label in rows if label in spent]
    axes.set_xscale("log")
    # Before there is anything to scale by: all may have taken the same least time.
    axes.set_xlim(min(times) / 2, 2 * max(times))
    for label in (label for label in rows if label in spent):
        row, style = rows[label], look[label]
        x = [max(spent[label], _LEAST)]
        axes.plot(x, [row.value], style.marker, color=style.colour, ms=5, label=label)
        draw_intervals(axes, x, [row], style)
    if CEILING in rows:
        style = look[CEILING]
        axes.axhline(rows[CEILING].value, color=style.colour, ls=style.dashes, label=CEILING)
    first = next(iter(rows.values()))
    axes.set_xlabel("time to fit and answer (s)")
    axes.set_ylabel(axis_title(first))
    number_axis(axes, "x", min(times) / 2, 2 * max(times), most=5, logarithmic=True)
    low, high = axes.get_ylim()
    low = min(0, low) if first.better == "higher" else low
    number_axis(axes, "y", low, high, most=8, logarithmic=False)
    marks = {
        label: (max(spent[label], _LEAST), rows[label].value) for label in rows if label in spent
    }
    if CEILING in rows:
        marks[CEILING] = (2 * max(times), rows[CEILING].value)
    write_names(axes, marks, look=look)
