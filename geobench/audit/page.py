"""The report of an audit: Markdown to read, and JSON for programs."""

import math
from typing import Any
from urllib.parse import quote

from geobench.audit.findings import Audit, Line, Section
from geobench.markdown_text import named, plain, said
from geobench.readable import number


def headline(audit: Audit) -> str:
    """Which dataset was looked at, in a line."""
    dataset = audit.dataset
    reach = f", reach {dataset.reach_km:g} km" if dataset.reach_km else ""
    return (
        f"{dataset.name} {dataset.version}: {len(dataset.table):,} photos{reach}, "
        f"publishes {dataset.publishes}; digest {dataset.digest[:12]}"
    )


def amount(line: Line) -> str:
    """The value of a line as text, with its unit where that is not photos."""
    whole = float(line.value).is_integer() and line.unit not in ("km", "share")
    text = f"{line.value:,.0f}" if whole else number(line.value, line.unit)
    return text if line.unit in ("photos", "share") else f"{text} {line.unit}"


def share(line: Line) -> str:
    """The share of a line as text, "" where it has none; a single photo of millions is not 0."""
    if line.share is None:
        return ""
    if 0 < line.share < 0.001:
        return f"{100 * line.share:.2g} %"
    return f"{100 * line.share:.1f} %"


def remarks(line: Line) -> str:
    """The detail and the examples of a line."""
    named = f"e.g. {', '.join(line.examples)}" if line.examples else ""
    return "; ".join(text for text in (line.detail, named) if text)


def conclusion(audit: Audit) -> list[str]:
    """What leaks, a line for each, or that nothing does; nothing without a split."""
    if audit.assignment is None:
        return []
    leaks = [
        f"LEAK {section.title}: {line.name}: {amount(line)} photos ({share(line)})"
        + (f"; {line.remedy}" if line.remedy else "")
        for section, line in audit.leaks()
    ]
    return leaks or [f"no leakage found in split {audit.split}"]


def markdown(audit: Audit, *, pictures: dict[str, str]) -> str:
    """The report as a page.

    Args:
        audit: what was found.
        pictures: title -> file beside the page.
    """
    lines = [f"# Audit of {named(audit.dataset.name)}", "", headline(audit) + ".", ""]
    lines += [f"- {said(each)}" for each in conclusion(audit)]
    lines += [""] if audit.assignment is not None else []
    if audit.dataset.publishes == "scores":
        lines += ["Only scores may be published: ids are hashed, and there is no map.", ""]
    for title, file in pictures.items():
        lines += [f"![{plain(title)}]({quote(file)})", ""]
    for section in audit.sections:
        lines += [f"## {named(section.title)}", "", said(section.about), ""]
        if section.lines:
            lines += [_table(section), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(section: Section) -> str:
    from tabulate import tabulate

    rows = [
        [
            ("**leak** " if line.leaks else "") + plain(line.name),
            plain(amount(line)),
            share(line),
            plain(remarks(line)),
        ]
        for line in section.lines
    ]
    head = ["", "", "share", ""]
    align = ("left", "right", "right", "left")
    return tabulate(rows, head, tablefmt="github", disable_numparse=True, colalign=align)


def to_json(audit: Audit) -> dict[str, Any]:
    """The report as JSON data."""
    dataset = audit.dataset
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "digest": dataset.digest,
        "photos": len(dataset.table),
        "reach_km": dataset.reach_km,
        "publishes": dataset.publishes,
        "split": audit.split or None,
        "leaks": len(list(audit.leaks())),
        "sections": [
            {
                "title": section.title,
                "about": section.about,
                "lines": [_line(line) for line in section.lines],
            }
            for section in audit.sections
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "name": line.name,
        "value": line.value if math.isfinite(line.value) else None,
        "unit": line.unit,
        "share": line.share,
        "detail": line.detail,
        "examples": list(line.examples),
        "leak": line.leaks,
    }
