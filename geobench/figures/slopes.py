"""Slopes from one part to another: what each method loses where it has never trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from geobench.board.tables import Row, Tables
from geobench.figures.names import full_name, number_axis, write_names
from geobench.figures.short_names import panel_names
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
from geobench.readable import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHORT = 12  # letters of a name before its numbers
_PREFERRED = ("geoscore", "distance.median")


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Two parts that lines are drawn between.

    Args:
        title: of the panel.
        left, right: labels of the parts.
        ends: what stands below each.
    """

    title: str
    left: str
    right: str
    ends: tuple[str, str]


def seen_pairs(tables: Tables) -> list[Pair]:
    """The parts `seen` and `unseen` of each split that has both."""
    parts = dict.fromkeys(row.part for row in tables.rows)
    splits = [part.removesuffix("/seen") for part in parts if part.endswith("/seen")]
    return [
        Pair(split, f"{split}/seen", f"{split}/unseen", ("seen", "unseen"))
        for split in splits
        if f"{split}/unseen" in parts
    ]


def twin_pairs(tables: Tables, twins: Mapping[str, str]) -> list[Pair]:
    """The same photos after two trainings.

    Args:
        tables: of which both parts have rows.
        twins: part -> the part of the twin, trained on its surroundings, too.
    """
    parts = {row.part for row in tables.rows}
    ends = ("trained on the\nsurroundings, too", "trained elsewhere\nonly")
    return [
        Pair(part, twin, part, ends)
        for part, twin in twins.items()
        if part in parts and twin in parts
    ]


def shown_summaries(tables: Tables) -> list[str]:
    """GeoScore and median distance, or the first summary where a benchmark has neither."""
    there = list(dict.fromkeys(row.summary for row in tables.rows))
    return [name for name in _PREFERRED if name in there] or there[:1]


def draw_slopes(tables: Tables, pairs: Sequence[Pair], *, title: str, stamp: str) -> "Figure":
    """A panel per pair of parts and summary: a line per method from the one to the other.

    Args:
        tables: with rows of the parts.
        pairs: of parts, at least one.
        title: of the whole.
        stamp: where the numbers come from, for the corner.
    """
    wanted = [(pair, name) for pair in pairs for name in shown_summaries(tables)]
    rows = [in_shown_unit(row) for row in tables.rows if row.overall]
    rows = [row for row in rows if math.isfinite(row.value)]
    look = looks(tables.labels)
    arrow = "\N{RIGHTWARDS ARROW}"
    longest = [_beside(label, f"00,000 {arrow} 00,000", look) for label in tables.labels]
    titles = panel_names(
        (pair.title for pair, _ in wanted), endings=(f": {name}" for _, name in wanted)
    )
    with house_style():
        page = sheet(
            len(wanted),
            title=title,
            note=f"bars: {intervals(rows)}",
            stamp=stamp,
            height=3.0,
            names=[line for text in longest for line in text.split("\n")],
        )
        for axes, (pair, name) in zip(page.panels, wanted, strict=True):
            axes.set_title(f"{titles[pair.title]}: {name}")
            of_panel = [row for row in rows if row.summary == name]
            ends = [
                {row.label: row for row in of_panel if row.part == part}
                for part in (pair.left, pair.right)
            ]
            _panel(axes, ends[0], ends[1], look)
            axes.set_xticks([0, 1], pair.ends)
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
    step, marks = 0.2 / max(len(labels), 10), {}
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
        marks[label] = (x[1], ends[1].value)
    axes.set_xlim(-0.12, 1.12)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(axis_title(first))
    low, high = axes.get_ylim()
    low = min(0, low) if first.better == "higher" and not logarithmic else low
    number_axis(axes, "y", low, high, most=10, logarithmic=logarithmic)
    percent = " %" if first.unit == "share" else ""
    arrow = " \N{RIGHTWARDS ARROW} "
    numbers = {
        label: arrow.join(number(ends[label].value) for ends in (seen, unseen)) + percent
        for label in labels
    }
    texts = {label: _beside(label, text, look) for label, text in numbers.items()}
    write_names(axes, marks, look=look, texts=texts)


def _beside(label: str, numbers: str, look: Mapping[str, Look]) -> str:
    """A name and its numbers, below it where it is too long to stand before them."""
    name = full_name(label, look)
    return name + (" " if len(name.split("\n")[-1]) <= _SHORT else "\n") + numbers
