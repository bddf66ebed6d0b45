"""Which settings of a method score best on photos that no board tests.

    python perf/tune.py perf/tuning/im2gps.yaml
    python perf/tune.py perf/tuning/grid.yaml --budget 8 --device cpu

What a file of settings holds, and how settings are chosen, stands in docs/benchmarks.md, Tuning.
The harness runs every setting as a method of a benchmark, and runs nothing again that is recorded:
after a stop, type the same line. Tables are written beside the file, as CSV and as a page.
"""

import argparse
import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search import BASE, Trial, read
from tabulate import tabulate

from geobench import GeobenchError, drafts
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import RANKED, Row
from geobench.catalogue import installed
from geobench.commands import console, terminal
from geobench.readable import number
from geobench.records.workspace import Workspace
from geobench.run import runner
from geobench.run.execution import Options

SUMMARIES = ("geoscore", "distance.median", "nll")
"""What settings are judged by, the first before the others."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one setting did on one part after a training on one share of the photos.

    Args:
        label: of the setting.
        split, share, part: where.
        train_photos: how many it trained on.
        rows: summary -> the row of the leaderboard's table.
        seconds: `fit_seconds` and `predict_seconds`, each the mean over trainings.
    """

    label: str
    split: str
    share: float
    part: str
    train_photos: int
    rows: dict[str, Row]
    seconds: dict[str, float]

    @property
    def score(self) -> float:
        """The mean GeoScore, minus infinity where it has none."""
        row = self.rows.get(SUMMARIES[0])
        return row.value if row is not None and row.status in RANKED else -math.inf

    @property
    def among_the_best(self) -> bool:
        """Whether no setting is told apart from it as better, by GeoScore."""
        row = self.rows.get(SUMMARIES[0])
        return row is not None and row.rank_low == 1


def main() -> int:
    """Run what is missing, then write the tables; 1 if a setting failed, 2 for bad input."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="the YAML file of settings")
    parser.add_argument("--budget", type=int, help="how many settings, instead of the file's")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, or auto")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument(
        "--workspace", type=Path, default=Path(), help="where leaderboards/ and .geobench/ lie"
    )
    parser.add_argument("--output", type=Path, help="folder of the tables, instead of the file's")
    wanted = parser.parse_args()
    screen = terminal.screen()
    reporter = console.ConsoleReporter(screen)
    try:
        trial = read(wanted.file, installed(), budget=wanted.budget)
        options = Options(device=wanted.device, dry_run=wanted.dry_run, figures=False)
        place = Workspace(wanted.workspace.resolve())
        outcome = runner.run(trial.benchmark, place, options=options, reporter=reporter)
    except GeobenchError as error:
        reporter.say(f"error: {error}")
        return 2
    for failure in outcome.failures:
        reporter.say(f"FAILED {failure}")
    if not wanted.dry_run and outcome.board is not None:
        found = results_of(outcome.board, trial)
        stem = (wanted.output or wanted.file.parent) / wanted.file.stem
        drafts.write_file(stem.with_suffix(".csv"), as_csv(found, trial))
        drafts.write_file(stem.with_suffix(".md"), as_page(found, trial))
        reporter.say(f"wrote {stem.name}.csv and {stem.name}.md in {terminal.short(stem.parent)}")
    return 1 if outcome.failures else 0


def results_of(board: Path, trial: Trial) -> list[Result]:
    """Every setting on every part, in the order of the parts and then of the settings."""
    known, manifest = tables.read(board), Leaderboard(board, installed()).manifest
    rows: dict[tuple[str, str], dict[str, Row]] = {}
    for row in known.rows:
        if row.overall and row.summary in SUMMARIES:
            rows.setdefault((row.part, row.label), {})[row.summary] = row
    times: dict[tuple[str, str, str], list[float]] = {}
    for cost in known.costs:
        times.setdefault((cost.part, cost.label, cost.quantity), []).append(cost.value)
    found = []
    for part, about in manifest.parts.items():
        split, _, name = part.rpartition("/")
        plain, _, share = split.rpartition("@")
        for label in trial.settings:
            seconds = {
                key: sum(measured) / len(measured)
                for key in ("fit_seconds", "predict_seconds")
                if (measured := times.get((part, label, key)))
            }
            photos = int(about.facts["train photos"].value)
            scored = rows.get((part, label), {})
            found.append(Result(label, plain, float(share), name, photos, scored, seconds))
    return found


def as_csv(found: Sequence[Result], trial: Trial) -> str:
    """The table: a line per setting, part and share, empty where there is no number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = list(trial.search.settings)
    shown = _shown(found)
    heads = [head for name in shown for head in (name, f"{name}.low", f"{name}.high")]
    head = ["split", "part", "train_share", "train_photos", "setting", *keys, *heads]
    ends = ("among_the_best", "fit_seconds", "predict_seconds", "trainings", "photos", "note")
    writer.writerow([*head, *ends])
    for each in found:
        values = trial.settings[each.label].values()
        first = next(iter(each.rows.values()), None)
        numbers = [
            "" if row is None or math.isnan(value) else f"{value:.6g}"
            for row in (each.rows.get(name) for name in shown)
            for value in ((row.value, row.low, row.high) if row else (math.nan,) * 3)
        ]
        seconds = [each.seconds.get(key) for key in ("fit_seconds", "predict_seconds")]
        writer.writerow(
            [
                *(each.split, each.part, f"{each.share:g}", each.train_photos, each.label),
                *map(_plain, values),
                *numbers,
                int(each.among_the_best),
                *("" if value is None else f"{value:.3g}" for value in seconds),
                *((first.seeds, first.photos, first.note) if first else ("", "", "")),
            ]
        )
    return stream.getvalue()


def as_page(found: Sequence[Result], trial: Trial) -> str:
    """The page: how the best setting moves, then every part after every training."""
    search, bench = trial.search, trial.benchmark
    tried = len(trial.settings) - 1
    text = [
        f"# Settings of {search.method}",
        f"{tried} of the {search.grid:,} settings of `{search.method}`"
        + (f" (drawn with seed {search.seed})" if tried < search.grid else "")
        + f", and the base without them, run as the benchmark `{bench.name}`. No photo here is "
        "tested by a split that its `outer` names. In brackets: 95 % intervals by unit. Settings "
        "in bold are not told apart from the best by GeoScore (paired tests, Holm's correction).",
        "## How the best setting moves",
        *_moves(found, trial),
    ]
    for split, part, share in dict.fromkeys((r.split, r.part, r.share) for r in found):
        here = [r for r in found if (r.split, r.part, r.share) == (split, part, share)]
        here.sort(key=lambda each: -each.score)
        text.append(f"## {split}/{part}, trained on {here[0].train_photos:,} photos")
        text.append(f"`train_share: {share:g}`")
        text.append(_table(here, trial))
    return "\n\n".join(text) + "\n"


def _moves(found: Sequence[Result], trial: Trial) -> Iterator[str]:
    """Of every part the best setting after each training, and what the others' choices cost."""
    for split, part in dict.fromkeys((each.split, each.part) for each in found):
        here = [each for each in found if (each.split, each.part) == (split, part)]
        shares = sorted({each.share for each in here}, reverse=True)
        by_share = {s: {r.label: r for r in here if r.share == s} for s in shares}
        best = {s: max(rows.values(), key=lambda each: each.score) for s, rows in by_share.items()}
        if any(each.score == -math.inf for each in best.values()):
            yield f"**{split}/{part}**: no setting has a score."
            continue
        body = []
        for share, mine in best.items():
            lead = sum(each.among_the_best for each in by_share[share].values())
            cells = [
                f"{number(by_share[other][mine.label].score)}"
                f" ({number(by_share[other][mine.label].score - best[other].score)})"
                for other in shares
            ]
            values = map(_plain, trial.settings[mine.label].values())
            body.append([f"{mine.train_photos:,}", f"`{mine.label}`", *values, lead, *cells])
        counts = [f"GeoScore at {best[s].train_photos:,}<br>(less the best)" for s in shares]
        head = ["trained on", "best", *trial.search.settings, "not told apart", *counts]
        yield f"**{split}/{part}**"
        yield tabulate(body, headers=head, tablefmt="github", disable_numparse=True)
        yield from _ranges(by_share, trial)


def _ranges(by_share: dict[float, dict[str, Result]], trial: Trial) -> Iterator[str]:
    """Which values of each key are among the best, after each training."""
    lines = []
    for key in trial.search.settings:
        said = []
        for rows in by_share.values():
            photos = next(iter(rows.values())).train_photos
            among = [
                trial.settings[label][key]
                for label, each in rows.items()
                if each.among_the_best and label != BASE
            ]
            values = [v for v in trial.search.settings[key] if v in among]
            said.append(f"{', '.join(map(_plain, values)) or 'none'} at {photos:,}")
        lines.append(f"- `{key}` among the best: {'; '.join(said)}")
    yield "\n".join(lines)


def _table(here: Sequence[Result], trial: Trial) -> str:
    shown, body = _shown(here), []
    for each in here:
        label = f"**`{each.label}`**" if each.among_the_best else f"`{each.label}`"
        keys = map(_plain, trial.settings[each.label].values())
        seconds = [number(each.seconds[k]) if k in each.seconds else "" for k in _SECONDS]
        body.append([label, *keys, *(_cell(each.rows.get(name)) for name in shown), *seconds])
    units = {row.summary: row.unit for each in here for row in each.rows.values()}
    heads = [f"{name}<br>{units[name]}" for name in shown]
    head = ["setting", *trial.search.settings, *heads, "fit<br>s", "answer<br>s"]
    return tabulate(body, headers=head, tablefmt="github", disable_numparse=True)


_SECONDS = ("fit_seconds", "predict_seconds")


def _shown(found: Sequence[Result]) -> list[str]:
    """The summaries that there are."""
    there = {name for each in found for name in each.rows}
    return [name for name in SUMMARIES if name in there]


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.status not in RANKED or math.isnan(row.value):
        return row.note or row.status
    if math.isnan(row.low):
        return number(row.value)
    return f"{number(row.value)} ({number(row.low)} to {number(row.high)})"


def _plain(value: Any) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
