"""How many photos must a continent or a cell have to count once in an average?

    python perf/averages.py
    python perf/averages.py blue-marble-full --part unseen-cells/unseen --label im2gps

For each fewest number of photos with which a class counts: how many classes and photos are left,
how much of the average one photo is at the most, and the average of all photos. Then what comes of
the same answers where fewer of them are scored, the mean over --draws random samples and their
standard deviation: the classes chosen anew among these photos (with their own means, as of a part
that has no more), and as the tables do it, chosen once among all photos of the part.

The last table says, of every label and metric, how many photos a class needs until half of the
variance of the means of such classes is theirs and half that of their photos: (1 - r) / r, with r
the intraclass correlation by analysis of variance (Spearman and Brown 1910; Donner 1986). Below
that number a class says more about which photos it happens to have than about the place. "-": the
classes do not differ.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from geobench import EqualAreaGrid, GeobenchError
from geobench.board.leaderboard import Leaderboard
from geobench.board.part_records import PartRecords
from geobench.board.scored import Scored
from geobench.board.worst import known
from geobench.catalogue import installed
from geobench.geo import Floats
from geobench.readable import number
from geobench.scoring.macro_means import macro_mean
from geobench.scoring.slices import CELL_ROWS
from geobench.statistics import unit_codes
from geobench.statistics.replicate_weights import Codes
from geobench.summaries import Mean, Share

FEWEST = (1, 2, 3, 5, 10, 20)
SCORED = (2, 4, 8)  # one photo in so many
METRICS = ("distance", "geoscore", "accuracy", "nll")  # of the last table: their first columns

log = logging.getLogger("averages")


def main() -> int:
    """Print the tables of a part; 2 for a leaderboard, part or label that there is not."""
    about, _, more = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("board", nargs="?", default="blue-marble-full", help="its name or folder")
    parser.add_argument("--part", default="random/test", help="whose photos")
    parser.add_argument("--label", default="grid", help="whose answers")
    parser.add_argument("--summary", default="geoscore", help="a mean or share, of all photos")
    parser.add_argument("--draws", type=int, default=200, help="samples of photos")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    folder = Path(wanted.board)
    folder = folder if folder.is_dir() else Path("leaderboards") / wanted.board
    try:
        board = Leaderboard(folder, installed())
        known(wanted.part, board.manifest.parts, what="part", board=board)
        arrays = board.part(wanted.part)
        records = PartRecords(wanted.part, arrays, board.manifest, board.runs)
        scores = _scores_of(board, records, wanted.label, wanted.summary)
    except GeobenchError as error:
        log.error("error: %s", error)
        return 2
    for name, classes in classes_of(arrays).items():
        log.info("\n%s, %s of %s, each %s once:\n", wanted.part, wanted.summary, wanted.label, name)
        log.info(_table(list(averages(scores, classes, draws=wanted.draws)), len(classes)))
    log.info("\nPhotos of a class, of whose mean half of the variance is the class's:\n")
    log.info(_enough(board, records))
    return 0


def classes_of(arrays: dict[str, NDArray[Any]]) -> dict[str, Codes]:
    """The continents and cells of the photos of a part, numbered, (N,) each."""
    cells = EqualAreaGrid(CELL_ROWS).assign(arrays["truth"])
    found = [arrays[name] for name in ("slice.continent", "attribute.continent") if name in arrays]
    named = {"continent": unit_codes(found[0])} if found else {}
    return named | {"cell": unit_codes(cells)}


def _scores_of(board: Leaderboard, records: PartRecords, label: str, summary: str) -> Floats:
    """The scores of one label, the mean over trainings, of all photos of a part, (N,)."""
    rows = [row for row in board.manifest.rows if row.part == records.label]
    known(label, {row.label: row for row in rows}, what="method", board=board)
    columns = {
        each.name: (metric, each.column)
        for metric in board.metrics
        for each in metric.summaries
        if isinstance(each, Mean | Share) and not metric.stores_columns
    }
    known(summary, columns, what="mean or share of all photos", board=board)
    metric, column = columns[summary]
    (entry,) = (each for each in records.entries() if each.label == label)
    scored = records.scored(metric, entry)
    if not isinstance(scored, Scored) or len(scored.rows) < len(records.arrays["truth"]):
        raise GeobenchError(f"{label} has no {summary} of all photos", where=records.label)
    return np.asarray(scored.columns[column].mean(axis=0))


class Moments(NamedTuple):
    """The mean and the standard deviation over samples, NaN where there is none."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Moments":
        """Those of the values of samples."""
        if not values:
            return cls(float("nan"), float("nan"))
        return cls(float(np.mean(values)), float(np.std(values)))


class Average(NamedTuple):
    """The average in which classes of `fewest` photos or more count once.

    `heaviest` is the weight of one photo at the most. `anew` and `once` have a pair for each of
    SCORED: classes chosen among the photos that are scored, and among all.
    """

    fewest: int
    classes: int
    photos: int
    heaviest: float
    value: float
    anew: list[Moments]
    once: list[Moments]


def averages(scores: Floats, classes: Codes, *, draws: int, seed: int = 0) -> Iterator[Average]:
    """The averages for each of FEWEST with which any class counts.

    Args:
        scores: of all photos, (N,).
        classes: of all photos, (N,).
        draws: how many random samples.
        seed: of these.
    """
    for fewest in FEWEST:
        counted = _counting(classes, fewest)
        if not counted.any():
            return
        rng, anew, once = np.random.default_rng(seed), [], []
        for part in SCORED:
            some = [rng.permutation(len(scores))[: len(scores) // part] for _ in range(draws)]
            chosen = [s[_counting(classes[s], fewest)] for s in some]
            anew.append(Moments.of([_average(scores, classes, s) for s in chosen if len(s)]))
            kept = [s[counted[s]] for s in some]
            once.append(
                Moments.of([_average(scores, classes, s, of=counted) for s in kept if len(s)])
            )
        sizes = np.bincount(unit_codes(classes[counted]))
        value = _average(scores, classes, np.flatnonzero(counted))
        heaviest = 1 / (len(sizes) * float(sizes.min()))
        yield Average(fewest, len(sizes), int(counted.sum()), heaviest, value, anew, once)


def _counting(classes: Codes, fewest: int) -> NDArray[np.bool_]:
    return np.asarray(np.bincount(classes)[classes] >= fewest)


def _average(
    scores: Floats,
    classes: Codes,
    photos: NDArray[np.intp],
    *,
    of: NDArray[np.bool_] | None = None,
) -> float:
    """The average of some photos, in the classes of these or of the photos `of`."""
    every = np.sort(photos) if of is None else np.flatnonzero(of)
    scored = np.searchsorted(every, np.sort(photos))
    values = scores[every[scored]][None]
    found = macro_mean(values, np.arange(len(every)), classes[every], scored=scored)
    return found.replicates.value


def _table(found: Sequence[Average], photos: int) -> str:
    counts = [f"{photos // part:,}" for part in SCORED]
    heads = ["fewest photos", "classes", "photos", "one photo is at most", f"all {photos:,}"]
    heads += [f"{count} {how}" for how in ("anew", "once") for count in counts]
    body = [
        [
            each.fewest,
            each.classes,
            f"{each.photos:,}",
            f"1/{1 / each.heaviest:,.0f}",
            number(each.value),
            *(_shown(moments) for moments in (*each.anew, *each.once)),
        ]
        for each in found
    ]
    return tabulate(body, heads, tablefmt="pipe", disable_numparse=True)


def _shown(moments: Moments) -> str:
    if np.isnan(moments.mean):
        return "-"
    return f"{number(moments.mean)} ± {number(moments.deviation)}"


def _enough(board: Leaderboard, records: PartRecords) -> str:
    """A line per label and average, a column per metric of METRICS."""
    metrics = [metric for metric in board.metrics if metric.name in METRICS]
    body = []
    for name, classes in classes_of(records.arrays).items():
        for entry in records.entries():
            cells = []
            for metric in metrics:
                scored = records.scored(metric, entry)
                if not isinstance(scored, Scored):
                    cells.append("")
                    continue
                values = scored.columns[metric.columns[0]].mean(axis=0)
                needed = photos_for_half(values, unit_codes(classes[scored.rows]))
                cells.append("-" if np.isnan(needed) else f"{needed:.1f}")
            body.append([name, f"`{entry.label}`", *cells])
    heads = ["each once", "label", *(metric.columns[0] for metric in metrics)]
    return tabulate(body, heads, tablefmt="pipe", disable_numparse=True)


def photos_for_half(scores: Floats, classes: Codes) -> float:
    """How many photos a class needs so that half of the variance of class means is the classes'.

    The ratio of the variance within classes to that between them, by one-way analysis of variance
    of unequal classes; NaN where classes do not differ more than chance lets them.

    Args:
        scores: (N,).
        classes: of the same photos, numbered from 0, (N,).
    """
    sizes = np.bincount(classes)
    count, photos = len(sizes), len(scores)
    if count < 2 or photos <= count:
        return float("nan")
    means = np.bincount(classes, scores) / sizes
    between = (sizes * (means - scores.mean()) ** 2).sum() / (count - 1)
    within = ((scores - means[classes]) ** 2).sum() / (photos - count)
    size = (photos - (sizes**2).sum() / photos) / (count - 1)
    variance = (between - within) / size
    return float(within / variance) if variance > 0 else float("nan")


if __name__ == "__main__":
    raise SystemExit(main())
