"""Reports: a plan or a leaderboard -> benchmark.json, three tables as CSV, and README.md."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geobench import files, results
from geobench.catalogue import Catalogue, installed
from geobench.components import digest, file_digest
from geobench.data import Dataset
from geobench.errors import StoreError
from geobench.geo import Points
from geobench.leaderboard import Leaderboard
from geobench.markdown import page
from geobench.plan import Plan
from geobench.results import Record, Workspace
from geobench.splits import Assignment, describe
from geobench.tables import ROW_COLUMNS, Cost, CurvePoint, Row, Tables, as_csv

if TYPE_CHECKING:
    from pandas import DataFrame

NAMES = ("benchmark.json", "table.csv", "curves.csv", "costs.csv", "README.md")
"""The files of a leaderboard, beside runs/."""


def write(planned: Plan) -> list[str]:
    """Write benchmark.json and the tables of a plan's records; returns the problems."""
    with planned.workspace.lock(f"board-{planned.board.name}", wait=True):
        manifest = _manifest(planned)
        path = planned.board / "benchmark.json"
        if not path.exists() or manifest != _without_tables(path):
            files.write_json(path, manifest)
        shown = [manifest["dataset"], *(part["dataset"] for part in manifest["parts"].values())]
        if any(about["publishes"] == "scores" for about in shown):
            files.write_file(planned.board / ".gitignore", "runs/\n")
        return _rewrite(planned.board, installed())


def _without_tables(path: Path) -> dict[str, Any]:
    try:
        known = files.read_json(path)
    except StoreError:  # damaged: it is written again
        return {}
    known.pop("tables", None)
    return known


def rewrite(folder: Path, catalogue: Catalogue) -> list[str]:
    """Write the tables again from benchmark.json and the stored arrays; returns the problems.

    In a workspace no run writes them at the same time.
    """
    board = folder.resolve()
    if board.parent.name != "leaderboards":
        return _rewrite(folder, catalogue)
    with Workspace(board.parent.parent).lock(f"board-{board.name}", wait=True):
        return _rewrite(folder, catalogue)


def _rewrite(folder: Path, catalogue: Catalogue) -> list[str]:
    board = Leaderboard(folder, catalogue)
    tables = board.tables()
    written = {}
    for name, content in contents(board, tables).items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content.encode():
            files.write_file(path, content)
        written[name] = file_digest(path)
    if board.manifest.get("tables") != written:
        files.write_json(folder / "benchmark.json", board.manifest | {"tables": written})
    return tables.problems


def contents(board: Leaderboard, tables: Tables) -> dict[str, str]:
    """File name -> text of every file that is made from the tables."""
    return {
        "table.csv": as_csv(tables.rows, Row),
        "curves.csv": as_csv(tables.curves, CurvePoint),
        "costs.csv": as_csv(tables.costs, Cost),
        "README.md": page(board, tables),
    }


def load(folder: str | Path) -> "DataFrame":
    """The table of a leaderboard as a pandas DataFrame, one row per number.

    Args:
        folder: a leaderboard's folder, such as "leaderboards/blue-marble".
    """
    import pandas

    # "NA" and "12" are labels here; only an empty field is a missing number.
    path = Path(folder) / "table.csv"
    if not path.exists():
        raise StoreError(
            "there is no table.csv", where=str(folder), remedy="Give a leaderboard's folder."
        )
    return pandas.read_csv(
        Path(folder) / "table.csv",
        dtype={name: str for name in ROW_COLUMNS if name not in (*_NUMBERS, *_COUNTS)},
        keep_default_na=False,
        na_values={name: [""] for name in _NUMBERS},
    )


_NUMBERS = ("value", "low", "high", "seed_sd", "effective_units", "rank_low", "rank_high")
_COUNTS = ("seeds", "photos", "not_applicable")


def _manifest(planned: Plan) -> dict[str, Any]:
    bench, runs = planned.benchmark, planned.board / "runs"
    dataset: Dataset = bench.dataset.plugin
    manifest: dict[str, Any] = {
        "schema": results.SCHEMA,
        "benchmark": bench.resolved,
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
            row = {
                "part": place.label,
                "label": cell.method.label,
                "method": cell.method.plugin.name,
                "origin": cell.method.plugin.origin,
                "seed": cell.seed,
                "record_key": place.key,
                "folder": f"{place.folder.parent.name}/{place.folder.name}",
                "files": written,
            }
            manifest["rows"].append(row)
    return manifest


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
