"""The door `geobench data`: what is wrong with a dataset, and what a split of it lets leak."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geobench.commands.options import Json
from geobench.commands.terminal import complaints, prints_aside, say, say_alone, screen, short
from geobench.components import Plugin
from geobench.errors import ConfigError
from geobench.names import file_name

if TYPE_CHECKING:
    from rich.console import Console

    from geobench.audit import Audit
    from geobench.config.configure import Configured


def data(
    name: Annotated[str, typer.Argument(help="A dataset, as in `geobench list`.")],
    config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Of the dataset, as in a YAML file: root=photos. Lists and mappings are JSON. "
            "Repeatable.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Look for leakage from train and val into its test parts.")
    ] = None,
    split_config: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Of the split, likewise. Repeatable."),
    ] = None,
    photos: Annotated[
        int | None,
        typer.Option(
            min=1, help="Look at this many pictures (the smallest hashes of id); all, unless said."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="The folder for report.md and the maps.", file_okay=False),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if anything leaks; needs --split.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a dataset, and what a split of it lets leak."""
    import json

    from geobench import audit
    from geobench.commands import console
    from geobench.data import Dataset
    from geobench.splits import Split

    if split is None and (strict or split_config):
        flag = "--strict" if strict else "--split-config"
        problem = f"{flag} is about a split, and none is named"
        raise ConfigError(problem, remedy="Add --split NAME.")
    progress = complaints()
    console.show_warnings(progress)
    with prints_aside(wanted=as_json):
        dataset = _configured(Dataset, name, config, option="--config").plugin
        assert isinstance(dataset, Dataset)
        rule, label = None, ""
        if split is not None:
            drawn, label = _configured(Split, split, split_config, option="--split-config")
            assert isinstance(drawn, Split)
            rule = drawn
        track = console.ConsoleReporter(progress).track
        result = audit.examine(dataset, rule, label=label, photos=photos, track=track)
        written = [] if output is None else _write(result, output)
    if as_json:
        say_alone(json.dumps(audit.to_json(result), indent=1, allow_nan=False))
    else:
        _show(screen(), result)
        for text in written:
            say(text)
    if strict and list(result.leaks()):
        raise typer.Exit(1)


def _configured(
    wanted: type[Plugin], name: str, words: list[str] | None, *, option: str
) -> "Configured":
    """A component that a command line names and configures, and its label."""
    from geobench.catalogue import installed
    from geobench.config.configure import configure
    from geobench.config.origins import CommandLine

    origin = CommandLine(name, words or [], option=option, catalogue=installed())
    return configure(wanted, origin.entry, origin=origin)


def _show(terminal: "Console", result: "Audit") -> None:
    """The report, a table for each section, and what leaks at the end."""
    from rich.markup import escape

    from geobench import audit
    from geobench.commands import columns

    terminal.print(f"[bold]{escape(audit.headline(result))}", highlight=False)
    for section in result.sections:
        terminal.print(f"\n[bold]{escape(section.title)}[/]. {escape(section.about)}")
        rows = [
            (line.name, audit.amount(line), audit.share(line), audit.remarks(line))
            for line in section.lines
        ]
        styles = ["red" if line.leaks else "" for line in section.lines]
        columns.show(terminal, [""] * 4, rows, numbers=(1, 2), styles=styles, header=False)
    terminal.print()
    for text in audit.conclusion(result):
        style = "bold red" if text.startswith("LEAK") else "green"
        terminal.print(f"[{style}]{escape(text)}", highlight=False, soft_wrap=True)


def _write(result: "Audit", folder: Path) -> list[str]:
    """Write report.md and the maps; say what was written, and why there is no map."""
    from geobench import audit, drafts, figures

    pictures, said = dict[str, str](), list[str]()
    if result.dataset.publishes == "scores":
        said.append("no map: the dataset lets only scores be published")
    else:
        maps = {"Its photos": ("map.png", figures.draw_dataset)}
        if result.assignment is not None:
            file = f"{file_name(f'split-{figures.slug(result.split)}')}.png"
            maps["What each photo is for"] = (file, figures.draw_leakage)
        for title, (file, draw) in maps.items():
            picture = figures.rendered(partial(draw, result), "png")
            drafts.write_file(folder / file, picture)
            pictures[title] = file
    drafts.write_file(folder / "report.md", audit.markdown(result, pictures=pictures))
    names = ", ".join(["report.md", *pictures.values()])
    return [*said, f"wrote {names} in {short(folder)}"]
