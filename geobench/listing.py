"""Listings: the plugins that there are, and the worst answers, as tables on a terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geobench.catalogue import KINDS, Catalogue
from geobench.components import check_requirements
from geobench.errors import PluginError

if TYPE_CHECKING:
    from geobench.worst import Wrong


def screen() -> Console:
    """Standard output; lines of a log are 120 characters wide, whoever reads it."""
    return Console(width=None if sys.stdout.isatty() else 120)


def short(path: Path) -> str:
    """A path as one types it here."""
    current = Path.cwd()
    return str(path.relative_to(current)) if path.is_relative_to(current) else str(path)


def show_plugins(output: Console, catalogue: Catalogue) -> None:
    """The distributions, what is broken in them, and every component by kind."""
    table = _table("plugin", "distribution", "version")
    for source in catalogue.sources:
        table.add_row(source.entry_point, source.distribution, source.version)
    output.print(table)
    for broken in catalogue.broken:
        output.print(f"[red]broken[/red] {escape(str(broken.source))}: {escape(broken.reason)}")
    for clash in catalogue.clashes():
        output.print(f"[red]clash[/red] {escape(clash)}")
    for kind in KINDS:
        table = _table(f"{kind}s", "")
        for registered in catalogue.of_kind(kind):
            text = registered.plugin.describe()
            try:
                check_requirements(registered.plugin)
            except PluginError as error:
                text += f" (first {error.remedy.removeprefix('Install it: ')})"
            table.add_row(registered.plugin.name, escape(text))
        output.print()
        output.print(table)


def show_worst(output: Console, found: "Sequence[Wrong]", *, title: str, places: bool) -> None:
    """The worst answers, worst first.

    Args:
        output: where to.
        found: the photos.
        title: whose answers, and on what.
        places: show where the photos were taken.
    """
    output.print(f"[bold]{escape(title)}", highlight=False)
    heads = ("truth", "near", "answer", "near") if places else ()
    table = _table("", "photo", "error (km)", *heads)
    for number, wrong in enumerate(found, 1):
        cells = [str(number), escape(wrong.id), f"{wrong.error_km:,.1f}"]
        if places:
            (lat, lon), (lat_said, lon_said) = wrong.truth, wrong.answer
            cells += [f"{lat:.2f} {lon:.2f}", escape(wrong.near_truth)]
            cells += [f"{lat_said:.2f} {lon_said:.2f}", escape(wrong.near_answer)]
        table.add_row(*cells)
    output.print(table)


def _table(*heads: str) -> Table:
    return Table(*heads, box=None, padding=(0, 2, 0, 0))
