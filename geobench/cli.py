"""The doors: `geobench run`, `map`, `list`, `check`, `data`, and those to a stored leaderboard."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from geobench import __version__
from geobench.commands import board_commands
from geobench.commands.data import data
from geobench.commands.map import draw_maps
from geobench.errors import GeobenchError

app = typer.Typer(
    name="geobench",
    help="Compare methods that say where on Earth a photo was taken.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the pictures, or tables only.")
    ] = True,
    workspace: Annotated[
        Path, typer.Option(help="Where leaderboards/ and .geobench/ lie.", file_okay=False)
    ] = Path(),
) -> None:
    """Train and evaluate what is missing, then rewrite the leaderboards."""
    from rich.console import Console

    from geobench import config
    from geobench.board.leaderboard import Leaderboard
    from geobench.catalogue import installed
    from geobench.commands import console, listing
    from geobench.pages import report
    from geobench.records.workspace import Workspace
    from geobench.run import execution, runner

    screen = listing.screen()
    console.show_warnings(Console(stderr=True))
    selection = config.select(config.read(file, installed()), only or [])
    reporter = console.ConsoleReporter(screen)
    failures = []
    for benchmark in selection.benchmarks:
        options = execution.Options(selection.labels, limit, dry_run, force, device, figures)
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
        reporter.say(f"trainings: {done}")
        folder = listing.short(outcome.board)
        written = board_commands.written(report.NAMES, len(board.manifest.figures or []))
        reporter.say(f"wrote {written} in {folder}")
        reporter.say(f"to read: {folder}/README.md")
        reporter.say(f"to check every number: {_command()} verify {folder}")
    for failure in failures:
        reporter.say(f"FAILED {failure}")
    if failures:
        raise typer.Exit(1)


def _command() -> str:
    """What to type for this command: its path, where its folder is not on the PATH."""
    from geobench.commands.listing import short

    called = Path(sys.argv[0])
    if called.name != "geobench" or shutil.which("geobench") == str(called.absolute()):
        return "geobench"
    return short(called.absolute())


@app.command("list")
def list_plugins() -> None:
    """List the plugins, and every dataset, split, encoder, method and metric."""
    from geobench.catalogue import installed
    from geobench.commands import listing

    listing.show_plugins(listing.screen(), installed())


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

    from geobench.catalogue import installed
    from geobench.commands import console, listing
    from geobench.records import verdicts
    from geobench.records.workspace import Workspace
    from geobench.testing import kit

    sys.path.insert(0, os.getcwd())  # a module that lies here need not be installed
    screen = listing.screen()
    plugin = installed().locate(name)
    place = Workspace(workspace.resolve())
    shown = console.Examination(screen, plugin, quiet=as_json)
    expected = dict(_expectation(text) for text in expect or [])
    verdict = kit.examine(plugin, expected_failures=expected, before=shown.begin, after=shown.end)
    kept = verdicts.keep(place, verdict)
    if as_json:
        typer.echo(json.dumps(verdict.to_json(), indent=1))
    else:
        shown.conclude(verdict, listing.short(kept))
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


for _door in (
    board_commands.report,
    board_commands.verify,
    board_commands.worst,
    board_commands.compare,
):
    app.command()(_door)

app.command("map")(draw_maps)
app.command()(data)


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
    """The command `geobench`: exit code 0, 1 for failed trainings or checks, 2 for bad input."""
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
