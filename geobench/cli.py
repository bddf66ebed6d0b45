"""The command `geobench`: its verbs, each a module of commands, and how it ends."""

import os
import sys
from typing import Annotated

import typer

from geobench import __version__, interrupts
from geobench.commands.check import check
from geobench.commands.compare import compare
from geobench.commands.data import data
from geobench.commands.list_plugins import list_plugins
from geobench.commands.map import draw_maps
from geobench.commands.report import report
from geobench.commands.run import run
from geobench.commands.score import score
from geobench.commands.terminal import leave_quietly, prepare, say
from geobench.commands.verify import verify
from geobench.commands.worst import worst
from geobench.errors import WHOLE, GeobenchError, Interrupted, sentence
from geobench_geolocation import trouble

app = typer.Typer(
    name="geobench",
    help="Compare methods that say where on Earth a photo was taken.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


# In the order in which `geobench --help` lists them.
app.command()(run)
app.command()(score)
app.command("list")(list_plugins)
app.command()(check)
app.command()(report)
app.command()(verify)
app.command()(worst)
app.command()(compare)
app.command("map")(draw_maps)
app.command()(data)


def _version(value: bool) -> None:
    if value:
        say(f"geobench {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare methods that say where on Earth a photo was taken."""
    # pydantic looks for plugins of its own among all that is installed: it would stop at what is
    # damaged there, and import what nobody has tried.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


def main() -> None:
    """The command `geobench`: exit code 0, 1 for failed trainings or checks, 2 for bad input, and
    128 and the number of a signal that ended it."""
    prepare()
    try:
        with interrupts.heard():
            app(prog_name="geobench")
    except Interrupted as asked:
        say(f"stopped by {asked.name}", error=True)
        sys.exit(asked.code)
    except Exception as error:
        if os.environ.get(WHOLE) and not isinstance(error, GeobenchError):
            raise
        if isinstance(error, ImportError) and (wrong := trouble(thorough=True)):
            say(f"error: {error}. {wrong}", error=True)
            sys.exit(2)
        say(f"error: {sentence(error, workspace=_has_workspace())}", error=True)
        sys.exit(2)
    finally:
        leave_quietly()


def _has_workspace() -> bool:
    """Whether the verb that was typed takes a --workspace."""
    for verb in app.registered_commands:
        if verb.callback and sys.argv[1:2] == [verb.name or verb.callback.__name__]:
            return "workspace" in verb.callback.__annotations__
    return False


if __name__ == "__main__":
    main()
