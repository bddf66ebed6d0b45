"""All that the tables say of one part, put together from rows, curves, costs and ranks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, final

from geobench.board.cost_rows import compute_costs
from geobench.board.part_curves import PartCurves
from geobench.board.part_records import PartRecords
from geobench.board.part_rows import PartNumber, compute_rows, row_of
from geobench.board.part_scores import PartScores
from geobench.board.ranks import FEW_UNITS, rank, unranked
from geobench.board.resolution import resolution_of
from geobench.board.tables import Cost, CurvePoint, Resolution, Row
from geobench.metrics import Curve, Mean, Metric
from geobench.scoring.slices import views
from geobench.statistics.intervals import FEWEST_UNITS
from geobench.statistics.replicate_weights import Codes
from geobench.statistics.units import effective_units

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
        for summary in scores.metric.summaries:
            if isinstance(summary, Curve):
                tables.curves.extend(curves.of(summary, scores))
                continue
            for view in seen:
                found = compute_rows(part, scores, summary=summary, view=view)
                bare = [row_of(each) for each in found]
                if ranked and few:
                    tables.rows.extend(unranked(bare, FEW_UNITS))
                else:
                    tables.rows.extend(rank(found, better=summary.better) if ranked else bare)
                if view.overall:
                    numbers = [each for each in found if isinstance(each, PartNumber)]
                    tables.numbers.update({(n.row.label, summary.name): n for n in numbers})
                    resolved = resolution_of(scores.metric, found, scores.entries)
                    tables.resolutions.extend([resolved] if resolved else [])
            if isinstance(summary, Mean):
                tables.curves.extend(curves.by_novelty(summary, scores))
    tables.problems.extend([*part.problems, *records.problems])
    return tables


@final
class PartNumbers(NamedTuple):
    """The numbers of all photos of a part.

    `numbers` has each, or why there is none; `resolutions` are by summary.
    """

    numbers: dict[NumberKey, PartNumber | str]
    resolutions: dict[str, Resolution]


def compute_numbers(
    benchmark: str, records: PartRecords, *, metrics: Sequence[Metric]
) -> PartNumbers:
    """Compute the numbers of all photos alone, without slices, curves and ranks."""
    part, (overall, *_) = PartScores(benchmark, records), views(records.arrays)
    computed = PartNumbers({}, {})
    for scores in part.of(metrics, [*records.entries(), *records.ceiling()]):
        for summary in scores.metric.summaries:
            if isinstance(summary, Curve):
                continue
            found = compute_rows(part, scores, summary=summary, view=overall)
            for each in found:
                row = row_of(each)
                number = each if isinstance(each, PartNumber) else row.note or row.status
                computed.numbers[row.label, row.summary] = number
            if resolved := resolution_of(scores.metric, found, scores.entries):
                computed.resolutions[summary.name] = resolved
    return computed
