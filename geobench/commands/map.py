"""The door `geobench map`: pictures of what trained methods predict."""

from pathlib import Path
from typing import Annotated

import typer

from geobench.commands.options import Device, WorkspaceFolder
from geobench.commands.terminal import complaints, screen, short
from geobench.errors import ConfigError, GeobenchError
from geobench.names import did_you_mean


def draw_maps(
    file: Annotated[Path, typer.Argument(help="The YAML file of benchmarks, as it was run.")],
    name: Annotated[
        str | None, typer.Argument(help="One benchmark of the file; all of them, unless said.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Map these method labels only; repeatable.")
    ] = None,
    photos: Annotated[int, typer.Option(min=1, help="How many photos of each part.")] = 9,
    limit: Annotated[
        int | None, typer.Option(min=1, help="That of the run, if it was a trial.")
    ] = None,
    device: Device = "auto",
    workspace: WorkspaceFolder = Path(),
) -> None:
    """Show on maps what trained methods say of a few photos; nothing is trained."""
    from geobench import config
    from geobench.catalogue import installed
    from geobench.commands import console
    from geobench.records.workspace import Workspace
    from geobench.run import execution, mapping

    console.show_warnings(complaints())
    reporter = console.ConsoleReporter(screen())
    benchmarks = config.read(file, installed())
    names = [benchmark.name for benchmark in benchmarks]
    if name is not None and name not in names:
        problem = f"there is no benchmark {name!r}"
        raise ConfigError(problem, where=str(file), remedy=did_you_mean(name, names))
    selection = config.select([b for b in benchmarks if name in (None, b.name)], only or [])
    options = execution.Options(selection.labels, limit, device=device)
    problems = []
    for benchmark in selection.benchmarks:
        place = Workspace(workspace.resolve())
        try:
            mapped = mapping.add(
                benchmark, place, photos=photos, options=options, reporter=reporter
            )
        except GeobenchError as error:
            prefix = f"benchmark {benchmark.name}: "
            problems.append(prefix + str(error).removeprefix(prefix))
            continue
        problems += mapped.problems
        for remark in mapped.remarks:
            reporter.say(remark)
        if mapped.added:
            count, folder = len(mapped.added), short(mapped.board)
            records = f"{count} record{'s' if count > 1 else ''}"
            reporter.say(f"added maps to {records}, and pictures of them to {folder}/README.md")
    for problem in problems:
        reporter.say(f"FAILED {problem}")
    if problems:
        raise typer.Exit(1)
