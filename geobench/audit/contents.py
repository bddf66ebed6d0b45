"""What a dataset holds: photos promised, present and broken, attributes, groups."""

import numpy as np

from geobench.audit.findings import Line, Section, names, photos, shown
from geobench.data import Dataset
from geobench.readable import number
from geobench.statistics.units import effective_units, unit_codes
from geobench.strings import Column


def counts(dataset: Dataset) -> Section:
    """Photos promised, present, and broken by reason."""
    table = dataset.table
    promised = table.promised
    lines = [
        Line("promised", promised),
        photos("present", len(table), promised),
        *(photos(f"broken: {why}", count, promised) for why, count in table.broken.items()),
    ]
    unexplained = promised - len(table) - sum(table.broken.values())
    if unexplained:
        detail = "promised, and neither present nor counted as broken"
        lines.append(Line("unexplained", unexplained, detail=detail))
    return Section("Photos", "Shares are of what the source promised.", tuple(lines))


def attributes(dataset: Dataset) -> Section:
    """How many values of each attribute are missing, and how many different ones there are."""
    columns = dict(dataset.table.attributes)
    if dataset.table.part is not None:
        columns["the source's own part"] = dataset.table.part
    lines = [_attribute(dataset, name, column) for name, column in columns.items()]
    about = 'Missing values: "" or NaN.' if lines else "The dataset has none."
    return Section("Attributes", about, tuple(lines))


def _attribute(dataset: Dataset, name: str, column: Column) -> Line:
    text = column.dtype.kind == "U"
    missing = column == "" if text else np.zeros(len(column), bool)
    if column.dtype.kind == "f":
        missing = np.isnan(column)
    known = column[~missing]
    if text:
        sizes = np.bincount(unit_codes(known)) if len(known) else np.empty(0, np.intp)
        detail = f"{len(sizes):,} different values"
        if len(sizes) and dataset.publishes != "scores":
            most = int(sizes.argmax())
            often = known[int((unit_codes(known) == most).argmax())]
            detail += f", most often {often!s} ({sizes[most]:,})"
    elif not len(known):
        detail = "numbers"
    elif dataset.publishes == "scores":
        detail = f"{len(np.unique(known)):,} different numbers"
    else:
        detail = f"numbers from {number(known.min())} to {number(known.max())}"
    rows = np.flatnonzero(missing)
    examples = names(dataset, rows)
    return photos(f"missing: {name}", len(rows), len(column), detail=detail, examples=examples)


def groups(dataset: Dataset) -> Section:
    """How many groups there are, and how many of equal size they are worth."""
    table = dataset.table
    if not len(table):
        return Section("Groups", "There are no photos.", ())
    codes = unit_codes(table.groups)
    sizes = np.bincount(codes)
    largest = int(sizes.argmax())
    named = shown(dataset, table.groups[(codes == largest).argmax()])
    about = (
        "A group (photographer, sequence, folder) is what must not leak; effective groups are "
        "(sum n)^2 / sum n^2 over groups of n photos. Shares are of all photos."
    )
    lines = (
        Line("groups", len(sizes), "groups"),
        Line("effective groups", effective_units(codes), "groups"),
        photos("in the largest group", int(sizes[largest]), len(table), examples=(named,)),
        photos("alone in their group", int((sizes == 1).sum()), len(table)),
    )
    return Section("Groups", about, lines)
