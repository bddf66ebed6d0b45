"""How fast answers become numbers with intervals: python perf/scores.py [--photos 100000]."""

import argparse
import logging
import time
from functools import partial

import numpy as np

from geobench import Curve, EqualAreaGrid, Mean, Metric, Quantile, Share, Truth, geo, statistics
from geobench.geo import Points
from geobench.scoring.columns import point_columns
from geobench_basics.metrics.distance import AccuracyMetric, DistanceMetric, GeoScoreMetric


def main() -> None:
    """Time distance, accuracy and GeoScore of many photos, from answers to intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000, help="how many photos")
    parser.add_argument("--rows", type=int, default=48, help="bands of the grid of units")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rng = np.random.default_rng(0)
    truth = Truth(geo.uniform(wanted.photos, rng), {}, np.full(wanted.photos, np.nan))
    bearing, error = rng.uniform(0, 360, wanted.photos), rng.exponential(800, wanted.photos)
    answers = geo.wrap(geo.destination(truth.points, bearing, error))
    cells = EqualAreaGrid(wanted.rows).assign(truth.points)
    units = np.array([f"block-{cell}" for cell in cells])
    metrics: list[Metric] = [DistanceMetric(), AccuracyMetric(), GeoScoreMetric()]
    start = time.perf_counter()
    codes = statistics.unit_codes(units)
    for metric in metrics:
        _score(metric, answers, truth, codes)
    total = time.perf_counter() - start
    logging.info("%d photos in %d units: %.2f s", wanted.photos, codes.max() + 1, total)


def _score(metric: Metric, answers: Points, truth: Truth, codes: statistics.Codes) -> None:
    start = time.perf_counter()
    ids = np.arange(len(truth)).astype(str)
    columns = point_columns(metric, answers, truth, ids=ids, part="perf")
    scored = time.perf_counter()
    shown = 0
    for summary in metric.summaries:
        match summary:
            case Mean(column=name):
                statistics.estimate_mean(columns[name][None], codes)
            case Share(column=name):
                statistics.estimate_share(columns[name][None], codes)
            case Quantile(column=name, q=q):
                statistics.estimate_quantile(columns[name][None], codes, q=q)
            case Curve(function=function):
                scores = {name: columns[name].astype(np.float64) for name in metric.columns}
                statistics.estimate_statistic([partial(function, scores, truth)], codes)
                shown += len(summary.x)
                continue
        shown += 1
    logging.info(
        "%s: scored in %.3f s, %d numbers with intervals in %.3f s",
        metric.name,
        scored - start,
        shown,
        time.perf_counter() - scored,
    )


if __name__ == "__main__":
    main()
