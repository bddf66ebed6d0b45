"""The doors: `geobench run`, `list`, `check`, `report` and `verify`."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench import __version__
from geobench.errors import GeobenchError

if TYPE_CHECKING:
    from geobench.config import Benchmark

app = typer.Typer(
    name="geobench",
    help="Compare methods that say where on Earth a photo was taken.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_Board = Annotated[Path, typer.Argument(help="A leaderboard's folder: leaderboards/<benchmark>.")]


@app.command()
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
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
    workspace: Annotated[
        Path, typer.Option(help="Where leaderboards/ and .geobench/ lie.", file_okay=False)
    ] = Path(),
) -> None:
    """Train and evaluate what is missing, then rewrite the leaderboards."""
    from rich.console import Console

    from geobench import config, console, execution, report, runner
    from geobench.catalogue import installed
    from geobench.leaderboard import Leaderboard
    from geobench.results import Workspace

    screen = Console(width=None if sys.stdout.isatty() else 120)
    console.show_warnings(Console(stderr=True))
    benchmarks = config.read(file, installed())
    labels = tuple(_chosen(benchmarks, only or []))
    named = {benchmark.name for benchmark in benchmarks} & set(only or [])
    reporter = console.ConsoleReporter(screen)
    failures = []
    for benchmark in benchmarks:
        if named and benchmark.name not in named:
            continue
        options = execution.Options(labels, limit, dry_run, force, device)
        place = Workspace(workspace.resolve())
        try:
            outcome = runner.run(benchmark, place, options=options, reporter=reporter)
        except GeobenchError as error:
            prefix = f"benchmark {benchmark.name}: "
            failures.append(prefix + str(error).removeprefix(prefix))
            continue
        failures += outcome.failures
        if dry_run or outcome.board is None:
            continue
        board = Leaderboard(outcome.board, installed())
        console.standings(screen, board.tables().rows)
        done = ", ".join(f"{count} {what}" for what, count in outcome.counts.items())
        reporter.say(f"cells: {done}")
        reporter.say(f"wrote {', '.join(report.NAMES)} in {_short(outcome.board)}")
        reporter.say(f"to read: {_short(outcome.board / 'README.md')}")
        reporter.say(f"to check every number: {_command()} verify {_short(outcome.board)}")
    for failure in failures:
        reporter.say(f"FAILED {failure}")
    if failures:
        raise typer.Exit(1)


def _chosen(benchmarks: "list[Benchmark]", only: list[str]) -> list[str]:
    from geobench.errors import ConfigError

    labels = {method.label for benchmark in benchmarks for method in benchmark.methods}
    names = {benchmark.name for benchmark in benchmarks}
    unknown = set(only) - labels - names
    if unknown:
        raise ConfigError(
            f"--only names {', '.join(sorted(unknown))}, and the file has neither such a method "
            "nor such a benchmark",
            remedy=f"Methods: {', '.join(sorted(labels))}. Benchmarks: {', '.join(sorted(names))}.",
        )
    return [name for name in only if name in labels]


def _command() -> str:
    """What to type for this command: its path, where its folder is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "geobench" or shutil.which("geobench") == str(called.absolute()):
        return "geobench"
    return _short(called.absolute())


def _short(path: Path) -> str:
    current = Path.cwd()
    return str(path.relative_to(current)) if path.is_relative_to(current) else str(path)


@app.command("list")
def list_plugins() -> None:
    """List the plugins, and every dataset, split, encoder, method and metric."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from geobench.catalogue import KINDS, installed
    from geobench.components import check_requirements
    from geobench.errors import PluginError

    screen = Console(width=None if sys.stdout.isatty() else 120)
    catalogue = installed()
    table = Table("plugin", "distribution", "version", box=None, padding=(0, 2, 0, 0))
    for source in catalogue.sources:
        table.add_row(source.entry_point, source.distribution, source.version)
    screen.print(table)
    for broken in catalogue.broken:
        screen.print(f"[red]broken[/red] {escape(str(broken.source))}: {escape(broken.reason)}")
    for clash in catalogue.clashes():
        screen.print(f"[red]clash[/red] {escape(clash)}")
    for kind in KINDS:
        table = Table(f"{kind}s", "", box=None, padding=(0, 2, 0, 0))
        for registered in catalogue.of_kind(kind):
            text = registered.plugin.describe()
            try:
                check_requirements(registered.plugin)
            except PluginError as error:
                text += f" (first {error.remedy.removeprefix('Install it: ')})"
            table.add_row(registered.plugin.name, escape(text))
        screen.print()
        screen.print(table)


@app.command()
def check(
    name: Annotated[
        str, typer.Argument(help="A plugin: its name, kind:name, or package.module.Class.")
    ],
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK=REASON",
            help="This check must fail, for this reason; if it passes, that is a failure. "
            "Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workspace: Annotated[
        Path, typer.Option(help="Where .geobench/ lies, in which the outcome is kept.")
    ] = Path(),
) -> None:
    """Check that a plugin keeps what it promises; records made afterwards say so."""
    import json
    import os

    from rich.console import Console

    from geobench import checks, console
    from geobench.catalogue import installed
    from geobench.results import Workspace
    from geobench.testing import kit

    sys.path.insert(0, os.getcwd())  # a module that lies here need not be installed
    screen = Console(width=None if sys.stdout.isatty() else 120)
    plugin = installed().locate(name)
    shown = console.Examination(screen, plugin, quiet=as_json)
    expected = dict(_expectation(text) for text in expect or [])
    verdict = kit.examine(plugin, expected_failures=expected, before=shown.begin, after=shown.end)
    kept = checks.keep(Workspace(workspace.resolve()), verdict)
    if as_json:
        typer.echo(json.dumps(verdict.to_json(), indent=1))
    else:
        shown.conclude(verdict, _short(kept))
    if not verdict.passed:
        raise typer.Exit(1)


def _expectation(text: str) -> tuple[str, str]:
    from geobench.errors import ConfigError

    name, equals, reason = text.partition("=")
    if not (equals and name.strip() and reason.strip()):
        raise ConfigError(
            f"--expect {text!r} is no CHECK=REASON",
            remedy="Write --expect 'beats-chance=it answers at random on purpose'.",
        )
    return name.strip(), reason.strip()


@app.command()
def report(
    board: _Board,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the tables are stale.")
    ] = False,
) -> None:
    """Rewrite the tables of a leaderboard from its stored records."""
    from geobench import report as reports
    from geobench import verification
    from geobench.catalogue import installed
    from geobench.leaderboard import Leaderboard

    if check:
        loaded = Leaderboard(board, installed())
        expected = reports.contents(loaded, loaded.tables())
        _conclude(verification.stale(loaded, expected), f"{board}: the tables are fresh")
        return
    problems = reports.rewrite(board, installed())
    _conclude(problems, f"wrote {', '.join(reports.NAMES[1:])} in {board}")


@app.command()
def verify(
    board: _Board,
    runs: Annotated[
        Path | None, typer.Option(help="The folder of the records, where it lies elsewhere.")
    ] = None,
) -> None:
    """Recompute every number of a leaderboard from its records; say what disagrees."""
    from geobench import verification
    from geobench.catalogue import installed

    problems = verification.verify(board, installed(), runs=runs)
    _conclude(problems, f"{board}: every number is what the records give")


def _conclude(problems: list[str], good: str) -> None:
    for problem in problems:
        typer.echo(problem)
    if problems:
        typer.echo(f"{len(problems)} problem(s)", err=True)
        raise typer.Exit(1)
    typer.echo(good)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"geobench {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare methods that say where on Earth a photo was taken."""


def main() -> None:
    """The command `geobench`: exit code 0, 1 for failed cells or checks, 2 for bad input."""
    try:
        app(prog_name="geobench")
    except GeobenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except PermissionError as error:
        typer.echo(f"error: {error.filename} cannot be written. Choose a --workspace.", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo(
            "stopped; what was finished is kept, and the next run goes on from there", err=True
        )
        sys.exit(130)


if __name__ == "__main__":
    main()
