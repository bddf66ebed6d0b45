"""The door `geobench run`: what is missing is trained and evaluated, and boards rewritten."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench import interrupts
from geobench.commands.options import Device, Isolate, WorkspaceFolder
from geobench.commands.terminal import complaints, files_written, screen, short
from geobench.errors import WHOLE, GeobenchError, Interrupted, sentence

if TYPE_CHECKING:
    from rich.console import Console

    from geobench.config import Benchmark
    from geobench.run.execution import Options, Reporter
    from geobench.run.runner import RunOutcome


def run(
    file: Annotated[Path, typer.Argument(help="The YAML file of benchmarks.")],
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run these method labels (or benchmarks) only; repeatable."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="A trial with this many photos each of train, val and parts; "
            "written apart, never ranked.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run what is recorded, too.")] = False,
    device: Device = "auto",
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the pictures, or tables only.")
    ] = True,
    isolate: Isolate = None,
    workspace: WorkspaceFolder = Path(),
) -> None:
    """Train and evaluate what is missing, then rewrite the leaderboards that this changes."""
    from geobench import config
    from geobench.catalogue import installed
    from geobench.commands import console
    from geobench.run.execution import Options

    console.show_warnings(complaints())
    selection = config.select(config.read(file, installed()), only or [])
    options = Options(selection.labels, limit, dry_run, force, device, figures, isolate)
    conclude(run_all(selection.benchmarks, workspace, options=options))


def run_all(benchmarks: "Iterable[Benchmark]", workspace: Path, *, options: "Options") -> list[str]:
    """Run benchmarks one after the other and tell of each; what failed, in a sentence each."""
    from geobench.commands import console
    from geobench.records.workspace import Workspace
    from geobench.run import runner

    terminal = screen()
    reporter = console.ConsoleReporter(terminal)
    failures = []
    place = Workspace(workspace.resolve())
    for benchmark in benchmarks:
        prefix = f"benchmark {benchmark.name}: "
        try:
            interrupts.check()
            outcome = runner.run(benchmark, place, options=options, reporter=reporter)
            failures += outcome.failures
            if not options.dry_run and outcome.board is not None:
                _tell(outcome, terminal, reporter)
        except Interrupted:
            _tell_failures(failures)
            raise
        except Exception as error:  # one benchmark less is no reason to lose the others
            if os.environ.get(WHOLE) and not isinstance(error, GeobenchError):
                raise
            failures.append(prefix + sentence(error).removeprefix(prefix))
    return failures


def _tell(outcome: "RunOutcome", terminal: "Console", reporter: "Reporter") -> None:
    """How the methods of a benchmark stand, and where to read more."""
    from geobench.board import tables
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import console
    from geobench.pages import report

    assert outcome.board is not None
    board = Leaderboard(outcome.board, installed())
    if (outcome.board / "table.csv").exists():
        console.standings(terminal, tables.read_overall(outcome.board))
    done = ", ".join(f"{count} {what}" for what, count in outcome.counts.items())
    reporter.say(f"trainings: {done}")
    folder = short(outcome.board)
    there = tuple(name for name in report.NAMES if (outcome.board / name).exists())
    files = files_written(there, len(board.manifest.figures or []))
    found = "nothing has changed:" if outcome.unchanged else "wrote"
    reporter.say(f"{found} {files} in {folder}")
    if "README.md" in there:
        reporter.say(f"to read: {folder}/README.md")
    reporter.say(f"to check every number: {command()} verify {folder}")


def conclude(failures: list[str]) -> None:
    """Say what failed, and exit with 1 if anything did."""
    _tell_failures(failures)
    if failures:
        raise typer.Exit(1)


def _tell_failures(failures: list[str]) -> None:
    from geobench.commands.console import ConsoleReporter

    reporter = ConsoleReporter(screen())
    for failure in failures:
        reporter.say(f"FAILED {failure}")


def command() -> str:
    """What to type for this command: its path, where its folder is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "geobench" or shutil.which("geobench") == str(called.absolute()):
        return "geobench"
    return short(called.absolute())
