"""Columns on a terminal: numbers are never cut, and names fold where there is no room for them."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from geobench.readable import told

if TYPE_CHECKING:
    from rich.console import Console

LEAST = 24
"""Cells that a column of names keeps; where these and the numbers do not fit, lines are longer
than the terminal is wide."""


def show(
    console: "Console",
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    whole: Collection[int] = (),
    styles: Sequence[str] = (),
    header: bool = True,
) -> None:
    """Show rows below their heads; no text is read as markup.

    Args:
        console: where to.
        heads: of the columns; they fold, too.
        rows: a text for each column.
        numbers: the columns of numbers, which stand to the right and are never folded.
        whole: other columns that are never folded: few words, all of them known here.
        styles: of the rows, none unless given.
        header: show the heads.
    """
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    heads = [told(head) for head in heads]
    rows = [[told(cell) for cell in row] for row in rows]
    table, least = Table(box=None, padding=(0, 2, 0, 0), show_header=header), 0
    for place, head in enumerate(heads):
        longest = max((cell_len(line) for row in rows for line in _lines(row[place])), default=0)
        named = cell_len(head) if header else 0
        firm = place in numbers or place in whole
        width = max(longest, min(named, LEAST)) if firm else min(max(longest, named), LEAST)
        table.add_column(
            Text(head),
            justify="right" if place in numbers else "left",
            overflow="fold",
            min_width=max(width, 1),
        )
        least += max(width, 1) + 2
    for place, row in enumerate(rows):
        table.add_row(*map(Text, row), style=styles[place] if styles else "")
    console.print(table, width=max(console.width, least), crop=False)


def _lines(text: str) -> list[str]:
    return text.splitlines() or [""]
