"""Every method of a leaderboard against one of them, as a table in Markdown.

    python perf/against.py blue-marble-cells grid
    python perf/against.py blue-marble-cells geodecoder --summary nll --methods 'geodecoder*'

A difference is that of the other less the one, on the same photos, with its 95 % interval over
places and trainings: single comparisons, uncorrected; the tables of the leaderboard have ranks that
are corrected for all pairs. Seconds of training are the mean over trainings.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tabulate import tabulate

from geobench import GeobenchError, StoreError
from geobench.board import tables
from geobench.board.comparison import differences
from geobench.board.leaderboard import Leaderboard
from geobench.catalogue import installed
from geobench.readable import number

log = logging.getLogger("against")


def main() -> int:
    """Print the table; 2 for a leaderboard, label or summary that there is not."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("board", help="the name or the folder of the leaderboard")
    parser.add_argument("one", help="the label that all others are compared with")
    parser.add_argument("--summary", default="geoscore", help="such as nll")
    parser.add_argument("--methods", default="*", help="labels of the others, with * and ?")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    folder = Path(wanted.board)
    folder = folder if folder.is_dir() else Path("leaderboards") / wanted.board
    try:
        board = Leaderboard(folder, installed())
        labels = [
            label
            for label in dict.fromkeys(row.label for row in board.manifest.rows)
            if label == wanted.one or fnmatchcase(label, wanted.methods)
        ]
        log.info(as_table(board, wanted.one, labels, summary=wanted.summary))
    except GeobenchError as error:
        log.error("error: %s", error)
        return 2
    return 0


def as_table(board: Leaderboard, one: str, labels: Sequence[str], *, summary: str) -> str:
    """A row per label: of every part the value and the difference to `one`, then the seconds."""
    parts, known = list(board.manifest.parts), tables.read(board.folder)
    values = {
        (row.label, row.part): row.value
        for row in known.rows
        if row.overall and row.summary == summary
    }
    body = []
    for label in labels:
        cells = [f"`{label}`"]
        for part in parts:
            cells.append(number(values[label, part]) if (label, part) in values else "")
            cells.append("" if label == one else _difference(board, label, one, part, summary))
        body.append([*cells, _fit_seconds(known.costs, label)])
    heads = [head for part in parts for head in (part, f"less {one}")]
    headers = ["method", *heads, "training, s"]
    return tabulate(body, headers=headers, tablefmt="pipe", disable_numparse=True)


def _difference(board: Leaderboard, label: str, one: str, part: str, summary: str) -> str:
    try:
        (found,) = differences(board, label, one, part=part, summary=summary)
    except StoreError:  # one of the two has no such number there
        return ""
    assert found.paired is not None  # or it would have been an error
    low, high = number(found.paired.low), number(found.paired.high)
    return f"{number(found.paired.difference)} ({low} to {high})"


def _fit_seconds(costs: Sequence[tables.Cost], label: str) -> str:
    found = {  # every part of a split repeats the seconds of its trainings
        (cost.part.rpartition("/")[0], cost.seed): cost.value
        for cost in costs
        if cost.label == label and cost.quantity == "fit_seconds"
    }
    return f"{sum(found.values()) / len(found):.0f}" if found else ""


if __name__ == "__main__":
    sys.exit(main())
