"""Entries of a part: the records of one label on one part, and the scores of a metric for them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from geobench import reasons
from geobench.answers import IN_DRAWS
from geobench.board.scored import Scored
from geobench.board.tables import FEW_DRAWS, GALLERY, RANKED, REFUSALS, joined
from geobench.data import Truth
from geobench.errors import GeobenchError, StoreError
from geobench.geo import Points
from geobench.metrics import SCORED, Metric
from geobench.names import CEILING
from geobench.records import Manifest, ManifestRow, Record, StoredRecord, files
from geobench.records.beside import Beside
from geobench.records.parts import hashed_id
from geobench.scoring.columns import point_columns, truth_of


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """All records of one label on one part.

    `few_draws` says of how few draws they are where there are fewer than were asked for: what
    metrics make of them is shown and not ranked.
    """

    label: str
    method: str
    status: str
    note: str
    folders: tuple[Path, ...]
    seeds: tuple[int, ...]
    answers: tuple[NDArray[np.float64], ...] = ()
    beside: tuple[Beside, ...] = ()
    declines: bool = False
    """Whether some photo of the part is not answered."""
    few_draws: str = ""
    of_draws: str = ""
    """The note in place of `note` for metrics of draws and densities."""
    looks: bool = False
    """Whether it looks at photos: reads features, by itself or its components, or was made
    elsewhere, of which nothing else is known."""

    def note_for(self, metric: Metric) -> str:
        """What is said of the label beside a number of a metric."""
        return self.note if metric.needs is Points else self.of_draws

    def draws(self, number: int) -> NDArray[np.float64]:
        """The first draws of one record."""
        return files.read_arrays(self.folders[number] / "answer.npz")["sample"]

    def share_answered(self, photos: NDArray[np.intp]) -> float:
        """Of these photos (positions in the part), over all records; NaN where all of the part
        are answered."""
        if not self.declines:
            return float("nan")
        return float(np.mean([each.answered[photos].mean() for each in self.beside]))


@final
class Refusals(NamedTuple):
    """What tables say of photos that a method declined, beside metrics of points and of draws."""

    note: str = ""
    of_draws: str = ""


@final
class PartRecords:
    """The stored records of one part.

    Args:
        label: of the part.
        arrays: of its part.npz.
        manifest: of the leaderboard.
        runs: the folder of the records.
    """

    def __init__(
        self, label: str, arrays: dict[str, NDArray[Any]], manifest: Manifest, runs: Path
    ) -> None:
        self.label = label
        self.arrays = arrays
        self.manifest = manifest
        self.runs = runs
        self.truth: Truth = truth_of(arrays)
        self.problems: list[str] = []
        """What a metric could not score."""

    def entries(self, labels: Collection[str] | None = None) -> Iterator[Entry]:
        """The labels of this part, in the order of the YAML file; only `labels` where given."""
        by_label: dict[str, list[ManifestRow]] = {}
        for row in self.manifest.rows:
            if row.part == self.label and (labels is None or row.label in labels):
                by_label.setdefault(row.label, []).append(row)
        for label, found in by_label.items():
            folders = tuple(self.runs / row.folder for row in found)
            seeds = tuple(row.seed for row in found)
            note, refused, few, looks = "", Refusals(), "", found[0].origin != "trained"
            answers, beside = [], []
            status: str = "ok" if found[0].origin == "trained" else found[0].origin
            for folder, seed in zip(folders, seeds, strict=True):
                record = StoredRecord.read(folder)
                if record is None:
                    raise StoreError("the record is missing or damaged", where=str(folder))
                if record.status != "ok":
                    status = record.status
                    note = self.told(record.content.error or "", head=f"method {label}: ")
                    note = f"seed {seed}: {note}" if len(found) > 1 and note else note
                    break
                arrays = record.arrays()
                answers.append(arrays["answer"])
                beside.append(Beside.of(arrays))
                refused = refused if refused.note else _refusals(record.content)
                few = few or _few_draws(record.content)
                looks = looks or bool(record.content.fit.features or record.content.fit.components)
            if status in RANKED and found[0].gallery is not None:
                note = GALLERY + found[0].gallery
            notes = (note, note)
            if status in RANKED:
                notes = (joined(note, refused.note), joined(note, refused.of_draws))
            yield Entry(
                label,
                found[0].method,
                status,
                notes[0],
                folders,
                seeds,
                tuple(answers),
                tuple(beside),
                declines=bool(refused.note),
                of_draws=notes[1],
                few_draws=few,
                looks=looks,
            )

    def told(self, fault: str, *, head: str = "") -> str:
        """Why something failed, as a table may say it: no folder, and where the dataset publishes
        scores only, no photo either.

        Args:
            fault: the error.
            head: what it may begin with that names no photo.
        """
        if not fault:
            return ""
        hidden = self.manifest.parts[self.label].dataset.publishes == "scores"
        return reasons.fault(fault, head=head, is_photo=self._is_photo if hidden else None)

    def _is_photo(self, text: str) -> bool:
        return hashed_id(text) in self._hashes

    @cached_property
    def _hashes(self) -> set[str]:
        """The hashes of ids, where these may not be told."""
        return set(self.arrays["id"].tolist())

    def ceiling(self) -> Iterator[Entry]:
        if np.isfinite(self.arrays["novelty"]).all():
            nearest = (self.arrays["nearest"],)
            yield Entry(CEILING, CEILING, "ceiling", "", (), (0,), nearest)

    def scored(self, metric: Metric, entry: Entry) -> Scored | str | None:
        """The columns of a metric, why it has none, or None where it does not apply."""
        if entry.status not in (*RANKED, "ceiling"):
            return entry.note
        if not entry.folders and (metric.needs is not Points or metric.reads):
            return None  # the ceiling is answers, and nothing else is stored of it
        if any(not metric.reads <= set(each.numbers) for each in entry.beside):
            return None  # it never says what the metric reads
        found = []
        for number, answers in enumerate(entry.answers):
            if not metric.stores_columns:
                try:
                    ids, part = self.arrays["id"], self.label
                    points = answers if metric.needs is Points else entry.draws(number)
                    along = {name: entry.beside[number].numbers[name] for name in metric.reads}
                    columns = point_columns(
                        metric, points, self.truth, ids=ids, part=part, along=along
                    )
                    found.append(columns)
                except GeobenchError as error:
                    self.problems.append(f"{self.label} / {entry.label}: {error}")
                    return self.told(str(error))
                continue
            stem = entry.folders[number] / metric.file_stem
            failed = stem.with_name(f"{stem.name}.failed.json")
            stored = stem.with_name(f"{stem.name}.npz")
            if stored.exists():
                found.append(_columns_of(metric, stored))
            elif failed.exists():
                return self.told(str(files.read_json(failed)["error"]))
            else:
                return None
        # What a metric reads may be said of a photo by one training and not by another.
        mask = np.maximum.reduce([arrays["mask"] for arrays in found])
        inside = mask == SCORED
        columns = {
            name: np.stack([arrays[name][inside].astype(np.float64) for arrays in found])
            for name in metric.columns
        }
        return Scored(columns, mask, entry.seeds)


def _columns_of(metric: Metric, stored: Path) -> dict[str, NDArray[Any]]:
    """The mask and the columns that a metric has stored.

    Raises:
        StoreError: the file is damaged, or its columns have other names than the metric's.
    """
    arrays = files.read_arrays(stored)
    if lacking := {"mask", *metric.columns} - set(arrays):
        raise StoreError(
            f"holds the columns {', '.join(sorted(set(arrays) - {'mask'}))}, and metric "
            f"{metric.name} (version {metric.version}) has {', '.join(sorted(lacking))}",
            where=str(stored),
            remedy="Its columns were renamed without a new version: run again, and they are "
            "scored anew.",
        )
    return arrays


def _refusals(record: Record) -> Refusals:
    """The notes of a record of which the method declined some photos, or empty ones."""
    if not record.refused:
        return Refusals()
    text = (
        f"{REFUSALS}{record.refused:,} of {record.photos:,} photos are not answered, and scored as "
    )
    stand_in = record.stand_in or ""
    return Refusals(text + stand_in.partition(IN_DRAWS)[0], text + stand_in)


def _few_draws(record: Record) -> str:
    """The note of a record that has fewer draws of some photo than were asked for, or ""."""
    given, asked = record.fewest_draws, record.draws.samples
    if given is None or given >= asked:
        return ""
    return f"{FEW_DRAWS}{given} of {asked}, not ranked by metrics of draws"
