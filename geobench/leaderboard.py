"""Leaderboards: stored arrays -> the rows of the tables; nothing comes from memory."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from geobench import checks, files, results, statistics
from geobench.catalogue import Catalogue
from geobench.config import CEILING
from geobench.data import Truth
from geobench.errors import GeobenchError, StoreError
from geobench.metrics import NOT_APPLICABLE, SCORED, Against, Curve, Metric, Summary
from geobench.scoring import point_columns, truth_of
from geobench.statistics import Estimate, RankRange, Replicates
from geobench.summaries import Summarised, summarise
from geobench.tables import RANKED, Cost, CurvePoint, Row, Tables


@final
class Leaderboard:
    """A leaderboard on disk: what benchmark.json names, and the arrays that it points to.

    Args:
        folder: leaderboards/<benchmark>.
        catalogue: where its metrics come from.
        runs: the folder of the records, where they do not lie beside the tables.

    Raises:
        StoreError: there is no readable benchmark.json, or it is of another schema.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, runs: Path | None = None) -> None:
        self.folder = folder
        self.runs = folder / "runs" if runs is None else runs
        path = folder / "benchmark.json"
        if not path.exists():
            raise StoreError(
                "there is no benchmark.json",
                where=str(folder),
                remedy="Give a leaderboard's folder.",
            )
        self.manifest = files.read_json(path)
        if self.manifest.get("schema") != results.SCHEMA:
            found = self.manifest.get("schema")
            raise StoreError(f"is of schema {found}, not {results.SCHEMA}", where=str(path))
        self._catalogue = catalogue
        self._parts: dict[str, dict[str, NDArray[Any]]] = {}

    @property
    def name(self) -> str:
        return str(self.manifest["benchmark"]["name"])

    @cached_property
    def metrics(self) -> list[Metric]:
        """The benchmark's metrics, as configured in benchmark.json."""
        found = []
        for entry in self.manifest["benchmark"]["metrics"]:
            plugin = self._catalogue.find("metric", entry["name"])
            if plugin.version != entry["version"]:
                raise StoreError(
                    f"metric {entry['name']} is of version {plugin.version} here, "
                    f"and the leaderboard was made with version {entry['version']}",
                    where=str(self.folder),
                    remedy="Install the version of geobench that made it, or run it again.",
                )
            try:
                config = plugin.Config.model_validate(entry["config"])
            except ValidationError:
                raise StoreError(
                    f"metric {entry['name']} cannot be made again from its stored configuration",
                    where=str(self.folder),
                    remedy="A metric's configuration holds numbers and names only, no files.",
                ) from None
            found.append(plugin(config))
        return [metric for metric in found if isinstance(metric, Metric)]

    def part(self, label: str) -> dict[str, NDArray[Any]]:
        """The arrays of a part's part.npz."""
        if label not in self._parts:
            path = self.runs / self.manifest["parts"][label]["folder"] / "part.npz"
            self._parts[label] = files.read_arrays(path)
        return self._parts[label]

    def conformance(self) -> dict[str, list[str]]:
        """Label -> what the conformance kit had said of its method when records were made."""
        found: dict[str, list[str]] = {}
        for entry in self.manifest["rows"]:
            data = files.read_json(self.runs / entry["folder"] / "record.json")
            text, known = checks.sentence(data.get("check")), found.setdefault(entry["label"], [])
            if text not in known:
                known.append(text)
        return found

    def tables(self) -> Tables:
        """Compute every number of the tables from the stored arrays."""
        tables = Tables([], [], [], [])
        for part in self.manifest["parts"]:
            _Part(self, part, tables).compute()
        return tables


@final
@dataclass(frozen=True, slots=True)
class _Entry:
    """All records of one label on one part."""

    label: str
    method: str
    status: str
    note: str
    folders: tuple[Path, ...]
    seeds: tuple[int, ...]
    answers: tuple[NDArray[np.float64], ...] = ()


@final
@dataclass(frozen=True, slots=True)
class _Scored:
    """The columns of one metric for one label: column -> (S, photos scored)."""

    columns: dict[str, NDArray[np.float64]]
    mask: NDArray[np.uint8]


@final
class _Part:
    """The computation of one part's rows."""

    def __init__(self, board: Leaderboard, part: str, tables: Tables) -> None:
        self.board = board
        self.label = part
        self.tables = tables
        self.arrays = board.part(part)
        self.truth: Truth = truth_of(self.arrays)
        self.ranked = not board.manifest.get("limit")

    def compute(self) -> None:
        entries = [*self.entries(), *self.ceiling()]
        self.tables.costs += self.costs()
        for metric in self.board.metrics:
            scored: dict[str, _Scored | str] = {}
            for entry in entries:
                found = self.scored(metric, entry)
                if found is not None:
                    scored[entry.label] = found
            present = [entry for entry in entries if entry.label in scored]
            for summary in metric.summaries:
                self.summarise(summary, present, scored)

    def entries(self) -> Iterator[_Entry]:
        """The labels of this part, in the order of the YAML file."""
        by_label: dict[str, list[dict[str, Any]]] = {}
        for entry in self.board.manifest["rows"]:
            if entry["part"] == self.label:
                by_label.setdefault(entry["label"], []).append(entry)
        for label, found in by_label.items():
            folders = tuple(self.board.runs / entry["folder"] for entry in found)
            seeds = tuple(int(entry["seed"]) for entry in found)
            status, note, answers = found[0]["origin"], "", []
            status = "ok" if status == "trained" else status
            for folder, seed in zip(folders, seeds, strict=True):
                record = results.Record.read(folder)
                if record is None:
                    raise StoreError("the record is missing or damaged", where=str(folder))
                if record.status != "ok":
                    status = record.status
                    note = str(record.data.get("error", ""))
                    note = f"seed {seed}: {note}" if len(found) > 1 and note else note
                    break
                answers.append(record.answers())
            yield _Entry(label, found[0]["method"], status, note, folders, seeds, tuple(answers))

    def ceiling(self) -> Iterator[_Entry]:
        if np.isfinite(self.arrays["novelty"]).all():
            nearest = (self.arrays["nearest"],)
            yield _Entry(CEILING, CEILING, "ceiling", "", (), (0,), nearest)

    def costs(self) -> Iterator[Cost]:
        """Timings, peak memory and facts of every record of this part."""
        for entry in self.board.manifest["rows"]:
            if entry["part"] != self.label:
                continue
            data = files.read_json(self.board.runs / entry["folder"] / "record.json")
            found = {name: (value, "s") for name, value in data.get("timings", {}).items()}
            if "peak_memory_mb" in data:
                found["peak_memory"] = (data["peak_memory_mb"], "MB")
            found |= {name: (value, unit) for name, (value, unit) in data.get("facts", {}).items()}
            head = (self.board.name, self.label, entry["label"], entry["method"], entry["seed"])
            for quantity, (value, unit) in found.items():
                yield Cost(*head, data.get("device", ""), quantity, unit, float(value))

    def scored(self, metric: Metric, entry: _Entry) -> "_Scored | str | None":
        """The columns of a metric, why it has none, or None where it does not apply."""
        if entry.status not in (*RANKED, "ceiling"):
            return entry.note
        found = []
        for number, answers in enumerate(entry.answers):
            if not metric.needs_draws:
                try:
                    ids, part = self.arrays["id"], self.label
                    columns = point_columns(metric, answers, self.truth, ids=ids, part=part)
                    found.append(columns)
                except GeobenchError as error:
                    self.tables.problems.append(f"{self.label} / {entry.label}: {error}")
                    return str(error)
                continue
            if not entry.folders:
                return None
            stem = entry.folders[number] / metric.file_stem
            failed = stem.with_name(f"{stem.name}.failed.json")
            stored = stem.with_name(f"{stem.name}.npz")
            if stored.exists():
                found.append(files.read_arrays(stored))
            elif failed.exists():
                return str(files.read_json(failed)["error"])
            else:
                return None
        mask = found[0]["mask"]
        inside = mask == SCORED
        columns = {
            name: np.stack([arrays[name][inside].astype(np.float64) for arrays in found])
            for name in metric.columns
        }
        return _Scored(columns, mask)

    def summarise(
        self, summary: Summary, entries: Sequence[_Entry], scored: dict[str, "_Scored | str"]
    ) -> None:
        """Add the rows, with ranks, or the curve points of one summary."""
        rows: list[Row] = []
        replicates: list[Replicates | None] = []
        for entry in entries:
            found = scored[entry.label]
            if isinstance(summary, Curve):
                try:
                    self.curve(summary, entry, found)
                except Exception as error:
                    self.problem(summary, entry, error)
                continue
            row = Row(
                self.board.name,
                self.label,
                "all",
                "photo",
                entry.label,
                entry.method,
                summary.name,
                summary.unit,
                summary.better,
                status=entry.status,
                note=entry.note,
            )
            if isinstance(summary, Against) and summary.label == entry.label:
                continue
            if isinstance(found, str):
                status = "failed" if entry.status in (*RANKED, "ceiling") else entry.status
                rows.append(replace(row, status=status, note=found))
                replicates.append(None)
                continue
            inside = found.mask == SCORED
            row = replace(row, not_applicable=int((found.mask == NOT_APPLICABLE).sum()))
            if not inside.any():
                rows.append(replace(row, note="no photo of this part can be scored"))
                replicates.append(None)
                continue
            try:
                answer = self.estimate(summary, found, scored)
            except Exception as error:
                note = self.problem(summary, entry, error)
                rows.append(replace(row, status="failed", note=note))
                replicates.append(None)
                continue
            if answer is None:
                rows.append(replace(row, note="nothing on the same photos to compare with"))
                replicates.append(None)
                continue
            rows.append(_filled(row, answer.estimate))
            replicates.append(answer.replicates)
        self.tables.rows += self.with_ranks(rows, replicates, summary)

    def problem(self, summary: Summary, entry: _Entry, error: Exception) -> str:
        """Note that a summary cannot be computed, and say so for its row."""
        text = f"summary {summary.name}: {type(error).__name__}: {' '.join(str(error).split())}"
        self.tables.problems.append(f"{self.label} / {entry.label}: {text}")
        return text

    def numbers(
        self, summary: Summary, found: _Scored, *, other: _Scored | None = None
    ) -> list[Summarised]:
        """The numbers of a summary of the photos that were scored."""
        inside = np.flatnonzero(found.mask == SCORED)
        return summarise(
            summary,
            found.columns,
            truth=self.truth.take(inside),
            units=self.arrays["unit"][inside],
            other=None if other is None else other.columns,
        )

    def estimate(
        self, summary: Summary, found: _Scored, scored: dict[str, "_Scored | str"]
    ) -> Summarised | None:
        """The one number of a summary; None without the same photos to compare with."""
        other = None
        if isinstance(summary, Against):
            compared = scored.get(summary.label)
            if not isinstance(compared, _Scored) or not (compared.mask == found.mask).all():
                return None
            other = compared
        (number,) = self.numbers(summary, found, other=other)
        return number

    def curve(self, summary: Curve, entry: _Entry, found: "_Scored | str") -> None:
        """Add the points of a curve; a label without scores has none."""
        if isinstance(found, str) or not (found.mask == SCORED).any():
            return
        for x, number in zip(summary.x, self.numbers(summary, found), strict=True):
            limits = (number.estimate.value, number.estimate.low, number.estimate.high)
            head = (self.board.name, self.label, "all", entry.label, summary.name)
            self.tables.curves.append(CurvePoint(*head, x, *limits))

    def with_ranks(
        self, rows: list[Row], replicates: list[Replicates | None], summary: Summary
    ) -> list[Row]:
        """The rows with rank ranges among those that compete on the same photos."""
        competing = [
            (number, found)
            for number, (row, found) in enumerate(zip(rows, replicates, strict=True))
            if self.ranked
            and row.status in RANKED
            and found is not None
            # What is undefined (a slope through one point) competes with nobody.
            and math.isfinite(found.value)
        ]
        if not competing:
            return rows
        ranges: list[RankRange] = statistics.ranks(
            [found for _, found in competing],
            better=summary.better,
            effective_units=rows[competing[0][0]].effective_units,
        )
        ranked = list(rows)
        for (number, _), limits in zip(competing, ranges, strict=True):
            ranked[number] = replace(rows[number], rank_low=limits.low, rank_high=limits.high)
        return ranked


def _filled(row: Row, estimate: Estimate) -> Row:
    return replace(
        row,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        seed_sd=estimate.seed_sd,
        seeds=estimate.seeds,
        photos=estimate.photos,
        effective_units=estimate.effective_units,
        note="; ".join(filter(None, [row.note, estimate.note])),
    )
