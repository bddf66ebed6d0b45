"""What answers and samples know: their own photos, in degrees, latitude first."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from geobench import geo
from geobench.errors import PredictionError
from geobench.predictions import Prediction
from geobench.run.named_methods import wanted
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.method_subject import MethodSubject


def answers_are_in_degrees(subject: MethodSubject) -> None:
    """Answers and samples are in degrees, not in radians."""
    prediction = subject.prediction
    _compare(subject, prediction, np.degrees, "taken for radians", "Return degrees.")


def latitude_comes_first(subject: MethodSubject) -> None:
    """Answers and samples are latitude and longitude, in this order."""
    method = subject.of_seed(0).restored
    try:
        prediction = subject.ask(method)
    except PredictionError as error:  # the core's own classes refuse what is off the globe
        raise Failure(error.problem, remedy=error.remedy) from None
    remedy = "Return (latitude, longitude)."
    _compare(subject, prediction, _swapped, "taken for longitude and latitude", remedy)


def _swapped(points: geo.Points) -> geo.Points:
    return points[..., ::-1]


def _compare(
    subject: MethodSubject,
    prediction: Prediction,
    read: Callable[[geo.Points], geo.Points],
    how: str,
    remedy: str,
) -> None:
    """Fail if answers or samples tell photos apart much better in another reading."""
    samples = prediction.sample(_SAMPLES, np.random.default_rng(0))
    for what, points in (("answers", prediction.point()), ("samples", samples)):
        as_is = shuffled(np.asarray(points, np.float64), subject.truth)
        otherwise = shuffled(read(np.asarray(points, np.float64)), subject.truth)
        ensure(
            otherwise.p_value > LEAST_P or otherwise.gain < _MUCH * as_is.gain,
            f"{what} tell photos apart better if they are {how}: {otherwise}; as they are: {as_is}",
            remedy,
        )


_MUCH = 3.0
_SHUFFLES = 999
_SAMPLES = 16
LEAST_P = 0.01


@final
@dataclass(frozen=True, slots=True)
class Shuffled:
    """Mean distance in km of answers to their own photos' places, the same where answers are
    shuffled, and the share of 1,000 orders in which they are no farther away."""

    own: float
    others: float
    p_value: float

    @property
    def gain(self) -> float:
        """By which share answers are nearer to their own photos' places; 0 if they are not."""
        return max(0.0, 1 - self.own / self.others) if math.isfinite(self.own) else 0.0

    def __str__(self) -> str:
        return f"{self.own:,.0f} km from the truth on average, {self.others:,.0f} km if shuffled"


def shuffled(points: geo.Points, truth: geo.Points) -> Shuffled:
    """The permutation test of whether answers (N, 2), or samples (N, S, 2), know their photos;
    none do if they are off the globe."""
    if len(points) != len(truth) or not (np.abs(points[..., 0]) <= 90).all():
        return Shuffled(math.inf, math.inf, 1.0)
    several = points.reshape(len(truth), -1, 2)
    distance = np.mean(
        [geo.distance_km(several[:, i, None], truth) for i in range(several.shape[1])], axis=0
    )
    rng, rows = np.random.default_rng(0), np.arange(len(truth))
    own = float(distance[rows, rows].mean())
    others = np.array([distance[rows, rng.permutation(rows)].mean() for _ in range(_SHUFFLES)])
    p_value = (1 + int((others <= own).sum())) / (1 + _SHUFFLES)
    return Shuffled(own, float(others.mean()), p_value)


def beats_chance(subject: MethodSubject) -> str:
    """Answers are nearer to their own photos' places than to those of other photos."""
    remedy = "Does it look at the features? Are rows in order? Is `tiny` large enough to learn?"
    return _ensure_not_by_chance(subject, "answers", subject.snapshot.point, remedy)


def samples_beat_chance(subject: MethodSubject) -> str:
    """Samples, too, are nearer to their own photos' places than to those of other photos."""
    samples = subject.prediction.sample(_SAMPLES, np.random.default_rng(0))
    remedy = "Are samples drawn for each photo, in order, in degrees, latitude first?"
    return _ensure_not_by_chance(subject, "samples", geo.wrap(samples, name="samples"), remedy)


def _ensure_not_by_chance(
    subject: MethodSubject, what: str, points: geo.Points, remedy: str
) -> str:
    found, method = shuffled(points, subject.truth), subject.make()
    if found.p_value > LEAST_P and not wanted(method):
        raise Skip(f"it wants no features, so it cannot tell photos apart ({found})")
    if found.p_value > LEAST_P and method.origin == "released":
        raise Skip(f"its weights are released, and need not know the toy planet ({found})")
    ensure(
        found.p_value <= LEAST_P,
        f"{what} are no nearer to their own photos' places than to others' ({found})",
        remedy,
    )
    return str(found)


CHECKS = (answers_are_in_degrees, latitude_comes_first, beats_chance, samples_beat_chance)
