"""Recording: what one training answered on one part, as the folder of a record."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from geobench import drafts, geo, reasons, records
from geobench.assignments import Part
from geobench.catalogue import installed
from geobench.data import Dataset, Indices
from geobench.errors import DeadlineError, StoreError, said_by, traced
from geobench.features.encoding_time import EncodingTime
from geobench.geo import Points
from geobench.methods import Context
from geobench.metrics import Metric
from geobench.records import Fit, Record, Status, files, verdicts
from geobench.records.beside import Beside
from geobench.records.parts import read_part
from geobench.records.record import Checked
from geobench.records.stored_records import SAME_ANSWER_KM, StoredRecord
from geobench.run.plan import Evaluation, Plan, Training
from geobench.scoring.columns import Scores
from geobench.scoring.costs import Latency, Memory

log = logging.getLogger(__name__)


def write(
    planned: Plan,
    evaluation: Evaluation,
    training: Training,
    data: dict[str, Any],
    scores: Scores | None,
) -> None:
    """Write a record, whole or not at all.

    Args:
        planned: the plan that the training is of.
        evaluation: where it lies.
        training: who answered.
        data: its status, and what was measured or went wrong.
        scores: the answers and the columns of metrics; None without answers.
    """
    plugin = training.method.plugin
    head: dict[str, Any] = {
        "schema": records.LAYOUT,
        "record_key": evaluation.key,
        "fit_key": training.fit_key,
        "fit": training.fit,
        "method": plugin.identity(keyed=False),
        "task": {
            "digest": evaluation.task.digest,
            "split": training.split.plugin.identity(),
            "part": evaluation.part.name,
            "test": evaluation.task.test,
            "dataset": evaluation.task.dataset,
        },
        "draws": planned.benchmark.draws(plugin.predicts),
        "origin": plugin.origin,
        "trained_on": plugin.trained_on,
        "predicts": plugin.predicts.__name__,
        **made_with(planned, training),
    }
    data = _told(data, head=f"method {training.method.label}: ", part=evaluation.part)
    with drafts.folder(evaluation.folder) as draft:
        if scores is not None:
            arrays = {"answer": scores.answer, "sample": scores.sample}
            hidden = evaluation.part.dataset.publishes == "scores"
            arrays |= scores.beside.arrays(hidden=hidden)
            files.write_arrays(draft / "answer.npz", arrays)
            _write_columns(draft, scores, evaluation.part)
        record = Record.model_validate(head | data)
        files.write_stamped(draft / "record.json", record.data)


def made_with(planned: Plan, training: Training) -> Mapping[str, Any]:
    """The fields of a record about the code: its plugin, what was checked of it, all versions.

    They are looked up once for every method of a plan: a process of its own is given them, and
    loads neither the catalogue nor every distribution's metadata.
    """
    plugin = type(training.method.plugin)
    if training.method.label not in planned.made_with:
        planned.made_with[training.method.label] = {
            "plugin": installed().source_of(plugin),
            "check": _checked(verdicts.recall(planned.workspace, plugin)),
            "environment": records.environment(plugin, reveals=planned.benchmark.environment),
        }
    return planned.made_with[training.method.label]


def _checked(said: str | Checked) -> str | dict[str, Any]:
    """What the conformance kit had said, with reasons that name no folder."""
    if isinstance(said, str):
        return said
    found = dict(said.data)
    for status, why in said.data.items():
        if isinstance(why, dict):
            found[status] = {check: reasons.fault(text) for check, text in why.items()}
    return found


def _told(data: dict[str, Any], *, head: str, part: Part) -> dict[str, Any]:
    """The data of a record as it may be published with its board: what went wrong without folders
    and secrets, and where only scores may be shown nothing that names a photo."""
    is_photo = naming(part.dataset)
    told = {**data, **_fault(data, head=head, is_photo=is_photo)}
    if is_photo is not None and data.get("facts"):
        names = reasons.named_for_all(data["facts"], is_photo)
        told["facts"] = {names[name]: fact for name, fact in data["facts"].items()}
    if is_photo is not None and data.get("stand_in"):
        told["stand_in"] = reasons.fault(data["stand_in"], is_photo=is_photo)
    return told


def naming(dataset: Dataset) -> Callable[[str], bool] | None:
    """Whether a text is the id of a photo that may not be named; None where all may be."""
    if dataset.publishes != "scores":
        return None
    return frozenset(dataset.table.ids.tolist()).__contains__


def _fault(
    said: Mapping[str, Any], *, head: str, is_photo: Callable[[str], bool] | None
) -> dict[str, str]:
    """What went wrong, `error` and `traceback`, as it may be published; nothing if nothing did."""
    found = dict[str, str]()
    if said.get("error"):
        found["error"] = reasons.fault(said["error"], head=head, is_photo=is_photo)
    if said.get("traceback"):
        found["traceback"] = reasons.traceback(said["traceback"], is_photo=is_photo)
    return found


@final
@dataclass(frozen=True, slots=True)
class Spent:
    """What one part took beside being answered and scored.

    Args:
        restore_seconds: of the method from its stored state.
        memory: the peaks since the training began.
        single: the latency of single photos; None where it is not measured.
        features: how long the part's features took to make; None where that is not known.
    """

    restore_seconds: float
    memory: Memory
    single: Latency | None
    features: EncodingTime | None


def answered(scores: Scores, fit: Fit, cost: Spent, *, context: Context) -> dict[str, Any]:
    """The data of the record of a part that was answered.

    Args:
        scores: what the method said.
        fit: the details of its fit.
        cost: what the part took.
        context: the one that it answered with.
    """
    timings = {
        "fit_seconds": fit.fit_seconds,
        "restore_seconds": round(cost.restore_seconds, 6),
        "predict_seconds": round(scores.predict_seconds, 6),
        "score_seconds": round(scores.score_seconds, 6),
    }
    if cost.single is not None:
        timings["latency_median_seconds"] = round(cost.single.median_seconds, 6)
        timings["latency_p95_seconds"] = round(cost.single.p95_seconds, 6)
    return {
        "status": "ok",
        "facts": {**fit.facts, **context.facts},
        "timings": timings,
        "latency_photos": None if cost.single is None else cost.single.photos,
        "photos": len(scores.answer),
        "fewest_draws": scores.fewest_draws,
        **_said_beside(scores.beside),
        "device": context.device,
        "fit_device": fit.device,  # not known of states of earlier versions
        "peak_memory_mib": cost.memory.process,
        "peak_device_memory_mib": cost.memory.device,
        "feature_time": None if cost.features is None else cost.features.record(),
    }


def _said_beside(beside: Beside) -> dict[str, Any]:
    """The fields of a record about refusals and what was said along; none where there is none."""
    found: dict[str, Any] = {}
    if not beside.answered.all():
        found["refused"] = int((~beside.answered).sum())
        found["stand_in"] = beside.stand_in
    if beside.units:
        found["along"] = beside.units
    return found


def failed(training: Training, error: BaseException, *, status: Status) -> dict[str, Any]:
    """The data of the record of a part that was not answered: why, for tables and in full.

    Args:
        training: who failed.
        error: how.
        status: of the record, unless it was the deadline.
    """
    text = said_by(error)  # it goes into tables; the traceback keeps its lines
    where = f"method {training.method.label}"
    return {
        "status": "deadline" if isinstance(error, DeadlineError) else status,
        "error": text if text.startswith(where) else f"{where}: {text}",
        "traceback": traced(error),
    }


def part_file(evaluation: Evaluation, train: Part) -> dict[str, NDArray[Any]]:
    """The arrays of a part's part.npz, written first where they are not there.

    Args:
        evaluation: where a record on the part lies.
        train: what its methods are trained on.
    """
    path = evaluation.folder.parent / "part.npz"
    if path.exists():
        try:
            known = read_part(path)
            if records.is_current(known, evaluation.part):
                return known
            log.info("%s is older, or sliced otherwise: it is written again", path)
        except StoreError as error:
            log.warning("%s: it is written again", error)
    arrays = records.part_arrays(evaluation.part, train)
    files.write_arrays(path, arrays)
    return arrays


def extend(record: StoredRecord, scores: Scores, *, part: Part) -> None:
    """Add columns to a record; nothing that is there is touched.

    Args:
        record: of the answers.
        scores: with the columns.
        part: whose photos these are.

    Raises:
        StoreError: the method does not give the recorded answers any more.
    """
    refuse_other_answers(record, scores.answer)
    _write_columns(record.folder, scores, part)


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


def write_faults(folder: Path, metrics: list[Metric], error: BaseException, *, part: Part) -> None:
    """Say in a record's folder that none of these metrics could be added, and why."""
    for metric in metrics:
        fault = {"error": f"metric {metric.name}: {said_by(error)}", "traceback": traced(error)}
        _write_fault(folder, metric.file_stem, fault, part)


def _write_fault(folder: Path, stem: str, fault: Mapping[str, str], part: Part) -> None:
    told = _fault(fault, head="", is_photo=naming(part.dataset))
    files.write_json(folder / f"{stem}.failed.json", told)


def _write_columns(folder: Path, scores: Scores, part: Part) -> None:
    for stem, columns in scores.columns.items():
        drafts.remove(folder / f"{stem}.failed.json")
        files.write_arrays(folder / f"{stem}.npz", columns)
    for stem, fault in scores.faults.items():
        _write_fault(folder, stem, fault, part)
