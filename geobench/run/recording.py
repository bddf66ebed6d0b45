"""Recording: what one cell answered on one part, as the folder of a record."""

import traceback
from pathlib import Path
from typing import Any

from geobench import drafts, geo, records
from geobench.catalogue import installed
from geobench.data import Indices
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.metrics import Metric
from geobench.records import Record, StoredRecord, files, verdicts
from geobench.records.records import SAME_ANSWER_KM
from geobench.run.plan import Cell, Place, Plan
from geobench.scoring.score_part import Scores


def write(
    planned: Plan, place: Place, cell: Cell, data: dict[str, Any], scores: Scores | None
) -> None:
    """Write a record, whole or not at all.

    Args:
        planned: the plan that the cell is of.
        place: where it lies.
        cell: who answered.
        data: its status, and what was measured or went wrong.
        scores: the answers and the columns of metrics; None without answers.
    """
    plugin = cell.method.plugin
    head: dict[str, Any] = {
        "schema": records.LAYOUT,
        "record_key": place.key,
        "fit_key": cell.fit_key,
        "fit": cell.fit,
        "method": plugin.identity(keyed=False),
        "task": {
            "digest": place.task.digest,
            "split": cell.split.plugin.identity(),
            "part": place.part.name,
            "test": place.task.test,
            "dataset": place.task.dataset,
        },
        "draws": planned.benchmark.draws(plugin.predicts),
        "origin": plugin.origin,
        "trained_on": plugin.trained_on,
        "predicts": plugin.predicts.__name__,
        "plugin": installed().source_of(type(plugin)),
        "check": verdicts.recall(planned.workspace, type(plugin)),
        "environment": records.environment(type(plugin)),
    }
    with drafts.folder(place.folder) as draft:
        if scores is not None:
            arrays = {"answer": scores.answer, "sample": scores.sample}
            files.write_arrays(draft / "answer.npz", arrays)
            _write_columns(draft, scores)
        record = Record.model_validate(head | data)
        files.write_stamped(draft / "record.json", record.data)


def extend(record: StoredRecord, scores: Scores) -> None:
    """Add columns to a record; nothing that is there is touched.

    Raises:
        StoreError: the method does not give the recorded answers any more.
    """
    refuse_other_answers(record, scores.answer)
    _write_columns(record.folder, scores)


def refuse_other_answers(
    record: StoredRecord, answers: Points, rows: Indices | None = None
) -> None:
    """Refuse what a method says now if it is not what is recorded.

    Args:
        record: of its answers.
        answers: what it says now, (N, 2).
        rows: the positions of these photos in the part; all, by default.

    Raises:
        StoreError: the method does not give the recorded answers any more.
    """
    recorded = record.answers() if rows is None else record.answers()[rows]
    away = float(geo.distance_km(recorded, answers).max(initial=0))
    if away > SAME_ANSWER_KM:
        raise StoreError(
            f"the method no longer gives the recorded answers (up to {away:.3g} km away)",
            where=str(record.folder),
            remedy="Run with --force to make the record again on this machine.",
        )


def write_faults(folder: Path, metrics: list[Metric], error: Exception) -> None:
    """Say in a record's folder that none of these metrics could be added, and why."""
    for metric in metrics:
        fault = {"error": f"metric {metric.name}: {error}", "traceback": traceback.format_exc()}
        files.write_json(folder / f"{metric.file_stem}.failed.json", fault)


def _write_columns(folder: Path, scores: Scores) -> None:
    for stem, columns in scores.columns.items():
        drafts.remove(folder / f"{stem}.failed.json")
        files.write_arrays(folder / f"{stem}.npz", columns)
    for stem, fault in scores.faults.items():
        files.write_json(folder / f"{stem}.failed.json", fault)
