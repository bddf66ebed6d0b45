"""How fast distances are: python perf/distance.py [--pairs 1000000] (geopy for comparison)."""

import argparse
import logging
import time

import numpy as np

from geobench import distance_km, geo


def main() -> None:
    """Time many distances at once, and a sample of the same pairs one by one by geopy."""
    from geopy.distance import great_circle

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="how many distances")
    parser.add_argument("--sample", type=int, default=2_000, help="how many of them by geopy")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    a, b = geo.uniform(wanted.pairs, rng), geo.uniform(wanted.pairs, rng)
    seconds = min(_timed(a, b) for _ in range(5))
    logging.info("%d distances in %.3f s", wanted.pairs, seconds)
    sample = min(wanted.sample, wanted.pairs)
    start = time.perf_counter()
    theirs = [
        great_circle(tuple(p), tuple(q), radius=geo.EARTH_RADIUS_KM).km
        for p, q in zip(a[:sample], b[:sample], strict=True)
    ]
    looped = (time.perf_counter() - start) / sample * wanted.pairs
    worst = float(np.abs(distance_km(a[:sample], b[:sample]) - theirs).max()) * 1e6
    logging.info(
        "a loop over geopy takes %.1f s, %.0f times as long (from %d pairs; %.1e mm apart)",
        looped,
        looped / seconds,
        sample,
        worst,
    )


def _timed(a: geo.Points, b: geo.Points) -> float:
    start = time.perf_counter()
    distance_km(a, b)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
