"""Numbers with their uncertainty: 95 % intervals from scores per photo.

Shapes: S trainings (seeds), N photos, U units. Misfits raise ValueError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike

from geobench.statistics.replicates import (
    TAIL,
    Replicates,
    Spread,
    Weighted,
    check_scores,
    replicate_mean,
    replicate_share,
    replicate_statistic,
    woodruff,
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
    known = Units.of(units)
    size = known.effective if effective is None else effective
    spread = Spread.of(replicates, effective=size)
    half, note = spread.half_width, ""
    if not np.isfinite(half):
        note = "undefined without some unit"
    elif size >= FEWEST_UNITS and half > _ROUNDING * abs(replicates.value):
        skewness = abs(replicates.third_moment) / spread.variance**1.5
        weak = known.codes.size < _FEWEST_PHOTOS or skewness > _MOST_SKEWED
        note = "too few photos for skewed scores" if weak else ""
    low, high = replicates.value - half, replicates.value + half
    return _estimate(replicates, low, high, known, note, size=size)


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
    from scipy.special import betaincinv

    known = Units.of(units)
    p, photos = replicates.value, known.codes.size
    size = effective = known.effective if effective is None else effective
    if size >= 2 and 0 < p < 1:
        half = Spread.of(replicates, effective=size).half_width
        independent = Spread(p * (1 - p) / (photos - 1), photos - 1).half_width
        size = photos * (independent / max(independent, half)) ** 2
    hits, misses = size * p, size * (1 - p)
    low = float(betaincinv(hits, misses + 1, TAIL)) if p > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - TAIL)) if p < 1 else 1.0
    weak = f"fewer than {_FEWEST_HITS} effective hits or misses"
    note = weak if min(hits, misses) < _FEWEST_HITS * (1 - _ROUNDING) else ""
    return _estimate(replicates, low, high, known, note, size=effective)


def estimate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Estimate:
    """Estimate a quantile, 0 < q < 1, linearly interpolated; `scores` (S, N).

    The value is the mean over seeds. The interval is Woodruff's (1952): that of the share below the
    quantile, by the jackknife, read back through the quantile function of the scores of all seeds;
    each side grows by what s^2/S, from three seeds on, adds in `estimate_replicates`.
    """
    return estimate_reach(scores, units, q=q).estimate


@final
class EstimatedQuantile(NamedTuple):
    """A quantile with its interval, and the replicates that it is compared by."""

    estimate: Estimate
    replicates: Replicates


def estimate_reach(scores: ArrayLike, units: AnyUnits, *, q: float) -> EstimatedQuantile:
    """Both `estimate_quantile` and `replicate_quantile`, at the cost of one."""
    table, known = checked = check_scores(scores, units)
    replicates, below, above = woodruff(checked, q=q)
    value, effective = replicates.value, known.effective
    plain = Spread.of(replicates, effective=effective, seeds=False).half_width
    wider = max(Spread.of(replicates, effective=effective).half_width - plain, 0.0)
    limits = np.clip([value - below - wider, value + above + wider], table.min(), table.max())
    estimate = _estimate(replicates, float(limits[0]), float(limits[1]), known, "")
    return EstimatedQuantile(estimate, replicates)


def estimate_statistic(functions: Sequence[Weighted], units: AnyUnits) -> list[Estimate]:
    """Estimate what `replicate_statistic` replicates; intervals as in `estimate_replicates`."""
    return [estimate_replicates(each, units) for each in replicate_statistic(functions, units)]


def _estimate(
    summary: Replicates,
    low: float,
    high: float,
    units: Units,
    note: str,
    *,
    size: float | None = None,
) -> Estimate:
    value, sd, seeds = summary.value, summary.seed_sd, summary.seed_values.size
    if (effective := units.effective if size is None else size) < 2:
        low, high, note = float("nan"), float("nan"), "fewer than 2 effective units: no interval"
    elif effective < FEWEST_UNITS:
        note = "; ".join(filter(None, [f"fewer than {FEWEST_UNITS} effective units", note]))
    return Estimate(value, low, high, sd, seeds, units.codes.size, effective, note)
