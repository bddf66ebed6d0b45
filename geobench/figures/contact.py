"""The contact sheet: photos that a method got wrong, each with truth and answer on a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geobench import geo
from geobench.board.worst import Show, Wrong
from geobench.data import BrokenPicture, Image
from geobench.figures.fitted import fitted, width_of, wrapped
from geobench.figures.style import BLUE, GREY, VERMILION, WIDTH, headed, house_style
from geobench.figures.world import NO_PHOTOS, draw_flat_world, untorn
from geobench.readable import in_a_line, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUTH, ANSWER = BLUE, VERMILION

MOST = 200
"""Photos of a sheet; a picture of many more is too high to be opened."""

_SIZE = 7.5  # points, of the titles of photos
_SAID = 6.5  # points, of what a method says of a photo, which stands below its map
_LINES = 2  # of that, at most; the whole stands in what `geobench worst --csv` writes
_MOST_SAID = 250  # letters for which two lines may have room


def draw_contact_sheet(
    found: Sequence[Wrong],
    *,
    title: str,
    stamp: str,
    on_earth: bool,
    show: Show | None = None,
) -> "Figure":
    """Two photos a row: the picture, and a map with the truth (dot), the answer (cross), the way.

    What the method says of a photo stands below, shortened. A photo that it declined shows its
    truth alone: what stands in is no answer. No title is upon another: where there is no room for
    names, a second line is begun, and a name that is longer still loses its middle.

    Args:
        found: the photos, worst first; of more than MOST the first are shown.
        title: of the whole.
        stamp: where the numbers come from, for the corner.
        on_earth: whether there is the Earth's land on the maps.
        show: how to get at the pictures; without it, maps alone are drawn.
    """
    found, columns = found[:MOST], 2 if show else 3
    rows, width = max(1, -(-len(found) // columns)), WIDTH / columns
    heads = wrapped(title, WIDTH - 0.2, size=11, bold=True)
    corner = fitted(stamp, lambda text: width_of(text, size=7) <= WIDTH - 0.2)
    titles = [_title(place, wrong, width - 0.2) for place, wrong in enumerate(found, 1)]
    more = 0.125 * max((text.count("\n") for text in titles), default=0)
    said = [_said(wrong.explanation or "", width - 0.2) for wrong in found]
    below = 0.11 * max(map(len, said), default=0)
    height, above = (1.4 if show else 1.75) + more + below, 0.25 + more
    head = 0.55 + 0.19 * (len(heads) - 1)
    side = height - above - below - 0.08  # of the picture, and the height of the map
    total = head + rows * height + 0.2
    with house_style():
        figure = headed(total, title="\n".join(heads), stamp=corner)
        key = {"\N{BLACK CIRCLE} truth": TRUTH, "\N{MULTIPLICATION SIGN} answer": ANSWER}
        for entry, (text, colour) in enumerate(key.items()):
            left, top = 0.1 + 0.7 * entry, head - 0.19
            figure.text(left / WIDTH, 1 - top / total, text, va="top", color=colour)
        if not found:
            figure.text(0.5, 0.5, NO_PHOTOS, ha="center", va="center", color=GREY)
        for place, (wrong, text) in enumerate(zip(found, titles, strict=True)):
            row, column = divmod(place, columns)
            left, top = column * width + 0.1, total - head - row * height
            figure.text(
                left / WIDTH,
                (top - 0.08) / total,
                text,
                va="top",
                fontsize=_SIZE,
                fontweight="bold",
            )
            lower = (top - above - side) / total
            figure.text(
                left / WIDTH,
                lower - 0.03 / total,
                "\n".join(said[place]),
                va="top",
                fontsize=_SAID,
                linespacing=1.1,
            )
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


def _said(words: str, room: float) -> list[str]:
    """The beginning of what a method says of a photo, as the lines below its map, and how many
    letters more there are."""

    def lines(most: int) -> list[str]:
        return wrapped(in_a_line(words, most), room, size=_SAID, most=_MOST_SAID)

    whole = lines(_MOST_SAID)  # which needs no sentence that counts what is left out
    if len(whole) <= _LINES:
        return whole
    low, high = 0, _MOST_SAID  # how many letters stand there
    while low < high:
        count = (low + high + 1) // 2
        low, high = (count, high) if len(lines(count)) <= _LINES else (low, count - 1)
    return lines(low)


def _title(place: int, wrong: Wrong, room: float) -> str:
    """What stands above a photo: in one line where that has room, else the answer in a second.

    Only names lose their middle where there is no room for them, and no number does.
    """
    declined = wrong.answered is False
    away = "not answered" if declined else f"{number(wrong.error_km)} km"
    if not wrong.near_truth:
        return f"{place}. {away}"

    def fits(text: str) -> bool:
        return width_of(text, size=_SIZE, bold=True) <= room

    if declined:
        head = f"{place}. {{}}: {away}"
        return head.format(fitted(wrong.near_truth, lambda name: fits(head.format(name))))
    truth, answer = f"{place}. {{}} \N{RIGHTWARDS ARROW}", f"{{}}: {away}"
    whole = f"{truth} {answer}".format(wrong.near_truth, wrong.near_answer)
    if fits(whole):
        return whole
    above = fitted(wrong.near_truth, lambda name: fits(truth.format(name)))
    below = fitted(wrong.near_answer, lambda name: fits(answer.format(name)))
    return f"{truth.format(above)}\n{answer.format(below)}"


def _photo(axes: "Axes", pixels: Image | BrokenPicture) -> None:
    axes.set_axis_off()
    if isinstance(pixels, BrokenPicture):
        axes.text(0.5, 0.5, "cannot\nbe read", ha="center", va="center", fontsize=7)
    else:
        axes.imshow(pixels)


def _way(axes: "Axes", wrong: Wrong, *, on_earth: bool) -> None:
    draw_flat_world(axes, on_earth=on_earth)
    if wrong.answered is False:
        axes.plot(*wrong.truth[::-1], marker="o", ms=4, color=TRUTH)
        return
    steps = np.linspace(0, 1, 200)[:, None]
    way = geo.interpolate(wrong.truth, wrong.answer, steps[:, 0])
    way = untorn(way)
    axes.plot(way[:, 1], way[:, 0], color="#333333", lw=0.8)
    axes.plot(*wrong.truth[::-1], marker="o", ms=4, color=TRUTH)
    axes.plot(*wrong.answer[::-1], marker="x", ms=5, mew=1.6, color=ANSWER)
