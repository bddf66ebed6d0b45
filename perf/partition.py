"""How fast partitions are fitted and points assigned: python perf/partition.py [--points 1000000].

Photos crowd around towns, as they do in data sets; --only s2 k-means times these kinds alone.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from geobench import EqualAreaGrid, Partition, Points, geo
from geobench_cells import AdaptiveS2, Healpix, Quadtree, SphericalKMeans

T = TypeVar("T")

KINDS: dict[str, Callable[[Points], Partition]] = {
    "equal-area": lambda points: EqualAreaGrid(36),
    "s2": lambda points: AdaptiveS2.fit(points, max_photos=1000),
    "s2, three levels": lambda points: AdaptiveS2.fit_levels(points, [5000, 2000, 1000])[-1],
    "quadtree": lambda points: Quadtree.fit(points, max_photos=1000),
    "healpix": lambda points: Healpix.fit(points, depth=6),
    "k-means": lambda points: SphericalKMeans.fit(points, cells=1000),
    "k-means, two levels": lambda points: SphericalKMeans.fit_levels(points, [100, 1000])[-1],
}


def main() -> None:
    """Time the fit of each kind of partition, the assignment of the points, and draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="how many points")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), help="which kinds")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    points = _around_towns(wanted.points, np.random.default_rng(0))
    logging.info("%d points; seconds:", wanted.points)
    for kind in wanted.only:
        _report(kind, points)


def _report(kind: str, points: Points) -> None:
    fitted = _Clock(lambda: KINDS[kind](points))
    partition = fitted.result
    areas = _Clock(lambda: partition.areas)
    assigned = [_Clock(lambda: partition.assign(points)) for _ in range(3)]
    rng = np.random.default_rng(1)
    drawn = _Clock(lambda: partition.sample(assigned[0].result, rng))
    logging.info(
        "%-20s %6d cells  fit %6.2f  areas %5.2f  assign %5.2f  draw %5.2f",
        kind,
        len(partition),
        fitted.seconds,
        areas.seconds,
        min(each.seconds for each in assigned),
        drawn.seconds,
    )


class _Clock(Generic[T]):
    """What some work returns, and how long it took."""

    def __init__(self, work: Callable[[], T]) -> None:
        start = time.perf_counter()
        self.result = work()
        self.seconds = time.perf_counter() - start


def _around_towns(count: int, rng: np.random.Generator) -> Points:
    towns = geo.uniform(500, rng)[rng.integers(500, size=count)]
    return geo.destination(towns, rng.uniform(0, 360, count), rng.exponential(200, count))


if __name__ == "__main__":
    main()
