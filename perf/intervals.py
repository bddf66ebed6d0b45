"""Do 95 % intervals hold the truth, do equal methods share ranks? python perf/intervals.py.

Leaderboards are simulated, --trials of each setting. A unit holds 20 photos, or a log-normal number
(sigma 1) with that mean; `corr.` is the correlation of the scores of two photos of a unit. Scores
are normal, skewed as errors are (log-normal, sigma 1), or hits (beta-binomial); `median` is that of
skewed scores, `risk` the area under their risk-coverage curve, by the delete-a-group jackknife, its
groups being single units (for both, `corr.` is that of the logarithms). With three seeds, a
training moves the latent scores of all photos by a tenth of their spread.

Columns: how often the interval holds the truth (covers), ends below it, begins above it; its mean
width; how often a note marks it as weak, and how often the others cover. No interval (below two
effective units) counts as one that does not cover. `ignored` is an interval that ignores units:
Student's t on photos, Wilson's, or geobench's with each photo a unit. Ranks: how often two equal
methods have overlapping ranges, and all have the same; how often a method that is truly better by
three standard errors of the difference is above a given other one, and first alone; and how often
one that is measured to be so much better is above the other. The last table is explained in
perf/many_ranks.py.
"""

import argparse
import logging
import math
import os
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby, product

import many_ranks
import numpy as np
from many_ranks import Crowd
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, owens_t, stdtrit
from tabulate import tabulate

from geobench import statistics
from geobench.geo import Floats
from geobench.statistics import ranking
from geobench.statistics.intervals import Estimate
from geobench.statistics.replicate_weights import Codes
from geobench.statistics.replicates import Replicates

PHOTOS = 20  # per unit, on average
SIGMA = 1.0  # of the logarithms of skewed scores, and of log-normal sizes
SPREAD = 0.1  # of trainings, in standard deviations of the latent score over photos
CONFIDENCE = 0.5  # the correlation of a photo's confidence with minus the logarithm of its error
BETTER = 3.0  # standard errors of the paired difference
TITLES = {
    "means": "Means",
    "few": "Means of few photos, each a unit",
    "shares": "Shares",
    "rare": "Rare hits",
    "medians": "Medians",
    "statistics": "Another statistic: the area under the risk-coverage curve",
    "seeds": "Three seeds",
    "following": "Means, where the size of a unit decides its effect: the worst case",
    "ranks": "Ranks of methods whose scores of a photo correlate by 0.5: all equal, or one better",
    "many": "Ranks of many methods with few seeds: family-wise error, and pairs told apart",
}


@dataclass(frozen=True)
class Setting:
    """One kind of leaderboard; `p` is the share of hits, `methods` are those to rank."""

    group: str
    score: str
    units: int
    sizes: str
    correlation: float
    p: float = 0.2
    seeds: int = 1
    methods: int = 1


def settings(groups: Sequence[str]) -> list[Setting | Crowd]:
    """List the settings of these groups, in the order of the tables."""
    found: list[Setting | Crowd] = [*many_ranks.crowds()]
    for place in product((20, 60, 200), ("equal", "log-normal"), (0.0, 0.05, 0.2)):
        found += [Setting("means", score, *place) for score in ("normal", "skewed")]
        found += [Setting("shares", "share", *place, p) for p in (0.05, 0.2, 0.5, 0.8, 0.95)]
        found += [Setting("rare", "share", *place, p) for p in (0.005, 0.02)]
        found += [Setting("medians", "median", *place)]
        for score, methods in product(("normal", "share", "median"), (2, 5)):
            found += [Setting("ranks", score, *place, methods=methods)]
        if place[2] != 0.05:
            found += [Setting("statistics", "risk", *place)]
            for score in ("normal", "skewed", "share", "median"):
                found += [Setting("seeds", score, *place, seeds=3)]
            found += [Setting("ranks", "normal", *place, seeds=3, methods=2)]
        if place[1] == "log-normal" and place[2]:
            found += [Setting("following", "normal", *place)]
    for units, score in product((20, 30, 40, 49, 60, 100, 200), ("normal", "skewed")):
        found += [Setting("few", score, units, "single", 0.0)]
    order = list(TITLES)
    return sorted((s for s in found if s.group in groups), key=lambda s: order.index(s.group))


def main() -> None:
    """Simulate all settings; log a table for each group, and what lies outside 92 to 98 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="leaderboards per setting")
    parser.add_argument("--quick", action="store_true", help="100 leaderboards per setting")
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES), help="tables")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 2), help="processes")
    parser.add_argument("--seed", type=int, default=0, help="of all draws")
    wanted = parser.parse_args()
    trials = 100 if wanted.quick else wanted.trials
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start, todo = time.perf_counter(), settings(wanted.only)
    error = 100 * math.sqrt(0.95 * 0.05 / trials)
    logging.info("%d leaderboards per setting; one standard error of 95 %%: %.1f", trials, error)
    with ProcessPoolExecutor(wanted.jobs) as pool:
        results = pool.map(partial(simulate, trials=trials, seed=wanted.seed), todo)
        for group, pairs in groupby(zip(todo, results, strict=True), lambda pair: pair[0].group):
            rows = [{**_described(setting), **result} for setting, result in pairs]
            logging.info("\n%s\n", TITLES[group])
            logging.info("%s\n\n%s", _table(rows), _summed(rows))
    logging.info("\n%d settings in %.0f s", len(todo), time.perf_counter() - start)


def _described(setting: Setting | Crowd) -> dict[str, float | str]:
    if isinstance(setting, Crowd):
        many = {"methods": setting.methods, "seeds": setting.seeds, "share": setting.share}
        return {**many, "spread": setting.spread}
    score = f"share {setting.p:g}" if setting.score == "share" else setting.score
    ranked: dict[str, float | str] = {"seeds": setting.seeds, "methods": setting.methods}
    of_ranks = ranked if setting.group == "ranks" else {}
    place: dict[str, float | str] = {
        "units": setting.units,
        "sizes": setting.sizes,
        "corr.": setting.correlation,
    }
    return {"score": score, **of_ranks, **place}


def _table(rows: Sequence[dict[str, float | str]]) -> str:
    form = [
        "g" if name in ("corr.", "share") else ".1f" if name.endswith("%") else ".4f"
        for name in rows[0]
    ]
    return tabulate(rows, headers="keys", floatfmt=form)


def _summed(rows: Sequence[dict[str, float | str]]) -> str:
    said = []
    for name in ("covers %", "unmarked %", "ignored %", "pair shares %"):
        values = [float(row[name]) for row in rows if name in row]
        if values := [value for value in values if not math.isnan(value)]:
            inside = sum(92 <= value <= 98 for value in values)
            said.append(
                f"{name}: {min(values):.1f} to {max(values):.1f}; {inside} of {len(values)} "
                f"settings within 92 to 98, {sum(value < 92 for value in values)} below"
            )
    return "\n".join(said)


def simulate(setting: Setting | Crowd, *, trials: int, seed: int) -> dict[str, float]:
    """Draw the leaderboards of one setting, and say how its intervals or ranks did."""
    # A setting draws the same whatever else is simulated.
    rng = np.random.default_rng([seed, zlib.crc32(repr(setting).encode())])
    if isinstance(setting, Crowd):
        return many_ranks.simulate(setting, trials=trials, rng=rng)
    if setting.group == "ranks":
        return _ranked([_methods(setting, rng) for _ in range(trials)])
    drawn = [_estimated(setting, rng) for _ in range(trials)]
    low, high = np.array([(own.low, own.high) for own, _ in drawn]).T
    plain_low, plain_high = np.array([plain for _, plain in drawn]).T
    marked, truth = np.array([own.note != "" for own, _ in drawn]), _truth(setting)
    covers = (low <= truth) & (truth <= high)
    return {
        "covers %": _percent(covers),
        "below %": _percent(high < truth),
        "above %": _percent(low > truth),
        "width": float(np.nanmean(high - low)),
        "marked %": _percent(marked),
        "unmarked %": _percent(covers[~marked]),
        "ignored %": _percent((plain_low <= truth) & (truth <= plain_high)),
        "its width": float((plain_high - plain_low).mean()),
    }


def _percent(found: NDArray[np.bool_]) -> float:
    return 100 * float(found.mean()) if found.size else math.nan


def _sizes(setting: Setting, standard: Floats) -> Codes:
    if setting.sizes != "log-normal":
        return np.full(standard.size, PHOTOS if setting.sizes == "equal" else 1)
    drawn = np.rint(PHOTOS * np.exp(SIGMA * standard - SIGMA**2 / 2))
    return np.asarray(np.maximum(drawn, 1), np.int64)


@cache
def _latent_correlation(setting: Setting) -> float:
    """Find the correlation of normal scores that gives that of the scores made from them."""
    wanted = setting.correlation
    if setting.score == "skewed":
        return math.log1p(wanted * math.expm1(SIGMA**2)) / SIGMA**2
    if setting.score == "share" and wanted > 0:
        # Both of two photos hit with P = p - 2 T(h, a), T being Owen's.
        p, h = setting.p, float(ndtri(setting.p))
        both = p * p + wanted * p * (1 - p)
        excess = lambda r: p - 2 * owens_t(h, math.sqrt((1 - r) / (1 + r))) - both  # noqa: E731
        return float(brentq(excess, 0, 0.999))
    return wanted


def _normal(units: Floats, photos: Floats, codes: Codes, setting: Setting) -> Floats:
    r = _latent_correlation(setting)
    return np.asarray(math.sqrt(r) * units[..., codes] + math.sqrt(1 - r) * photos)


def _scored(latent: Floats, setting: Setting) -> Floats:
    if setting.score == "normal":
        return latent
    if setting.score == "share":
        spread = SPREAD if setting.seeds > 1 else 0.0
        return (latent < ndtri(setting.p) * math.hypot(1, spread)).astype(np.float64)
    return np.asarray(np.exp(SIGMA * latent))


def _scores(setting: Setting, sizes: Floats, codes: Codes, rng: np.random.Generator) -> Floats:
    units, photos = rng.standard_normal(setting.units), rng.standard_normal(codes.size)
    if setting.group == "following":
        units = sizes
    if setting.group in ("shares", "rare"):
        p, prior = np.full(setting.units, setting.p), 1 / max(setting.correlation, 1e-9) - 1
        if setting.correlation > 0:
            p = rng.beta(setting.p * prior, (1 - setting.p) * prior, setting.units)
        return (rng.random((1, codes.size)) < p[codes]).astype(np.float64)
    if setting.seeds == 1:
        return _scored(_normal(units, photos[None], codes, setting), setting)
    # Half the variance within a unit belongs to the photo, half to what one training makes of it.
    own = rng.standard_normal((setting.seeds, codes.size))
    latent = _normal(units, math.sqrt(0.5) * (photos + own), codes, setting)
    return _scored(latent + SPREAD * rng.standard_normal((setting.seeds, 1)), setting)


def _estimated(setting: Setting, rng: np.random.Generator) -> tuple[Estimate, tuple[float, float]]:
    sizes = rng.standard_normal(setting.units)
    codes = np.repeat(np.arange(setting.units), _sizes(setting, sizes))
    scores, photos = _scores(setting, sizes, codes, rng), np.arange(codes.size)
    count, average = codes.size, scores.mean(axis=0)
    match setting.score:
        case "normal" | "skewed":
            half = float(stdtrit(count - 1, 0.975) * average.std(ddof=1) / math.sqrt(count))
            limits = (float(average.mean()) - half, float(average.mean()) + half)
            return statistics.estimate_mean(scores, codes), limits
        case "share":
            z, p = float(ndtri(0.975)), float(average.mean())
            half = z * math.sqrt(p * (1 - p) / count + (z / (2 * count)) ** 2)
            middle, scale = p + z * z / (2 * count), 1 + z * z / count
            limits = ((middle - half) / scale, (middle + half) / scale)
            return statistics.estimate_share(scores, codes), limits
        case "median":
            estimate = partial(statistics.estimate_quantile, scores, q=0.5)
            own, plain = estimate(codes), estimate(photos)
        case _:
            noise = rng.standard_normal(count)
            confidence = math.sqrt(1 - CONFIDENCE**2) * noise - CONFIDENCE * np.log(scores[0])
            one = partial(_risk, scores[0], np.argsort(-confidence))
            risk = [lambda weights: weights.each(one)]
            own, plain = (statistics.estimate_statistic(risk, u)[0] for u in (codes, photos))
    return own, (plain.low, plain.high)


def _risk(errors: Floats, order: Codes, weights: Floats) -> float:
    kept = errors[order][weights[order] > 0]
    return float((np.cumsum(kept) / np.arange(1, kept.size + 1)).mean())


@cache
def _truth(setting: Setting) -> float:
    spread = SPREAD * SIGMA if setting.seeds > 1 else 0.0
    match setting.score:
        case "share":
            return setting.p
        case "skewed":
            return math.exp((SIGMA**2 + spread**2) / 2)
        case "median":
            return math.exp(spread**2 / 2)  # the mean over trainings of their medians
        case "risk":  # the mean error of the most confident u, over all u
            part = lambda u: ndtr(ndtri(u) - SIGMA * CONFIDENCE) / u  # noqa: E731
            return math.exp(SIGMA**2 / 2) * float(quad(part, 0, 1)[0])
    if setting.group == "following":
        standard = ndtri((np.arange(10**6) + 0.5) / 10**6)
        sizes = _sizes(setting, standard)
        return math.sqrt(setting.correlation) * float(sizes @ standard / sizes.sum())
    return 0.0


@dataclass(frozen=True)
class _Board:
    methods: list[Replicates]
    effective_units: float


def _methods(setting: Setting, rng: np.random.Generator) -> _Board:
    codes = np.repeat(np.arange(setting.units), _sizes(setting, rng.standard_normal(setting.units)))
    shape = (1 + setting.methods, 1)
    drawn = _normal(
        rng.standard_normal((shape[0], setting.units)),
        rng.standard_normal((shape[0], codes.size)),
        codes,
        setting,
    )
    scores = _scored(math.sqrt(0.5) * (drawn[:1] + drawn[1:]), setting)[:, None]
    if setting.seeds > 1:
        scores = scores + SPREAD * rng.standard_normal((setting.methods, setting.seeds, 1))
    if setting.score == "median":
        found = [statistics.replicate_quantile(table, codes, q=0.5) for table in scores]
    else:
        found = [statistics.replicate_mean(table, codes) for table in scores]
    return _Board(found, statistics.effective_units(codes))


def _ranked(boards: Sequence[_Board]) -> dict[str, float]:
    differences = np.array([board.methods[0].value - board.methods[1].value for board in boards])
    gain = BETTER * float(differences.std())
    equal, better, clear = [], [], []
    for board in boards:
        first, second, *others = board.methods
        equal.append(_ranges(board.methods, board))
        first = Replicates(first.value + gain, first.deviations, first.seed_values + gain)
        better.append(_ranges([first, second, *others], board))
        error = _standard_error(first, second)
        clear.append(first.value - second.value >= BETTER * error)
    low, high = np.array(equal).transpose(2, 0, 1)
    (first_low, second_low), first_high = np.array(better)[:, :2, 0].T, np.array(better)[:, 0, 1]
    above, measured = first_low < second_low, np.array(clear)
    return {
        "pair shares %": _percent((low[:, 0] <= high[:, 1]) & (low[:, 1] <= high[:, 0])),
        "all share %": _percent((low == 1).all(axis=1)),
        "better: above %": _percent(above),
        "alone %": _percent(first_high == 1),
        "measured: above %": _percent(above[measured]),
    }


def _standard_error(a: Replicates, b: Replicates) -> float:
    paired = Replicates(0.0, a.deviations - b.deviations, a.seed_values)
    seeds = [each.seed_values for each in (a, b) if each.seed_values.size > 1]
    return math.sqrt(paired.variance + sum(values.var(ddof=1) / values.size for values in seeds))


def _ranges(methods: Sequence[Replicates], board: _Board) -> list[tuple[int, int]]:
    found = ranking.ranks(methods, better="higher", effective_units=board.effective_units)
    return [(each.low, each.high) for each in found]


if __name__ == "__main__":
    main()
