"""Numbers with their uncertainty: 95 % intervals from scores per photo.

Shapes: S trainings (seeds), N photos, U units. Misfits raise ValueError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike

from geobench.geo import Floats
from geobench.statistics.replicates import (
    TAIL,
    Replicates,
    SeedScores,
    Spread,
    Weighted,
    check_scores,
    deviations_of_seeds,
    each_method,
    mean_deviations,
    over_seeds,
    replicate_mean,
    replicate_share,
    replicate_statistic,
)
from geobench.statistics.units import AnyUnits, Units

FEWEST_UNITS = 10
"""Effective units below which an interval is marked as weak, and a part has no ranks."""

_FEWEST_HITS = 5  # effective hits or misses; below, a share's interval is marked as weak
_FEWEST_PHOTOS = 50  # below, an interval by t is marked as weak
_MOST_SKEWED = 0.25  # skewness of a number; above, its interval by t is marked as weak
_ROUNDING = 1e-9  # relative: of hits, which are a product of roots; of what a spread is beside


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval; `value`, `low`, `high`, `seed_sd` in the unit of the scores.

    Without an interval (below 2 effective units, or a statistic undefined without some unit) `low`
    and `high` are NaN, as is `seed_sd`, the standard deviation over seeds, with one seed. `note` is
    empty, or says why the interval is weak.
    """

    value: float
    low: float
    high: float
    seed_sd: float
    seeds: int
    photos: int
    effective_units: float
    note: str


def estimate_replicates(
    replicates: Replicates, units: AnyUnits, *, effective: float | None = None
) -> Estimate:
    """Give any replicated summary its interval: Student's t on (effective units - 1).

    From three seeds on, s^2/S joins the jackknife's variance, s being the standard deviation over
    seeds, and the degrees of freedom are those of Satterthwaite (1946). Where photos do
    not all count alike the `effective` units are those of their weights. A skewed number has a
    note: of U equal units whose means have a skewness of G it is G / sqrt(U), and Cochran's rule
    (1977, section 2.15) asks for U > 25 G^2. Fewer than 50 photos have it whatever they show: of
    long-tailed scores, those that miss the tail look least skewed and are furthest off.
    """
    return estimate_all([replicates], units, effective=effective)[0]


def estimate_all(
    replicates: Sequence[Replicates],
    units: AnyUnits,
    *,
    effective: ArrayLike | None = None,
    shares: bool = False,
) -> list[Estimate]:
    """Give many summaries of the same photos their intervals: those of `estimate_replicates`.

    Args:
        replicates: of M summaries, that have the same units.
        units: of the photos, (N,).
        effective: units, where not all photos count alike, (M,) or one for all.
        shares: whether the summaries are shares: intervals as in `estimate_share`.
    """
    if not replicates:
        return []
    known = Units.of(units)
    sizes = np.empty(len(replicates))
    sizes[:] = known.effective if effective is None else effective
    values = np.array([each.value for each in replicates])
    deviations = np.array([each.deviations for each in replicates])
    seeds = _Seeds.of(replicates)
    spread = Spread.sum(Spread.of(deviations, effective=sizes), seeds.spread)
    if shares:
        limits = _of_shares(values, spread, sizes, known)
    else:
        limits = _by_t(values, deviations, spread, sizes, known)
    return _estimates(replicates, limits, seeds, sizes, known)


@final
class _Seeds(NamedTuple):
    """The trainings of M summaries: how many of each, (M,), their standard deviation, (M,), and
    what that adds to a variance."""

    counts: list[int]
    deviations: Floats
    spread: Spread

    @classmethod
    def of(cls, replicates: Sequence[Replicates]) -> "_Seeds":
        values = [each.seed_values for each in replicates]
        counts, deviations = [each.size for each in values], deviations_of_seeds(values)
        return cls(counts, deviations, Spread.of_deviations(deviations, counts))


@final
class _Limits(NamedTuple):
    """The ends of M intervals, (M,) each, and why some are weak, (M,)."""

    low: Floats
    high: Floats
    notes: list[str]


def _by_t(
    values: Floats, deviations: Floats, spread: Spread, sizes: Floats, units: Units
) -> _Limits:
    half = spread.half_widths
    finite = np.isfinite(half)
    asked = finite & (sizes >= FEWEST_UNITS) & (half > _ROUNDING * np.abs(values))
    weak = asked.copy()
    if units.codes.size >= _FEWEST_PHOTOS and asked.any():
        # The jackknife's third moment, of a mean of U equal units skewness x variance^1.5 / U^2.
        third = np.abs((deviations[asked] ** 3).sum(axis=1))
        weak[asked] = third / spread.variance[asked] ** 1.5 > _MOST_SKEWED
    skewed = np.where(weak, "too few photos for skewed scores", "")
    notes = np.where(finite, skewed, "undefined without some unit")
    return _Limits(values - half, values + half, notes.tolist())


def _of_shares(values: Floats, spread: Spread, sizes: Floats, units: Units) -> _Limits:
    from scipy.special import betaincinv, stdtrit

    photos, inside = units.codes.size, (sizes >= 2) & (values > 0) & (values < 1)
    size, p = sizes.copy(), values[inside]
    independent = stdtrit(photos - 1, 1 - TAIL) * np.sqrt(p * (1 - p) / (photos - 1))
    widest = np.fmax(independent, spread.half_widths[inside])
    size[inside] = photos * (independent / widest) ** 2
    hits, misses = size * values, size * (1 - values)
    low = np.where(values > 0, betaincinv(hits, misses + 1, TAIL), 0.0)
    high = np.where(values < 1, betaincinv(hits + 1, misses, 1 - TAIL), 1.0)
    few = np.minimum(hits, misses) < _FEWEST_HITS * (1 - _ROUNDING)
    weak = np.where(few, f"fewer than {_FEWEST_HITS} effective hits or misses", "")
    return _Limits(low, high, weak.tolist())


def estimate_mean(scores: ArrayLike, units: AnyUnits) -> Estimate:
    """Estimate a mean, with the interval of `estimate_replicates`; `scores` (S, N)."""
    return estimate_replicates(replicate_mean(scores, units), units)


def estimate_share(scores: ArrayLike, units: AnyUnits) -> Estimate:
    """Estimate the share p of hits; `scores` (S, N), 0 or 1.

    The exact interval (Clopper and Pearson 1934) at the effective size of Korn and Graubard (1998):
    photos / design effect x (t on photos - 1 / t on the degrees of freedom)^2, at most the photos.
    The design effect is the variance over p (1 - p) / (photos - 1), that of independent photos: if
    each photo is a unit and S = 1, the interval is the plain exact one. If p is 0 or 1 there is no
    variance to go by, and the size is the effective units: all photos of a unit may say one thing.
    """
    known = Units.of(units)
    return estimate_share_replicates(replicate_share(scores, known), known)


def estimate_share_replicates(
    replicates: Replicates, units: AnyUnits, *, effective: float | None = None
) -> Estimate:
    """Give a replicated share the interval of `estimate_share`; see `estimate_replicates`."""
    return estimate_all([replicates], units, effective=effective, shares=True)[0]


def estimate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Estimate:
    """Estimate a quantile, 0 < q < 1, linearly interpolated; `scores` (S, N).

    The value is the mean over seeds. The interval is Woodruff's (1952): that of the share below the
    quantile, by the jackknife, read back through the quantile function of the scores of all seeds;
    each side grows by what s^2/S, from three seeds on, adds in `estimate_replicates`.
    """
    return estimate_reaches(check_scores(scores, units), q=q)[0].estimate


@final
class EstimatedQuantile(NamedTuple):
    """A quantile with its interval, and the replicates that it is compared by."""

    estimate: Estimate
    replicates: Replicates


def estimate_reaches(scores: SeedScores, *, q: float) -> list[EstimatedQuantile]:
    """Both `estimate_quantile` and `replicate_quantile` of each method, at the cost of one."""
    units, reaches = scores.units, woodruff(scores, q=q)
    replicates = [each.replicates for each in reaches]
    values = np.array([each.value for each in replicates])
    below, above, least, most = np.array([reach[1:] for reach in reaches]).T
    sizes = np.full(len(reaches), units.effective)
    plain = Spread.of(np.array([each.deviations for each in replicates]), effective=sizes)
    seeds = _Seeds.of(replicates)
    both = Spread.sum(plain, seeds.spread)
    wider = np.maximum(both.half_widths - plain.half_widths, 0.0)
    low, high = np.clip([values - below - wider, values + above + wider], least, most)
    limits = _Limits(low, high, [""] * len(reaches))
    estimates = _estimates(replicates, limits, seeds, sizes, units)
    return [EstimatedQuantile(*pair) for pair in zip(estimates, replicates, strict=True)]


def estimate_statistic(functions: Sequence[Weighted], units: AnyUnits) -> list[Estimate]:
    """Estimate what `replicate_statistic` replicates; intervals as in `estimate_replicates`."""
    return estimate_all(replicate_statistic(functions, units), units)


def _estimates(
    replicates: Sequence[Replicates], limits: _Limits, seeds: _Seeds, sizes: Floats, units: Units
) -> list[Estimate]:
    columns = [each.tolist() for each in (limits.low, limits.high, seeds.deviations, sizes)]
    found, photos = [], units.codes.size
    for each, low, high, sd, size, count, note in zip(
        replicates, *columns, seeds.counts, limits.notes, strict=True
    ):
        if size < 2:
            low = high = float("nan")
            note = "fewer than 2 effective units: no interval"
        elif size < FEWEST_UNITS:
            note = "; ".join(filter(None, [f"fewer than {FEWEST_UNITS} effective units", note]))
        found.append(Estimate(each.value, low, high, sd, count, photos, size, note))
    return found


@final
class Reach(NamedTuple):
    """A quantile's replicates, and how far its interval reaches below and above it.

    `least` and `most` are the ends of the scores, beyond which it does not reach.
    """

    replicates: Replicates
    below: float
    above: float
    least: float
    most: float


def replicate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Replicates:
    """Replicate a quantile, 0 < q < 1, as the mean of its linearised scores; `scores` (S, N).

    The jackknife of a quantile itself is inconsistent (Efron 1982, section 3.4), unlike that of
    `value + (q - 1[x <= Q]) / f(Q)`, whose mean the quantile follows (Bahadur 1966). The density
    f(Q) is the share that Woodruff's interval spans over its width (Francisco and Fuller 1991).
    """
    return woodruff(check_scores(scores, units), q=q)[0].replicates


def woodruff(scores: SeedScores, *, q: float) -> list[Reach]:
    """The linearised replicates of a quantile of each method, and Woodruff's interval (1952)."""
    table, counts, units = scores
    if not 0 < q < 1:
        raise ValueError(f"q is {q}; give a number between 0 and 1, such as 0.5 for the median")
    starts, photos = np.cumsum([0, *counts]), table.shape[1]
    pooled = [np.sort(table[i:j], axis=None) for i, j in pairwise(starts.tolist())]
    centres = np.array([_quantile(ordered, q) for ordered in pooled])
    of_rows = np.repeat(centres, counts)[:, None]
    below, tied = table < of_rows, table == of_rows
    sizes = np.multiply(counts, photos)
    under, equal = (
        np.add.reduceat(each.sum(axis=1), starts[:-1]) / sizes for each in (below, tied)
    )
    # Of scores tied with the quantile, that part counts as below which makes the share below q.
    part = np.divide(q - under, equal, out=np.zeros(len(counts)), where=equal > 0)
    counted = below + np.repeat(np.clip(part, 0, 1), counts)[:, None] * tied
    shares = mean_deviations(over_seeds(counted, counts), units)
    halves = Spread.of(shares, effective=units.effective).half_widths
    bounds = np.clip([q - halves, q + halves], 0, 1).T.tolist()
    slopes, reaches = np.empty(len(counts)), []
    for place, (ordered, centre, (first, last)) in enumerate(
        zip(pooled, centres.tolist(), bounds, strict=True)
    ):
        low, high = _quantile(ordered, first), _quantile(ordered, last)
        slopes[place] = (high - low) / (last - first) if halves[place] > 0 else 0.0
        if slopes[place] == 0:
            slopes[place] = _slope_to_others(ordered, centre, q)
        reaches.append((centre - low, high - centre, float(ordered[0]), float(ordered[-1])))
    seeds = np.quantile(table, q, axis=1)
    values = over_seeds(seeds[:, None], counts)[:, 0]
    found = each_method(counts, values, -slopes[:, None] * shares, seeds)
    return [Reach(each, *reach) for each, reach in zip(found, reaches, strict=True)]


def _quantile(ordered: Floats, q: float) -> float:
    """A quantile of sorted numbers (N,), interpolated to the last digit as `np.quantile` does."""
    place = (ordered.size - 1) * q
    first = int(place)
    low, high = ordered[first].item(), ordered[min(first + 1, ordered.size - 1)].item()
    part = place - first
    return float(high - (high - low) * (1 - part) if part >= 0.5 else low + (high - low) * part)


def _slope_to_others(ordered: Floats, centre: float, q: float) -> float:
    # Where the whole interval of shares falls on one score: how fast the quantile moves on the way
    # to the next different one, on the side that is steeper; 0 if there is no other.
    below, above = ordered[ordered < centre], ordered[ordered > centre]
    slopes = [0.0]
    if below.size:
        slopes.append((centre - below[-1]) / max(q - below.size / ordered.size, 1 / ordered.size))
    if above.size:
        reached = 1 - above.size / ordered.size
        slopes.append((above[0] - centre) / max(reached - q, 1 / ordered.size))
    return float(max(slopes))
