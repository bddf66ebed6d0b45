"""Verification: is every number of a leaderboard what the stored arrays give?"""

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import figures, geo, records
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import KINDS, cells_of
from geobench.catalogue import Catalogue
from geobench.components import without
from geobench.digests import array_digest, digest
from geobench.errors import GeobenchError, StoreError, said_by
from geobench.pages.report import Contents, contents
from geobench.records import ManifestRow, Record, files
from geobench.records.manifest import StoredUnits
from geobench.records.stored_records import SAME_ANSWER_KM, answer_arrays, map_arrays
from geobench.resampling import resample
from geobench.statistics.units import unit_codes


def verify(folder: Path, catalogue: Catalogue, *, runs: Path | None = None) -> list[str]:
    """Everything that disagrees, each a sentence that names the record or the row; none if sound.

    Args:
        folder: a leaderboard's folder.
        catalogue: where its metrics come from.
        runs: the folder of the records, where they do not lie beside the tables.

    Raises:
        StoreError: there is no leaderboard in `folder`.
    """
    board = Leaderboard(folder, catalogue, runs=runs)
    problems: list[str] = []
    try:
        problems += _manifest(board) + _parts(board)
        for entry in board.manifest.rows:
            problems += _record(board, entry)
        tables = board.tables()
        return problems + stale(board, contents(board, tables), untouched=True)
    except Exception as error:  # what is wrong with the files may break anything
        text = f"the tables cannot be computed: {said_by(error)}"
        return [*problems, f"{folder / 'benchmark.json'}, or what it names: {text}"]


def stale(board: Leaderboard, expected: Contents, *, untouched: bool = False) -> list[str]:
    """How the files of a leaderboard differ from what they should hold.

    Numbers may differ by one unit of their last shown digit (the sixth in a CSV), because other
    machines round otherwise.

    Args:
        board: the leaderboard.
        expected: what the stored arrays give.
        untouched: allow that only in files that are as they were written, by their SHA-256.
    """
    problems, same = list[str](), set[str]()
    written = board.manifest.tables or {}
    for name, content in expected.texts.items():
        path = board.folder / name
        if not os.path.lexists(path):
            problems.append(f"{path} is missing")
            continue
        try:
            intact = not untouched or files.sha256_of(path) == written.get(name)
            text = files.read_text(path, errors="replace")  # it may be cut within a character
        except StoreError as error:
            problems.append(str(error))
            continue
        text, content = (each.replace("\r\n", "\n") for each in (text, content))
        if text == content:
            same.add(name)
            continue
        found = _rows(path, text, content, exact=not intact) if path.suffix == ".csv" else []
        if path.suffix != ".csv" and not (intact and _alike(text, content)):
            found = [f"{path} is not what the records give"]
        problems += found
    # Tables that are what they should be need not be read a second time.
    known = expected.tables if same >= set(KINDS) else None
    return problems + figures.stale(board, known)


def _rows(path: Path, text: str, content: str, *, exact: bool) -> list[str]:
    try:
        found = list(cells_of(text, where=str(path)))
    except StoreError as error:
        return [str(error)]
    wanted = list(cells_of(content, where=str(path)))
    if len(found) != len(wanted):
        return [f"{path} has {len(found) - 1} rows, the records give {len(wanted) - 1}"]
    problems = []
    head = wanted[0]
    for line, (row, expected) in enumerate(zip(found, wanted, strict=True), 1):
        cells = zip(head, row, expected, strict=False)
        differing = [
            f"{name} is {a!r}, not {b!r}"
            for name, a, b in cells
            if a != b and (exact or name in _COUNTS or not _equal(a, b))
        ]
        if len(row) == len(expected) and not differing:
            continue
        names = {"part", "slice", "label", "summary", "curve", "x", "quantity", "seed"}
        where = " / ".join(v for n, v in zip(head, expected, strict=True) if n in names)
        problems.append(f"{path}:{line}: row {where}: {'; '.join(differing) or 'not as long'}")
    return problems


_COUNTS = ("seed", "seeds", "photos", "not_applicable", "rank_low", "rank_high", "pairs")
"""Columns without rounding: no difference is allowed."""


def _alike(found: str, wanted: str) -> bool:
    """Whether two texts are equal up to one unit of the last digit of the numbers in them."""
    pairs = list(zip(_NUMBER.split(found), _NUMBER.split(wanted), strict=False))
    same_length = len(_NUMBER.split(found)) == len(_NUMBER.split(wanted))
    return same_length and all(a == b or _close(a, b) for a, b in pairs)


_NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?!\w)")


def _close(found: str, wanted: str) -> bool:
    if not (_NUMBER.fullmatch(found) and _NUMBER.fullmatch(wanted)):
        return False
    unit = 10.0 ** -len(wanted.partition(".")[2])
    return abs(float(found.replace(",", "")) - float(wanted.replace(",", ""))) <= 1.0001 * unit


def _equal(found: str, wanted: str) -> bool:
    if found == wanted:
        return True
    try:
        a, b = float(found), float(wanted)
    except ValueError:
        return False
    if not (math.isfinite(a) and math.isfinite(b)) or b == 0:
        return False
    return abs(a - b) <= 1.0001 * 10.0 ** (math.floor(math.log10(abs(b))) - 5)


def _manifest(board: Leaderboard) -> list[str]:
    path = board.folder / "benchmark.json"
    try:
        keyed = without(board.manifest.benchmark.data, board.manifest.left_out or [])
    except (LookupError, TypeError, ValueError):
        return [f"{path}: left_out names a field that the benchmark does not have"]
    if digest(keyed) != board.manifest.digest:
        return [f"{path}: the benchmark is not of its digest"]
    return []


def _same_file(path: Path, expected: str) -> list[str]:
    if not os.path.lexists(path):
        return [f"{path} is missing"]
    try:
        found = files.sha256_of(path)
    except StoreError as error:
        return [str(error)]
    if found != expected:
        return [f"{path} is not the file that benchmark.json names (its SHA-256 differs)"]
    return []


def _parts(board: Leaderboard) -> list[str]:
    problems = []
    for shown in board.manifest.maps.values():
        problems += _same_file(board.runs / shown.file, shown.sha256)
    for label, entry in board.manifest.parts.items():
        path = board.runs / entry.folder / "part.npz"
        found = _same_file(path, entry.sha256)
        problems += found
        try:
            arrays = board.part(label)
        except GeobenchError as error:
            problems.append(str(error))
            continue
        needed = {"region", "group"} if entry.resampled else set()
        if lost := sorted(needed - set(arrays)):
            problems.append(f"{path} lacks {', '.join(lost)}")
            continue
        hidden = entry.dataset.publishes == "scores"
        drawn = arrays.get("region", arrays["unit"])  # in boards of before, units are the regions
        if not hidden and array_digest(arrays["id"], arrays["truth"], drawn) != entry.digest:
            problems.append(f"{path}: ids, truth or regions of {label} are not those of its digest")
        # A photo that a limit or a broken picture took away may have joined two others.
        broken = f"left out of {label.rpartition('/')[2]}: broken picture" in entry.facts
        whole = not (board.manifest.limit or broken)
        if entry.resampled and whole and not _units_hold(entry.resampled, arrays):
            problems.append(f"{path}: units of {label} are not those that its photos make")
        away = geo.distance_km(arrays["nearest"], arrays["truth"]) - arrays["novelty"]
        if np.nanmax(np.abs(away), initial=0) > 1e-6:
            problems.append(f"{path}: novelty is not the distance from truth to nearest")
    return problems


def _units_hold(known: StoredUnits, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether the units of a part are those that the rule makes of its photos."""
    found = resample(
        arrays["region"],
        groups=arrays["group"],
        points=arrays["truth"],
        block_rows=known.block_rows,
    )
    as_told = (list(found.rules), found.alone) == (known.rules, known.alone)
    return as_told and np.array_equal(unit_codes(found.units), unit_codes(arrays["unit"]))


def _record(board: Leaderboard, entry: ManifestRow) -> list[str]:
    folder = board.runs / entry.folder
    problems: list[str] = []
    for name, expected in entry.files.items():
        problems += [f"record {p}" for p in _same_file(folder / name, expected)]
    try:
        record = Record.read(folder / "record.json")
    except GeobenchError as error:
        return [*problems, f"record {error}"]
    return problems + _keys(board, entry, record) + _map(board, entry)


def _map(board: Leaderboard, entry: ManifestRow) -> list[str]:
    """Whether a record's map is of photos of its part, which may be shown if they are, and of the
    answers that are recorded."""
    folder, part = board.runs / entry.folder, board.part(entry.part)
    if records.MAP not in entry.files:
        return []
    photos = len(part["id"])
    try:
        shown = map_arrays(folder, photos=photos)
        answers = answer_arrays(folder, photos=photos)
    except GeobenchError as error:
        return [f"record {error}"]
    rows = shown["rows"]
    if (part["id"][rows] != shown["id"]).any():
        return [f"record {folder / records.MAP} shows other photos than those of its part"]
    if "picture" in shown and board.manifest.parts[entry.part].dataset.publishes != "pictures":
        return [f"record {folder / records.MAP} holds pictures that may not be shown"]
    away = geo.distance_km(answers["answer"][rows], shown["answer"])
    if not (away <= SAME_ANSWER_KM).all():
        return [f"record {folder / records.MAP} shows other answers than those recorded"]
    return []


def _keys(board: Leaderboard, entry: ManifestRow, record: Record) -> list[str]:
    folder, problems = board.runs / entry.folder, []
    fit, found = record.fit, record.task
    key = records.record_key(digest(fit.data), found.digest, record.draws)
    task = digest([fit.train, fit.val, found.test, found.dataset])
    part = board.manifest.parts[entry.part]
    if not key == entry.record_key == record.record_key or found.digest != task:
        problems.append(f"record {folder}: its key is not that of what went into it")
    if found.test != part.digest:
        problems.append(f"record {folder} is of other photos than part {entry.part}")
    return problems
