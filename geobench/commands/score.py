"""The door `geobench score`: a truth and files of answers -> a leaderboard, and the YAML of it."""

import os
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geobench.commands.options import WorkspaceFolder
from geobench.commands.run import command, conclude, run_all
from geobench.commands.terminal import complaints, say, short
from geobench.errors import ConfigError, GeobenchError
from geobench.metrics import Metric
from geobench.names import NAME

if TYPE_CHECKING:
    from geobench.commands.given import Given
    from geobench.config import Benchmark

_METRICS = (
    *("distance", "accuracy", "geoscore"),
    *("continent-accuracy", "country-accuracy", "region-accuracy"),
)
_METRICS_OF_DRAWS = ("energy", "risk-coverage")
_METRIC_OF_CONFIDENCE = "stated-confidence"


def score(
    truth: Annotated[
        str,
        typer.Argument(
            help="A table of photos and their true places (CSV or Parquet), a folder of photos "
            "that know theirs, or a dataset, as in `geobench list`."
        ),
    ],
    answers: Annotated[
        list[Path],
        typer.Argument(
            help="Files of answers (CSV or Parquet), a method each. A file that holds truth and "
            "answers is given twice: geobench score both.csv both.csv"
        ),
    ],
    truth_config: Annotated[
        list[str] | None,
        typer.Option(
            "--truth",
            metavar="KEY=VALUE",
            help="Of TRUTH, as in a YAML file, where column names do not tell: "
            "id_column=IMG_ID, lat_column=, lon_column=, part_column= ... Repeatable.",
        ),
    ] = None,
    answers_config: Annotated[
        list[str] | None,
        typer.Option(
            "--answers",
            metavar="KEY=VALUE",
            help="Of ANSWERS, likewise and of each: id_column=, lat_column=, lon_column= ... "
            "Repeatable.",
        ),
    ] = None,
    missing: Annotated[
        Literal["fail", "farthest", "uniform", "prior"],
        typer.Option(help="What stands in for an answer that a file lacks; an error, unless said."),
    ] = "fail",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Score by these alone; repeatable. Unless said: {', '.join(_METRICS)}, and, "
            f"where photos have several rows, {' and '.join(_METRICS_OF_DRAWS)}; where a file has "
            f"a column confidence, {_METRIC_OF_CONFIDENCE}."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Names the leaderboard and the YAML file; score-TRUTH, unless said."),
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the pictures, or tables only.")
    ] = True,
    workspace: WorkspaceFolder = Path(),
) -> None:
    """Score answers made elsewhere: a truth and files of answers become a leaderboard.

    The benchmark is written as NAME.yaml, so that the next step is to edit it and run that.
    """
    from geobench import config, drafts
    from geobench.catalogue import installed
    from geobench.commands import console, given
    from geobench.config.composing import Comparison
    from geobench.run.execution import Options

    console.show_warnings(complaints())
    place = workspace.resolve()
    given.check_files(truth, answers)
    _check_words(name, metric or [])
    dataset = given.dataset(truth, truth_config or [], folder=place)
    words = [*(answers_config or []), *([] if missing == "fail" else [f"missing={missing}"])]
    methods = given.methods(answers, words, folder=place)
    metrics = list(_METRICS)
    if not all(each.says_one_place for each in methods):
        metrics += _METRICS_OF_DRAWS
    if any("confidence" in each.says_along for each in methods):
        metrics.append(_METRIC_OF_CONFIDENCE)
    comparison = Comparison(
        name=name or given.name_for(truth),
        dataset=dataset.entry,
        split="official",
        methods=[method.entry for method in methods],
        metrics=metric or metrics,
    )
    file = place / f"{comparison.name}.yaml"
    text = comparison.text()
    found = _check_own(file, place / "leaderboards" / comparison.name)
    if found != text:
        drafts.write_file(file, text)
        again = ", in the place of another that it had written" if found else ""
        say(f"geobench score wrote {short(file)}{again}")
    (benchmark,) = config.read(file, installed())

    dataset = replace(dataset, plugin=benchmark.dataset.plugin)  # which holds what is read of it
    failures = _failures_of_truth(benchmark, dataset, missing=missing)
    if not failures:
        failed = run_all([benchmark], workspace, options=Options(figures=figures))
        but = "" if dataset.has_parts else "parts"
        failures = [methods[0].as_typed(text, but=but) for text in failed]
    if hint := given.order(dataset, methods):
        say(hint)
    elsewhere = "" if place == Path.cwd() else f" --workspace {shlex.quote(short(place))}"
    say(
        f"to change what is compared, edit {short(file)} and run: "
        f"{command()} run {shlex.quote(short(file))}{elsewhere}"
    )
    conclude(failures)


def _check_words(name: str | None, metrics: list[str]) -> None:
    """Raise an error where a name cannot be that of a benchmark, or there is no such metric."""
    from geobench.catalogue import installed
    from geobench.config.composing import benchmark_name

    if name is not None and not NAME.fullmatch(name):
        problem = f"--name {name!r} is no name"
        remedy = f"Use lower case and digits, joined by hyphens: {benchmark_name(name) or 'mine'}"
        raise ConfigError(problem, remedy=remedy)
    for metric in metrics:
        installed().find(Metric.kind, metric)


def _check_own(file: Path, board: Path) -> str:
    """The YAML file that is there, or "": written by this command and not changed since.

    Raises:
        ConfigError: there is a file, or a leaderboard of that name, by somebody else.
    """
    from geobench.config.composing import untouched

    remedy = "Choose another name: --name NAME"
    if not os.path.lexists(file):
        if board.exists():
            problem = f"there is such a leaderboard, and no {file.name} that it was made by"
            raise ConfigError(problem, where=short(board), remedy=f"{remedy}.")
        return ""
    with suppress(OSError, UnicodeDecodeError):  # what cannot be read was not written here
        text = file.read_bytes().decode()
        if untouched(text):
            return text.replace("\r\n", "\n")
    raise ConfigError(
        "geobench score did not write this file, or somebody has changed it since",
        where=short(file),
        remedy=f"{remedy}, or run it as it is: {command()} run {shlex.quote(short(file))}",
    )


def _failures_of_truth(benchmark: "Benchmark", truth: "Given", *, missing: str) -> list[str]:
    """What is wrong with the truth, before anything is compared with it."""
    dataset, split = benchmark.dataset.plugin, benchmark.splits[0].plugin
    try:
        drawn = split.assign(dataset)
    except GeobenchError as error:
        return [truth.as_typed(str(error))]
    except Exception:
        return []  # the run meets it again, and says of what
    if missing != "prior" or len(drawn.train):
        return []
    lacking = f"--missing prior needs training photos, and {truth.written} has none"
    return [f"{lacking}. Use --missing farthest or --missing uniform."]
