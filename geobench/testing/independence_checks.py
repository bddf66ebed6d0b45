"""What draws promise: each is drawn for itself, whatever the others of its photo are."""

from typing import NamedTuple, final

import numpy as np

from geobench import geo
from geobench.geo import Floats, Points
from geobench.testing.check import Failure, Skip
from geobench.testing.method_subject import MethodSubject

_DRAWS = 16  # of one call: as many as a benchmark asks for unless it says otherwise
_LEAST_P = 0.001


@final
class _Dependence(NamedTuple):
    """P-values of three tests of the same hypothesis, by what they see."""

    calls: float
    halves: float
    neighbours: float

    @property
    def least(self) -> float:
        return min(self)

    @property
    def culprit(self) -> str:
        """What the smallest of them means."""
        texts = (
            "draws of one call are nearer to each other, or farther apart, than those of two calls",
            "the first draws of a call lie elsewhere than the last",
            "a draw is nearer to the one before it, or farther from it, than to the others",
        )
        return texts[int(np.argmin(self))]


def draws_are_independent(subject: MethodSubject) -> str:
    """The draws of one photo are independent: no pairs, no order, no even spread, no repeats."""
    found = _dependence(subject, attempt=0)
    if found.least <= _LEAST_P:
        # One honest method in some hundreds comes here by chance, and hardly one twice.
        found = _dependence(subject, attempt=1)
    if found.least <= _LEAST_P:
        raise Failure(
            f"draws of one photo depend on each other (p = {found.least:.2g}): {found.culprit}",
            remedy="Draw every point anew from the generator, for every photo: metrics take draws "
            "for independent ones, and spread or paired ones score better than they are.",
        )
    return f"p = {found.least:.3f}"


def _dependence(subject: MethodSubject, *, attempt: int) -> _Dependence:
    """Three statistics whose mean is zero for independent draws, whatever they are drawn from.

    All compare mean chords between draws: the energy distance (Szekely and Rizzo, 2013; without
    its bias) of two calls and of the two halves of a call, and the chord to the next draw of a
    call less that to any other. Photos are what they are averaged over.
    """
    rng = np.random.default_rng([7, attempt])
    first, second = (geo.wrap(subject.prediction.sample(_DRAWS, rng)) for _ in range(2))
    if bool((first == first[:, :1]).all() and (first == second).all()):
        raise Skip("each photo has one possible place, so there is nothing to draw")
    chords = _chords(np.concatenate([first, second], axis=1))
    calls = [slice(0, _DRAWS), slice(_DRAWS, 2 * _DRAWS)]
    within = [chords[:, call, call] for call in calls]
    half, near = _DRAWS // 2, np.arange(_DRAWS - 1)
    return _Dependence(
        _p_value(_energy(chords, _DRAWS)),
        _p_value(sum(_energy(own, half) for own in within)),
        _p_value(sum(own[:, near, near + 1].mean(axis=1) - _mean_chord(own) for own in within)),
    )


def _chords(points: Points) -> Floats:
    vectors = geo.unit_vectors(points)
    return np.asarray(np.sqrt(np.maximum(0, 2 - 2 * vectors @ vectors.swapaxes(1, 2))))


def _mean_chord(chords: Floats) -> Floats:
    """Mean chord of different draws, (N,) of (N, n, n)."""
    count = chords.shape[-1]
    off = ~np.eye(count, dtype=bool)
    return np.asarray(chords[:, off].mean(axis=1))


def _energy(chords: Floats, count: int) -> Floats:
    """Energy distance of the first `count` draws and the others, unbiased, (N,)."""
    first, second = chords[:, :count, :count], chords[:, count:, count:]
    across = chords[:, :count, count:].mean(axis=(1, 2))
    return np.asarray(2 * across - _mean_chord(first) - _mean_chord(second))


def _p_value(values: Floats | int) -> float:
    """Two-sided p-value of a mean of zero, by Student's t; 1 where nothing varies around zero."""
    from scipy.stats import t

    values = np.asarray(values, np.float64)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    if error <= 1e-12:
        return 1.0 if np.abs(values).max(initial=0) <= 1e-9 else 0.0
    return float(2 * t.sf(abs(values.mean()) / error, len(values) - 1))


CHECKS = (draws_are_independent,)
