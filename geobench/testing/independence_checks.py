"""What draws promise: each is drawn for itself, whatever the others of its photo are."""

from typing import NamedTuple, final

import numpy as np

from geobench import geo
from geobench.data import Indices
from geobench.geo import Floats, Points
from geobench.predictions import Prediction
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.method_subject import MethodSubject

_DRAWS = 32  # of each photo, for each size of a call
_SIZES = (2, 4, 16)  # of one call: as many as a benchmark asks for unless it says otherwise, or few
_ORDERS = 1000  # in which the draws of a photo are put to see how far chance goes
_LEAST_P = 0.0001
_FEW_GIVEN = 1000  # draws made elsewhere, of which calls share some

_MEANINGS = {
    "calls": "draws of one call are nearer to each other, or farther apart, than those of two",
    "halves": "the first draws of a call lie elsewhere than the last",
    "neighbours": "a draw is nearer to the one before it, or farther from it, than to the others",
}


@final
class _Suspicion(NamedTuple):
    """The smallest p-value of all tests, and what that test sees."""

    p_value: float
    culprit: str


def draws_are_independent(subject: MethodSubject) -> str:
    """The draws of one photo are independent: no pairs, no order, no even spread, no repeats."""
    given = subject.prediction.draws_given
    # Of many given draws two calls hardly share one, and they are looked at like any others.
    if given is not None and given.min() <= _FEW_GIVEN:
        _ensure_given(subject.prediction, given)
        raise Skip("its draws were made elsewhere, and calls share them")
    found = _suspicion(subject.prediction, attempt=0)
    if found.p_value <= _LEAST_P:
        # There are 14 tests: one honest method in a hundred comes here by chance, and hardly one in
        # ten thousand twice.
        found = _suspicion(subject.prediction, attempt=1)
    if found.p_value <= _LEAST_P:
        raise Failure(
            f"draws of one photo depend on each other (p = {found.p_value:.2g}): {found.culprit}",
            remedy="Draw every point anew from the generator, for every photo: metrics take draws "
            "for independent ones, and spread or paired ones score better than they are.",
        )
    return f"p = {found.p_value:.3f}, the smallest of {len(_SIZES)} sizes"


def _ensure_given(prediction: Prediction, given: Indices) -> None:
    """Fail if the photo with the fewest draws has them at more places than it has draws."""
    rng, count = np.random.default_rng(7), int(given.min())
    own = prediction.take(np.array([given.argmin()]))
    calls = [geo.wrap(own.sample(count, rng))[0] for _ in range(4)]
    places = len(np.unique(np.concatenate(calls), axis=0))
    ensure(
        places <= count,
        f"draws_given says that a photo has {count} draws, and they lie at {places} places",
        "A prediction that can draw anew leaves draws_given out.",
    )


def _suspicion(prediction: Prediction, *, attempt: int) -> _Suspicion:
    """Tests whose null is that draws can be put in any order, whatever they are drawn from.

    All compare mean chords between draws: within a call and over all calls, within the halves of
    a call and across them, to the next draw and to any other of the call. The mean over photos is
    tested, and the sum of squared scores, which sees a few photos that are far off.
    """
    rng = np.random.default_rng([7, attempt])
    found, varied = [], False
    for size in _SIZES:
        calls = [geo.wrap(prediction.sample(size, rng)) for _ in range(_DRAWS // size)]
        points = np.concatenate(calls, axis=1)
        varied |= bool((points != points[:, :1]).any())
        chords = _chords(points)
        for name, weights in _contrasts(size).items():
            culprit = f"{_MEANINGS[name]} ({size} draws a call)"
            found += [_Suspicion(p, culprit) for p in _p_values(chords, weights, rng)]
    if not varied:
        raise Skip("each photo has one possible place, so there is nothing to draw")
    return min(found)


def _chords(points: Points) -> Floats:
    vectors = geo.unit_vectors(points)
    return np.asarray(np.sqrt(np.maximum(0, 2 - 2 * vectors @ vectors.swapaxes(1, 2))))


def _contrasts(size: int) -> dict[str, Floats]:
    """Weights of the chords between draws, (n, n), of statistics that are zero on average."""
    call, place = np.divmod(np.arange(_DRAWS), size)
    other = ~np.eye(_DRAWS, dtype=bool)
    within = other & (call[:, None] == call)
    found = {"calls": _share(within) - _share(other)}
    if size > 2:  # halves of one draw have no spread, and a draw of two one neighbour
        half = place >= size // 2
        found["halves"] = _share(within & (half[:, None] == half)) - _share(within)
        found["neighbours"] = _share(within & (np.abs(place[:, None] - place) == 1))
        found["neighbours"] -= _share(within)
    return found


def _share(chosen: np.ndarray) -> Floats:
    return np.asarray(chosen / chosen.sum())


def _p_values(chords: Floats, weights: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """Of the mean over photos, and of the sum of their squared scores.

    The second by permutation: the draws of every photo in other orders, the same for all photos.
    Its tail is that of a gamma distribution with the mean and variance of the sums so found.
    """
    from scipy.special import gammaincc  # scipy.stats takes a second to import

    orders = rng.permuted(np.tile(np.arange(_DRAWS), (_ORDERS, 1)), axis=1)
    other = weights[orders[:, :, None], orders[:, None]].reshape(_ORDERS, -1)
    flat = chords.reshape(len(chords), -1)
    values, by_chance = flat @ weights.ravel(), flat @ other.T
    spread = by_chance.std(axis=1)
    varies = spread > 1e-9
    sums = ((by_chance[varies] / spread[varies, None]) ** 2).sum(axis=0)
    own = float(((values[varies] / spread[varies]) ** 2).sum())
    if not varies.any() or sums.std() <= 1e-9:
        return _p_value(values), 1.0
    shape = (sums.mean() / sums.std()) ** 2
    return _p_value(values), float(gammaincc(shape, own * shape / sums.mean()))


def _p_value(values: Floats) -> float:
    """Two-sided p-value of a mean of zero, by Student's t; 1 where nothing varies around zero."""
    from scipy.special import stdtr

    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    if error <= 1e-12:
        return 1.0 if np.abs(values).max(initial=0) <= 1e-9 else 0.0
    return float(2 * stdtr(len(values) - 1, -abs(values.mean()) / error))


CHECKS = (draws_are_independent,)
