"""The plan: which cells a benchmark has, under which keys, and which of them are recorded."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from geobench import records
from geobench.components import Component, Plugin
from geobench.config.benchmark import Benchmark
from geobench.data import Dataset, smallest_by_hash
from geobench.digests import digest
from geobench.errors import ConfigError, DataError, GeobenchError, PluginError, StoreError
from geobench.features.inputs import KINDS, Inputs
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.records import files
from geobench.records.records import KEYS, StoredRecord, Task, record_key
from geobench.records.workspace import Workspace
from geobench.requirements import check_requirements
from geobench.splits import Assignment, Part, Split, check_twins, without

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Cell:
    """One training: (dataset, split, encoder, method, config, seed).

    Args:
        split: the split and its label.
        assignment: what it drew.
        method: the method and its label.
        seed: 0 for a deterministic method.
        fit: what goes into the fit key.
        components: the cells whose fitted methods this one uses.
    """

    split: Component[Split]
    assignment: Assignment
    method: Component[Method]
    seed: int
    fit: dict[str, Any]
    components: tuple["Cell", ...] = ()

    @property
    def fit_key(self) -> str:
        """SHA-256 of `fit`."""
        return digest(self.fit)

    @property
    def with_components(self) -> list["Cell"]:
        """This cell, and those whose fitted methods it uses, and those that these use."""
        return [self, *(each for inner in self.components for each in inner.with_components)]

    def __str__(self) -> str:
        return f"{self.split.label} / {self.method.label} / seed {self.seed}"


@final
@dataclass(frozen=True)
class Place:
    """Where the record of one cell on one part lies.

    Args:
        label: `<split label>/<part>`, as in table.csv.
        part: the test part.
        task: its task.
        key: the record key.
        folder: the record's folder.
    """

    label: str
    part: Part
    task: Task
    key: str
    folder: Path


@final
@dataclass
class Plan:
    """All cells of one benchmark, in the order of the YAML file.

    Args:
        benchmark: what was asked for.
        workspace: where results lie.
        inputs: the features.
        drawn: split label -> what the split drew, broken pictures included.
        whole: the same before `limit`.
        limit: photos each of train, val and parts, or None for all.
        absent: method label -> why it cannot run here (a package, or weights, that are not there).
    """

    benchmark: Benchmark
    workspace: Workspace
    inputs: Inputs
    drawn: dict[str, Assignment]
    whole: dict[str, Assignment]
    limit: int | None = None
    absent: dict[str, GeobenchError] = field(default_factory=dict)

    @property
    def board(self) -> Path:
        """The leaderboard's folder; that of a limited run lies apart."""
        name = self.benchmark.name
        return self.workspace.board(name if self.limit is None else f"{name}.limit-{self.limit}")

    def assignment(self, split: Component[Split]) -> Assignment:
        """What a split drew, without the pictures that are known to be broken."""
        drawn = self.drawn[split.label]
        datasets = {p.dataset.digest: p.dataset for p in drawn.all_parts}
        broken = {key: self.inputs.broken(dataset) for key, dataset in datasets.items()}
        return without(drawn, {key: rows for key, rows in broken.items() if len(rows)})

    def known_ids(self, split: Component[Split]) -> dict[str, NDArray[np.str_]]:
        """The ids of every part before a limit or broken pictures took photos away."""
        parts = self.whole[split.label].parts
        return {f"{split.label}/{test.name}": test.ids for test in parts}

    def cells(self) -> list[Cell]:
        """The cells under the keys that hold given what is known of broken pictures."""
        found = []
        for split in self.benchmark.splits:
            assignment = self.assignment(split)
            for method in self.benchmark.methods:
                seeds = [0] if deterministic(method.plugin) else self.benchmark.seeds
                found += [self._cell(split, assignment, method, seed) for seed in seeds]
        return found

    def _cell(
        self, split: Component[Split], assignment: Assignment, method: Component[Method], seed: int
    ) -> Cell:
        plugin: Method = method.plugin
        train, encoder = assignment.train, self.benchmark.encoder
        inner = tuple(
            self._cell(split, assignment, reference, 0 if deterministic(reference.plugin) else seed)
            for reference in references(plugin)
        )
        fit = {
            "schema": KEYS,
            "dataset": {"name": train.dataset.name, "digest": train.dataset.digest},
            "train": train.digest,
            "val": assignment.val.digest,
            "on_broken": self.benchmark.on_broken,
            "features": {
                what: encoder.plugin.digest(what)
                for what in KINDS
                if encoder and what in plugin.wants
            },
            "method": plugin.identity(),
            "seed": seed,
            "components": [cell.fit_key for cell in inner],
        }
        return Cell(split, assignment, method, seed, fit, inner)

    def places(self, cell: Cell) -> Iterator[Place]:
        """Where the cell's records lie, one for each test part."""
        draws = self.benchmark.draws(cell.method.plugin.predicts)
        for test in cell.assignment.parts:
            train, val = cell.assignment.train.digest, cell.assignment.val.digest
            name = cell.split.plugin.name
            task = Task(name, test.name, train, val, test.digest, test.dataset.digest)
            key = record_key(cell.fit_key, task.digest, draws)
            name = f"{cell.method.plugin.name}-{cell.seed}-{key[:8]}"
            folder = self.board / "runs" / task.folder / name
            yield Place(f"{cell.split.label}/{test.name}", test, task, key, folder)

    def wanting(self, cells: Iterable[Cell]) -> list[Part]:
        """The parts whose features the cells want, with pictures that are known to be broken."""
        return [
            part
            for cell in cells
            if wanted(cell.method.plugin) and cell.method.label not in self.absent
            for part in self.drawn[cell.split.label].all_parts
        ]

    def part_file(self, cell: Cell, place: Place) -> dict[str, NDArray[Any]]:
        """The arrays of the part's part.npz, written first where they are not there."""
        path = place.folder.parent / "part.npz"
        if path.exists():
            try:
                known = files.read_arrays(path)
                if records.is_current(known, place.part):
                    return known
                log.info("%s is older, or sliced otherwise: it is written again", path)
            except StoreError as error:
                log.warning("%s: it is written again", error)
        arrays = records.part_arrays(place.part, cell.assignment.train)
        files.write_arrays(path, arrays)
        return arrays

    def metrics(self, method: Method) -> list[Metric]:
        """The metrics that store columns for this method."""
        plugins = [metric.plugin for metric in self.benchmark.metrics]
        return [m for m in plugins if m.stores_columns and m.scores(method.predicts)]

    def unscored(self, record: StoredRecord, method: Method) -> list[Metric]:
        """The metrics whose columns a record still lacks."""
        return [
            metric
            for metric in self.metrics(method)
            if not files.readable(record.folder / f"{metric.file_stem}.npz")
        ]

    def lack(self, place: Place, method: Method) -> str:
        """What there is to do for one part: `run`, `retry`, `score`, or "" if it is recorded."""
        record = StoredRecord.read(place.folder)
        if record is None:
            return "run"
        if record.status in ("failed", "deadline", "absent"):
            return "retry"
        return "score" if record.status == "ok" and self.unscored(record, method) else ""

    def state_of(self, cell: Cell) -> str:
        """What there is to do for a cell: `recorded`, `score`, `retry` or `run`."""
        needs = {self.lack(place, cell.method.plugin) for place in self.places(cell)}
        return next((what for what in ("run", "retry", "score") if what in needs), "recorded")


def references(plugin: Method) -> list[Component[Method]]:
    """The methods that a method's configuration names."""
    stack = [getattr(plugin.config, name) for name in type(plugin.config).model_fields]
    found = []
    while stack:
        value = stack.pop(0)
        if isinstance(value, Component) and isinstance(value.plugin, Method):
            found.append(value)
        elif isinstance(value, Mapping):
            stack = [*value.values(), *stack]
        elif isinstance(value, list | tuple):
            stack = [*value, *stack]
        elif isinstance(value, BaseModel) and not isinstance(value, Component):
            stack = [*(getattr(value, name) for name in type(value).model_fields), *stack]
    return found


def with_components(plugin: Method) -> list[Method]:
    """A method, and those that it names, and those that these name."""
    inner = [each for reference in references(plugin) for each in with_components(reference.plugin)]
    return [plugin, *inner]


def wanted(plugin: Method) -> frozenset[str]:
    """The features that a method and its components want."""
    return frozenset().union(*(each.wants for each in with_components(plugin)))


def deterministic(plugin: Method) -> bool:
    """Whether one training does for all seeds: of the method and of all its components."""
    return all(each.deterministic for each in with_components(plugin))


def make(benchmark: Benchmark, workspace: Workspace, *, limit: int | None = None) -> Plan:
    """Draw the splits and check that every method can be run.

    Raises:
        ConfigError: a method that must train has nothing to train on, or wants features that
            nothing gives.
        PluginError: dataset, split, encoder or metric need a package that is not installed.
        DataError: the dataset or a split is not what it promises.
    """
    for component in [benchmark.dataset, benchmark.encoder, *benchmark.splits, *benchmark.metrics]:
        reason = None if component is None else _lack(component.plugin)
        if reason is not None:
            raise reason
    absent = {
        method.label: reason
        for method in benchmark.methods
        if (reason := _absence(method.plugin)) is not None
    }
    wants: frozenset[str] = frozenset()
    for method in benchmark.methods:
        try:
            wants |= wanted(method.plugin)
            for plugin in with_components(method.plugin):
                _ = plugin.predicts, plugin.origin, plugin.trained_on
                _ = plugin.needs_training, plugin.deterministic
        except Exception as error:
            raise PluginError(
                f"cannot say what it is, wants or predicts ({type(error).__name__}: {error})",
                where=f"method {method.label}",
                remedy="`wants`, `predicts`, `origin` and their like depend on the configuration "
                "alone.",
            ) from error
    encoder = None if benchmark.encoder is None else benchmark.encoder.plugin
    inputs = Inputs(encoder, wants, workspace.features)
    drawn = {split.label: _draw(split, benchmark.dataset.plugin) for split in benchmark.splits}
    check_twins({split.label: split.plugin for split in benchmark.splits}, drawn)
    whole = drawn
    if limit is not None:
        drawn = {label: limited(assignment, limit) for label, assignment in drawn.items()}
    _check(benchmark, inputs, drawn, absent)
    return Plan(benchmark, workspace, inputs, drawn, whole, limit, absent)


def _absence(method: Method) -> GeobenchError | None:
    """Why a method cannot run here: a package, or weights, that it or a component needs."""
    return next((lack for each in with_components(method) if (lack := _lack(each))), None)


def _lack(plugin: Plugin) -> GeobenchError | None:
    """The package, or the weights, that a plugin needs and that are not here."""
    try:
        check_requirements(type(plugin))
        plugin.content()
    except GeobenchError as error:
        return error
    except Exception as error:  # whatever looking for weights ends in
        return PluginError(
            f"{plugin.kind} {plugin.name} cannot say which weights it has "
            f"({type(error).__name__}: {error})",
            remedy="Put them where it looks for them, or mend its `content`.",
        )
    return None


def _draw(split: Component[Split], dataset: Dataset) -> Assignment:
    """What a split makes of a dataset; whatever goes wrong is attributed to one of them."""
    blamed = f"dataset {dataset.name}"
    try:
        _ = dataset.digest
        blamed = f"split {split.label} of {dataset.name}"
        drawn: Assignment = split.plugin.assign(dataset)
    except GeobenchError:
        raise
    except Exception as error:
        raise DataError(f"{type(error).__name__}: {error}", where=blamed) from error
    return drawn


def limited(assignment: Assignment, limit: int) -> Assignment:
    """At most `limit` photos each of train, val and parts: the smallest hashes of id."""

    def cut(whole: Part) -> Part:
        kept = smallest_by_hash(whole.ids, limit)
        return Part.of(whole.name, whole.dataset, whole.rows[kept], whole.units[kept])

    return Assignment(
        train=cut(assignment.train),
        val=cut(assignment.val),
        parts=tuple(cut(test) for test in assignment.parts),
        left_out=assignment.left_out,
        facts=assignment.facts,
    )


def _check(
    benchmark: Benchmark,
    inputs: Inputs,
    drawn: dict[str, Assignment],
    absent: Collection[str],
) -> None:
    datasets: dict[str, Dataset] = {}
    for label, assignment in drawn.items():
        datasets |= {p.dataset.digest: p.dataset for p in assignment.all_parts if len(p)}
        for method in benchmark.methods:
            if method.plugin.needs_training and len(assignment.train) == 0:
                raise ConfigError(
                    f"method {method.label} must train, and split {label} of "
                    f"{benchmark.dataset.plugin.name} has no training photos",
                    where=f"benchmark {benchmark.name}",
                    remedy="Leave the method out, or use a split that trains.",
                )
    if not inputs.wants:
        return
    if inputs.encoder is None:
        wanting = ", ".join(m.label for m in benchmark.methods if wanted(m.plugin))
        raise ConfigError(
            f"{wanting} need features, and no encoder is named",
            where=f"benchmark {benchmark.name}",
            remedy="Add `encoder: ...`; `geobench list` shows them.",
        )
    for dataset in datasets.values():
        inputs.check(dataset)
        for method in (each for each in benchmark.methods if each.label not in absent):
            _check_width(method, inputs, dataset, where=f"benchmark {benchmark.name}")


def _check_width(
    method: Component[Method], inputs: Inputs, dataset: Dataset, *, where: str
) -> None:
    """Raise ConfigError if fixed weights need features of another width than there are."""
    for plugin in with_components(method.plugin):
        wanted_width = plugin.feature_width
        if wanted_width is None or inputs.encoder is None:
            continue
        # Where nothing tells the width, one photo is encoded now rather than all for nothing.
        width = inputs.width(dataset, probe=True)
        if width is not None and width != wanted_width:
            raise ConfigError(
                f"method {method.label} has weights for pooled features of {wanted_width} numbers, "
                f"and encoder {inputs.encoder.name} gives {width} of a photo of {dataset.name}",
                where=where,
                remedy="Choose the encoder that the weights were trained with.",
            )
