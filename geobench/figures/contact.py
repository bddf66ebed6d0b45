"""The contact sheet: photos that a method got wrong, each with truth and answer on a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geobench import geo
from geobench.board.worst import Show, Wrong
from geobench.data import BrokenPicture, Image
from geobench.figures.style import BLUE, VERMILION, WIDTH, headed, house_style
from geobench.figures.world import draw_flat_world, untorn
from geobench.readable import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH, ANSWER = BLUE, VERMILION


def draw_contact_sheet(
    found: Sequence[Wrong],
    *,
    title: str,
    stamp: str,
    on_earth: bool,
    show: Show | None = None,
) -> "Figure":
    """Two photos a row: the picture, and a map with the truth (dot), the answer (cross), the way.

    Args:
        found: the photos, worst first.
        title: of the whole.
        stamp: where the numbers come from, for the corner.
        on_earth: whether there is the Earth's land on the maps.
        show: how to get at the pictures; without it, maps alone are drawn.
    """
    columns = 2 if show else 3
    rows, width = -(-len(found) // columns), WIDTH / columns
    height, head, above = (1.4 if show else 1.75), 0.55, 0.25
    side = height - above - 0.08  # of the picture, and the height of the map
    total = head + rows * height + 0.2
    with house_style():
        figure = headed(total, title=title, stamp=stamp)
        key = {"\N{BLACK CIRCLE} truth": TRUTH, "\N{MULTIPLICATION SIGN} answer": ANSWER}
        for entry, (text, colour) in enumerate(key.items()):
            figure.text((0.1 + 0.7 * entry) / WIDTH, 1 - 0.36 / total, text, va="top", color=colour)
        for place, wrong in enumerate(found):
            row, column = divmod(place, columns)
            left, top = column * width + 0.1, total - head - row * height
            ends = f"{wrong.near_truth} \N{RIGHTWARDS ARROW} {wrong.near_answer}: "
            away = f"{number(wrong.error_km)} km"
            text = f"{place + 1}. {ends if wrong.near_truth else ''}{away}"
            figure.text(
                left / WIDTH, (top - 0.08) / total, text, va="top", fontsize=7.5, fontweight="bold"
            )
            lower = (top - above - side) / total
            if show:
                axes = figure.add_axes((left / WIDTH, lower, side / WIDTH, side / total))
                axes.set_label(f"photo-{place}")
                _photo(axes, show(wrong.id))
                left += side + 0.06
            room = min(2 * side, width - 0.15)
            axes = figure.add_axes((left / WIDTH, lower, room / WIDTH, side / total))
            axes.set_label(f"map-{place}")
            _way(axes, wrong, on_earth=on_earth)
    return figure


def _photo(axes: "Axes", pixels: Image | BrokenPicture) -> None:
    axes.set_axis_off()
    if isinstance(pixels, BrokenPicture):
        axes.text(0.5, 0.5, "cannot\nbe read", ha="center", va="center", fontsize=7)
    else:
        axes.imshow(pixels)


def _way(axes: "Axes", wrong: Wrong, *, on_earth: bool) -> None:
    draw_flat_world(axes, on_earth=on_earth)
    steps = np.linspace(0, 1, 200)[:, None]
    way = geo.interpolate(wrong.truth, wrong.answer, steps[:, 0])
    way = untorn(way)
    axes.plot(way[:, 1], way[:, 0], color="#333333", lw=0.8)
    axes.plot(*wrong.truth[::-1], marker="o", ms=4, color=TRUTH)
    axes.plot(*wrong.answer[::-1], marker="x", ms=5, mew=1.6, color=ANSWER)
