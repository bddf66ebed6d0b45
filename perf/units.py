"""What the units of a board's parts are worth, and what they do to intervals, in Markdown.

    python perf/units.py leaderboards/blue-marble-full leaderboards/blue-marble-density-shift

The splits are drawn anew from the board's benchmark.json, so that a board of any age will do. Of
every part it counts the units, and those of the regions or groups that the split drew alone. The
last columns are the width of the 95 % interval of GeoScore over what it is with those alone:
the smallest and the largest over the methods, from the stored answers.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from geobench import Part, geo
from geobench.catalogue import installed
from geobench.statistics import effective_units, estimate_mean
from geobench_basics.metrics.distance import geoscore


def main() -> None:
    """Print the table of the boards that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("boards", nargs="+", type=Path, help="folders of leaderboards")
    rows = [row for board in parser.parse_args().boards for row in table(board)]
    heads = ["part", "units", "effective", "effective alone", "width, least", "width, most"]
    digits = ("", "", ".0f", ".0f", ".2f", ".2f")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.info("%s", tabulate(rows, heads, tablefmt="github", floatfmt=digits))


def table(board: Path) -> list[list[object]]:
    """A row for each part of a board."""
    manifest = json.loads((board / "benchmark.json").read_text())
    asked = manifest["benchmark"]
    dataset = made("dataset", asked["dataset"])
    parts: dict[str, Part] = {}
    for split in asked["splits"]:
        for part in made("split", split).assign(dataset).parts:
            parts[f"{split['label']}/{part.name}"] = part
    return [described(label, part, scores(board, manifest, label)) for label, part in parts.items()]


def made(kind: str, stored: dict[str, Any]) -> Any:
    """The plugin that benchmark.json shows."""
    plugin = installed().find(kind, stored["name"])
    return plugin(plugin.Config.from_stored(stored["config"]))


def scores(board: Path, manifest: dict[str, Any], part: str) -> list[NDArray[np.float64]]:
    """GeoScore of every photo of a part, the mean over trainings, for each method."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for row in manifest["rows"]:
        answers = board / "runs" / row["folder"] / "answer.npz"
        if row["part"] == part and answers.exists():
            truth = np.load(answers.parents[1] / "part.npz", allow_pickle=False)["truth"]
            away = geo.distance_km(np.load(answers, allow_pickle=False)["answer"], truth)
            found.setdefault(row["label"], []).append(geoscore(away))
    return [np.mean(each, axis=0)[None] for each in found.values()]


def described(label: str, part: Part, answered: list[NDArray[np.float64]]) -> list[object]:
    """The row of a part."""
    widths = []
    for each in answered:
        joined, alone = (estimate_mean(each, units) for units in (part.units, part.regions))
        widths.append((joined.high - joined.low) / (alone.high - alone.low))
    return [
        label,
        len(np.unique(part.units)),
        effective_units(part.units),
        effective_units(part.regions),
        min(widths),
        max(widths),
    ]


if __name__ == "__main__":
    main()
