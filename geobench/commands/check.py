"""The door `geobench check`: whether a plugin keeps what it promises."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench.commands.options import Json
from geobench.commands.terminal import prints_aside, say_alone, screen, short
from geobench.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from geobench.components import Plugin


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
    as_json: Json = False,
    workspace: Annotated[
        Path, typer.Option(help="Where .geobench/ lies, in which the outcome is kept.")
    ] = Path(),
) -> None:
    """Check that a plugin keeps what it promises; records made afterwards say so."""
    from geobench.commands import console
    from geobench.records import verdicts
    from geobench.records.workspace import Workspace
    from geobench.testing import kit

    expected = dict(_expectation(text) for text in expect or [])
    with prints_aside(wanted=as_json):
        plugin = _located(name)
        place = Workspace(workspace.resolve())
        shown = console.Examination(screen(), plugin, quiet=as_json)
        verdict = kit.examine(
            plugin, expected_failures=expected, before=shown.begin, after=shown.end
        )
        kept = verdicts.keep(place, verdict)
    if as_json:
        say_alone(json.dumps(verdict.to_json(), indent=1, allow_nan=False))
    else:
        shown.conclude(verdict, short(kept))
    if not verdict.passed:
        raise typer.Exit(1)


def _located(name: str) -> "type[Plugin]":
    """The plugin of a name; what was refused before is tried again, before it is said not to be."""
    from geobench.catalogue import installed, try_again

    try:
        return installed().locate(name)
    except PluginError:
        if not try_again(installed()):
            raise
        return installed().locate(name)


def _expectation(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not (equals and name.strip() and reason.strip()):
        raise ConfigError(
            f"--expect {text!r} is no CHECK=REASON",
            remedy="Write --expect 'beats-chance=it answers at random on purpose'.",
        )
    return name.strip(), reason.strip()
