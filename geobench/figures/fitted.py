"""Text that fits into the room there is: measured, broken into lines, shortened in its middle."""

import functools
import warnings
from collections.abc import Callable

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_ROUNDED = 1.04  # hinted letters may be wider than their outlines
_MOST = 1000  # more letters than any line has room for


def width_of(text: str, *, size: float, bold: bool = False) -> float:
    """How wide a line of text is in the font of the house, in inches.

    Args:
        text: the line.
        size: of the letters, in points.
        bold: whether they are.
    """
    return _ROUNDED * size / 72 * sum(_letter(each, bold) for each in text)


@functools.lru_cache(maxsize=4096)
def _letter(letter: str, bold: bool) -> float:
    """How far a letter takes the pen, in units of the size; kept, for it is slow to ask."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family="DejaVu Sans", size=1, weight="bold" if bold else "normal")

    def width(text: str) -> float:
        return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is told of when it is drawn
        return width(f"x{letter}x") - width("xx")  # a space has no width of its own


def fitted(text: str, fits: Callable[[str], bool]) -> str:
    """A text that fits; a longer one loses its middle, and keeps as much of both ends as it may.

    Args:
        text: what is to be written.
        fits: whether there is room for a text; where for one then for each that is shorter.
    """
    if len(text) <= _MOST and fits(text):
        return text
    low, high = 0, min(len(text) - 1, _MOST)  # how many of its letters stay
    while low < high:
        kept = (low + high + 1) // 2
        low, high = (kept, high) if fits(_without_middle(text, kept)) else (low, kept - 1)
    return _without_middle(text, low)


def _without_middle(text: str, kept: int) -> str:
    last = kept // 2
    return text[: kept - last] + _ELLIPSIS + text[len(text) - last :]


def wrapped(text: str, room: float, *, size: float, bold: bool = False, most: int = 3) -> list[str]:
    """A text as lines, broken between words where that is possible.

    Args:
        text: what is to be written.
        room: the width of a line, in inches.
        size: of the letters, in points.
        bold: whether they are.
        most: how many lines there may be; what needs more loses its middle.
    """

    def fits(line: str) -> bool:
        return width_of(line, size=size, bold=bold) <= room

    def lines(text: str) -> list[str]:
        found, rest = list[str](), text
        while rest and len(found) <= most:
            end = _longest(rest, fits)
            space = rest.rfind(" ", 1, end + 1) if end < len(rest) else -1
            found.append(rest[: space if space > 0 else end])
            rest = rest[len(found[-1]) :].lstrip(" ")
        return found

    return lines(fitted(text, lambda each: len(lines(each)) <= most))


def _longest(text: str, fits: Callable[[str], bool]) -> int:
    """How many of the first letters fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        count = (low + high + 1) // 2
        low, high = (count, high) if fits(text[:count]) else (low, count - 1)
    return low
