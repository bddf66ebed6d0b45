"""Reports: a plan or a leaderboard -> benchmark.json, tables as CSV, pictures, and README.md."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import drafts, figures, files, results, tables
from geobench.catalogue import Catalogue, installed
from geobench.components import left_out
from geobench.config import Benchmark
from geobench.data import Dataset
from geobench.digests import digest, file_digest
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.leaderboard import Leaderboard
from geobench.markdown import page
from geobench.methods import Method, Retriever
from geobench.plan import Cell, Plan, with_components
from geobench.results import Record, Workspace
from geobench.splits import Assignment, describe
from geobench.tables import Tables, as_csv

NAMES = ("benchmark.json", "table.csv", "curves.csv", "costs.csv", "README.md")
"""The files of a leaderboard, beside runs/ and figures/."""


def refuse_links(folder: Path) -> None:
    """Refuse a leaderboard in which a link lies where files are written.

    Raises:
        LinkError: one does.
    """
    for name in (*NAMES, ".gitignore", "figures", "runs"):
        drafts.real(folder / name)


def refuse(planned: Plan, cells: Iterable[Cell]) -> None:
    """Say now, and not after hours of training, that something cannot be written.

    Raises:
        LinkError: a link lies where results would be written.
        StoreError: what lies there was made by a newer geobench.
    """
    workspace = planned.workspace
    refuse_links(planned.board)
    results.refuse_newer(planned.board / "benchmark.json")
    for folder in workspace.hidden.glob("*"):
        drafts.real(folder)
    for cell in cells:
        drafts.real(workspace.states / cell.fit_key)
        drafts.real(workspace.checkpoints / cell.fit_key / "method")
        for place in planned.places(cell):
            results.refuse_newer(drafts.real(place.folder) / "record.json")


def write(planned: Plan, *, pictures: bool = True) -> list[str]:
    """Write benchmark.json, tables and pictures of a plan's records; returns the problems.

    Raises:
        LinkError: a link lies where they are written.
    """
    refuse_links(planned.board)
    with planned.workspace.lock(f"board-{planned.board.name}", wait=True):
        manifest = _manifest(planned)
        path = planned.board / "benchmark.json"
        known = _known(path)
        made = {name: known.pop(name) for name in ("tables", "figures") if name in known}
        if manifest != known:
            files.write_json(path, manifest | made)
        shown = [manifest["dataset"], *(part["dataset"] for part in manifest["parts"].values())]
        if any(about["publishes"] == "scores" for about in shown):
            _keep_runs_from_git(planned.board / ".gitignore")
        return _rewrite(planned.board, installed(), pictures=pictures)


def _keep_runs_from_git(path: Path) -> None:
    lines = path.read_text().splitlines() if path.exists() else []
    if "runs/" not in lines:
        drafts.write_file(path, "\n".join([*lines, "runs/", ""]))


def _known(path: Path) -> dict[str, Any]:
    try:
        return files.read_json(path) if path.exists() else {}
    except StoreError:  # damaged: it is written again
        return {}


def rewrite(folder: Path, catalogue: Catalogue, *, file_format: str | None = None) -> list[str]:
    """Write tables and pictures again from benchmark.json and the stored arrays.

    In a workspace no run writes them at the same time.

    Args:
        folder: the leaderboard's.
        catalogue: where its metrics come from.
        file_format: of the pictures, "png" or "svg"; as they are, unless said.

    Returns:
        The problems, a sentence each.

    Raises:
        LinkError: a link lies where they are written.
    """
    # As it was typed, for leaderboards/ may be a link; else as it is, for the folder may be one.
    board = Path(os.path.abspath(folder))
    if board.parent.name != "leaderboards":
        board = folder.resolve()
    if board.parent.name != "leaderboards":
        refuse_links(folder)
        return _rewrite(folder, catalogue, file_format=file_format)
    workspace = Workspace(board.parent.parent)
    refuse_links(board)
    with workspace.lock(f"board-{board.name}", wait=True):
        return _rewrite(folder, catalogue, file_format=file_format)


def _rewrite(
    folder: Path, catalogue: Catalogue, *, pictures: bool = True, file_format: str | None = None
) -> list[str]:
    board = Leaderboard(folder, catalogue)
    before = dict(board.manifest)
    found = board.tables()
    written = {name: _put(folder / name, text) for name, text in _csv(found).items()}
    board.manifest["tables"] = written
    drawn, problems = figures.draw(
        board, tables.read(folder), file_format=file_format, new=pictures
    )
    board.manifest["figures"] = [asdict(picture) for picture in drawn]
    written["README.md"] = _put(folder / "README.md", contents(board, found)["README.md"])
    if board.manifest != before:
        files.write_json(folder / "benchmark.json", board.manifest)
    return found.problems + problems


def _put(path: Path, text: str) -> str:
    """Write a file unless it says that already; returns its SHA-256."""
    if not path.exists() or path.read_bytes() != text.encode():
        drafts.write_file(path, text)
    return file_digest(path)


def _csv(found: Tables) -> dict[str, str]:
    rows: dict[str, Sequence[Any]] = {
        "table.csv": found.rows,
        "curves.csv": found.curves,
        "costs.csv": found.costs,
    }
    return {name: as_csv(rows[name], kind) for name, kind in tables.KINDS.items()}


def contents(board: Leaderboard, found: Tables) -> dict[str, str]:
    """File name -> text of every file of text that is made from the tables.

    The page says what the tables say: it is made of their numbers as they are written.
    """
    texts = _csv(found)
    return {**texts, "README.md": page(board, tables.parse(texts, where=str(board.folder)))}


def _manifest(planned: Plan) -> dict[str, Any]:
    bench, runs = planned.benchmark, planned.board / "runs"
    dataset: Dataset = bench.dataset.plugin
    manifest: dict[str, Any] = {
        "schema": results.LAYOUT,
        "benchmark": bench.resolved,
        "left_out": left_out(bench.resolved, bench.keyed),
        "digest": bench.digest,
        "limit": planned.limit,
        "dataset": _about(dataset),
        "maps": {},
        "parts": {},
        "rows": [],
        "missing": [],
    }
    for split in bench.splits:
        assignment = planned.assignment(split)
        path = runs / f"{split.plugin.name}-{_split_digest(assignment)[:8]}.npz"
        if dataset.publishes != "scores":
            if not files.readable(path):
                files.write_arrays(path, results.split_map(_roles(assignment)))
            entry = {"file": path.name, "sha256": file_digest(path)}
            manifest["maps"][split.label] = entry
    for cell in planned.cells():
        for place in planned.places(cell):
            record, written = _read(place.folder)
            if record is None:
                manifest["missing"].append(f"{place.label} / {cell.method.label} / {cell.seed}")
                continue
            if place.label not in manifest["parts"]:
                path = place.folder.parent / "part.npz"
                planned.part_file(cell, place)
                facts = describe(cell.assignment, place.part)
                manifest["parts"][place.label] = {
                    "folder": path.parent.name,
                    "digest": place.task.test,
                    "dataset": _about(place.part.dataset),
                    "sha256": file_digest(path),
                    "facts": {name: [fact.value, fact.unit] for name, fact in facts.items()},
                }
            row: dict[str, Any] = {
                "part": place.label,
                "label": cell.method.label,
                "method": cell.method.plugin.name,
                "origin": cell.method.plugin.origin,
                "trained_on": cell.method.plugin.trained_on,
                "seed": cell.seed,
                "record_key": place.key,
                "folder": f"{place.folder.parent.name}/{place.folder.name}",
                "files": written,
            }
            if brought := _brought(cell.method.plugin):
                row["components"] = brought
            if isinstance(cell.method.plugin, Retriever):
                row["gallery"] = str(cell.method.plugin.gallery_source)
            manifest["rows"].append(row)
    _name_twins(bench, manifest["parts"])
    return manifest


def _brought(method: Method) -> list[dict[str, str]]:
    """What the released weights of a method's components have seen."""
    return [
        {"method": each.name, "trained_on": each.trained_on}
        for each in with_components(method)[1:]
        if each.trained_on
    ]


def _name_twins(benchmark: Benchmark, parts: dict[str, dict[str, Any]]) -> None:
    """Say of each part of a twin which other part of this benchmark has the same photos."""

    def photos_of(label: str) -> tuple[str, str]:
        return parts[label]["digest"], parts[label]["dataset"]["digest"]

    plugins = {split.label: split.plugin for split in benchmark.splits}
    split_of = {label: label.rpartition("/")[0] for label in parts}
    for label, entry in parts.items():
        wanted = plugins[split_of[label]].twin_of
        for other in parts:
            same = photos_of(other) == photos_of(label)
            if same and plugins[split_of[other]].identity() == wanted:
                entry.setdefault("twin_of", other)


def _read(folder: Path) -> tuple[Record | None, dict[str, str]]:
    try:
        record = Record.read(folder)
        return record, {} if record is None else record.files()
    except FileNotFoundError:  # another run is putting a new one in its place
        return None, {}


def _about(dataset: Dataset) -> dict[str, Any]:
    return {
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
