"""The command `geobench`: its verbs, each a module of commands, and how it ends."""

import errno
import os
import sys
from typing import Annotated

import typer

from geobench import __version__
from geobench.commands.check import check
from geobench.commands.compare import compare
from geobench.commands.data import data
from geobench.commands.list_plugins import list_plugins
from geobench.commands.map import draw_maps
from geobench.commands.report import report
from geobench.commands.run import run
from geobench.commands.score import score
from geobench.commands.terminal import prepare, say
from geobench.commands.verify import verify
from geobench.commands.worst import worst
from geobench.errors import GeobenchError, unforeseen
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
    from geobench.distributions import plugin_entry_points

    plugin_entry_points()  # before pydantic meets a damaged distribution, and stops


def main() -> None:
    """The command `geobench`: exit code 0, 1 for failed trainings or checks, 2 for bad input."""
    prepare()
    try:
        app(prog_name="geobench")
    except GeobenchError as error:
        say(f"error: {error}", error=True)
        sys.exit(2)
    except KeyboardInterrupt:
        said = "stopped; what was finished is kept, and the next run goes on from there"
        say(said, error=True)
        sys.exit(130)
    except Exception as error:
        if os.environ.get(_WHOLE):
            raise
        if isinstance(error, ImportError) and (wrong := trouble(thorough=True)):
            say(f"error: {error}. {wrong}", error=True)
            sys.exit(2)
        foreseen = isinstance(error, OSError) and error.strerror is not None
        say(f"error: {_of_the_system(error) if foreseen else _unforeseen(error)}", error=True)
        sys.exit(2)


_WHOLE = "GEOBENCH_TRACEBACK"
"""The environment variable with which an error that nobody foresaw is shown in full."""

_REMEDIES = {
    errno.EACCES: "Let this user read and write it, or choose another --workspace.",
    errno.EPERM: "Let this user read and write it, or choose another --workspace.",
    errno.EROFS: "Choose a --workspace on a disk that can be written.",
    errno.ENOSPC: "Make room on this disk, or choose a --workspace on another; what was finished "
    "is kept.",
    errno.EDQUOT: "Make room below your quota, or choose a --workspace on another disk; what was "
    "finished is kept.",
    errno.EMFILE: "Allow more open files: ulimit -n 4096.",
}


def _of_the_system(error: Exception) -> str:
    assert isinstance(error, OSError)
    where = f"{error.filename}: " if error.filename is not None else ""
    reason = str(error.strerror)
    remedy = _REMEDIES.get(error.errno or 0, f"{_WHOLE}=1 before the command shows where.")
    return f"{where}{reason[0].lower()}{reason[1:]}. {remedy}"


def _unforeseen(error: Exception) -> str:
    return (
        f"{unforeseen(error)}, which nobody foresaw. {_WHOLE}=1 before the command shows all of "
        "it, for a report to who wrote that file."
    )


if __name__ == "__main__":
    main()
