"""The door `geobench check`: whether a plugin keeps what it promises."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from geobench.commands.options import Json
from geobench.commands.terminal import prints_aside, say_alone, screen, short
from geobench.errors import ConfigError


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
    from geobench.catalogue import installed
    from geobench.commands import console
    from geobench.records import verdicts
    from geobench.records.workspace import Workspace
    from geobench.testing import kit

    sys.path.insert(0, os.getcwd())  # a module that lies here need not be installed
    expected = dict(_expectation(text) for text in expect or [])
    with prints_aside(wanted=as_json):
        plugin = installed().locate(name)
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


def _expectation(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not (equals and name.strip() and reason.strip()):
        raise ConfigError(
            f"--expect {text!r} is no CHECK=REASON",
            remedy="Write --expect 'beats-chance=it answers at random on purpose'.",
        )
    return name.strip(), reason.strip()
