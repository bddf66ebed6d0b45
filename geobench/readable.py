"""Numbers for readers, and words of others in one line."""

import math
import re

from geobench.confidential import without_secrets

ARROWS = {"higher": "↑", "lower": "↓", "": ""}
"""Which way is better, as heads of tables say it; nothing where a number describes."""


def number(value: float, unit: str = "") -> str:
    """A number for readers: four significant digits, thousands separated, shares in per cent.

    What is undefined (NaN) is a dash.
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    if unit == "share":
        return f"{100 * value:.1f} %".replace("-0.0 %", "0.0 %")
    if value == 0:
        return "0"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def in_a_line(text: str, most: int) -> str:
    """A text that somebody wrote, in one line of at most so many letters; more is counted.

    What cannot be printed, such as the codes that move a terminal's cursor, is left out.
    """
    words = " ".join(text.split())
    line = "".join(letter for letter in words if letter.isprintable())
    if len(line) <= most:
        return line
    return f"{line[:most].rstrip()}\N{HORIZONTAL ELLIPSIS} ({len(line) - most:,} letters more)"


_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls of a terminal, all but the line feed, other ends of lines, and changes of direction."""


def printable(text: str) -> str:
    """A text whose codes that would move a cursor or colour a terminal stand as `\\x1b` does."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def told(text: str) -> str:
    """A text as terminals and logs show it: `printable`, and without secrets."""
    return printable(without_secrets(text))


def in_one_line(text: str) -> str:
    """A text of others as a cell of a table holds it: `printable`, its line feeds as `\\n`, too."""
    return printable(text).replace("\n", "\\n")
