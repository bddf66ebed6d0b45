"""Leaderboards: stored arrays -> the rows of the tables; nothing comes from memory."""

import os
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any, final

from numpy.typing import NDArray

from geobench.board import contrast_rows, part_tables
from geobench.board.part_records import PartRecords
from geobench.board.part_rows import PartNumber
from geobench.board.same_answers import SameAnswers, same_answers
from geobench.board.tables import (
    RESOLUTIONS,
    Resolution,
    Tables,
    in_one_line_each,
    read_table,
)
from geobench.catalogue import Catalogue
from geobench.config.configure import configure
from geobench.config.origins import Stored
from geobench.errors import ConfigError, StoreError
from geobench.metrics import Metric
from geobench.records import Manifest, Record, verdicts
from geobench.records.parts import read_part

_CONTRASTED = {"unseen": "seen", "sparse": "dense"}
"""Names of parts, the harder first, whose numbers differ by the places and by the training."""


_MOST_SUMMARIES = 500
"""Of a board; each takes a second on a large part."""


@final
class Leaderboard:
    """A leaderboard on disk: what benchmark.json names, and the arrays that it points to.

    Args:
        folder: leaderboards/<benchmark>.
        catalogue: where its metrics come from.
        runs: the folder of the records, where they do not lie beside the tables.

    Raises:
        StoreError: there is no benchmark.json, it is damaged, or it is of another layout.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, *, runs: Path | None = None) -> None:
        self.folder = folder
        self.runs = folder / "runs" if runs is None else runs
        path = folder / "benchmark.json"
        if not os.path.lexists(path):
            raise StoreError(
                "there is no benchmark.json",
                where=str(folder),
                remedy="Give a leaderboard's folder.",
            )
        self.manifest = Manifest.read(path)
        self._refuse_links(given=runs is not None)
        self._catalogue = catalogue
        self._parts: dict[str, dict[str, NDArray[Any]]] = {}

    def _refuse_links(self, *, given: bool) -> None:
        """Nothing of a board is read through a link in it: who made it chose where that leads."""
        rows = (Path(row.folder) for row in self.manifest.rows)
        folders = {Path(part.folder) for part in self.manifest.parts.values()}
        for row in rows:
            folders |= {row, row.parent}
        for each in sorted(folders if given else {*folders, Path()}):
            if os.path.islink(self.runs / each):
                raise StoreError(
                    "is a link, and nothing of a leaderboard is read through one",
                    where=str(self.runs / each),
                    remedy="Put the folder itself in its place; of records that lie elsewhere "
                    "`geobench verify` is told by --runs.",
                )

    @property
    def name(self) -> str:
        return self.manifest.benchmark.name

    @cached_property
    def metrics(self) -> list[Metric]:
        """The benchmark's metrics, as configured in benchmark.json."""
        found = []
        for entry in self.manifest.benchmark.metrics:
            plugin = self._catalogue.find("metric", entry.name)
            if plugin.version != entry.version:
                raise StoreError(
                    f"metric {entry.name} is of version {plugin.version} here, "
                    f"and the leaderboard was made with version {entry.version}",
                    where=str(self.folder),
                    remedy="Install the version of geobench that made it, or run it again.",
                )
            path = self.folder / "benchmark.json"
            origin = Stored(entry.name, entry.config, path=path, catalogue=self._catalogue)
            try:
                found.append(configure(Metric, origin.entry, origin=origin).plugin)
            except ConfigError as error:
                raise StoreError(
                    f"metric {entry.name} cannot be made again: {error.problem}",
                    where=error.where,
                    remedy="Correct the metric in the benchmark's configuration, where numbers and "
                    "names may stand but no files, and run it again.",
                ) from None
        metrics = [metric for metric in found if isinstance(metric, Metric)]
        self._refuse_too_many(metrics)
        return metrics

    def _refuse_too_many(self, metrics: list[Metric]) -> None:
        """A few bytes of a configuration can ask for more numbers than anybody would wait for."""
        count = sum(len(metric.summaries) for metric in metrics)
        if count > _MOST_SUMMARIES:
            raise StoreError(
                f"its metrics make {count:,} summaries, of at most {_MOST_SUMMARIES:,}",
                where=str(self.folder / "benchmark.json"),
                remedy="Compare by fewer metrics, or by fewer radii.",
            )

    @property
    def twins(self) -> dict[str, str]:
        """Part -> the part of the twin: the same photos after a training on other photos."""
        parts = self.manifest.parts
        return {about.twin_of: label for label, about in parts.items() if about.twin_of is not None}

    @property
    def contrasted(self) -> dict[str, str]:
        """Part without a twin -> the other part of its split that its numbers are set against."""
        parts = self.manifest.parts
        found = {}
        for label in parts:
            split, _, name = label.rpartition("/")
            other = f"{split}/{_CONTRASTED.get(name, '')}"
            if label not in self.twins and other in parts:
                found[label] = other
        return found

    def size_of_twins(self, *parts: str) -> str:
        """Trainings of twins, those of these parts, "of equal size", or in what they differ."""
        said = dict.fromkeys(each for part in parts for each in self.unequal_trainings(part))
        return f"of different size ({'; '.join(said)})" if said else "of equal size"

    def unequal_trainings(self, part: str) -> list[str]:
        """In what sizes the training of a part's twin differs, a clause each; none where equal.

        Twins are drawn of equal sizes. Broken pictures are left out afterwards, and need not be
        as many on both sides.
        """
        twin = self.twins.get(part, part)
        said, parts = [], self.manifest.parts
        for name, verb in (("train photos", "trained"), ("val photos", "validated")):
            facts = [parts[label].facts.get(name) for label in (twin, part)]
            if None in facts:
                continue  # a board that does not say it
            there, here = (int(fact.value) for fact in facts if fact is not None)
            if there != here:
                difference = f"{abs(there - here):,} {'more' if there > here else 'fewer'}"
                split = twin.rpartition("/")[0]
                said.append(f"the twin {split} was {verb} on {there:,} photos, {difference}")
        return said

    def part(self, label: str) -> dict[str, NDArray[Any]]:
        """The arrays of a part's part.npz."""
        if label not in self._parts:
            path = self.runs / self.manifest.parts[label].folder / "part.npz"
            self._parts[label] = read_part(path)
        return self._parts[label]

    def conformance(self) -> dict[str, list[str]]:
        """Label -> what the conformance kit had said of its method when records were made."""
        found: dict[str, list[str]] = {}
        for row in self.manifest.rows:
            record = Record.read(self.runs / row.folder / "record.json")
            text, known = verdicts.sentence(record.check), found.setdefault(row.label, [])
            if text not in known:
                known.append(text)
        return found

    def numbers(
        self, part: str, labels: Collection[str]
    ) -> dict[tuple[str, str], PartNumber | str]:
        """Label and summary -> the number of all photos of a part, or why there is none.

        Args:
            part: its label.
            labels: whose numbers; a metric that does not apply to a label gives it none.
        """
        records = self._records(part)
        return part_tables.compute_numbers(self.name, records, metrics=self.metrics, labels=labels)

    def resolutions(self, part: str) -> dict[str, Resolution]:
        """Summary -> what can be told apart on a part, as resolution.csv has it; boards of before
        have none."""
        if not (self.folder / RESOLUTIONS).exists():
            return {}
        found: list[Resolution] = read_table(self.folder, RESOLUTIONS)
        return {each.summary: each for each in found if each.part == part}

    def same_answers(self) -> list[SameAnswers]:
        """The pairs of labels that answer nearly all photos of a part alike."""
        return [
            pair
            for label in self.manifest.parts
            for pair in same_answers(label, list(self._records(label).entries()))
        ]

    def tables(self) -> Tables:
        """Compute every number of the tables from the stored arrays."""
        tables = Tables([], [], [], [])
        parts = {
            label: part_tables.compute(self.name, self._records(label), metrics=self.metrics)
            for label in self.manifest.parts
        }
        for part in parts.values():
            tables.rows += part.rows
            tables.curves += part.curves
            tables.costs += part.costs
            tables.problems += part.problems
            tables.resolutions += part.resolutions
        for label, part in parts.items():
            if label in self.twins:
                twin, remarks = parts[self.twins[label]], self.unequal_trainings(label)
                tables.rows += contrast_rows.gaps(part, twin, remarks=remarks)
            elif label in self.contrasted:
                tables.rows += contrast_rows.part_differences(part, parts[self.contrasted[label]])
        return in_one_line_each(tables)

    def _records(self, part: str) -> PartRecords:
        return PartRecords(part, self.part(part), self.manifest, self.runs)
