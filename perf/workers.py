"""What worker processes cost that prepare pictures of a table of a million rows.

    python perf/workers.py
    python perf/workers.py --pickled

The second sends every worker the whole dataset, as pickle alone would. Memory is that of each
worker after it has read blocks of rows from all over the table; `own` is what no other has.
"""

import argparse
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geobench import Dataset, Encoder, Features, Image, Indices, Table
from geobench.features import sharing, workers


class Listed(Dataset):
    """A million photos of one pixel, found by their ids as pictures in a folder are."""

    name = "listed"
    rows = 1_000_000

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"images"})

    def load(self) -> Table:
        rng = np.random.default_rng(0)
        numbers = np.arange(self.rows)
        ids = np.char.add("photo-", np.char.zfill(numbers.astype(str), 10))
        points = np.stack([rng.uniform(-90, 90, self.rows), rng.uniform(-180, 180, self.rows)], -1)
        people = np.char.add("person-", (numbers % 50_000).astype(str))
        return Table(ids, points, people, {"year": numbers % 20})

    def images(self, indices: Indices) -> Iterator[Image]:
        for name in self.table.ids[indices]:
            yield np.full((1, 1, 3), int(name[-2:]), np.uint8)


class Pixel(Encoder):
    """The first pixel."""

    name = "pixel"

    def prepare(self, image: Image) -> NDArray[Any]:
        return np.asarray(image[0, 0], np.float32)

    def encode(self, batch: Any, *, tokens: bool) -> Features:
        return Features(batch)


def main() -> None:
    """Start workers, let each prepare blocks, and print what the system says of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pickled", action="store_true", help="send the dataset to each worker")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    encoder, dataset = Pixel(), Listed()
    table = dataset.table
    columns = (table.ids, table.points, table.groups, table.attributes["year"])
    size = sum(np.asarray(column).nbytes for column in columns)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        if wanted.pickled:
            shared = sharing.Shared(_pickle((encoder, dataset)), Path(folder) / "none", ())
        else:
            shared = sharing.share((encoder, dataset), Path(folder) / "arrays")
        with ProcessPoolExecutor(
            wanted.workers,
            get_context("spawn"),
            initializer=workers._start_worker,
            initargs=(shared,),
        ) as pool:
            blocks = np.array_split(np.arange(0, len(table), 50), 20 * wanted.workers)
            found = dict(pool.map(_prepared, blocks))
        seconds = time.perf_counter() - begin
    logging.info("table %.0f MB; all started and done in %.1f s", size / 1e6, seconds)
    for process, memory in found.items():
        logging.info("worker %d: %s", process, memory)


def _pickle(value: Any) -> bytes:
    import pickle

    return pickle.dumps(value)


def _prepared(rows: Indices) -> tuple[int, str]:
    """Prepare a block, and say how much memory this process has now."""
    workers._prepare_in_worker(rows)
    status = Path("/proc/self/status").read_text()
    said = {
        name: int(found[1]) / 1000
        for name in ("VmRSS", "RssAnon", "RssFile")
        if (found := re.search(rf"{name}:\s+(\d+)", status))
    }
    text = "resident {VmRSS:.0f} MB, own {RssAnon:.0f} MB, of files {RssFile:.0f} MB"
    return os.getpid(), text.format_map(said)


if __name__ == "__main__":
    main()
