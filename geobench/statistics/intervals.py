"""Numbers with their uncertainty: 95 % intervals from scores per photo.

Photos of one unit (a block, a country, an uploader) depend on each other: every variance is a
jackknife that leaves out whole units. A summary becomes `Replicates`, and these intervals; the
tests of `ranking`, too. Shapes: S trainings (seeds), N photos, U units. Misfits raise ValueError.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.statistics.replicate_weights import ReplicateWeights

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Weighted = Callable[[ReplicateWeights], ArrayLike]

_TAIL = 0.025  # on each side of a 95 % interval
_FEWEST_SEEDS = 3  # below, an interval holds for the trained models at hand
_FEWEST_UNITS = 10  # effective units; below, an interval is marked as weak
_FEWEST_HITS = 5  # effective hits or misses; below, a share's interval is marked as weak
_MOST_GROUPS = 200  # of the delete-a-group jackknife


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


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """One summary of one method: what an interval and a paired test need to know of it.

    `value` is the mean over seeds of `seed_values` (S,). `deviations` (U,) are the value without a
    unit minus the value; 0 if there is but one unit.
    """

    value: float
    deviations: Floats
    seed_values: Floats

    @property
    def variance(self) -> float:
        """The jackknife's: (U - 1)/U times the sum of squared deviations (Tukey 1958)."""
        return float((1 - 1 / self.deviations.size) * np.square(self.deviations).sum())

    @property
    def seed_sd(self) -> float:
        """The standard deviation over seeds; NaN with one seed."""
        return float(self.seed_values.std(ddof=1)) if self.seed_values.size > 1 else float("nan")


@final
class Spread(NamedTuple):
    """A variance, and the degrees of freedom of the t that goes with it."""

    variance: float
    degrees: float

    @classmethod
    def of(cls, replicates: Replicates, *, effective: float, seeds: bool = True) -> "Spread":
        """That of units, with as many degrees of freedom as effective units, and that of seeds."""
        degrees = max(min(effective, replicates.deviations.size) - 1, 1.0)
        units = cls(replicates.variance, degrees)
        return cls.sum(units, cls.of_seeds(replicates.seed_values)) if seeds else units

    @classmethod
    def of_seeds(cls, values: Floats) -> "Spread":
        """s^2/S of the values (S,) of three seeds or more; of fewer nothing is known."""
        if values.size < _FEWEST_SEEDS:
            return cls(0.0, 1.0)
        return cls(float(values.std(ddof=1) ** 2 / values.size), values.size - 1.0)

    @classmethod
    def sum(cls, *terms: "Spread") -> "Spread":
        """Variances added, with the degrees of freedom of Satterthwaite (1946)."""
        if not (total := sum(term.variance for term in terms)) > 0:
            return cls(total, terms[0].degrees)
        return cls(total, 1 / sum((v / total) ** 2 / degrees for v, degrees in terms))

    @property
    def half_width(self) -> float:
        """Half the width of the 95 % interval."""
        from scipy.special import stdtrit

        return float(stdtrit(self.degrees, 1 - _TAIL) * np.sqrt(self.variance))


@final
@dataclass(frozen=True, eq=False)
class Units:
    """The units of N photos: what intervals resample.

    All functions below take these, or N integers or strings; many numbers of the same photos share
    these, so that units are numbered and counted once.

    Args:
        codes: of the photos, each from 0 to U - 1, (N,).
    """

    codes: Codes

    @classmethod
    def of(cls, units: "ArrayLike | Units") -> "Units":
        """Units by whatever name."""
        return units if isinstance(units, Units) else cls(unit_codes(units))

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """How many photos each unit has, (U,)."""
        return np.bincount(self.codes)

    @cached_property
    def effective(self) -> float:
        """How many equal units they are worth."""
        return _effective(self.sizes)

    @cached_property
    def replicates(self) -> ReplicateWeights:
        """All photos, then all without each unit; of more than 200 units, without each group.

        Units are dealt at random to groups, alike wherever these are the units.
        """
        if (count := self.sizes.size) <= _MOST_GROUPS:
            return ReplicateWeights.leaving_out(self.codes)
        # Groups balanced by photos would lose the variance between small and large units, and in
        # sorted order that between neighbours. numpy promises to keep the raw stream of PCG64.
        rank = np.argsort(np.argsort(np.random.PCG64(0).random_raw(count)))
        return ReplicateWeights.leaving_out((rank % _MOST_GROUPS)[self.codes])


AnyUnits: TypeAlias = ArrayLike | Units


def unit_codes(units: AnyUnits) -> Codes:
    """Number the units of N photos, integers or strings, from 0 to U - 1 in their sorted order."""
    if isinstance(units, Units):
        return units.codes
    labels: NDArray[Any] = np.asarray(units)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iuUST":
        raise ValueError(f"units are {labels.dtype} {labels.shape}; give (N,) integers or strings")
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < 4 * labels.size:
        codes = labels.astype(np.int64)
        return (np.cumsum(np.bincount(codes) > 0) - 1)[codes]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def effective_units(units: AnyUnits, *, weights: ArrayLike | None = None) -> float:
    """Count equal units that are worth as much: (sum n)^2 / sum n^2, n photos each (Kish 1965).

    With `weights` of the photos, (N,), n is their sum.
    """
    known = Units.of(units)
    return known.effective if weights is None else _effective(np.bincount(known.codes, weights))


def _effective(sizes: ArrayLike) -> float:
    counts = np.asarray(sizes, np.float64)
    return float(counts.sum() ** 2 / np.square(counts).sum())


def replicate_mean(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a mean or a share, leaving out a unit at a time (Efron 1982); `scores` (S, N)."""
    table, known = _checked(scores, units)
    average = table.mean(axis=0)
    return Replicates(float(average.mean()), _mean_deviations(average, known), table.mean(axis=1))


def replicate_share(scores: ArrayLike, units: AnyUnits) -> Replicates:
    """Replicate a share as the mean that it is; `scores` (S, N), 0 or 1."""
    table, known = _checked(scores, units)
    if not ((table == 0) | (table == 1)).all():
        raise ValueError("scores of a share are 0 or 1; estimate other scores by their mean")
    return replicate_mean(table, known)


def replicate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Replicates:
    """Replicate a quantile, 0 < q < 1, as the mean of its linearised scores; `scores` (S, N).

    The jackknife of a quantile itself is inconsistent (Efron 1982, section 3.4), unlike that of
    `value + (q - 1[x <= Q]) / f(Q)`, whose mean the quantile follows (Bahadur 1966). The density
    f(Q) is the share that Woodruff's interval spans over its width (Francisco and Fuller 1991).
    """
    return _woodruff(*_checked(scores, units), q)[0]


def replicate_statistic(functions: Sequence[Weighted], units: AnyUnits) -> list[Replicates]:
    """Replicate any statistics of photo weights, leaving out a group of units at a time.

    Each of the S `functions` turns `ReplicateWeights` of R replicates into one number for each,
    (R,), or (R, K), such as the points of a curve; the list holds one item for each of the K. Only
    ratios of weights may matter; NaN says undefined. Groups are single units up to 200; more units
    are dealt at random to 200 groups (Kott 2001) that depend on the units alone, so that all
    methods on the same photos share them.
    """
    weights = Units.of(units).replicates
    rows = [np.asarray(function(weights), np.float64) for function in functions]
    shapes = {row.shape for row in rows}
    if len(shapes) != 1 or (shape := shapes.pop())[:1] != (len(weights),) or len(shape) > 2:
        raise ValueError(
            "give one function per seed, that all return one number, or all K, per replicate: "
            f"({len(weights)},) or ({len(weights)}, K)"
        )
    values = np.stack(rows).reshape(len(functions), len(weights), -1)
    values[~np.isfinite(values)] = np.nan
    means, seeds = values.mean(axis=0).T, values[:, 0].T
    return [Replicates(float(m[0]), m[1:] - m[0], v) for m, v in zip(means, seeds, strict=True)]


def estimate_replicates(
    replicates: Replicates, units: AnyUnits, *, effective: float | None = None
) -> Estimate:
    """Give any replicated summary its interval: Student's t on (effective units - 1).

    From three seeds on, s^2/S joins the jackknife's variance, s being the standard deviation over
    seeds, and the degrees of freedom are those of Satterthwaite (1946). Where photos do
    not all count alike the `effective` units are those of their weights.
    """
    known = Units.of(units)
    size = known.effective if effective is None else effective
    half = Spread.of(replicates, effective=size).half_width
    note = "" if np.isfinite(half) else "undefined without some unit"
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
    low = float(betaincinv(hits, misses + 1, _TAIL)) if p > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - _TAIL)) if p < 1 else 1.0
    weak = f"fewer than {_FEWEST_HITS} effective hits or misses"
    note = weak if min(hits, misses) < _FEWEST_HITS else ""
    return _estimate(replicates, low, high, known, note, size=effective)


def estimate_quantile(scores: ArrayLike, units: AnyUnits, *, q: float) -> Estimate:
    """Estimate a quantile, 0 < q < 1, linearly interpolated; `scores` (S, N).

    The value is the mean over seeds. The interval is Woodruff's (1952): that of the share below the
    quantile, by the jackknife, read back through the quantile function of the scores of all seeds;
    each side grows by what s^2/S, from three seeds on, adds in `estimate_replicates`.
    """
    table, known = _checked(scores, units)
    replicates, below, above = _woodruff(table, known, q)
    value, effective = replicates.value, known.effective
    plain = Spread.of(replicates, effective=effective, seeds=False).half_width
    wider = max(Spread.of(replicates, effective=effective).half_width - plain, 0.0)
    limits = np.clip([value - below - wider, value + above + wider], table.min(), table.max())
    return _estimate(replicates, float(limits[0]), float(limits[1]), known, "")


def estimate_statistic(functions: Sequence[Weighted], units: AnyUnits) -> list[Estimate]:
    """Estimate what `replicate_statistic` replicates; intervals as in `estimate_replicates`."""
    return [estimate_replicates(each, units) for each in replicate_statistic(functions, units)]


def _checked(scores: ArrayLike, units: AnyUnits) -> tuple[Floats, Units]:
    table, known = np.asarray(scores, np.float64), Units.of(units)
    count = known.codes.size
    if table.ndim != 2 or len(table) == 0 or table.shape[1] != count:
        raise ValueError(f"scores have shape {table.shape}; for these units give (S, {count})")
    if not np.isfinite(table).all():
        seed, photo = np.argwhere(~np.isfinite(table))[0]
        found = f"photo {photo} (seed row {seed}) is {table[seed, photo]}"
        raise ValueError(f"the score of {found}; leave that photo out for every method, or fail")
    return table, known


def _mean_deviations(values: Floats, units: Units) -> Floats:
    residuals = np.bincount(units.codes, weights=values - values.mean())
    return np.asarray(-residuals / np.maximum(units.codes.size - units.sizes, 1), np.float64)


def _woodruff(table: Floats, units: Units, q: float) -> tuple[Replicates, float, float]:
    # The linearised replicates, and how far the interval reaches below and above the quantile.
    if not 0 < q < 1:
        raise ValueError(f"q is {q}; give a number between 0 and 1, such as 0.5 for the median")
    values, centre = np.quantile(table, q, axis=1), np.quantile(table, q)
    below, tied = table < centre, table == centre
    # Of scores tied with the quantile, that part counts as below which makes the share below q.
    part = np.clip((q - below.mean()) / tied.mean(), 0, 1) if tied.any() else 0.0
    share = Replicates(q, _mean_deviations((below + part * tied).mean(axis=0), units), values[:1])
    half = Spread.of(share, effective=units.effective, seeds=False).half_width
    bounds = np.clip([q - half, q + half], 0, 1)
    low, high = np.quantile(table, bounds)
    slope = (high - low) / (bounds[1] - bounds[0]) if half > 0 else 0.0
    if slope == 0:
        slope = _slope_to_others(table, centre, q)
    replicates = Replicates(float(values.mean()), -slope * share.deviations, values)
    return replicates, float(centre - low), float(high - centre)


def _slope_to_others(table: Floats, centre: float, q: float) -> float:
    # Where the whole interval of shares falls on one score: how fast the quantile moves on the way
    # to the next different one, on the side that is steeper; 0 if there is no other.
    below, above = table[table < centre], table[table > centre]
    slopes = [0.0]
    if below.size:
        slopes.append((centre - below.max()) / max(q - below.size / table.size, 1 / table.size))
    if above.size:
        reached = 1 - above.size / table.size
        slopes.append((above.min() - centre) / max(reached - q, 1 / table.size))
    return float(max(slopes))


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
    elif effective < _FEWEST_UNITS:
        note = "; ".join(filter(None, [f"fewer than {_FEWEST_UNITS} effective units", note]))
    return Estimate(value, low, high, sd, seeds, units.codes.size, effective, note)
