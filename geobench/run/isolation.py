"""Isolation: trainings in processes of their own, so that one that crashes is a failed row."""

import logging
import os
import pickle
import secrets
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self, final

from geobench import digests, drafts
from geobench.components import Plugin
from geobench.distributions import name_of, plugin_entry_points
from geobench.errors import GeobenchError, PluginError, said_by, storable
from geobench.features import sharing
from geobench.features.sharing import Shared
from geobench.records.stored_records import StoredRecord
from geobench.run import cell_watch, recording
from geobench.run.cell_process import CellProcess, Server
from geobench.run.cell_watch import Watch
from geobench.run.execution import Execution
from geobench.run.isolated_cell import Job, Shares, pickled
from geobench.run.named_methods import with_components
from geobench.run.plan import Plan, Training

_DUMPED = 65_536  # bytes of what a crash leaves
_CELL = "geobench.run.isolated_cell"
OURS = "geobench-geolocation"
"""The distribution whose plugins are no third party's."""


def in_tree() -> frozenset[str]:
    """The top-level modules whose code came with geobench."""
    entries = [e for e in plugin_entry_points() if e.dist is not None and name_of(e.dist) == OURS]
    return frozenset({"geobench", *(entry.value.partition(".")[0] for entry in entries)})


@final
class Cells:
    """The trainings of one run that are done in processes of their own, one at a time.

    Args:
        execution: of the plan: it records what a cell could not, and asks what the flags say.
        trainings: of the run.
    """

    def __init__(self, execution: Execution, trainings: Iterable[Training]) -> None:
        self._execution = execution
        self._plan: Plan = execution.plan
        self._asked = execution.options.isolate or execution.plan.benchmark.isolate
        named = {id(part): part for each in trainings for part in (each.split, each.assignment)}
        self._shares = Shares(self._bare(), list(named.values()))
        self._ours = in_tree() if self._asked == "third-party" else frozenset()
        self._stack = ExitStack()
        self._shared: Shared | None = None
        self._server: Server | None = None
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.stop()
        self._stack.close()

    def _bare(self) -> Plan:
        benchmark = self._plan.benchmark.model_copy(update={"methods": []})
        return replace(self._plan, benchmark=benchmark, absent={}, made_with={})

    def work(self, training: Training) -> str:
        """Do a training where it is to be done; its first problem, or "".

        Whatever is raised here, a KeyboardInterrupt in the first place, ends the cell first.
        """
        if training.method.label in self._plan.absent or not self._isolated(training):
            return self._execution.work(training)
        try:
            job = self._job(training)
        except Exception as error:  # whatever pickling the objects of a plugin ends in
            return self._unsent(training, error)
        return self._watched(training, job)

    def _isolated(self, training: Training) -> bool:
        if self._asked != "third-party":
            return self._asked == "always"
        return any(_top(each) not in self._ours for each in self._running(training))

    def _running(self, training: Training) -> list[Plugin]:
        """Whose code runs while a training is done."""
        method = training.method.plugin
        datasets = [part.dataset for part in training.assignment.all_parts]
        return [*with_components(method), *self._plan.metrics(method), *datasets]

    def _unsent(self, training: Training, error: Exception) -> str:
        why = f"cannot be sent to a process of its own ({said_by(error)})"
        if self._asked == "always":
            remedy = "Define all of it in modules, or run it with `isolate: never`."
            evaluations = list(self._plan.evaluations(training))
            return self._execution.fail(evaluations, training, PluginError(why, remedy=remedy))
        if training.method.label not in self._said:
            self._said.add(training.method.label)
            self._execution.reporter.say(f"{training.method.label} {why}: it runs in this one")
        return self._execution.work(training)

    def _job(self, training: Training) -> Job:
        for each in (*self._running(training), training.split.plugin):
            if type(each).__module__ == "__main__":
                raise pickle.PicklingError(f"{type(each).__qualname__} is of the main module")
        if self._shared is None:
            folder = self._stack.enter_context(drafts.scratch(self._plan.workspace.hidden))
            self._shared = sharing.share(self._shares, folder / "arrays")
        signature = secrets.token_hex(8)
        known = [logging.getLogger(name) for name in (None, "geobench", "geobench.method")]
        return Job(
            shared=self._shared,
            training=pickled(training, self._shares),
            options=self._execution.options,
            made_with=dict(recording.made_with(self._plan, training)),
            digests=dict(digests.known_files),
            signature=signature,
            environment=dict(os.environ),
            folder=os.getcwd(),
            path=list(sys.path),
            dump=str(self._shared.path.with_name(f"crash-{signature}.txt")),
            levels={each.name: each.getEffectiveLevel() for each in known},
        )

    def _watched(self, training: Training, job: Job) -> str:
        bench, parts = self._plan.benchmark, len(training.assignment.parts)
        watch = Watch(
            self._execution.reporter, time.monotonic(), bench.deadline, parts, bench.memory
        )
        try:
            end = self._forked(training, job, watch).until_its_end()
        except PluginError as error:
            return self._fail(training, error)
        finally:
            crash = _left(Path(job.dump))
            if watch.done is None:
                places = (self._plan.workspace.hidden, self._plan.board)
                drafts.remove_signed(job.signature, *(each for each in places if each.exists()))
        if watch.done is not None:
            return watch.done
        why = watch.failure or cell_watch.failure(watch, end)
        if crash:
            why.add_note(crash)
        return self._fail(training, why)

    def _forked(self, training: Training, job: Job, watch: Watch) -> CellProcess:
        """The process of a cell, of a fork server that is started where there is none any more.

        Raises:
            PluginError: none starts.
        """
        for modules in (self._modules(training), [_CELL]):
            try:
                if self._server is None or self._server.stopped:
                    self._server = Server(modules)
                return CellProcess(self._server, job, watch)
            except OSError:
                if self._server is not None:
                    self._server.stop()
            except PluginError:  # what a method requires does not import, or takes all down
                if modules == [_CELL]:
                    raise
        raise PluginError(
            "the process that trainings are forked from has ended, and so does the next",
            remedy="`--isolate never` runs them in the process of the run.",
        )

    def _modules(self, training: Training) -> list[str]:
        """What every cell of the run imports, but for the code of others."""
        bench = self._plan.benchmark
        plugins = [*self._running(training), *(each.plugin for each in bench.splits)]
        plugins += [one for each in bench.methods for one in with_components(each.plugin)]
        plugins += [] if bench.encoder is None else [bench.encoder.plugin]
        ours = in_tree()
        of_plugins = {entry.value.partition(".")[0] for entry in plugin_entry_points()} - ours
        known = {type(each).__module__ for each in plugins if _top(each) in ours}
        known |= {name for each in plugins for name in each.requires}
        return [_CELL, *sorted(n for n in known if n.partition(".")[0] not in of_plugins)]

    def _fail(self, training: Training, error: GeobenchError) -> str:
        """Record what a cell could not record itself; what it has recorded stays."""
        method = training.method.plugin
        lacking = [
            each for each in self._plan.evaluations(training) if self._plan.lack(each, method)
        ]
        for each in lacking:
            record = StoredRecord.read(each.folder)
            if record is not None and record.status == "ok":
                unscored = self._plan.unscored(record, method)
                recording.write_faults(record.folder, unscored, error, part=each.part)
        return self._execution.fail(lacking, training, error)


def _top(plugin: Plugin) -> str:
    return type(plugin).__module__.partition(".")[0]


def _left(path: Path) -> str:
    """What a cell wrote down when it crashed, or was asked where it is."""
    with suppress(OSError), path.open("rb") as stream:
        text = stream.read(_DUMPED).decode("utf-8", "backslashreplace")
        path.unlink()
        return storable(text.strip(), _DUMPED)
    return ""
