"""The runner: plan, run the trainings that are missing, then rewrite tables and pictures."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from geobench import drafts, interrupts
from geobench.config.benchmark import Benchmark
from geobench.errors import (
    DataError,
    GeobenchError,
    Interrupted,
    StoreError,
    of_the_system,
    sentence,
    unforeseen,
)
from geobench.pages.unchanged import LastMade
from geobench.records.stored_records import StoredRecord
from geobench.records.workspace import Workspace
from geobench.run import manifest, plan
from geobench.run.execution import Execution, Options, Reporter, device_for
from geobench.run.foresight import forewarnings
from geobench.run.isolation import Cells
from geobench.run.plan import Plan, Training


@final
@dataclass(slots=True)
class RunOutcome:
    """What a run did: how many trainings were skipped, scored, run, and why some failed.

    `unchanged` says that the leaderboard was left as it is.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    board: Path | None = None
    unchanged: bool = False


def run(
    benchmark: Benchmark, workspace: Workspace, *, options: Options, reporter: Reporter
) -> RunOutcome:
    """Run one benchmark; what is recorded is skipped, and so are tables that nothing has changed.

    A dry run ends with the plan, and neither writes nor deletes anything.

    Raises:
        GeobenchError: the benchmark cannot be planned.
        LinkError: a link lies where results would be written.
        StoreError: what lies there was made by a newer geobench.
    """
    with drafts.withheld() if options.dry_run else nullcontext():
        planned = plan.make(benchmark, workspace, limit=options.limit)
        manifest.refuse(planned, planned.trainings())
        last = manifest.last_made(planned)
        trainings = _asked_for(planned, options)
        states = [
            (training, "run" if options.force else planned.state_of(training))
            for training in trainings
        ]
        reporter.plan(planned, states)
        for text in _forewarnings(planned, states):
            reporter.say(text)
    outcome = RunOutcome(board=planned.board)
    if options.dry_run:
        return outcome
    drafts.sweep(workspace.hidden, workspace.boards)
    recorded = all(state == "recorded" for _, state in states)
    if not recorded:
        _provide(planned, trainings, options, reporter)
        trainings = _asked_for(planned, options)  # broken pictures are known only now
    try:
        if not recorded:
            _Session(planned, options, reporter, outcome).run(trainings)
        elif trainings:  # nobody takes a record away: none is read and locked a second time
            outcome.counts["skipped"] = len(trainings)
    except BaseException as error:  # Ctrl-C, too, leaves tables of what is finished
        if isinstance(error, Interrupted):
            reporter.say(_kept(outcome, len(trainings)))
        _leave_tables(planned, last, options, reporter, why=error)
        raise
    try:
        written = _written(planned, last, pictures=options.figures)
    except Interrupted:
        reporter.say(f"{_kept(outcome, len(trainings))}, and writes the tables")
        raise
    outcome.failures += written.problems
    outcome.unchanged = written.unchanged
    return outcome


def _kept(outcome: RunOutcome, trainings: int) -> str:
    """What is said of the trainings of a run that was interrupted."""
    counts = outcome.counts
    failed = f", {counts['failed']:,} failed" if counts["failed"] else ""
    done = counts.total() - counts["failed"]
    return (
        f"finished and kept: {done:,} of {trainings:,} trainings{failed}; the same command goes on "
        "from there"
    )


def _leave_tables(
    planned: Plan, last: LastMade, options: Options, reporter: Reporter, *, why: BaseException
) -> None:
    """Write what is finished before the error that stops a run goes on, which it never replaces."""
    try:
        with interrupts.closing():
            said = _written(planned, last, pictures=options.figures).problems
    except Exception as error:
        said = [f"no tables of what is finished: {sentence(error)}"]
        if of_the_system(why) and of_the_system(error):  # the same disk, most likely
            return
    for text in said:
        reporter.say(text)


def _written(planned: Plan, last: LastMade, *, pictures: bool) -> manifest.Written:
    """The board as `manifest.write` writes it; an error in it is a problem, and records stay."""
    try:
        return manifest.write(planned, last, pictures=pictures)
    except Exception as error:
        known = isinstance(error, GeobenchError) or of_the_system(error)
        if known or not any(planned.board.glob("runs/*/*/record.json")):
            raise
        raise StoreError(
            f"nothing can be made of the records, which are kept: {unforeseen(error)}",
            where=str(planned.board),
            remedy="Once that is mended, the same run makes it, and trains nothing again.",
        ) from error


def _forewarnings(planned: Plan, states: list[tuple[Training, str]]) -> Iterator[str]:
    """What is known by now of trainings that are to run, each method of a split once."""
    for training in {
        (t.split.label, t.method.label): t for t, s in states if s != "recorded"
    }.values():
        if training.method.label in planned.absent:
            continue
        parts = {f"{training.split.label}/{p.name}": p for p in training.assignment.parts}
        known = planned.known_ids(training.split)
        yield from forewarnings(training.method, parts, known_ids=known)


def _asked_for(planned: Plan, options: Options) -> list[Training]:
    only = options.only
    return [each for each in planned.trainings() if not only or each.method.label in only]


def _provide(
    planned: Plan, trainings: list[Training], options: Options, reporter: Reporter
) -> None:
    bench = planned.benchmark
    try:
        planned.inputs.provide(
            planned.wanting(trainings),
            track=reporter.track,
            on_broken=bench.on_broken,
            device=device_for(options.device, [bench.encoder.plugin] if bench.encoder else []),
            again=options.force,
        )
    except Interrupted:
        left = {each.dataset: each for each in planned.inputs.lacking(planned.wanting(trainings))}
        for each in left.values():
            reporter.say(
                f"features of {each.dataset}: {each.photos:,} photos are left to encode; the "
                "others are kept, and the same command goes on from there"
            )
        raise
    except Exception as error:
        if isinstance(error, GeobenchError) or of_the_system(error):
            raise
        names = f"encoder {bench.encoder.label}" if bench.encoder else "no encoder"
        raise DataError(
            f"{type(error).__name__}: {error}",
            where=f"{names} on dataset {bench.dataset.label}",
            remedy="`--limit 5` tries it on a few photos.",
        ) from error


@final
class _Session:
    """One run over the trainings of one plan."""

    def __init__(
        self, planned: Plan, options: Options, reporter: Reporter, outcome: RunOutcome
    ) -> None:
        self.plan = planned
        self.options = options
        self.reporter = reporter
        self.outcome = outcome
        self.execution = Execution(planned, options, reporter)
        self.cells: Cells
        self.known: dict[Path, int] = {}

    def run(self, trainings: list[Training]) -> None:
        """Each training once; those that another run holds come last."""
        # By what the files say, not by a clock: a failure may have been recorded by one that was
        # ahead, and would then never be tried again.
        self.known = {
            path: path.stat().st_mtime_ns
            for training in trainings
            for evaluation in self.plan.evaluations(training)
            if (path := evaluation.folder / "record.json").exists()
        }
        # Nobody waits while there is other work: runs on one workspace share the trainings, where
        # they would queue behind each other if all went through the list in order.
        busy = []
        with Cells(self.execution, trainings) as self.cells:
            for number, training in enumerate(trainings, 1):
                if not self.attempt(training, f"[{number}/{len(trainings)}]", wait=False):
                    busy.append((number, training))
            for number, training in busy:
                self.reporter.say(f"waiting for another run that works on {training}")
                self.attempt(training, f"[{number}/{len(trainings)}]", wait=True)

    def attempt(self, training: Training, prefix: str, *, wait: bool) -> bool:
        """Do what there is to do for a training; False if another run holds it."""
        with self.plan.lock(training, wait=wait) as held:
            if not held:
                return False
            # Asked again under the lock: another run may have done it since the plan was printed.
            state = "run" if self.options.force else self.plan.state_of(training)
            if state == "recorded":
                self.outcome.counts["skipped"] += 1
                return True
            problem = self.failed_meanwhile(training) if state == "retry" else ""
            if problem:
                self.outcome.counts["failed"] += 1
                self.outcome.failures.append(f"{training}: {problem}")
                return True
            # Ctrl-C is looked at again when this is recorded and told: hours of it may be lost.
            with interrupts.finishing(str(training)):
                self.do(training, prefix, state)
        return True

    def do(self, training: Training, prefix: str, state: str) -> None:
        """Do it, and tell how it ended."""
        begin = time.monotonic()
        problem = self.cells.work(training)
        seconds = f"{time.monotonic() - begin:.1f} s"
        if problem:
            self.outcome.counts["failed"] += 1
            self.outcome.failures.append(f"{training}: {problem}")
            self.reporter.say(f"{prefix} {training}: FAILED after {seconds}: {problem}")
        else:
            self.outcome.counts["scored" if state == "score" else "run"] += 1
            done = "scored" if state == "score" else "done"
            self.reporter.say(f"{prefix} {training}: {done} in {seconds}")

    def failed_meanwhile(self, training: Training) -> str:
        """Why it failed in another run since this one began, or "": it is not tried twice."""
        found = [
            (p.folder / "record.json", StoredRecord.read(p.folder))
            for p in self.plan.evaluations(training)
        ]
        bad = [
            (path, record.content.error or record.status)
            for path, record in found
            if record is not None and record.status in ("failed", "deadline")
        ]
        new = all(path.stat().st_mtime_ns != self.known.get(path) for path, _ in bad)
        return bad[0][1] if bad and new else ""
