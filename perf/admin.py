"""How fast admin labels are: python perf/admin.py [--points 210122] [--minimum 1000]."""

import argparse
import logging
import resource
import time

import numpy as np

from geobench import gazetteer, geo


def main() -> None:
    """Time the loading of the places, the first and the following searches, and all labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=210_122, help="how many points to label")
    parser.add_argument(
        "--minimum", type=int, default=1000, help="500, 1000, 5000 or 15000 inhabitants"
    )
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start = time.perf_counter()
    towns = gazetteer.load(wanted.minimum)
    logging.info("%d places loaded in %.2f s", len(towns), time.perf_counter() - start)
    start = time.perf_counter()
    gazetteer.find(np.zeros((1, 2)), minimum=wanted.minimum)
    logging.info("tree built in %.2f s", time.perf_counter() - start)
    rng = np.random.default_rng(0)
    near = towns.points[rng.integers(len(towns), size=wanted.points)]
    bearing, away = rng.uniform(0, 360, wanted.points), rng.exponential(20, wanted.points)
    for what, points in (
        ("around places", geo.destination(near, bearing, away)),
        ("all over the sphere", geo.uniform(wanted.points, rng)),
    ):
        start = time.perf_counter()
        gazetteer.nearest(points, minimum=wanted.minimum)
        first = time.perf_counter() - start
        start = time.perf_counter()
        gazetteer.find(points, minimum=wanted.minimum)
        again = time.perf_counter() - start
        logging.info(
            "%d points %s labelled in %.2f s; the next metric finds them in %.3f s",
            wanted.points,
            what,
            first,
            again,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    logging.info("peak memory %.0f MB", peak)


if __name__ == "__main__":
    main()
