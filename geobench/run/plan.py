"""The plan: which trainings a benchmark has, under which keys, and which of them are recorded."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from geobench.assignments import Assignment, Part, without
from geobench.components import Component
from geobench.config.benchmark import Benchmark
from geobench.data import Dataset, smallest_by_hash
from geobench.digests import digest
from geobench.errors import DataError, GeobenchError
from geobench.features.inputs import KINDS, Inputs
from geobench.methods import Method
from geobench.metrics import Metric
from geobench.records import files
from geobench.records.stored_records import KEYS, StoredRecord, Task, record_key
from geobench.records.workspace import Workspace
from geobench.run.foresight import answered_by_all, ids_of
from geobench.run.named_methods import deterministic, references, wanted
from geobench.run.planning_checks import absent_methods, check, wants_of
from geobench.splits import Split, check_twins


@final
@dataclass(frozen=True)
class Training:
    """One training: (dataset, split, encoder, method, config, seed).

    Args:
        split: the split and its label.
        assignment: what it drew.
        method: the method and its label.
        seed: 0 for a deterministic method.
        fit: what goes into the fit key.
        components: the trainings whose fitted methods this one uses.
    """

    split: Component[Split]
    assignment: Assignment
    method: Component[Method]
    seed: int
    fit: dict[str, Any]
    components: tuple["Training", ...] = ()

    @property
    def fit_key(self) -> str:
        """SHA-256 of `fit`."""
        return digest(self.fit)

    @property
    def with_components(self) -> list["Training"]:
        """This training, and those whose fitted methods it uses, and those that these use."""
        return [self, *(each for inner in self.components for each in inner.with_components)]

    def __str__(self) -> str:
        return f"{self.split.label} / {self.method.label} / seed {self.seed}"


@final
@dataclass(frozen=True)
class Evaluation:
    """Where the record of one training on one part lies.

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
    """All trainings of one benchmark, in the order of the YAML file.

    Args:
        benchmark: what was asked for.
        workspace: where results lie.
        inputs: the features.
        drawn: split label -> what the split drew, broken pictures included.
        whole: the same before `limit`.
        limit: photos each of train, val and parts, or None for all.
        absent: method label -> why it cannot run here (a package, or weights, that are not there).
        made_with: method label -> what its records say of the code, once it has been looked up.
    """

    benchmark: Benchmark
    workspace: Workspace
    inputs: Inputs
    drawn: dict[str, Assignment]
    whole: dict[str, Assignment]
    limit: int | None = None
    absent: dict[str, GeobenchError] = field(default_factory=dict)
    made_with: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def board(self) -> Path:
        """The leaderboard's folder; that of a limited run lies apart."""
        name = self.benchmark.name
        return self.workspace.board(name if self.limit is None else f"{name}.limit-{self.limit}")

    def assignment(self, split: Component[Split]) -> Assignment:
        """What a split drew, without the pictures that are known to be broken."""
        # Not kept between calls: some pictures are found broken only while they are encoded, and
        # from then on the keys are those of the photos that are left.
        drawn = self.drawn[split.label]
        datasets = {p.dataset.digest: p.dataset for p in drawn.all_parts}
        broken = {key: self.inputs.broken(dataset) for key, dataset in datasets.items()}
        return without(drawn, {key: rows for key, rows in broken.items() if len(rows)})

    def known_ids(self, split: Component[Split]) -> dict[str, NDArray[np.str_]]:
        """The ids of every part before a limit, broken pictures or `only` took photos away."""
        return ids_of(split.label, self.whole[split.label].parts)

    def trainings(self) -> list[Training]:
        """The trainings under the keys that hold given what is known of broken pictures."""
        found = []
        for split in self.benchmark.splits:
            assignment = self.assignment(split)
            for method in self.benchmark.methods:
                seeds = [0] if deterministic(method.plugin) else self.benchmark.seeds
                found += [self._training(split, assignment, method, seed) for seed in seeds]
        return found

    def _training(
        self, split: Component[Split], assignment: Assignment, method: Component[Method], seed: int
    ) -> Training:
        plugin: Method = method.plugin
        train, encoder = assignment.train, self.benchmark.encoder
        inner = tuple(
            self._training(split, assignment, each, 0 if deterministic(each.plugin) else seed)
            for each in references(plugin)
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
            "components": [training.fit_key for training in inner],
        }
        return Training(split, assignment, method, seed, fit, inner)

    def evaluations(self, training: Training) -> Iterator[Evaluation]:
        """Where the training's records lie, one for each test part."""
        draws = self.benchmark.draws(training.method.plugin.predicts)
        for test in training.assignment.parts:
            train, val = training.assignment.train.digest, training.assignment.val.digest
            name = training.split.plugin.name
            task = Task(name, test.name, train, val, test.digest, test.dataset.digest)
            key = record_key(training.fit_key, task.digest, draws)
            name = f"{training.method.plugin.name}-{training.seed}-{key[:8]}"
            folder = self.board / "runs" / task.folder / name
            yield Evaluation(f"{training.split.label}/{test.name}", test, task, key, folder)

    def wanting(self, trainings: Iterable[Training]) -> list[Part]:
        """The parts whose features trainings want, with pictures that are known to be broken."""
        return [
            part
            for training in trainings
            if wanted(training.method.plugin) and training.method.label not in self.absent
            for part in self.drawn[training.split.label].all_parts
        ]

    def lock(self, training: Training, *, wait: bool) -> AbstractContextManager[bool]:
        """The lock under which a training is done; other runs on this workspace respect it."""
        return self.workspace.lock(f"training-{training.fit_key[:32]}", wait=wait)

    def metrics(self, method: Method) -> list[Metric]:
        """The metrics that store columns for this method."""
        plugins = [metric.plugin for metric in self.benchmark.metrics]
        return [m for m in plugins if m.stores_columns and m.scores(method.predicts)]

    def unscored(self, record: StoredRecord, method: Method) -> list[Metric]:
        """The metrics whose columns a record still lacks, or has under other names."""
        return [
            metric
            for metric in self.metrics(method)
            if not files.readable(
                record.folder / f"{metric.file_stem}.npz", {"mask", *metric.columns}
            )
        ]

    def lack(self, evaluation: Evaluation, method: Method) -> str:
        """What there is to do for one part: `run`, `retry`, `score`, or "" if it is recorded."""
        record = StoredRecord.read(evaluation.folder)
        if record is None:
            return "run"
        if record.status in ("failed", "deadline", "absent"):
            return "retry"
        return "score" if record.status == "ok" and self.unscored(record, method) else ""

    def state_of(self, training: Training) -> str:
        """What there is to do for a training: `recorded`, `score`, `retry` or `run`."""
        method = training.method.plugin
        needs = {self.lack(evaluation, method) for evaluation in self.evaluations(training)}
        return next((what for what in ("run", "retry", "score") if what in needs), "recorded")


def make(benchmark: Benchmark, workspace: Workspace, *, limit: int | None = None) -> Plan:
    """Draw the splits and check that every method can be run.

    Raises:
        ConfigError: a method that must train has nothing to train on, or wants features that
            nothing gives.
        PluginError: dataset, split, encoder or metric need a package that is not installed.
        DataError: the dataset or a split is not what it promises.
    """
    absent = absent_methods(benchmark)
    wants = wants_of(benchmark)
    encoder = None if benchmark.encoder is None else benchmark.encoder.plugin
    inputs = Inputs(encoder, wants, workspace.features)
    drawn = {split.label: _draw(split, benchmark.dataset.plugin) for split in benchmark.splits}
    check_twins({split.label: split.plugin for split in benchmark.splits}, drawn)
    for split in benchmark.splits:
        drawn[split.label] = answered_by_all(split, drawn[split.label], benchmark.methods)
    whole = drawn
    if limit is not None:
        drawn = {label: limited(assignment, limit) for label, assignment in drawn.items()}
    check(benchmark, inputs, drawn=drawn, absent=absent)
    return Plan(benchmark, workspace, inputs, drawn, whole, limit, absent)


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
        return whole.keep(smallest_by_hash(whole.ids, limit))

    return Assignment(
        train=cut(assignment.train),
        val=cut(assignment.val),
        parts=tuple(cut(test) for test in assignment.parts),
        left_out=assignment.left_out,
        facts=assignment.facts,
    )
