"""What it costs that a changed byte of stored features is found: reading them, checked and not.

    python perf/shards.py

Features are read for the first time by a process: in blocks of 1,000 photos in order. Later reads
are not checked again. Seconds are of the processor, so that other work on the machine and the speed
of its disk are not in them.
"""

import argparse
import logging
import tempfile
import time
from pathlib import Path

import numpy as np

from geobench import Rows
from geobench.features.shards import Shard, write

_PHOTOS = 1024
_WIDTH = 1876


def main() -> None:
    """Write shards, then read all of their numbers, each time as a process that has just begun."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, help="on the disk that is measured")
    parser.add_argument("--repeats", type=int, default=3)
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    count = round(wanted.gigabytes * 1e9 / (_PHOTOS * _WIDTH * 4))
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folders = [Path(name) / str(number) for number in range(count)]
        begin = time.perf_counter()
        for folder in folders:
            folder.mkdir()
            values = rng.random((_PHOTOS, _WIDTH), np.float32)
            write(folder, np.arange(_PHOTOS), values, broken={}, tried={}, took=None)
        logging.info("%d shards written in %.1f s", count, time.perf_counter() - begin)
        for checked in (False, True):
            seconds = min(_seconds(folders, checked) for _ in range(wanted.repeats))
            how = "checked" if checked else "not checked"
            logging.info("%s: %.2f s (the least of %d)", how, seconds, wanted.repeats)


def _seconds(folders: list[Path], checked: bool) -> float:
    shards = [Shard(folder) for folder in folders]
    if not checked:
        for shard in shards:
            shard._checked[:] = True
    rows = Rows(shards)
    begin = time.process_time()
    for start in range(0, len(rows), 1000):
        rows[start : start + 1000]
    return time.process_time() - begin


if __name__ == "__main__":
    main()
