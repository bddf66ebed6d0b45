"""How fast precision, recall, density and coverage are: python perf/prdc.py [--photos 210122]."""

import argparse
import logging
import resource
import time

import numpy as np

from geobench import Atoms, Points, ScoreContext, Truth, geo
from geobench_basics.metrics.prdc import PrdcMetric


def main() -> None:
    """Time the metric on clustered places, for draws that fit them and for draws that do not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=210_122, help="truths, and as many draws")
    count = parser.parse_args().photos
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    centres = geo.uniform(3000, rng)
    real = _clustered(centres, count, rng)
    truth = Truth(real, {}, np.full(count, np.nan))
    draws = {
        "of the same distribution": _clustered(centres, count, rng),
        "that are the truths in another order": real[rng.permutation(count)],
        "all over the sphere": geo.uniform(count, rng),
        "of a hundred places": real[rng.integers(100, size=count)],
        "of one place": np.tile(real[:1], (count, 1)),
    }
    before = _peak_mb()
    for what, points in draws.items():
        start = time.perf_counter()
        scores = PrdcMetric().score(Atoms(points[:, None]), truth, ScoreContext())
        logging.info(
            "%d draws %s: %.2f s; precision %.3f, recall %.3f, density %.3f, coverage %.3f",
            count,
            what,
            time.perf_counter() - start,
            *scores.mean(axis=0, dtype=np.float64),
        )
    pairs = count**2 * 8 / 1e6
    logging.info(
        "peak memory %.0f MB, %.0f MB of it of the metric (all pairs would take %.0f MB)",
        _peak_mb(),
        _peak_mb() - before,
        pairs,
    )


def _clustered(centres: Points, count: int, rng: np.random.Generator) -> Points:
    cluster = np.minimum(rng.zipf(1.3, count), len(centres)) - 1
    bearing, away = rng.uniform(0, 360, count), rng.exponential(50, count)
    return geo.destination(centres[cluster], bearing, away)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
