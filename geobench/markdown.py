"""The leaderboard as a page: tables and pictures, what they mean, and the credits."""

import math
from collections.abc import Sequence
from typing import Any

from geobench.config import CEILING
from geobench.leaderboard import Leaderboard
from geobench.tables import RANKED, Row, Tables, number

_MEANING = """\
Each cell: value, 95 % interval, and the range of ranks that the paired tests allow (all pairs,
Holm's correction). {seeds}
Intervals resample units (what the split drew, else the dataset's groups), not photos.
*Italics*: a weak interval (fewer than 10 effective units, or fewer than 5 effective hits or
misses). ↑ higher is better, ↓ lower is better. `{ceiling}` answers with the training place
nearest to the truth: no method that answers with training places can pass it.
"""

_CHECKED = """\
## Conformance

What `geobench check` had said of each method when its records were made:
"""

_FILES = """\
Every number can be computed again from the stored answers: `geobench verify` with this folder's
path. Machine-readable: `table.csv`, `curves.csv`, `costs.csv`, `benchmark.json`.
"""


def page(board: Leaderboard, tables: Tables) -> str:
    """README.md of a leaderboard's folder."""
    manifest = board.manifest
    dataset, bench = manifest["dataset"], manifest["benchmark"]
    lines = [f"# {board.name}", ""]
    if manifest["limit"]:
        text = f"A trial with at most {manifest['limit']} photos a part (`--limit`): not ranked."
        lines += [f"> **{text}**", ""]
    if manifest["missing"]:
        lines += [f"> **Incomplete: {len(manifest['missing'])} records are not there yet.**", ""]
    encoder = bench["encoder"]["name"] if bench["encoder"] else "none"
    seeds = ", ".join(map(str, bench["seeds"]))
    lines += [f"Dataset `{dataset['name']}` ({dataset['photos']:,} photos), encoder `{encoder}`,"]
    lines += [f"seeds {seeds}; benchmark digest `{manifest['digest'][:12]}`.", ""]
    lines += [
        "In the tables: value, 95 % interval, range of ranks; [how to read it](#how-to-read-it)."
    ]
    lines += [""]
    broken = dataset["broken"]
    if broken:
        listed = ", ".join(f"{count} {reason}" for reason, count in broken.items())
        lines += [f"Promised {dataset['promised']:,} photos; left out: {listed}.", ""]
    if glance := _pictures(board, ""):
        lines += ["## At a glance", "", *glance]
    for part in manifest["parts"]:
        lines += [f"## {part}", "", _table([r for r in tables.rows if r.part == part]), ""]
        lines += _pictures(board, part)
        lines += [_facts(manifest["parts"][part]["facts"]), ""]
    trainings = (
        "With fewer than three seeds, an interval holds for the trained model at hand."
        if len(bench["seeds"]) < 3
        else "Intervals include the spread over trainings."
    )
    lines += ["## How to read it", "", _MEANING.format(ceiling=CEILING, seeds=trainings)]
    lines += [_CHECKED]
    for label, said in board.conformance().items():
        lines.append(f"- `{label}`: {', and '.join(said)}")
    lines += ["", _notes(tables.rows)]
    lines += ["## Credits", ""]
    shown = [dataset, *(part["dataset"] for part in manifest["parts"].values())]
    for about in {each["digest"]: each for each in shown}.values():
        lines += [about["citation"] or f"Dataset {about['name']}.", ""]
        lines += [f"Licence: {about['licence']}", ""] if about["licence"] else []
    return "\n".join([*lines, _FILES])


def _pictures(board: Leaderboard, part: str) -> list[str]:
    shown = [entry for entry in board.manifest.get("figures", []) if entry["part"] == part]
    return [
        text
        for entry in shown
        for text in (f"![{entry['title']}]({entry['file']})", "", entry["caption"], "")
    ]


def _table(rows: Sequence[Row]) -> str:
    from tabulate import tabulate

    if not rows:
        return "None of the metrics can score what the methods predict."
    summaries = list(dict.fromkeys(row.summary for row in rows))
    labels = list(dict.fromkeys(row.label for row in rows))
    cells = {(row.label, row.summary): row for row in rows}
    first = "geoscore" if "geoscore" in summaries else summaries[0]
    labels.sort(key=lambda label: _order(cells.get((label, first))))
    header = ["", *(f"`{label}`{_status(label, rows)}" for label in labels)]
    body = []
    for name in summaries:
        row = next(row for row in rows if row.summary == name)
        unit = "" if row.unit == "share" else f", {row.unit}"
        title = f"{name}{unit} {'↑' if row.better == 'higher' else '↓'}"
        body.append([title, *(_cell(cells.get((label, name))) for label in labels)])
    return tabulate(body, header, tablefmt="github", disable_numparse=True)


def _order(row: Row | None) -> tuple[int, float]:
    if row is None or math.isnan(row.value):
        return (2, 0.0)
    value = -row.value if row.better == "higher" else row.value
    return (0 if row.status == "ceiling" else 1, value)


def _status(label: str, rows: Sequence[Row]) -> str:
    statuses = {row.status for row in rows if row.label == label} - {"ok", "failed"}
    return f"<br>{', '.join(sorted(statuses))}" if statuses else ""


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.status not in (*RANKED, "ceiling"):
        return row.status
    if math.isnan(row.value):
        return "-"
    text = f"**{number(row.value, row.unit)}**"
    if not math.isnan(row.low):
        interval = f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
        text += f"<br>*{interval}*" if row.note else f"<br>{interval}"
    if row.rank_low is not None and row.rank_high is not None:
        same = row.rank_low == row.rank_high
        ranks = f"{row.rank_low}" if same else f"{row.rank_low} to {row.rank_high}"
        text += f"<br>rank {ranks}"
    if row.not_applicable:
        text += f"<br>{row.not_applicable} n/a"
    return text


def _facts(facts: dict[str, list[Any]]) -> str:
    lines = ["<details><summary>The split in numbers</summary>", ""]
    for name, (value, unit) in facts.items():
        whole = float(value).is_integer() and unit != "share"
        text = f"{value:,.0f}" if whole else number(value, unit)
        lines.append(f"- {name}: {text}" + ("" if unit == "share" else f" {unit}"))
    return "\n".join([*lines, "", "</details>"])


def _notes(rows: Sequence[Row]) -> str:
    failed = [row for row in rows if row.status in ("failed", "deadline")]
    notes = dict.fromkeys(f"- `{row.label}` on {row.part}: {row.note}" for row in failed)
    return "\n".join(["## Failures", "", *notes, ""]) if notes else ""
