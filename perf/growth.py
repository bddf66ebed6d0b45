"""How what a run does before and after training grows with the photos of a dataset.

    python perf/growth.py                               # 1e4, 1e5, 1e6 and 5e6 photos: five minutes
    python perf/growth.py --photos 10000 100000         # fewer
    python perf/growth.py --write docs/performance      # also the table and picture of the docs

Photos are made up: around real towns, of as many photographers as real ones have, with two
attributes, in a Parquet file. Each step of a run is timed in turn in one process for each size, and
its memory is looked at a hundred times a second (`RssAnon`: what no file backs; Linux alone says
it).
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import final

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import table

from geobench import Dataset, Features, Indices, Split, Table, gazetteer
from geobench.assignments import Assignment, describe
from geobench.features.encode import encode
from geobench.features.store import Store
from geobench.progress import untracked
from geobench.records.parts import part_arrays
from geobench_basics.datasets.photo_table import read_photo_table
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.encoders import GivenEncoder
from geobench_basics.splits import (
    ByGroupSplit,
    DensityShiftSplit,
    RandomSplit,
    UnseenCellsSplit,
    UnseenRegionsSplit,
)

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
SPLITS: tuple[type[Split], ...] = (
    RandomSplit,
    ByGroupSplit,
    UnseenCellsSplit,
    DensityShiftSplit,
    UnseenRegionsSplit,
)
LEAST = 0.1
"""Seconds from which on an exponent is worked out: what is faster does not matter."""


@final
class Grown(Dataset):
    """Photos of a Parquet file, with features of eight numbers that cost nothing.

    Args:
        path: the file.
    """

    name = "grown"

    def __init__(self, path: Path) -> None:
        super().__init__(type(self).Config())
        self._path = path

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"features"})

    def load(self) -> Table:
        return read_photo_table(TableConfig(file=self._path)).table

    def features(self, indices: Indices) -> Features:
        return Features(np.zeros((len(indices), 8), np.float32))


def write(path: Path, photos: int) -> None:
    """Write so many photos to a Parquet file."""
    rng = np.random.default_rng(0)
    towns = gazetteer.load()
    weights = (towns.population + 1.0) / (towns.population + 1.0).sum()
    chosen = rng.choice(len(towns), photos, p=weights)
    points = towns.points[chosen] + rng.normal(0, 0.1, (photos, 2))
    people = max(3, photos // 20)
    sizes = rng.lognormal(0, 1.5, people)
    person = rng.choice(people, photos, p=sizes / sizes.sum())
    columns = {
        "id": pa.array([f"photo-{number}" for number in range(photos)]),
        "latitude": np.clip(points[:, 0], -90, 90),
        "longitude": points[:, 1],
        "author": pa.array([f"person-{number}" for number in person.tolist()]),
        "country": pa.array(towns.country[chosen].tolist()),
        "year": rng.integers(2004, 2014, photos),
    }
    pa.parquet.write_table(pa.table(columns), path)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say on standard output when a step began, when it ended, and what CPU seconds it took."""
    begin, cpu = time.time(), time.process_time()
    yield
    said = {"step": name, "begin": begin, "end": time.time(), "cpu": time.process_time() - cpu}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def steps(folder: Path) -> None:
    """Everything but training that a run does with the photos of a file, step by step."""
    dataset = Grown(folder / "photos.parquet")
    with step("open"):
        _ = dataset.table
    with step("digest"):
        _ = dataset.digest
    found: list[Assignment] = []
    for kind in SPLITS:
        split = kind()
        with step(f"{split.name}: draw"):
            split.draw(dataset)
        with step(f"{split.name}: draw, check, units"):
            found.append(split.assign(dataset))
        with step(f"{split.name}: digests"):
            _ = [part.digest for part in found[-1].all_parts]
    for kind, drawn in zip(SPLITS, found, strict=True):
        with step(f"{kind.name}: facts"):
            _ = [describe(drawn, part) for part in drawn.parts]
        with step(f"{kind.name}: part files"):
            _ = [part_arrays(part, drawn.train) for part in drawn.parts]
    encoder, rows = GivenEncoder(GivenEncoder.Config()), np.arange(len(dataset.table))
    with step("encode: bookkeeping"):
        store = Store(folder, encoder, dataset, what="pooled")
        encode({"pooled": store}, encoder=encoder, dataset=dataset, rows=rows, track=untracked)
    with step("features: open again"):
        store = Store(folder, encoder, dataset, what="pooled")
        if len(store.missing(rows)):
            raise RuntimeError("what was encoded is not there")
    tested = found[SPLITS.index(ByGroupSplit)].parts[0]
    board = folder / "board"
    made_up = Namespace(
        photos=len(tested),
        methods=3,
        units=len(np.unique(tested.units)),
        train=len(rows) - len(tested),
        metrics="distance,accuracy,geoscore",
    )
    writer = get_context("spawn").Process(target=table.write_board, args=(board, made_up))
    writer.start()
    writer.join()
    with step("by-group: tables of three methods"):
        table.compute(board)


@final
@dataclass(frozen=True)
class Cost:
    """What a step took: seconds of processors and of the clock, and MB of anonymous memory at its
    most, what was there before included."""

    step: str
    cpu: float
    clock: float
    peak_mb: float


def measured(photos: int) -> list[Cost]:
    """The cost of every step with so many photos, each size in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "photos.parquet", photos)
        words = [sys.executable, __file__, "--steps", str(folder)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            seen: list[tuple[float, float]] = []
            Thread(target=_watch, args=(process.pid, seen), daemon=True).start()
            assert process.stdout is not None
            said = [json.loads(line) for line in process.stdout]
        if process.returncode:
            raise RuntimeError(f"the process of {photos:,} photos ended with {process.returncode}")
    costs = []
    for each in said:
        inside = [mb for when, mb in seen if each["begin"] <= when <= each["end"]]
        clock = each["end"] - each["begin"]
        costs.append(Cost(each["step"], each["cpu"], clock, max(inside, default=math.nan)))
    return costs


def _watch(process: int, seen: list[tuple[float, float]]) -> None:
    """Note (time, MB of anonymous memory) of a process as long as it is there."""
    status = Path(f"/proc/{process}/status")
    while True:
        try:
            text = status.read_text()
        except OSError:
            return
        found = [line.split()[1] for line in text.splitlines() if line.startswith("RssAnon")]
        if found:
            seen.append((time.time(), int(found[0]) / 1024))
        time.sleep(0.01)


def exponent(small: float, large: float, times: float) -> float:
    """How a cost grows with photos, as the exponent of a power; NaN where it is too small to tell.

    Args:
        small, large: seconds at the two sizes.
        times: how many times as many photos the larger has.
    """
    return math.log(large / small) / math.log(times) if small >= LEAST else math.nan


def as_table(found: dict[int, list[Cost]]) -> str:
    """Markdown: of each step the seconds and MB at every size, and the exponents between them."""
    sizes = sorted(found)
    pairs = list(pairwise(sizes))
    head = ["step", *(f"{size:,}" for size in sizes), "exponents"]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    for costs in zip(*(found[size] for size in sizes), strict=True):
        cells = [_shown(cost) for cost in costs]
        grown = [
            exponent(costs[k].cpu, costs[k + 1].cpu, large / small)
            for k, (small, large) in enumerate(pairs)
        ]
        shown = ["" if math.isnan(each) else f"{each:.2f}" for each in grown]
        lines.append([costs[0].step, *cells, ", ".join(shown)])
    total = [f"{sum(cost.clock for cost in found[size]):,.0f} s on the clock" for size in sizes]
    lines.append(["all", *total, ""])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(cost: Cost) -> str:
    """A cost in a cell; of what is over sooner than memory is looked at, seconds alone."""
    seconds = f"{cost.cpu:,.2f} s"
    return seconds if math.isnan(cost.peak_mb) else f"{seconds}, {cost.peak_mb:,.0f} MB"


def draw(found: dict[int, list[Cost]], path: Path) -> None:
    """Seconds of the slowest steps against photos, and a line that grows as photos do."""
    from matplotlib.figure import Figure

    sizes = sorted(found)
    last = {cost.step: cost.cpu for cost in found[sizes[-1]]}
    slowest = sorted(last, key=lambda name: -last[name])[:8]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for name in slowest:
        seconds = [next(c.cpu for c in found[size] if c.step == name) for size in sizes]
        axes.plot(sizes, seconds, marker="o", label=name)
    ramp = [last[slowest[0]] * size / sizes[-1] for size in sizes]
    axes.plot(sizes, ramp, color="grey", linestyle="--", label="as photos do")
    axes.set(xscale="log", yscale="log", xlabel="photos", ylabel="seconds of processors")
    axes.set_title("What a run does beside training: the eight slowest steps", loc="left")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, print the table, and write it and a picture where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--write", type=Path, help="folder for growth.md and growth.png")
    parser.add_argument("--steps", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.steps is not None:
        steps(wanted.steps)
        return
    found = {}
    for photos in wanted.photos:
        found[photos] = measured(photos)
        sys.stderr.write(f"{photos:,} photos: {sum(c.clock for c in found[photos]):.0f} s\n")
    text = as_table(found)
    sys.stdout.write(text + "\n")
    if wanted.write is not None:
        wanted.write.mkdir(parents=True, exist_ok=True)
        (wanted.write / "growth.md").write_text(text + "\n")
        draw(found, wanted.write / "growth.png")


if __name__ == "__main__":
    main()
