"""Seen against unseen: what each method loses where it has never trained."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from geobench.figures.names import number_axis, write_names
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
from geobench.tables import Row, Tables, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PREFERRED = ("geoscore", "distance.median")


def pairs(tables: Tables) -> list[str]:
    """The labels of splits that have the parts `seen` and `unseen`."""
    parts = dict.fromkeys(row.part for row in tables.rows)
    splits = [part.removesuffix("/seen") for part in parts if part.endswith("/seen")]
    return [split for split in splits if f"{split}/unseen" in parts]


def shown_summaries(tables: Tables) -> list[str]:
    """GeoScore and median distance, or the first summary where a benchmark has neither."""
    there = list(dict.fromkeys(row.summary for row in tables.rows))
    return [name for name in _PREFERRED if name in there] or there[:1]


def draw_slopes(tables: Tables, *, stamp: str) -> "Figure":
    """A panel per split and summary: a line per method from its value on seen to that on unseen.

    Args:
        tables: with rows of a split that has the parts `seen` and `unseen`.
        stamp: where the numbers come from, for the corner.
    """
    wanted = [(split, name) for split in pairs(tables) for name in shown_summaries(tables)]
    rows = [in_shown_unit(row) for row in tables.rows if row.plain]
    rows = [row for row in rows if math.isfinite(row.value)]
    look = looks(tables.labels)
    with house_style():
        title = f"Seen against unseen places (bars: {intervals(rows)})"
        page = sheet(
            len(wanted),
            title=title,
            stamp=stamp,
            height=3.0,
            names=[f"{label} 00,000" for label in tables.labels],
        )
        for axes, (split, name) in zip(page.panels, wanted, strict=True):
            axes.set_title(f"{split}: {name}")
            of_panel = [row for row in rows if row.summary == name]
            ends = [
                {row.label: row for row in of_panel if row.part == f"{split}/{part}"}
                for part in ("seen", "unseen")
            ]
            _panel(axes, ends[0], ends[1], look)
    return page.figure


def _panel(
    axes: "Axes", seen: Mapping[str, Row], unseen: Mapping[str, Row], look: Mapping[str, Look]
) -> None:
    labels = [label for label in seen if label in unseen]
    if not labels:
        axes.text(0.5, 0.5, "no method has both", transform=axes.transAxes, ha="center")
        return
    first = seen[labels[0]]
    values = [ends[label].value for ends in (seen, unseen) for label in labels]
    logarithmic = first.unit == "km" and min(values) > 0
    if logarithmic:
        axes.set_yscale("log")
    step = 0.2 / max(len(labels), 10)
    for place, label in enumerate(labels):
        shift = step * (place - (len(labels) - 1) / 2)  # bars beside each other, not upon
        style, ends = look[label], (seen[label], unseen[label])
        x = [shift, 1 + shift]
        axes.plot(
            x,
            [row.value for row in ends],
            color=style.colour,
            ls=style.dashes,
            marker=style.marker,
            ms=4,
            lw=1.5,
            label=label,
        )
        draw_intervals(axes, x, ends, style)
    axes.set_xlim(-0.12, 1.12)
    axes.set_xticks([0, 1], ["seen", "unseen"])
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(axis_title(first))
    low, high = axes.get_ylim()
    low = min(0, low) if first.better == "higher" and not logarithmic else low
    number_axis(axes, "y", low, high, most=10, logarithmic=logarithmic)
    percent = " %" if first.unit == "share" else ""
    marks = {label: (1.0, unseen[label].value) for label in labels}
    texts = {label: f"{label} {number(y)}{percent}" for label, (_, y) in marks.items()}
    write_names(axes, marks, look=look, texts=texts)
