"""How much a hedged likelihood flatters, because its share is fitted to the photos that it scores.

    python perf/hedged.py [--boards 2000]

Photos come in units that share a part of what decides whether a density knows them. The share that
suits a sample best scores better on it than the one that suits all photos best: by how much, in
nats, beside the design effect over twice the photos, which large samples have.
"""

import argparse
import logging

import numpy as np
from tabulate import tabulate

from geobench import ReplicateWeights
from geobench.geo import LOG_UNIFORM, Floats
from geobench_basics.metrics.hedged import hedge

_NEW = 200_000  # photos that stand for all


def densities(units: int, photos: int, shared: float, rng: np.random.Generator) -> Floats:
    """Log-densities at the truths of units of equally many photos, (units, photos)."""
    common = np.sqrt(shared) * rng.standard_normal((units, 1))
    own = np.sqrt(1 - shared) * rng.standard_normal((units, photos))
    knows = common + own < 0.5244  # the 70th percentile of a normal distribution
    return np.asarray(LOG_UNIFORM + np.where(knows, 4.0, -6.0) + rng.normal(0, 1, knows.shape))


def best_share() -> float:
    """The share that suits all photos best."""
    log_p = densities(_NEW, 1, 0.0, np.random.default_rng(0))[:, 0]
    return float(hedge(log_p, ReplicateWeights.of(np.ones(_NEW))).share[0])


def flattery(units: int, photos: int, shared: float, boards: int) -> tuple[float, float]:
    """By how much a fit to the photos gains more on them than the best share does, and its error.

    The gain of the best share on a sample is right on average.
    """
    rng, best = np.random.default_rng(2), best_share()
    found = np.empty(boards)
    for board in range(boards):
        log_p = densities(units, photos, shared, rng).ravel()
        fit = hedge(log_p, ReplicateWeights.of(np.ones(len(log_p))))
        found[board] = fit.gain[0] - np.log((1 - best) * ratio_of(log_p) + best).mean()
    return float(found.mean()), float(found.std() / np.sqrt(boards))


def ratio_of(log_p: Floats) -> Floats:
    """How many times as dense as the uniform."""
    return np.asarray(np.exp(log_p - LOG_UNIFORM))


def design_effect(photos: int, shared: float) -> float:
    """1 + (photos - 1) x the correlation of what two photos of a unit add to the slope."""
    share = best_share()
    ratio = ratio_of(densities(_NEW, 2, shared, np.random.default_rng(1)))
    slope = (1 - ratio) / ((1 - share) * ratio + share)
    return 1 + (photos - 1) * float(np.asarray(np.corrcoef(slope.T))[0, 1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boards", type=int, default=2000, help="samples of each setting")
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    lines = []
    for units, photos, shared in ((50, 1, 0), (300, 1, 0), (20, 15, 0.3), (50, 20, 0.3)):
        gain, error = flattery(units, photos, shared, wanted.boards)
        effect = design_effect(photos, shared)
        expected = effect / (2 * units * photos)
        numbers = [f"{effect:.1f}", *(f"{each:.4f}" for each in (gain, error, expected))]
        lines.append([units * photos, units, *numbers])
    head = ("photos", "units", "design effect", "flatters by, nats", "+-", "effect / 2 photos")
    logging.info(tabulate(lines, head, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
