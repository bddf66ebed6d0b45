"""Hedged likelihood: a density mixed with the uniform, in the share that suits the photos best."""

from typing import NamedTuple, final
from weakref import WeakKeyDictionary

import numpy as np

from geobench import ReplicateWeights, Truth, geo
from geobench_basics.metrics.scores import Columns

SHAPE = "nll.log-shape"
"""The column of the log-density at the truth, without the floor beneath it."""

LEAST = -1e4
"""What is stored for a log-density of minus infinity."""

_EQUAL = 1e-6  # nats: what a stored number, of single precision, may be off
_FINITE = 700.0  # nats: neither exp of this nor one over it overflows
_STEPS = 100  # at the most; a dozen do
_CLOSE = 1e-14  # of a share: no two doubles near 1/2 are nearer


@final
class Hedge(NamedTuple):
    """How much the uniform has to be mixed in, and how likely the truths then are, by replicate.

    Args:
        share: of the uniform, from 0 to 1, (R,).
        gain: the mean of ln((1 - share) p(y) 4 pi + share), nats over the uniform, (R,).
    """

    share: geo.Floats
    gain: geo.Floats


def hedge(log_p: geo.Floats, weights: ReplicateWeights) -> Hedge:
    """The share s in [0, 1] for which the mean of ln((1 - s) p(y) + s / 4 pi) is largest.

    The mean is concave in s, so that its maximum is where its slope, the mean of
    (1 - q) / ((1 - s) q + s) with q = 4 pi p(y), is zero, or at an end; Newton's steps find it,
    kept between what is known to be too low and too high. Where all shares suit alike it is 1.

    Args:
        log_p: ln p(y), nats per steradian, (N,); `LEAST` and less is minus infinity.
        weights: of the photos.
    """
    # Several numbers of a table come from one fit: it is kept as long as the weights are.
    known, key = _fits.setdefault(weights, {}), log_p.tobytes()
    if key not in known:
        known[key] = _hedge(log_p, weights)
    return known[key]


_fits: WeakKeyDictionary[ReplicateWeights, dict[bytes, Hedge]] = WeakKeyDictionary()


def _hedge(log_p: geo.Floats, weights: ReplicateWeights) -> Hedge:
    over = log_p - geo.LOG_UNIFORM
    # A density as high as the uniform is the uniform, however it was rounded; one of zero is as
    # small as leaves slopes finite.
    ratio = np.exp(np.where(np.abs(over) < _EQUAL, 0.0, np.clip(over, -_FINITE, _FINITE)))
    found = [_fitted(block, ratio) for block in weights.blocks()]
    return Hedge(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _fitted(weights: geo.Floats, ratio: geo.Floats) -> Hedge:
    """Of replicates (R, N)."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    excess = 1 - ratio
    low, high = np.zeros(len(weights)), np.ones(len(weights))
    share = np.full(len(weights), 0.5)
    high[_slope(weights, excess, ratio, low) <= 0] = 0.0
    low[weights @ excess >= -_EQUAL] = 1.0  # also where all suit alike, so that 0 seemed to do
    high = np.maximum(low, high)
    open_ = np.flatnonzero(high > low)
    share = np.where(high > low, share, low)
    for _ in range(_STEPS):
        if not len(open_):
            break
        at, some = share[open_], weights[open_]
        pull = excess / _mixed(ratio, at)
        slope, bend = _mean(some, pull), _mean(some, np.square(pull))
        low[open_] = np.where(slope > 0, at, low[open_])
        high[open_] = np.where(slope > 0, high[open_], at)
        after = at + slope / bend
        outside = (after <= low[open_]) | (after >= high[open_])
        after = np.where(outside, (low[open_] + high[open_]) / 2, after)
        share[open_] = after
        open_ = open_[np.abs(after - at) > _CLOSE]
    return Hedge(share, _mean(weights, np.log(_mixed(ratio, share))))


def _mixed(ratio: geo.Floats, share: geo.Floats) -> geo.Floats:
    """Over the uniform, (R, N)."""
    return np.asarray((1 - share)[:, None] * ratio + share[:, None])


def _mean(weights: geo.Floats, values: geo.Floats) -> geo.Floats:
    """Of values (R, N) by weights (R, N) that sum to 1."""
    return np.asarray(np.einsum("rn,rn->r", weights, values))


def _slope(
    weights: geo.Floats, excess: geo.Floats, ratio: geo.Floats, share: geo.Floats
) -> geo.Floats:
    return _mean(weights, excess / _mixed(ratio, share))


def hedged(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    """Minus the mean log-density of the truths after hedging, nats per steradian, (R,)."""
    return -geo.LOG_UNIFORM - hedge(columns[SHAPE], weights).gain


def trust(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    """The share of the density that is left after hedging, (R,)."""
    return 1 - hedge(columns[SHAPE], weights).share


def information(columns: Columns, truth: Truth, weights: ReplicateWeights) -> geo.Floats:
    """What the hedged density says beyond the uniform, bits, 0 or more, (R,)."""
    return np.asarray(hedge(columns[SHAPE], weights).gain / np.log(2))
