"""What answers look like beside the truth where columns, signs or units were mistaken."""

from collections.abc import Callable
from math import comb
from typing import NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike

from geobench import geo
from geobench.geo import Floats, Points
from geobench.readable import number

Change: TypeAlias = Callable[[Points], Points]

_FEW = 5  # of fewer answers nothing is said but of how far they are
_EQUAL = 0.99  # of the answers: from this share on they are the truth
_SAME = 1e-6, 0.01  # km: so near is the same place, of fewer than _MANY answers and of more
_MANY = 20
_NEARER = 4  # times, at least, that another reading must bring the answers nearer
_FAR = 1000.0  # km: of answers nearer than this, it must bring them nearer by that much more
_CHANCE = 1e-6  # of answers that know nothing lying as near by another reading
_CLUMPED = 10  # times as many places lie near a place as if all were spread evenly
_CELL = 1.0  # degrees: answers of one such cell count once, for they may be one mistake
_FARTHEST = np.pi * geo.EARTH_RADIUS_KM


@final
class _Reading(NamedTuple):
    """Another way to read points, and what is then wrong with the file."""

    change: Change
    problem: str
    remedy: str


def _scaled(lat: float, lon: float) -> Change:
    return lambda points: points * (lat, lon)


def _divided(by: float) -> Change:
    # Of places in degrees, all would come to lie at (0, 0), near one another: they are no places.
    return lambda points: np.where(np.abs(points) > 360, points, np.nan) / by


_DEGREES = 180 / np.pi
_PLACES = {
    "radians": _scaled(_DEGREES, _DEGREES),
    "numbers from -1 to 1": _scaled(90.0, 180.0),
    "degrees times ten million": _divided(1e7),
    "degrees times a million": _divided(1e6),
}
_READINGS = [
    _Reading(
        lambda points: points[:, ::-1],
        "latitude and longitude look exchanged, in the answers or in the truth",
        "Name the two columns the other way round (lat_column, lon_column)",
    ),
    _Reading(
        _scaled(1, -1),
        "the longitudes look as if east were west, in the answers or in the truth",
        "Change the sign of the longitudes of one of them",
    ),
    _Reading(
        _scaled(-1, 1),
        "the latitudes look as if north were south, in the answers or in the truth",
        "Change the sign of the latitudes of one of them",
    ),
    *(
        _Reading(change, f"the answers look like {unit}, not degrees", "Write them in degrees")
        for unit, change in _PLACES.items()
    ),
]
_READINGS_OF_TRUTH = [
    _Reading(change, f"the true places look like {unit}, not degrees", "Write them in degrees")
    for unit, change in _PLACES.items()
]

_AROUND_ZERO = (
    "all true places lie in the sea around (0, 0): they look like radians, or numbers from -1 to "
    "1. Write truth and answers in degrees"
)
_GIVEN_AWAY = (
    "are the true place itself: the truth seems to be given as answers. Name the file, or the "
    "columns (lat_column, lon_column), of the answers"
)
_ZERO = "are the point (0, 0). If that stands for no answer, leave their coordinates empty"


def suspicions(answers: ArrayLike, truth: ArrayLike) -> list[str]:
    """What seems to be mistaken in answers, each in a sentence; nothing of most.

    Coordinates read otherwise (exchanged, of the other sign, not in degrees) are told of where
    answers are then nearer by far, and by no coincidence: the chance that answers which know
    nothing lie as near as the nearer half of these is under a millionth. It is worked out of
    answers that differ, with places clumped as towns are.

    Args:
        answers: latitude and longitude as they are read, off the globe or not, (N, 2); NaN where
            a photo has no answer.
        truth: of the same photos, (N, 2).
    """
    given, true = (np.asarray(points, dtype=np.float64) for points in (answers, truth))
    known = np.isfinite(given).all(axis=-1) & np.isfinite(true).all(axis=-1)
    given, true = given[known], true[known]
    if not len(given):
        return []
    error = _errors(given, true)
    return [
        *_around_zero(true),
        *(_as_the_truth(error) or _otherwise(given, true, error)),
        *_one_point(given, error),
    ]


def _errors(answers: Points, truth: Points) -> Floats:
    """Distances in km, (N,); the farthest that there is where a point is off the globe."""
    there = np.ones(len(answers), bool)
    for points in (answers, truth):
        there &= (np.abs(points) <= (90.0, 360.0)).all(axis=-1)
    out = np.full(len(answers), _FARTHEST)
    out[there] = geo.distance_km(answers[there], truth[there])
    return out


def _around_zero(truth: Points) -> list[str]:
    if len(truth) < _FEW or (np.abs(truth) > (np.pi / 2, np.pi)).any():
        return []
    return [_AROUND_ZERO]


def _as_the_truth(error: Floats) -> list[str]:
    same = int((error <= _SAME[len(error) >= _MANY]).sum())
    if len(error) < _FEW or same < _EQUAL * len(error):
        return []
    return [f"{same:,} of {len(error):,} answers {_GIVEN_AWAY}"]


def _otherwise(answers: Points, truth: Points, error: Floats) -> list[str]:
    """The reading by which the answers are nearest, if that is so by far and by no coincidence."""
    now = _middle(error)
    best, problem = now / _NEARER * min(1.0, now / _FAR), ""
    tried = [(each, each.change(answers), truth) for each in _READINGS]
    tried += [(each, answers, each.change(truth)) for each in _READINGS_OF_TRUTH]
    for reading, given, true in tried:
        errors = _errors(given, true)
        then = _middle(errors)
        if then < best and _chance(given, errors, then) < _CHANCE:
            best = then
            problem = (
                f"{reading.problem}: the median error would be {number(then)} km, and is "
                f"{number(now)} km. {reading.remedy}"
            )
    return [problem] if problem else []


def _middle(values: Floats) -> float:
    """The upper median: more than half of the values are at most that."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _chance(answers: Points, errors: Floats, radius: float) -> float:
    """How likely as many answers lie within a radius of the truth if they know nothing of it."""
    _, first = np.unique(np.round(answers / _CELL), axis=0, return_index=True)
    near = int((errors[first] <= radius).sum())
    share = min(1.0, _CLUMPED * float(np.sin(radius / (2 * geo.EARTH_RADIUS_KM)) ** 2))
    return _at_least(near, len(first), share)


def _at_least(hits: int, tries: int, share: float) -> float:
    """An upper bound of the chance of this many hits: exact sums are of no use at 1e-6."""
    if tries > 1000:  # more would change nothing but the size of the numbers
        hits, tries = hits * 1000 // tries, 1000
    return min(1.0, comb(tries, hits) * share**hits)


def _one_point(answers: Points, error: Floats) -> list[str]:
    """One answer for all, or (0, 0) where nothing is known."""
    first = answers[0]
    if len(answers) >= _FEW and (answers == first).all() and _middle(error) > _FAR / 10:
        return [
            f"all {len(answers):,} answers are one and the same point ({first[0]:g}, {first[1]:g})"
        ]
    zero = int(((answers == 0).all(axis=-1) & (error > _FAR / 10)).sum())
    if zero < 2:
        return []
    return [f"{zero:,} answers {_ZERO}"]
