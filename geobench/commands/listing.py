"""Listings: plugins, the worst answers, and comparisons, as tables on a terminal."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from geobench import readable
from geobench.catalogue import Catalogue
from geobench.commands import columns
from geobench.errors import PluginError
from geobench.loading import KINDS
from geobench.requirements import check_requirements

if TYPE_CHECKING:
    from geobench.board.comparison import Difference, Nearer
    from geobench.board.worst import Wrong


def show_plugins(output: Console, catalogue: Catalogue) -> None:
    """The distributions, what is broken in them, and every component by kind."""
    heads = ("plugin", "distribution", "version")
    sources = [(each.entry_point, each.distribution, each.version) for each in catalogue.sources]
    columns.show(output, heads, sources)
    for broken in catalogue.broken:
        output.print(f"[red]broken[/red] {escape(str(broken.source))}: {escape(broken.reason)}")
    for clash in catalogue.clashes():
        output.print(f"[red]clash[/red] {escape(clash)}")
    for kind in KINDS:
        rows = []
        for registered in catalogue.of_kind(kind):
            text = registered.about
            try:
                check_requirements(registered.plugin)
            except PluginError as error:
                remedy = error.remedy.removeprefix("Install it: ").removesuffix(".")
                text += f" (first {remedy[0].lower()}{remedy[1:]})"
            rows.append((registered.name, text))
        output.print()
        columns.show(output, (f"{kind}s", ""), rows)


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
    rows = []
    for number, wrong in enumerate(found, 1):
        cells = [str(number), wrong.id, f"{wrong.error_km:,.1f}"]
        if places:
            (lat, lon), (lat_said, lon_said) = wrong.truth, wrong.answer
            cells += [f"{lat:.2f} {lon:.2f}", wrong.near_truth]
            cells += [f"{lat_said:.2f} {lon_said:.2f}", wrong.near_answer]
        rows.append(cells)
    numbers = (0, 2, 3, 5) if places else (0, 2)
    columns.show(output, ("", "photo", "error (km)", *heads), rows, numbers=numbers)
    for number, wrong in enumerate(found, 1):
        if wrong.remark:
            _say(output, f"{number}. {readable.in_a_line(wrong.remark, _WORDS)}")


def show_explanations(output: Console, who: "Nearer") -> None:
    """What two labels say of the photos on which they differ most; nothing where neither does.

    Args:
        output: where to.
        who: the two, photo by photo.
    """
    rows = who.explained(MOST_EXPLAINED).tolist()
    if rows:
        _say(output, "\nWhat they say of the photos on which they differ most:")
    sides = (
        (who.a, who.a_km, who.a_said, who.a_answered),
        (who.b, who.b_km, who.b_said, who.b_answered),
    )
    for row in rows:
        for label, away, said, answered in sides:
            words = readable.in_a_line(said[row], _WORDS) if said else ""
            declined = answered is not None and not answered[row]
            told = "not answered" if declined else f"{away[row]:,.1f} km off"
            _say(output, f"{who.ids[row]}, {label}, {told}" + (f": {words}" if words else ""))


def _say(output: Console, text: str) -> None:
    output.print(text, markup=False, highlight=False, soft_wrap=True)


_WORDS = 1000
"""Letters of an explanation on a terminal; CSV and JSON have them all."""

MOST_EXPLAINED = 5
"""Photos of which it is shown what two labels say."""


_POINTS = "% points"


def show_differences(
    output: Console, found: "Sequence[Difference]", a: str, b: str, *, part: str
) -> None:
    """The differences of two labels, a line for each summary.

    Args:
        output: where to.
        found: the differences.
        a, b: the labels.
        part: on which they were compared, for the title.
    """
    output.print(f"[bold]{escape(f'{a} minus {b} on {part}')}", highlight=False)
    rows = []
    remarks: dict[str, list[str]] = {}
    for each in found:
        share, test = each.unit == "share", each.paired
        numbers = [each.a, each.b, *((test.difference, test.low, test.high) if test else ())]
        cells = _aligned([100 * value if share else value for value in numbers])
        remark = each.note
        if test is not None:
            leads = {True: a, False: b, None: "not told apart"}[each.a_leads]
            interval = f"{cells[3]} to {cells[4]}" if math.isfinite(test.low) else "none"
            p_value = "< 0.0001" if test.p_value < 1e-4 else f"{test.p_value:.4f}"
            cells[3:] = [interval, p_value, leads]
            size = f"{each.photos:,} photos worth {each.effective_units:,.1f} units"
            remark = "; ".join(filter(None, [size, each.note]))
        padded = [*cells, *[""] * (6 - len(cells))]
        rows.append([each.summary, _POINTS if share else each.unit, *padded])
        remarks.setdefault(remark, []).append(each.summary)
    heads = ("summary", "unit", a, b, "difference", "95 % interval", "p-value", "better")
    columns.show(output, heads, rows, numbers=range(2, 7))
    for remark, summaries in remarks.items():
        names = "all" if len(remarks) == 1 else ", ".join(summaries)
        output.print(f"{escape(names)}: {escape(remark)}", highlight=False)
    told = [
        f"{each.summary} {readable.number(each.resolution, each.unit)}"
        for each in found
        if math.isfinite(each.resolution)
    ]
    if told:
        output.print(f"{escape(part)} resolves {escape(', '.join(told))}", highlight=False)


def _aligned(values: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as give the largest four significant digits; "" for NaN."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    digits = max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 0
    return ["" if math.isnan(value) else f"{value:,.{min(digits, 6)}f}" for value in values]
