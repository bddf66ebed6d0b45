"""The console: how a run looks on a terminal, and in a pipe."""

import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, final

from rich.console import Console, ConsoleRenderable
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status
from rich.table import Table

from geobench.board.tables import RANKED, Row
from geobench.commands import columns
from geobench.components import Plugin
from geobench.features.inputs import Lacking
from geobench.readable import ARROWS, number, told
from geobench.records.verdicts import Outcome, Verdict
from geobench.run.execution import Reporter
from geobench.run.plan import Plan, Training

_EVERY = 10.0  # seconds between two lines on the same long piece of work, in a pipe


@final
class ConsoleReporter(Reporter):
    """Progress bars on a terminal, plain lines when the output is piped."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def plan(self, plan: Plan, states: list[tuple[Training, str]]) -> None:
        bench = plan.benchmark
        counts = Counter(state for _, state in states)
        summary = ", ".join(
            f"{counts[state]} {_STATES[state]}" for state in _STATES if counts[state]
        )
        self.console.rule(f"[bold]{escape(bench.name)}", align="left")
        self.say(f"dataset {bench.dataset.plugin.name}: {len(plan.drawn)} split(s), {summary}")
        for split in bench.splits:
            label, assignment = split.label, plan.assignment(split)
            parts = ", ".join(f"{part.name} {len(part):,}" for part in assignment.all_parts)
            left = "".join(f", {why} {len(rows):,}" for why, rows in assignment.left_out.items())
            broken = sum(assignment.broken.values())
            left += f", left out for broken pictures {broken:,}" if broken else ""
            self.say(f"split {label}: {parts}{left} photos")
        if any(state != "recorded" for _, state in states):
            for lacking in plan.inputs.lacking(plan.wanting(training for training, _ in states)):
                self.say(to_encode(lacking))
            heads = ("split", "method", "seed", "to do")
            cells = [
                (each.split.label, each.method.label, str(each.seed), _STATES[state])
                for each, state in states
            ]
            columns.show(self.console, heads, cells, whole=(2, 3))
        for training in {training.method.label: training for training, _ in states}.values():
            method = training.method.plugin
            lost = [m.label for m in bench.metrics if not m.plugin.scores(method.predicts)]
            if lost:
                kind = method.predicts.__name__
                self.say(f"{training.method.label} predicts {kind}: no {', '.join(lost)} for it")
        for label, error in plan.absent.items():
            self.say(f"{label} will fail: {error}")

    def track(self, items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
        if self.console.is_terminal:
            yield from self._bar(items, total, what)
            return
        last = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            if time.monotonic() - last > _EVERY:
                last = time.monotonic()
                self.say(f"  {what}: {done:,}" + (f" of {total:,}" if total else ""))

    def _bar(self, items: Iterable[Any], total: int | None, what: str) -> Iterator[Any]:
        # One display holds all bars, because a method may show its own while it answers.
        if not self.bars.task_ids:
            self.bars.start()
        bar = self.bars.add_task(what, total=total)
        try:
            for item in items:
                yield item
                self.bars.advance(bar)
        finally:
            self.bars.remove_task(bar)
            if not self.bars.task_ids:
                self.bars.stop()


@final
class Examination:
    """The checks of one plugin as they are done: a row each, with what was measured or why.

    Args:
        console: where to.
        plugin: what is checked.
        quiet: show nothing.
    """

    def __init__(self, console: Console, plugin: type[Plugin], *, quiet: bool) -> None:
        self.console = console
        self.quiet = quiet
        self.plugin = plugin
        self.status: Status | None = None

    def begin(self, check: str) -> None:
        """A check begins."""
        if self.quiet:
            return
        if self.status is None:
            plugin = self.plugin
            title = f"[bold]{plugin.kind} {plugin.name}[/], version {escape(str(plugin.version))}"
            self.console.rule(title, align="left")
            self.status = self.console.status("")
        self.status.update(escape(f"{check} ..."))
        self.status.start()

    def end(self, outcome: Outcome, promise: str) -> None:
        """A check has ended."""
        if self.status is None:
            return
        self.status.stop()
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(width=_STATUS_WIDTH)
        row.add_column(width=_CHECK_WIDTH)
        row.add_column(width=_SECONDS_WIDTH, justify="right")
        row.add_column()
        failed = outcome.status == "failed"
        reason = f"{outcome.reason}\n(the promise: {promise})" if failed else outcome.reason
        colour = _COLOURS[outcome.status]
        seconds = f"{outcome.seconds:.2f} s"
        check = escape(outcome.check)
        row.add_row(f"[{colour}]{outcome.status}[/]", check, seconds, escape(reason))
        self.console.print(row)

    def conclude(self, verdict: Verdict, kept: str) -> None:
        """How many passed and failed, and where that is kept."""
        counts = verdict.counts.items()
        done = ", ".join(f"{count} {_ENDED.get(status, status)}" for status, count in counts)
        seconds = sum(outcome.seconds for outcome in verdict.outcomes)
        self.console.print(
            f"{self.plugin.kind} {self.plugin.name}: {done}, in {seconds:.1f} CPU seconds; "
            f"kept in {kept}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if any(outcome.traceback for outcome in verdict.outcomes):
            self.console.print("(tracebacks are in that file)", highlight=False)


def to_encode(lacking: Lacking) -> str:
    """What a plan says of features that are not there yet."""
    text = f"features of {lacking.dataset}: {lacking.photos:,} photos to encode"
    if lacking.shape is None or lacking.size is None:
        return text
    numbers = " x ".join(f"{count:,}" for count in lacking.shape)
    kind = "numbers" if lacking.what == "pooled" else "numbers (tokens)"
    return f"{text}, of {numbers} {kind}, {_bytes(lacking.size)}"


def _bytes(count: float) -> str:
    """A size for readers: three digits and a unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


_ENDED = {"expected failure": "failed as expected"}
_STATUS_WIDTH = len("expected failure")
_CHECK_WIDTH = 34
_SECONDS_WIDTH = len("100.00 s")
_COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow", "expected failure": "yellow"}

_STATES = {
    "recorded": "recorded",
    "run": "to run",
    "score": "to score",
    "retry": "failed before, to run again",
}


def show_warnings(console: Console) -> None:
    """Send warnings of the geobench loggers to the console."""
    handler = _Handler(console=console, show_time=False, show_path=False, level=logging.WARNING)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])


class _Handler(RichHandler):
    def render_message(self, record: logging.LogRecord, message: str) -> ConsoleRenderable:
        return super().render_message(record, told(message))


def standings(console: Console, rows: list[Row]) -> None:
    """A short table per part: a few summaries of every label, without intervals."""
    for part in dict.fromkeys(row.part for row in rows):
        own = [row for row in rows if row.part == part and row.overall]
        names = list(dict.fromkeys(row.summary for row in own))
        shown = [name for name in _HEADLINES if name in names] or names[:4]
        better = {row.summary: row.better for row in own}
        heads = [part, *(f"{name} {ARROWS[better[name]]}".rstrip() for name in shown)]
        lines = []
        for label in dict.fromkeys(row.label for row in own):
            cells = {row.summary: row for row in own if row.label == label}
            lines.append([label, *(_cell(cells.get(name)) for name in shown)])
        columns.show(console, heads, lines, numbers=range(1, len(heads)))
        console.print()


_HEADLINES = ("geoscore", "distance.median", "accuracy@200km", "nll.hedged")


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.status not in (*RANKED, "ceiling"):
        return row.status
    return "" if math.isnan(row.value) else number(row.value, row.unit)
