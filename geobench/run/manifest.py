"""benchmark.json: which records and parts a leaderboard is made of, written from a plan."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from geobench import drafts, records
from geobench.assignments import Assignment, describe
from geobench.catalogue import installed
from geobench.components import left_out
from geobench.config.benchmark import Benchmark
from geobench.data import Dataset
from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.methods import Method, Retriever
from geobench.pages.report import refuse_links, write_files
from geobench.pages.unchanged import LastMade
from geobench.records import Manifest, ManifestRow, StoredRecord, files
from geobench.records.manifest import (
    Asked,
    SeenByWeights,
    SplitMap,
    StoredDataset,
    StoredPart,
    StoredUnits,
)
from geobench.records.stored_records import digests_in
from geobench.run import recording
from geobench.run.named_methods import with_components
from geobench.run.plan import Evaluation, Plan, Training


def refuse(planned: Plan, trainings: Iterable[Training]) -> None:
    """Say now, and not after hours of training, that something cannot be written.

    Raises:
        LinkError: a link lies where results would be written.
        StoreError: what lies there was made by a newer geobench.
    """
    workspace = planned.workspace
    refuse_links(planned.board)
    records.refuse_newer(planned.board / "benchmark.json")
    for folder in workspace.hidden.glob("*"):
        drafts.real(folder)
    for training in trainings:
        drafts.real(workspace.states / training.fit_key)
        drafts.real(workspace.checkpoints / training.fit_key / "method")
        for evaluation in planned.evaluations(training):
            records.refuse_newer(drafts.real(evaluation.folder) / "record.json")


@final
class Written(NamedTuple):
    """What became of a leaderboard: what could not be made, and whether it was left as it is."""

    problems: list[str]
    unchanged: bool = False


def write(planned: Plan, last: LastMade, *, pictures: bool = True) -> Written:
    """Write benchmark.json, tables and pictures of a plan's records.

    Where this code has made all of it of the same records, only what is there is looked at.

    Args:
        planned: whose records.
        last: what was made of its board, asked for when the plan was made.
        pictures: draw them, too.

    Raises:
        LinkError: a link lies where they are written.
    """
    refuse_links(planned.board)
    with planned.workspace.lock(f"board-{planned.board.name}", wait=True):
        known = _known(planned.board / "benchmark.json")
        manifest = _manifest(planned, known)
        if manifest.data != {name: known[name] for name in known if name not in _MADE_LATER}:
            files.write_json(planned.board / "benchmark.json", _with_later(manifest, known).data)
        if any(about.publishes == "scores" for about in manifest.datasets):
            _keep_runs_from_git(planned.board / ".gitignore")
        if last.holds(pictures=pictures):
            return Written([], unchanged=True)
        problems = write_files(planned.board, installed(), pictures=pictures)
        if not problems:  # else the next run finds them again, and says so again
            last.keep(pictures=pictures)
        return Written(problems)


def last_made(planned: Plan) -> LastMade:
    """What was last made of a plan's records, for `write`; to be asked before the work begins."""
    return LastMade(planned.board, planned.workspace, installed())


def _keep_runs_from_git(path: Path) -> None:
    lines = files.read_text(path).splitlines() if os.path.lexists(path) else []
    if "runs/" not in lines:
        drafts.write_file(path, "\n".join([*lines, "runs/", ""]))


_MADE_LATER = ("tables", "figures")
"""What a report adds to benchmark.json."""


def _known(path: Path) -> dict[str, Any]:
    """The data of the present benchmark.json, of whatever layout; none where there is none."""
    try:
        return files.read_json(path) if path.exists() else {}
    except StoreError:  # damaged: it is written again
        return {}


def _with_later(manifest: Manifest, known: dict[str, Any]) -> Manifest:
    """The manifest with the tables and pictures that are there: old pictures are known by it."""
    try:
        return manifest.changed(**{name: known[name] for name in _MADE_LATER if name in known})
    except ValidationError:  # damaged: they are made again
        return manifest


def _manifest(planned: Plan, known: dict[str, Any]) -> Manifest:
    """What there is to say of a plan's records; `known` are the data of the present one."""
    bench, named = planned.benchmark, _files_named(known)
    unread = planned.inputs.unread([p for d in planned.drawn.values() for p in d.all_parts])
    parts: dict[str, dict[str, Any]] = {}
    rows: list[ManifestRow] = []
    missing: list[str] = []
    for training in planned.trainings():
        for evaluation in planned.evaluations(training):
            written = _files_of(evaluation, named)
            if not written:
                missing.append(f"{evaluation.label} / {training.method.label} / {training.seed}")
                continue
            if evaluation.label not in parts:
                parts[evaluation.label] = _part(planned, training, evaluation, unread)
            rows.append(_row(training, evaluation, written))
    _name_twins(bench, parts)
    return Manifest(
        schema=records.LAYOUT,
        benchmark=Asked.model_validate(bench.resolved),
        left_out=left_out(bench.resolved, bench.keyed),
        digest=bench.digest,
        limit=planned.limit,
        dataset=_about(bench.dataset.plugin, unread),
        maps=_maps(planned),
        parts={label: StoredPart.model_validate(about) for label, about in parts.items()},
        rows=rows,
        missing=missing,
    )


def _maps(planned: Plan) -> dict[str, SplitMap]:
    """The map of every split, written first where it is not there; none of hidden places."""
    found: dict[str, SplitMap] = {}
    if planned.benchmark.dataset.plugin.publishes == "scores":
        return found
    for split in planned.benchmark.splits:
        assignment = planned.assignment(split)
        name = f"{split.plugin.name}-{_split_digest(assignment)[:8]}.npz"
        path = planned.board / "runs" / name
        if not files.readable(path):
            files.write_arrays(path, records.split_map(_roles(assignment)))
        found[split.label] = SplitMap(file=name, sha256=file_digest(path))
    return found


_Unread: TypeAlias = Mapping[str, Mapping[str, int]]
"""Digest of a dataset -> why pictures of it cannot be read -> how many."""


def _part(
    planned: Plan, training: Training, evaluation: Evaluation, unread: _Unread
) -> dict[str, Any]:
    """The fields of a StoredPart, but for its twin."""
    path = evaluation.folder.parent / "part.npz"
    recording.part_file(evaluation, training.assignment.train)
    resampled = evaluation.part.resampled
    assert resampled is not None, "every test part comes from Split.assign"
    return {
        "folder": path.parent.name,
        "digest": evaluation.task.test,
        "resampled": StoredUnits(
            rules=list(resampled.rules), alone=resampled.alone, block_rows=resampled.block_rows
        ),
        "dataset": _about(evaluation.part.dataset, unread),
        "sha256": file_digest(path),
        "facts": describe(training.assignment, evaluation.part),
    }


def _row(training: Training, evaluation: Evaluation, written: dict[str, str]) -> ManifestRow:
    method = training.method.plugin
    row: dict[str, Any] = {
        "part": evaluation.label,
        "label": training.method.label,
        "method": method.name,
        "origin": method.origin,
        "trained_on": method.trained_on,
        "seed": training.seed,
        "record_key": evaluation.key,
        "folder": f"{evaluation.folder.parent.name}/{evaluation.folder.name}",
        "files": written,
    }
    if brought := _brought(method):
        row["components"] = brought
    if isinstance(method, Retriever):
        row["gallery"] = str(method.gallery_source)
    return ManifestRow.model_validate(row)


def _brought(method: Method) -> list[SeenByWeights]:
    """What the released weights of a method's components have seen."""
    return [
        SeenByWeights(method=each.name, trained_on=each.trained_on)
        for each in with_components(method)[1:]
        if each.trained_on
    ]


def _name_twins(benchmark: Benchmark, parts: dict[str, dict[str, Any]]) -> None:
    """Say of each part of a twin which other part of this benchmark has the same photos."""

    def photos_of(label: str) -> tuple[str, str]:
        return parts[label]["digest"], parts[label]["dataset"].digest

    plugins = {split.label: split.plugin for split in benchmark.splits}
    split_of = {label: label.rpartition("/")[0] for label in parts}
    for label, entry in parts.items():
        wanted = plugins[split_of[label]].twin_of
        for other in parts:
            same = photos_of(other) == photos_of(label)
            if same and plugins[split_of[other]].identity() == wanted:
                entry.setdefault("twin_of", other)


def _files_named(known: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Record key -> the files of its record that a benchmark.json names; none of a damaged one."""
    rows = known["rows"] if isinstance(known.get("rows"), list) else []
    shown = [row for row in rows if isinstance(row, dict) and {"record_key", "files"} <= set(row)]
    return {row["record_key"]: row["files"] for row in shown if isinstance(row["record_key"], str)}


def _files_of(evaluation: Evaluation, named: dict[str, dict[str, str]]) -> dict[str, str]:
    """Name -> SHA-256 of every file of a record; none where there is none, or a damaged one."""
    folder = evaluation.folder
    try:
        found = digests_in(folder)
        # What benchmark.json names was read when that was written, and found sound.
        if found == named.get(evaluation.key) or StoredRecord.read(folder) is not None:
            return found
    except FileNotFoundError:  # another run is putting a new one in its place
        pass
    return {}


def _about(dataset: Dataset, unread: _Unread) -> StoredDataset:
    about: dict[str, Any] = {
        "name": dataset.name,
        "digest": dataset.digest,
        "photos": len(dataset.table),
        "promised": dataset.table.promised,
        "broken": dict(dataset.table.broken),
        "licence": dataset.licence,
        "citation": dataset.citation,
        "publishes": dataset.publishes,
        "on_earth": dataset.on_earth,
    }
    if lost := unread.get(dataset.digest):
        about["unread"] = dict(lost)
    if dataset.title:
        about["title"] = dataset.title
    return StoredDataset.model_validate(about)


def _split_digest(assignment: Assignment) -> str:
    return digest([part.digest for part in assignment.all_parts])


def _roles(assignment: Assignment) -> dict[str, tuple[Points, NDArray[np.str_]]]:
    table = assignment.train.dataset.table
    roles = {
        part.name: (part.points, part.ids)
        for part in assignment.all_parts
        if part.dataset is assignment.train.dataset
    }
    for reason, rows in assignment.left_out.items():
        roles[reason] = (table.points[rows], table.ids[rows])
    return roles
