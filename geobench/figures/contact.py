"""The contact sheet: photos that a method got wrong, each with truth and answer on a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geobench import geo
from geobench.data import BrokenPicture, Image
from geobench.figures.style import WIDTH, house_style
from geobench.figures.world import draw_land
from geobench.tables import number
from geobench.worst import Show, Wrong

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH, ANSWER = "#0072B2", "#D55E00"


def draw_contact_sheet(
    found: Sequence[Wrong],
    *,
    title: str,
    stamp: str,
    show: Show | None = None,
) -> "Figure":
    """Two photos a row: the picture, and a map with the truth (dot), the answer (cross), the way.

    Args:
        found: the photos, worst first.
        title: of the whole.
        stamp: where the numbers come from, for the corner.
        show: how to get at the pictures; without it, maps alone are drawn.
    """
    from matplotlib.figure import Figure

    columns = 2 if show else 3
    rows = -(-len(found) // columns)
    height, head = 1.35 if show else 1.6, 0.55
    total = head + rows * height + 0.2
    with house_style():
        figure = Figure(figsize=(WIDTH, total))
        figure.text(0.1 / WIDTH, 1 - 0.1 / total, title, va="top", fontsize=11, fontweight="bold")
        figure.text(1 - 0.08 / WIDTH, 0.06 / total, stamp, ha="right", fontsize=7, color="#6b6b6b")
        key = {"\N{BLACK CIRCLE} truth": TRUTH, "\N{MULTIPLICATION SIGN} answer": ANSWER}
        for entry, (text, colour) in enumerate(key.items()):
            left = 0.1 + 0.7 * entry
            figure.text(left / WIDTH, 1 - 0.36 / total, text, va="top", color=colour)
        for place, wrong in enumerate(found):
            row, column = divmod(place, columns)
            left = column * WIDTH / columns + 0.1
            lower = total - head - (row + 1) * height + 0.05
            width = WIDTH / columns - 0.15
            if show:
                side = height - 0.32
                axes = figure.add_axes(
                    (left / WIDTH, lower / total, side / WIDTH, side / total),
                    label=f"photo-{place}",
                )
                _photo(axes, show(wrong.id))
                left, width = left + side + 0.05, width - side - 0.05
            box = (left / WIDTH, lower / total, width / WIDTH, (height - 0.32) / total)
            axes = figure.add_axes(box, label=f"map-{place}")
            _way(axes, wrong)
            text = f"{place + 1}. {wrong.near_truth}: {number(wrong.error_km)} km"
            axes.set_title(text, fontsize=7.5, pad=3)
    return figure


def _photo(axes: "Axes", pixels: Image | BrokenPicture) -> None:
    axes.set_axis_off()
    if isinstance(pixels, BrokenPicture):
        axes.text(0.5, 0.5, "cannot\nbe read", ha="center", va="center", fontsize=7)
    else:
        axes.imshow(pixels)


def _way(axes: "Axes", wrong: Wrong) -> None:
    draw_land(axes)
    steps = np.linspace(0, 1, 200)[:, None]
    way = geo.interpolate(wrong.truth, wrong.answer, steps[:, 0])
    torn = np.flatnonzero(np.abs(np.diff(way[:, 1])) > 180)  # where it crosses the date line
    way = np.insert(way, torn + 1, np.nan, axis=0)
    axes.plot(way[:, 1], way[:, 0], color="#333333", lw=0.8)
    axes.plot(*wrong.truth[::-1], marker="o", ms=4, color=TRUTH)
    axes.plot(*wrong.answer[::-1], marker="x", ms=5, mew=1.6, color=ANSWER)
