"""All that the tables say of one part, put together from rows, curves, costs and ranks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias, final

from geobench.board.cost_rows import compute_costs
from geobench.board.part_curves import PartCurves
from geobench.board.part_records import PartRecords
from geobench.board.part_rows import PartNumber, compute_rows, row_of
from geobench.board.part_scores import PartScores
from geobench.board.ranks import FEW_UNITS, rank, unranked
from geobench.board.resolution import resolution_of
from geobench.board.tables import Cost, CurvePoint, Resolution, Row
from geobench.metrics import Metric
from geobench.scoring.slices import views
from geobench.statistics.intervals import FEWEST_UNITS
from geobench.statistics.replicate_weights import Codes
from geobench.statistics.units import effective_units
from geobench.summaries import Against, Curve, Mean

NumberKey: TypeAlias = tuple[str, str]
"""Label and summary."""


@final
@dataclass(frozen=True, slots=True)
class PartTables:
    """The rows, curves, costs and resolutions of one part, each in the order of its table.

    Args:
        label: of the part.
        units: the units of its photos, numbered, (N,).
        numbers: of all its photos; gaps and differences between parts come from them.
        problems: what could not be computed.
    """

    label: str
    units: Codes
    costs: list[Cost]
    rows: list[Row] = field(default_factory=list)
    curves: list[CurvePoint] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    numbers: dict[NumberKey, PartNumber] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def compute(benchmark: str, records: PartRecords, *, metrics: Sequence[Metric]) -> PartTables:
    """Compute every row, curve and cost of a part.

    A trial on fewer photos ranks nobody, and neither does a part of too few effective units.

    Args:
        benchmark: its name.
        records: of the part.
        metrics: that the benchmark asks for.
    """
    part, ranked = PartScores(benchmark, records), not records.manifest.limit
    few = effective_units(part.units) < FEWEST_UNITS
    curves, seen = PartCurves(part), views(records.arrays)
    tables = PartTables(part.label, part.units, list(compute_costs(records, benchmark=benchmark)))
    for scores in part.of(metrics, [*records.entries(), *records.ceiling()]):
        plain = [each for each in scores.metric.summaries if not isinstance(each, Curve)]
        rows: dict[str, list[Row]] = {summary.name: [] for summary in plain}
        # View by view, though the table is in order of summaries: all of a view share its photos.
        for view, summary in product(seen, plain):
            found = compute_rows(part, scores, summary=summary, view=view)
            if not ranked:
                rows[summary.name] += [row_of(each) for each in found]
            elif few:
                rows[summary.name] += unranked(found, FEW_UNITS)
            else:
                rows[summary.name] += rank(found, better=summary.better)
            if view.overall:
                numbers = [each for each in found if isinstance(each, PartNumber)]
                tables.numbers.update({(n.row.label, summary.name): n for n in numbers})
                resolved = resolution_of(found, scores.entries)
                tables.resolutions.extend([resolved] if resolved and ranked and not few else [])
        for summary in scores.metric.summaries:
            tables.rows.extend(rows.get(summary.name, []))
            if isinstance(summary, Curve):
                tables.curves.extend(curves.of(summary, scores))
            if isinstance(summary, Mean):
                tables.curves.extend(curves.by_novelty(summary, scores))
    tables.problems.extend([*part.problems, *records.problems])
    return tables


def compute_numbers(
    benchmark: str, records: PartRecords, *, metrics: Sequence[Metric], labels: Collection[str]
) -> dict[NumberKey, PartNumber | str]:
    """Compute the numbers of all photos of these labels alone: each, or why there is none."""
    part, (overall, *_) = PartScores(benchmark, records), views(records.arrays)
    summaries = [summary for metric in metrics for summary in metric.summaries]
    against = {summary.label for summary in summaries if isinstance(summary, Against)}
    entries = [*records.entries({*labels, *against}), *records.ceiling()]
    numbers: dict[NumberKey, PartNumber | str] = {}
    for scores in part.of(metrics, entries):
        for summary in scores.metric.summaries:
            if isinstance(summary, Curve):
                continue
            for found in compute_rows(part, scores, summary=summary, view=overall):
                row = row_of(found)
                if row.label in labels:
                    number = found if isinstance(found, PartNumber) else row.note or row.status
                    numbers[row.label, row.summary] = number
    return numbers
