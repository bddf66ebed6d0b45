"""Cost against quality: the seconds or the money that a method takes, and its score."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from geobench.board.cost_rows import ANSWER_COST, ANSWER_SECONDS
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
_LEAST_MONEY = 1e-6
_COUNTED = ("fit_seconds", "predict_seconds")


@final
@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: what methods spent on a part, of one kind.

    Args:
        part: its label.
        title: above the panel.
        axis: what was spent, with its unit.
        rows: label -> the score of the part; those who spent, and the ceiling.
        spent: label -> how much, of two or more of these labels, above 0.
        stated: the labels of which it is what the method says itself.
    """

    part: str
    title: str
    axis: str
    rows: Mapping[str, Row]
    spent: Mapping[str, float]
    stated: Collection[str]

    @property
    def measured(self) -> bool:
        """Whether some of it was measured here."""
        return bool(set(self.spent) - set(self.stated))


def seconds(tables: Tables, part: str) -> dict[str, float]:
    """Label -> seconds to fit and to answer a part, the mean over seeds, from costs.csv."""
    found: dict[str, dict[int, float]] = {}
    for cost in tables.costs:
        if cost.part == part and cost.quantity in _COUNTED:
            by_seed = found.setdefault(cost.label, {})
            by_seed[cost.seed] = by_seed.get(cost.seed, 0.0) + cost.value
    return {label: float(np.mean(list(by_seed.values()))) for label, by_seed in found.items()}


def panels(tables: Tables) -> list[Panel]:
    """Part by part what methods can be compared by: time, and money of one currency.

    Two or more have spent it and have a score. Of answers from a file nobody knows what they took
    but who made them: time is then what they state of a photo, times the photos of the part.
    """
    found = []
    for part in dict.fromkeys(row.part for row in _rows(tables)):
        rows = {row.label: row for row in _rows(tables) if row.part == part}
        outside = {label for label, row in rows.items() if row.status == "external"}
        photos = max(row.photos + row.not_applicable for row in tables.rows if row.part == part)
        told = _stated(tables, part, quantity=ANSWER_SECONDS).get("s", {})
        spent = {label: s for label, s in seconds(tables, part).items() if label not in outside}
        spent |= {label: photos * s for label, s in told.items() if label in outside}
        kinds = [(part, "time to fit and answer (s)", spent, _LEAST, outside)]
        for unit, money in _stated(tables, part, quantity=ANSWER_COST).items():
            axis = f"cost of an answer ({unit})"
            kinds.append((f"{part}: {unit}", axis, money, _LEAST_MONEY, set(money)))
        for title, axis, each, least, stated in kinds:
            kept = {label: max(each[label], least) for label in rows if label in each}
            if len(kept) > 1:
                shown = {each: row for each, row in rows.items() if each in {*kept, CEILING}}
                found.append(Panel(part, title, axis, shown, kept, stated & set(kept)))
    return found


def timed_parts(tables: Tables) -> list[str]:
    """The parts on which methods can be compared: two or more have a score and its seconds."""
    return [panel.part for panel in panels(tables) if panel.title == panel.part]


def _stated(tables: Tables, part: str, *, quantity: str) -> dict[str, dict[str, float]]:
    """Unit -> label -> what methods say that an answer took, the mean over seeds."""
    found: dict[str, dict[str, list[float]]] = {}
    for cost in tables.costs:
        if cost.part == part and cost.quantity == quantity:
            found.setdefault(cost.unit, {}).setdefault(cost.label, []).append(cost.value)
    return {
        unit: {label: float(np.mean(values)) for label, values in labels.items()}
        for unit, labels in found.items()
    }


def _rows(tables: Tables) -> list[Row]:
    names = shown_summaries(tables)[:1]
    rows = [row for row in tables.rows if row.summary in names and row.overall]
    return [in_shown_unit(row) for row in rows if math.isfinite(row.value)]


def draw_cost(tables: Tables, *, stamp: str) -> "Figure":
    """A panel per part: a dot per method, what it spent against its score with the interval.

    Args:
        tables: with costs; there are `panels`.
        stamp: where the numbers come from, for the corner.
    """
    found = panels(tables)
    shown = [each for panel in found for each in panel.rows.values()]
    counted = [cost for cost in tables.costs if cost.quantity in _COUNTED]
    devices = sorted({cost.device for cost in counted} - {""})
    notes = [f"on {', '.join(devices)}"] if any(panel.measured for panel in found) else []
    if any(panel.stated for panel in found):
        notes.append("hollow: as stated, not measured")
    look, titles = looks(tables.labels), panel_names([panel.title for panel in found])
    with house_style():
        page = sheet(
            len(found),
            title="Cost against quality",
            note="; ".join([*notes, f"bars: {intervals(shown)}"]),
            stamp=stamp,
            height=2.6,
            names=[look[label].name for label in tables.labels],
        )
        for axes, panel in zip(page.panels, found, strict=True):
            axes.set_title(titles[panel.title])
            _draw(axes, panel, look)
    return page.figure


def _draw(axes: "Axes", panel: Panel, look: Mapping[str, Look]) -> None:
    rows, spent = panel.rows, panel.spent
    low, high = min(spent.values()) / 2, 2 * max(spent.values())
    axes.set_xscale("log")
    # Before there is anything to scale by: all may have taken the same least time.
    axes.set_xlim(low, high)
    for label, value in spent.items():
        row, style = rows[label], look[label]
        fill = "white" if label in panel.stated else style.colour
        axes.plot(
            [value], [row.value], style.marker, color=style.colour, mfc=fill, ms=5, label=label
        )
        draw_intervals(axes, [value], [row], style)
    if CEILING in rows:
        style = look[CEILING]
        axes.axhline(rows[CEILING].value, color=style.colour, ls=style.dashes, label=CEILING)
    first = next(iter(rows.values()))
    axes.set_xlabel(panel.axis)
    axes.set_ylabel(axis_title(first))
    number_axis(axes, "x", low, high, most=5, logarithmic=True)
    bottom, top = axes.get_ylim()
    bottom = min(0, bottom) if first.better == "higher" else bottom
    number_axis(axes, "y", bottom, top, most=8, logarithmic=False)
    marks = {label: (value, rows[label].value) for label, value in spent.items()}
    if CEILING in rows:
        marks[CEILING] = (high, rows[CEILING].value)
    write_names(axes, marks, look=look)
