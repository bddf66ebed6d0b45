"""Execution: one training, fitted or restored, answering and scored."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, final

from geobench import drafts
from geobench.components import Component, Plugin
from geobench.config.benchmark import Isolate
from geobench.data import Examples, Truth
from geobench.errors import GeobenchError, Interrupted
from geobench.methods import Context, Method
from geobench.metrics import Metric
from geobench.progress import untracked
from geobench.records import Fit, Status, StoredRecord
from geobench.run import recording, surroundings
from geobench.run.named_methods import wanted, with_components
from geobench.run.plan import Evaluation, Plan, Training
from geobench.run.states import States
from geobench.scoring.columns import Scores, truth_of
from geobench.scoring.costs import Stopwatch, latency, peak_memory, start_measuring_memory
from geobench.scoring.score_part import Protocol, score_part

log = logging.getLogger(__name__)


class Reporter:
    """How a run tells what it does; the command line has one for terminals and one for pipes."""

    def say(self, text: str) -> None:
        """A line that a reader of the log wants."""
        log.info("%s", text)

    def plan(self, plan: Plan, states: list[tuple[Training, str]]) -> None:
        """The trainings and what there is to do for each."""

    def track(self, items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
        """Iterate over `items`, showing how far it is."""
        return untracked(items, total, what)

    def stage(self, what: str, until: float | None) -> None:
        """What a method does from now on ("was fitted"), and until when it may: `time.monotonic()`,
        or None. Who watches from outside is told; else it is nobody's business."""


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
        isolate: which trainings run in a process of their own, in place of what the benchmark says.
    """

    only: tuple[str, ...] = ()
    limit: int | None = None
    dry_run: bool = False
    force: bool = False
    device: str = "auto"
    figures: bool = True
    isolate: Isolate | None = None


def device_for(asked: str, plugins: Iterable[Plugin]) -> str:
    """The device that "auto" means: a GPU if one of the plugins uses torch and torch sees one."""
    if asked != "auto":
        return asked
    if any("torch" in plugin.requires for plugin in plugins):
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cpu"


@final
@dataclass(frozen=True, slots=True)
class _Asked:
    """A restored method before the photos of one part, and how it is scored on them."""

    plan: Plan
    training: Training
    evaluation: Evaluation
    method: Method
    context: Context
    examples: Examples
    truth: Truth
    reporter: Reporter

    @classmethod
    def of(
        cls,
        planned: Plan,
        training: Training,
        evaluation: Evaluation,
        *,
        method: Method,
        context: Context,
        reporter: Reporter,
    ) -> Self:
        """The method before all photos of the part."""
        examples = planned.inputs.examples(evaluation.part, wanted(method))
        truth = truth_of(recording.part_file(evaluation, training.assignment.train))
        return cls(planned, training, evaluation, method, context, examples, truth, reporter)

    def record(self, fit: Fit, *, restore_seconds: float) -> Scores:
        """Ask, score and write the record, and what it took."""
        scores = self._scored(self.plan.metrics(self.method))
        memory = peak_memory(self.context.device)  # before single photos are asked about
        allowed, before = self.plan.benchmark.deadline, self.context.deadline
        # It puts the deadline off by what it takes: as long again, where a call never comes back.
        until = None if before is None or allowed is None else before + allowed
        self.reporter.stage(f"was asked for single photos of {self.evaluation.label}", until)
        single = latency(self.method, self.examples, self.context)
        self.reporter.stage(f"answered {self.evaluation.label}", self.context.deadline)
        features = self.plan.inputs.time(self.evaluation.part.dataset, wanted(self.method))
        cost = recording.Spent(restore_seconds, memory, single, features)
        data = recording.answered(scores, fit, cost, context=self.context)
        recording.write(self.plan, self.evaluation, self.training, data, scores)
        return scores

    def extend(self, record: StoredRecord) -> Scores:
        """Ask again, and add the columns that a record lacks."""
        metrics = self.plan.unscored(record, self.method)
        try:
            scores = self._scored(metrics)
            recording.extend(record, scores, part=self.evaluation.part)
        except Interrupted:
            raise
        except BaseException as error:  # the record stays, and the table says what it lacks
            recording.write_faults(record.folder, metrics, error, part=self.evaluation.part)
            raise
        return scores

    def _scored(self, metrics: list[Metric]) -> Scores:
        draws = self.plan.benchmark.draws(self.method.predicts)
        return score_part(
            self.method,
            self.examples,
            self.truth,
            context=self.context,
            protocol=Protocol(self.training.seed, self.evaluation.task.digest, **draws.data),
            metrics=metrics,
        )


@final
class Execution:
    """The trainings of one plan, done one at a time.

    Args:
        planned: the plan.
        options: what the flags say.
        reporter: who is told.
    """

    def __init__(self, planned: Plan, options: Options, reporter: Reporter) -> None:
        self.plan = planned
        self.options = options
        self.reporter = reporter
        self.states = States(planned, force=options.force, say=reporter.say)

    def work(self, training: Training) -> str:
        """Fit or restore, answer and score every part that lacks it; the first problem, or ""."""
        evaluations = list(self.plan.evaluations(training))
        if not self.options.force:
            method = training.method.plugin
            evaluations = [each for each in evaluations if self.plan.lack(each, method)]
        absent = self.plan.absent.get(training.method.label)
        if absent is not None:
            return self.fail(evaluations, training, absent, status="absent")
        start_measuring_memory()
        with drafts.scratch(self.plan.workspace.hidden) as scratch:
            context = self.context(training, scratch)
            interrupts = surroundings.Interrupts()
            try:
                self.reporter.stage("was fitted", context.deadline)
                with interrupts.noted(), surroundings.kept(training.seed):
                    fit = self.states.fit(training, context)
            except BaseException as error:
                if interrupts.passes(error):
                    raise
                return self.fail(evaluations, training, error)
            problems = []
            for evaluation in evaluations:
                # Every part is answered by what was stored: no answer depends on what a method
                # was asked before, for another part or for its latency.
                own = replace(self.context(training, scratch), deadline=context.deadline)
                try:
                    self.reporter.stage(f"answered {evaluation.label}", own.deadline)
                    with interrupts.noted(), surroundings.kept(training.seed):
                        problems += self.answer(training, evaluation, own, fit)
                except BaseException as error:
                    if interrupts.passes(error):
                        raise
                    problems.append(self.fail([evaluation], training, error))
                context.deadline = own.deadline
        return next((problem for problem in problems if problem), "")

    def context(self, training: Training, scratch: Path) -> Context:
        """What the method of a training is given beside the examples.

        Args:
            training: whose.
            scratch: an empty folder that is removed afterwards.
        """
        deadline = self.plan.benchmark.deadline
        parts = {each.label: each.part for each in self.plan.evaluations(training)}
        context = Context(
            seed=training.seed,
            device=device_for(self.options.device, with_components(training.method.plugin)),
            scratch=scratch,
            cache_root=self.plan.workspace.cache,
            method=training.method.plugin.name,
            fit_key=training.fit_key,
            part_ids={label: part.ids for label, part in parts.items()},
            known_ids=self.plan.known_ids(training.split),
            dataset_ids={label: part.dataset.table.ids for label, part in parts.items()},
            deadline=None if deadline is None else time.monotonic() + deadline,
            track=partial(_labelled, self.reporter, training.method.label),
            log=logging.getLogger(f"geobench.method.{training.method.label}"),
        )
        known: dict[str, Method] = {}

        def fitted(reference: Component[Any]) -> Method:
            for inner in training.components:
                if inner.method.plugin.identity() == reference.plugin.identity():
                    if inner.fit_key not in known:
                        known[inner.fit_key] = self._component(inner, context)
                    return known[inner.fit_key]
            raise GeobenchError(f"{reference.label} is no component of {training}")

        context.fitted = fitted
        return context

    def _component(self, inner: Training, outer: Context) -> Method:
        """A component as it was stored, fitted first where it is not."""
        # A second lock while that of the outer training is held: a component's is taken inside
        # that of whoever uses it and never the other way round, so that no two runs wait for
        # each other.
        with self.plan.lock(inner, wait=True):
            own = self.context(inner, outer.scratch)
            own.deadline = outer.deadline  # one for the training and all in it
            self.states.fit(inner, own)
            return self.states.restored(inner, own)

    def answering(self, training: Training, evaluation: Evaluation, context: Context) -> Method:
        """The method as it was stored, and its context made that of answering this part.

        Raises:
            StoreError: its state cannot be read.
        """
        method = self.states.restored(training, context)
        context.part, context.facts = evaluation.label, {}
        context.fitted = None  # what answers was gathered in `restore`
        return method

    def answer(
        self, training: Training, evaluation: Evaluation, context: Context, fit: Fit
    ) -> list[str]:
        """Write the record of one part, or the columns that it lacks; the faults of metrics."""
        restoring = Stopwatch()
        with restoring:
            method = self.answering(training, evaluation, context)
        if not method.answers(evaluation.label):
            recording.write(self.plan, evaluation, training, {"status": "not-answered"}, None)
            return []
        asked = _Asked.of(
            self.plan,
            training,
            evaluation,
            method=method,
            context=context,
            reporter=self.reporter,
        )
        record = None if self.options.force else StoredRecord.read(evaluation.folder)
        if record is not None and record.status == "ok":
            scores = asked.extend(record)
        else:
            scores = asked.record(fit, restore_seconds=restoring.seconds)
        return [fault["error"] for fault in scores.faults.values()]

    def fail(
        self,
        evaluations: list[Evaluation],
        training: Training,
        error: BaseException,
        *,
        status: Status = "failed",
    ) -> str:
        """Record a failure, to be tried again by the next run; a good record is left alone."""
        data = recording.failed(training, error, status=status)
        for evaluation in evaluations:
            record = StoredRecord.read(evaluation.folder)
            if record is None or record.status != "ok":
                recording.write(self.plan, evaluation, training, data, None)
        log.debug("%s", data["traceback"])
        return str(data["error"])


def _labelled(
    reporter: Reporter, label: str, items: Iterable[Any], total: int | None, what: str
) -> Iterator[Any]:
    yield from reporter.track(items, total, f"{label}: {what}")
