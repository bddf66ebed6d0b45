"""How fast points are assigned to cells: python perf/partition.py [--points 1000000]."""

import argparse
import logging
import time

import numpy as np

from geobench import EqualAreaGrid, geo


def main() -> None:
    """Time the assignment of many points to an EqualAreaGrid, and draws from its cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="how many points")
    parser.add_argument("--rows", type=int, default=36, help="bands of the grid")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    points = geo.uniform(wanted.points, rng)
    grid = EqualAreaGrid(wanted.rows)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        cells = grid.assign(points)
        seconds.append(time.perf_counter() - start)
    logging.info("%d points assigned to %d cells in %.3f s", wanted.points, len(grid), min(seconds))
    start = time.perf_counter()
    grid.sample(cells, rng)
    drawn = time.perf_counter() - start
    logging.info("%d points drawn inside their cells in %.3f s", wanted.points, drawn)


if __name__ == "__main__":
    main()
