"""Tables of a leaderboard's page: the summaries of a part, gaps with their levels, and slices."""

import math
import re
from collections.abc import Mapping, Sequence

from geobench.board.tables import (
    CONSTANT,
    OF_LABELS,
    OUT_OF_REACH,
    RANKED,
    CurvePoint,
    Resolution,
    Row,
    joined,
    remarks,
)
from geobench.markdown_text import code, named, plain
from geobench.markdown_text import prose as prose
from geobench.readable import ARROWS, number
from geobench.scoring.slices import LEFT_OUT

CONTRASTS = (".gap", ".part-difference")
"""How the names of rows end that compare two trainings, or two parts."""


NOVELTY_OF = ("distance.mean", "nll")
"""The summaries that a page shows as functions of novelty: error and likelihood."""


def is_contrast(row: Row) -> bool:
    """Whether a row is a gap or a difference of parts."""
    return row.summary.endswith(CONTRASTS)


def out_of_reach(rows: Sequence[Row]) -> dict[str, Row]:
    """The summaries of a part that no training place can raise above 0 -> the best row of each.

    They are left out of its table, unless nothing else were in it.
    """
    best: dict[str, Row] = {}
    shown = [row for row in rows if row.overall and not is_contrast(row)]
    for row in shown:
        barred = OUT_OF_REACH in remarks(row.note)
        if barred and (row.summary not in best or row.value > best[row.summary].value):
            best[row.summary] = row
    return best if {row.summary for row in shown} - set(best) else {}


_COPIES = {"energy": "distance.mean"}
"""The summaries that are another one where each answer is one place: nothing is spread."""


def copies(rows: Sequence[Row]) -> dict[str, str]:
    """The summaries of a board that only repeat another -> that other.

    They do where every answer is one place, whoever gave it; every number of the one is then that
    of the other, on every part.
    """
    found = [row for row in rows if row.overall and not is_contrast(row)]
    numbers = {(row.part, row.label, row.summary): row for row in found}
    return {
        summary: of
        for summary, of in _COPIES.items()
        if any(row.summary == summary and math.isfinite(row.value) for row in found)
        and all(
            _alike(row, numbers.get((row.part, row.label, of)))
            for row in found
            if row.summary == summary
        )
    }


def _alike(row: Row, other: Row | None) -> bool:
    """Whether two rows have the same number, of as many photos, or both have none."""
    if other is None or row.photos != other.photos:
        return False
    # Tables hold six digits, the last of which may be rounded otherwise.
    return math.isclose(row.value, other.value, rel_tol=1e-5) or (
        math.isnan(row.value) and math.isnan(other.value)
    )


def measured(row: Row) -> str:
    """The summary that a row is about: of a gap or a difference of parts, what it is one of."""
    return row.summary.rpartition(".")[0] if is_contrast(row) else row.summary


def summary_table(
    rows: Sequence[Row], resolutions: Sequence[Resolution], *, among: Sequence[Row] = ()
) -> str:
    """A line per summary, a column per label: of all photos of a part, each counting once.

    Args:
        rows: of the part.
        resolutions: of the part.
        among: rows that order the labels, if others than these do.
    """
    shown = [row for row in rows if row.overall and not is_contrast(row)]
    if not shown:
        return "None of the metrics can score what the methods predict."
    cells = {(row.label, row.summary): _cell(row) for row in shown}
    heads = {row.summary: _head(row) for row in shown}
    counts = {name: max(r.photos for r in shown if r.summary == name) for name in heads}
    for name, photos in counts.items():
        if 0 < photos < max(counts.values()):
            heads[name] += f"<br>of {photos:,} photos"
    for each in resolutions:
        if each.summary in heads:
            heads[each.summary] += f"<br>resolves {number(each.value, each.unit)}"
    there = {row.label for row in shown}
    labels = [label for label in _columns(among or shown) if label in there]
    return _table(heads, labels, cells, shown)


def glance_table(rows: Sequence[Row], summary: str) -> str:
    """A line per label and a column per part, of one summary and its gaps or differences."""
    wanted = (summary, *(f"{summary}{kind}" for kind in CONTRASTS))
    shown = [row for row in rows if row.overall and row.summary in wanted]
    columns = {(row.part, row.summary): _column(row) for row in shown}
    cells = {(row.label, row.part, row.summary): _cell(row) for row in shown}
    body = [
        [code(label), *(cells.get((label, *key), "") for key in columns)]
        for label in _columns(shown)
    ]
    return _github(body, [_head(shown[0]), *columns.values()])


def _column(row: Row) -> str:
    kind = next((kind for kind in CONTRASTS if row.summary.endswith(kind)), "")
    return named(row.part) + (f"<br>{kind[1:].replace('-', ' ')}" if kind else "")


def gap_table(rows: Sequence[Row], levels: Mapping[tuple[str, str], Row]) -> str:
    """A line per gap, or difference of parts, each with the level that it starts from.

    Labels are in the order of the other tables, not of their gaps, which rank nobody.

    Args:
        rows: of the part.
        levels: label and summary -> the row of the twin, or of the part `seen`.
    """
    shown = [row for row in rows if row.overall and is_contrast(row)]
    cells = {}
    for row in shown:
        level = levels.get((row.label, row.summary.rpartition(".")[0]))
        start = "" if level is None else f"<br>from {number(level.value, row.unit)}"
        cells[row.label, row.summary] = _cell(row) + start
    heads = {row.summary: _head(row) for row in shown}
    there = {row.label for row in shown}
    return _table(heads, [label for label in _columns(rows) if label in there], cells, shown)


def slice_table(rows: Sequence[Row], summary: str) -> str:
    """A line per slice and average of one summary, a column per label."""
    shown = [row for row in rows if row.summary == summary]
    heads = {}
    for row in shown:
        name = plain(row.slice) if row.average == "photo" else f"each {named(row.average)} once"
        alike = [r for r in shown if (r.slice, r.average) == (row.slice, row.average)]
        photos, notes = max(r.photos for r in alike), joined(*(r.note for r in alike))
        few = "".join(f"<br>{named(each)}" for each in remarks(notes) if LEFT_OUT in each)
        heads[f"{row.slice}/{row.average}"] = f"{name} ({photos:,} photos){few}"
    cells = {(row.label, f"{row.slice}/{row.average}"): _cell(row) for row in shown}
    return _table(heads, _columns(shown), cells, shown)


def novelty_table(points: Sequence[CurvePoint], rows: Sequence[Row]) -> str:
    """A line per summary and bin of novelty, a column per label; "" without such curves.

    Args:
        points: curves of the part.
        rows: of the part, which say how summaries are headed and labels are ordered.
    """
    cells, heads = {}, {}
    known = {row.summary: row for row in rows if row.overall}
    constant = {(r.label, r.summary) for r in rows if r.overall and _is_constant(r)}
    for summary in NOVELTY_OF:
        for point in points:
            if point.curve == f"{summary}.novelty-bins" and summary in known:
                key = f"{summary}/{point.x}"
                unit = known[summary].unit
                interval = ""
                if not math.isnan(point.low):  # a bin of fewer than two units has none
                    interval = f"<br>{number(point.low, unit)} to {number(point.high, unit)}"
                if (point.label, summary) in constant:
                    interval += f"<br>{CONSTANT}"
                cells[point.label, key] = f"**{number(point.value, unit)}**{interval}"
                heads[key] = f"{_head(known[summary])}, {number(point.x)} km away"
    if not cells:
        return ""
    shown = [label for label in _columns(rows) if any(own == label for own, _ in cells)]
    return _table(heads, shown, cells, rows)


def primary(rows: Sequence[Row]) -> str:
    """The summary that slices are shown of: GeoScore, or the first."""
    names = [row.summary for row in rows]
    return "geoscore" if "geoscore" in names else names[0]


def _table(
    heads: Mapping[str, str],
    labels: Sequence[str],
    cells: Mapping[tuple[str, str], str],
    rows: Sequence[Row],
) -> str:
    header = ["", *(code(label) + _status(label, rows) for label in labels)]
    body = [
        [head, *(cells.get((label, key), "") for label in labels)] for key, head in heads.items()
    ]
    return _github(body, header)


def _cells(texts: Sequence[str]) -> list[str]:
    """Texts of one line, in which no bar begins another cell."""
    return [re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split("\n"))) for text in texts]


def _github(body: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    from tabulate import tabulate

    rows = [_cells(row) for row in body]
    return tabulate(rows, _cells(header), tablefmt="github", disable_numparse=True)


def _head(row: Row) -> str:
    unit = f", {named(row.unit)}"
    if row.unit == "share":
        unit = ", percentage points" if is_contrast(row) else ""
    return f"{named(row.summary)}{unit} {ARROWS[row.better]}".rstrip()


def _columns(rows: Sequence[Row]) -> list[str]:
    """The labels: the ceiling first, then by the primary summary, the best first."""
    overall = [row for row in rows if row.overall]
    first = primary(overall or rows)
    known = {row.label: row for row in overall if row.summary == first}
    return sorted(
        dict.fromkeys(row.label for row in rows), key=lambda label: _order(known.get(label))
    )


def _order(row: Row | None) -> tuple[int, float]:
    if row is None or math.isnan(row.value):
        return (2, 0.0)
    value = -row.value if row.better == "higher" else row.value
    return (0 if row.status == "ceiling" else 1, value)


def _status(label: str, rows: Sequence[Row]) -> str:
    statuses = {row.status for row in rows if row.label == label} - {"ok", "failed"}
    notes = {each for row in rows if row.label == label for each in remarks(row.note)}
    own = sorted(each for each in notes if each.startswith(OF_LABELS))
    # Beside a metric of draws a note may go on; the longer one says both.
    longest = [each for each in own if not any(o != each and o.startswith(each) for o in own)]
    said = [*sorted(statuses), *longest]
    return "".join(f"<br>{named(each)}" for each in said)


def _is_constant(row: Row) -> bool:
    return any(each.startswith(CONSTANT) for each in remarks(row.note))


def _cell(row: Row) -> str:
    if row.status not in (*RANKED, "ceiling"):
        return named(row.status)
    if math.isnan(row.value):
        return "-"
    text = f"**{number(row.value, row.unit)}**"
    if not math.isnan(row.low):
        interval = f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
        text += f"<br>*{interval}*" if row.weak else f"<br>{interval}"
    if row.rank_low is not None and row.rank_high is not None:
        same = row.rank_low == row.rank_high
        ranks = f"{row.rank_low}" if same else f"{row.rank_low} to {row.rank_high}"
        text += f"<br>rank {ranks}"
    elif _is_constant(row):
        text += f"<br>{CONSTANT}"
    if row.not_applicable:
        text += f"<br>{row.not_applicable} n/a"
    return text
