"""The runner: plan, run the cells that are missing, then rewrite tables and pictures."""

import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from geobench import drafts
from geobench.config.benchmark import Benchmark
from geobench.errors import DataError, GeobenchError
from geobench.records.records import StoredRecord
from geobench.records.workspace import Workspace
from geobench.run import manifest, plan
from geobench.run.execution import Execution, Options, Reporter, device_for
from geobench.run.plan import Cell, Plan


@final
@dataclass(slots=True)
class Outcome:
    """What a run did: how many cells were skipped, scored, run, and why some failed."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    board: Path | None = None


def run(
    benchmark: Benchmark, workspace: Workspace, *, options: Options, reporter: Reporter
) -> Outcome:
    """Run one benchmark; what is recorded is skipped, the tables are rewritten in any case.

    A dry run ends with the plan, and neither writes nor deletes anything.

    Raises:
        GeobenchError: the benchmark cannot be planned.
        LinkError: a link lies where results would be written.
        StoreError: what lies there was made by a newer geobench.
    """
    with drafts.withheld() if options.dry_run else nullcontext():
        planned = plan.make(benchmark, workspace, limit=options.limit)
        known = planned.cells()
        cells = [c for c in known if not options.only or c.method.label in options.only]
        manifest.refuse(planned, known)
        states = [(cell, "run" if options.force else planned.state_of(cell)) for cell in cells]
        reporter.plan(planned, states)
    outcome = Outcome(board=planned.board)
    if options.dry_run:
        return outcome
    drafts.sweep(workspace.hidden, workspace.boards)
    if any(state != "recorded" for _, state in states):
        _provide(planned, cells, options, reporter)
        known = planned.cells()
        cells = [c for c in known if not options.only or c.method.label in options.only]
    try:
        _Session(planned, options, reporter, outcome).run(cells)
    finally:  # Ctrl-C, too, leaves tables of what is finished
        outcome.failures += manifest.write(planned, pictures=options.figures)
    return outcome


def _provide(planned: Plan, cells: list[Cell], options: Options, reporter: Reporter) -> None:
    bench = planned.benchmark
    try:
        planned.inputs.provide(
            planned.wanting(cells),
            track=reporter.track,
            on_broken=bench.on_broken,
            device=device_for(options.device, [bench.encoder.plugin] if bench.encoder else []),
        )
    except GeobenchError:
        raise
    except Exception as error:
        names = f"encoder {bench.encoder.label}" if bench.encoder else "no encoder"
        raise DataError(
            f"{type(error).__name__}: {error}",
            where=f"{names} on dataset {bench.dataset.label}",
            remedy="`--limit 5` tries it on a few photos.",
        ) from error


@final
class _Session:
    """One run over the cells of one plan."""

    def __init__(
        self, planned: Plan, options: Options, reporter: Reporter, outcome: Outcome
    ) -> None:
        self.plan = planned
        self.options = options
        self.reporter = reporter
        self.outcome = outcome
        self.execution = Execution(planned, options, reporter)
        self.began = time.time()

    def run(self, cells: list[Cell]) -> None:
        """Each cell once; those that another run holds come last."""
        busy = []
        for number, cell in enumerate(cells, 1):
            if not self.attempt(cell, f"[{number}/{len(cells)}]", wait=False):
                busy.append((number, cell))
        for number, cell in busy:
            self.reporter.say(f"waiting for another run that works on {cell}")
            self.attempt(cell, f"[{number}/{len(cells)}]", wait=True)

    def attempt(self, cell: Cell, prefix: str, *, wait: bool) -> bool:
        """Do what there is to do for a cell; False if another run holds it."""
        with self.plan.workspace.lock(f"cell-{cell.fit_key[:32]}", wait=wait) as held:
            if not held:
                return False
            state = "run" if self.options.force else self.plan.state_of(cell)
            if state == "recorded":
                self.outcome.counts["skipped"] += 1
                return True
            problem = self.failed_meanwhile(cell) if state == "retry" else ""
            if problem:
                self.outcome.counts["failed"] += 1
                self.outcome.failures.append(f"{cell}: {problem}")
                return True
            begin = time.monotonic()
            problem = self.execution.work(cell)
            seconds = f"{time.monotonic() - begin:.1f} s"
            if problem:
                self.outcome.counts["failed"] += 1
                self.outcome.failures.append(f"{cell}: {problem}")
                self.reporter.say(f"{prefix} {cell}: FAILED after {seconds}: {problem}")
            else:
                self.outcome.counts["scored" if state == "score" else "run"] += 1
                done = "scored" if state == "score" else "done"
                self.reporter.say(f"{prefix} {cell}: {done} in {seconds}")
        return True

    def failed_meanwhile(self, cell: Cell) -> str:
        """Why a cell failed in another run since this one began, or "": it is not tried twice."""
        folders = [place.folder for place in self.plan.places(cell)]
        found = [(folder / "record.json", StoredRecord.read(folder)) for folder in folders]
        bad = [
            (path.stat().st_mtime, record.content.error or record.status)
            for path, record in found
            if record is not None and record.status in ("failed", "deadline")
        ]
        return bad[0][1] if bad and all(made > self.began for made, _ in bad) else ""
