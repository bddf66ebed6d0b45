"""Execution: one cell, fitted or restored, answering and scored."""

import logging
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from geobench import drafts
from geobench.components import Component, Plugin
from geobench.digests import file_digest
from geobench.errors import DeadlineError, GeobenchError, StoreError
from geobench.methods import Context, Method
from geobench.records import Fit, Status, StoredRecord, files
from geobench.run import recording
from geobench.run.plan import Cell, Place, Plan, wanted, with_components
from geobench.scoring.costs import Stopwatch, latency, peak_memory, start_measuring_memory
from geobench.scoring.score_part import Protocol, score_part, truth_of

log = logging.getLogger(__name__)


class Reporter:
    """How a run tells what it does; the command line has one for terminals and one for pipes."""

    def say(self, text: str) -> None:
        """A line that a reader of the log wants."""
        log.info("%s", text)

    def plan(self, plan: Plan, states: list[tuple[Cell, str]]) -> None:
        """The cells and what there is to do for each."""

    def track(self, items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
        """Iterate over `items`, showing how far it is."""
        yield from items


@final
@dataclass(frozen=True, slots=True)
class Options:
    """What the flags of `geobench run` say; none of it changes a number.

    Args:
        only: method labels to run; all, if empty.
        limit: n photos each of train, val and parts; written apart, never ranked.
        dry_run: plan only.
        force: run what is recorded, too.
        device: "cpu", "cuda", ...; "auto" takes a GPU where torch sees one.
        figures: draw the pictures, too.
    """

    only: tuple[str, ...] = ()
    limit: int | None = None
    dry_run: bool = False
    force: bool = False
    device: str = "auto"
    figures: bool = True


def device_for(asked: str, plugins: Iterable[Plugin]) -> str:
    """The device that "auto" means: a GPU if one of the plugins uses torch and torch sees one."""
    if asked != "auto":
        return asked
    if any("torch" in plugin.requires for plugin in plugins):
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cpu"


@final
class Execution:
    """The cells of one plan, done one at a time.

    Args:
        planned: the plan.
        options: what the flags say.
        reporter: who is told.
    """

    def __init__(self, planned: Plan, options: Options, reporter: Reporter) -> None:
        self.plan = planned
        self.options = options
        self.reporter = reporter
        self.forced: set[str] = set()

    def work(self, cell: Cell) -> str:
        """Fit or restore, answer and score every part that lacks it; the first problem, or ""."""
        places = list(self.plan.places(cell))
        if not self.options.force:
            places = [place for place in places if self.plan.lack(place, cell.method.plugin)]
        absent = self.plan.absent.get(cell.method.label)
        if absent is not None:
            return self.fail(places, cell, absent, status="absent")
        start_measuring_memory()
        with drafts.scratch(self.plan.workspace.hidden) as scratch:
            context = self.context(cell, scratch)
            try:
                fit = self.fit(cell, context)
            except (Exception, SystemExit) as error:
                return self.fail(places, cell, error)
            problems = []
            for place in places:
                # Every part is answered by what was stored: no answer depends on what a method
                # was asked before, for another part or for its latency.
                own = replace(self.context(cell, scratch), deadline=context.deadline)
                try:
                    problems += self.answer(cell, place, own, fit)
                except (Exception, SystemExit) as error:
                    problems.append(self.fail([place], cell, error))
                context.deadline = own.deadline
        return next((problem for problem in problems if problem), "")

    def context(self, cell: Cell, scratch: Path) -> Context:
        deadline = self.plan.benchmark.deadline
        context = Context(
            seed=cell.seed,
            device=device_for(self.options.device, with_components(cell.method.plugin)),
            scratch=scratch,
            cache_root=self.plan.workspace.cache,
            method=cell.method.plugin.name,
            fit_key=cell.fit_key,
            part_ids={place.label: place.part.ids for place in self.plan.places(cell)},
            known_ids=self.plan.known_ids(cell.split),
            deadline=None if deadline is None else time.monotonic() + deadline,
            track=partial(_labelled, self.reporter, cell.method.label),
            log=logging.getLogger(f"geobench.method.{cell.method.label}"),
        )
        inner: dict[str, Method] = {}

        def fitted(reference: Component[Any]) -> Method:
            for part in cell.components:
                if part.fit["method"] == reference.plugin.identity():
                    if part.fit_key not in inner:
                        with self.plan.workspace.lock(f"cell-{part.fit_key[:32]}", wait=True):
                            own = self.context(part, scratch)
                            own.deadline = context.deadline  # one for the cell and all in it
                            self.fit(part, own)
                            inner[part.fit_key] = self.restored(part, own)
                    return inner[part.fit_key]
            raise GeobenchError(f"{reference.label} is no component of {cell}")

        context.fitted = fitted
        return context

    def fit(self, cell: Cell, context: Context) -> Fit:
        """Fit the method and store its state, unless it is stored; the details of the fit."""
        folder = self.plan.workspace.states / cell.fit_key
        plugin: Method = cell.method.plugin
        wants = wanted(plugin)
        train = self.plan.inputs.labelled(cell.assignment.train, wants)
        force = self.options.force and cell.fit_key not in self.forced
        stored = None if force else _read_state(folder)
        if stored is None:
            records = [StoredRecord.read(place.folder) for place in self.plan.places(cell)]
            answered = any(record is not None and record.status == "ok" for record in records)
            if answered and not self.options.force:
                self.reporter.say(f"{cell}: its state is gone, it is fitted again")
            val = self.plan.inputs.labelled(cell.assignment.val, wants)
            kept = self.plan.workspace.checkpoints / cell.fit_key
            if force:  # what an earlier run kept is not to be trusted
                drafts.remove(kept)
            context.checkpoint, before = kept / "method", _spent(kept)
            begin = time.monotonic()
            method = type(plugin)(plugin.config)
            method.fit(train, val, context)
            seconds, facts = round(before + time.monotonic() - begin, 6), dict(context.facts)
            with drafts.folder(folder) as draft:
                files.write_arrays(draft / "state.npz", method.state())
                details = Fit(
                    fit_key=cell.fit_key,
                    fit_seconds=seconds,
                    device=context.device,
                    facts=facts,
                    sha256=file_digest(draft / "state.npz"),
                )
                files.write_json(draft / "state.json", details.data)
            drafts.remove(kept)
            self.forced.add(cell.fit_key)
            return details
        return stored[1]

    def is_fitted(self, cell: Cell) -> bool:
        """Whether its state is stored."""
        return _read_state(self.plan.workspace.states / cell.fit_key) is not None

    def restored(self, cell: Cell, context: Context) -> Method:
        """The method as it was stored: what answers, so that a record can be made again.

        Raises:
            StoreError: its state cannot be read.
        """
        folder = self.plan.workspace.states / cell.fit_key
        stored = _read_state(folder)
        if stored is None:
            raise StoreError(
                "the state cannot be read", where=str(folder), remedy="Run again: it is fitted."
            )
        plugin: Method = cell.method.plugin
        train = self.plan.inputs.labelled(cell.assignment.train, wanted(plugin))
        method = type(plugin)(plugin.config)
        method.restore(stored[0], train, context)
        return method

    def answering(self, cell: Cell, place: Place, context: Context) -> Method:
        """The method as it was stored, and its context made that of answering this part.

        Raises:
            StoreError: its state cannot be read.
        """
        method = self.restored(cell, context)
        context.part, context.facts = place.label, {}
        context.fitted = None  # what answers was gathered in `restore`
        return method

    def answer(self, cell: Cell, place: Place, context: Context, fit: Fit) -> list[str]:
        """Write the record of one part, or the columns that it lacks."""
        restoring = Stopwatch()
        with restoring:
            method = self.answering(cell, place, context)
        if not method.answers(place.label):
            recording.write(self.plan, place, cell, {"status": "not-answered"}, None)
            return []
        arrays = self.plan.part_file(cell, place)
        record = None if self.options.force else StoredRecord.read(place.folder)
        known = record if record is not None and record.status == "ok" else None
        metrics = self.plan.metrics(method)
        if known is not None:
            metrics = self.plan.unscored(known, method)
        examples = self.plan.inputs.examples(place.part, wanted(method))
        protocol = Protocol(
            cell.seed, place.task.digest, **self.plan.benchmark.draws(method.predicts).data
        )
        truth = truth_of(arrays)
        watch = Stopwatch()
        try:
            with watch:
                scores = score_part(
                    method, examples, truth, context=context, protocol=protocol, metrics=metrics
                )
            if known is not None:
                recording.extend(known, scores)
        except Exception as error:
            if known is not None:  # the record stays, and the table says what it lacks
                recording.write_faults(known.folder, metrics, error)
            raise
        if known is None:
            memory = peak_memory(context.device)
            timings = {
                "fit_seconds": fit.fit_seconds,
                "restore_seconds": round(restoring.seconds, 6),
                "predict_seconds": round(scores.predict_seconds, 6),
                "score_seconds": round(watch.seconds - scores.predict_seconds, 6),
            }
            single = latency(method, examples, context)
            if single is not None:
                timings["latency_median_seconds"] = round(single.median_seconds, 6)
                timings["latency_p95_seconds"] = round(single.p95_seconds, 6)
            features = self.plan.inputs.time(place.part.dataset, wanted(method))
            data = {
                "status": "ok",
                "facts": {**fit.facts, **context.facts},
                "timings": timings,
                "latency_photos": None if single is None else single.photos,
                "photos": len(examples),
                "device": context.device,
                "fit_device": fit.device,  # not known of states of earlier versions
                "peak_memory_mib": memory.process,
                "peak_device_memory_mib": memory.device,
                "feature_time": None if features is None else features.record(),
            }
            recording.write(self.plan, place, cell, data, scores)
        return [fault["error"] for fault in scores.faults.values()]

    def fail(
        self, places: list[Place], cell: Cell, error: BaseException, *, status: Status = "failed"
    ) -> str:
        """Record a failure, to be tried again by the next run; a good record is left alone."""
        status = "deadline" if isinstance(error, DeadlineError) else status
        known = isinstance(error, GeobenchError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        text = " ".join(text.split())  # it goes into tables; the traceback keeps its lines
        where = f"method {cell.method.label}"
        data = {
            "status": status,
            "error": text if text.startswith(where) else f"{where}: {text}",
            "traceback": "".join(traceback.format_exception(error)),
        }
        for place in places:
            record = StoredRecord.read(place.folder)
            if record is None or record.status != "ok":
                recording.write(self.plan, place, cell, data, None)
        log.debug("%s", data["traceback"])
        return str(data["error"])


def _labelled(
    reporter: Reporter, label: str, items: Iterable[Any], total: int | None, what: str
) -> Iterator[Any]:
    yield from reporter.track(items, total, f"{label}: {what}")


def _spent(folder: Path) -> float:
    """Begin, or go on with, a fit that keeps checkpoints: the seconds that are already in them.

    A killed fit cannot say how long it took, but what it kept last says when that was.
    """
    own = drafts.real(folder / "method")
    own.mkdir(parents=True, exist_ok=True)
    seconds, log = 0.0, folder / "begun.json"
    saved = [path.stat().st_mtime for path in own.rglob("*") if path.is_file()]
    if log.exists() and saved:
        begun = files.read_json(log)
        seconds = float(begun["before"]) + max(0.0, max(saved) - float(begun["at"]))
    files.write_json(log, {"before": seconds, "at": time.time()})
    return seconds


def _read_state(folder: Path) -> tuple[dict[str, np.ndarray[Any, Any]], Fit] | None:
    if not folder.exists():
        return None
    try:
        details = Fit.read(folder / "state.json")
        if details.sha256 != file_digest(folder / "state.npz"):
            raise StoreError("is not what was written", where=str(folder / "state.npz"))
        return files.read_arrays(folder / "state.npz"), details
    except (OSError, GeobenchError) as error:
        log.warning("%s: the method is fitted again", error)
        return None
