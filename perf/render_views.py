"""How many Blue Marble views render per second: python perf/render_views.py [--views 14437]."""

import argparse
import logging
import time

import numpy as np

from geobench_bluemarble.dataset import BlueMarble


def main() -> None:
    """Load the dataset, render views of its towns on one core, and log both times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=14437, help="how many to render")
    wanted = parser.parse_args().views
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    dataset = BlueMarble()
    start = time.perf_counter()
    count = len(dataset.table)
    logging.info("%d towns loaded in %.2f s", count, time.perf_counter() - start)
    start = time.perf_counter()
    rendered = sum(1 for _ in dataset.images(np.arange(wanted) % count))
    seconds = time.perf_counter() - start
    logging.info("%d views in %.2f s: %.0f per second", rendered, seconds, rendered / seconds)


if __name__ == "__main__":
    main()
