"""What a method withstands: poles, the date line, a single place, a deadline, another clock."""

import math
from collections.abc import Callable

import numpy as np

from geobench import geo
from geobench.data import Labelled
from geobench.errors import DataError, DeadlineError
from geobench.geo import Points
from geobench.methods import Method, Retriever
from geobench.predictions import Density, Prediction
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.method_subject import MethodSubject
from geobench.testing.prediction_snapshot import PredictionSnapshot, ensure_same
from geobench.testing.untouched import Snapshot, racing_clock

_NEAR_KM = 8000.0  # answers by chance are 10,000 km away, by averaged longitudes 20,000


def poles_and_date_line(subject: MethodSubject) -> str:
    """Fitted on places at the poles or on the date line it answers there, not elsewhere."""
    turns = np.linspace(-180, 180, 13)
    situations: dict[str, Callable[[int], Points]] = {
        "the north pole": lambda i: np.array([(90.0, 89.5, 89.0)[i % 3], turns[i % 13]]),
        "the south pole": lambda i: np.array([(-90.0, -89.5)[i % 2], turns[i % 13]]),
        "the date line": lambda i: np.array(
            [(-1.0, 0.0, 1.0)[i % 3], (180.0, 179.0, -179.0, -180.0)[i % 4]]
        ),
    }
    centres = {"the north pole": (90, 0), "the south pole": (-90, 0), "the date line": (0, 180)}
    measured = []
    for what, place in situations.items():
        train, val = (
            subject.moved(photos, np.array([place(i) for i in range(len(photos))]))
            for photos in (subject.train, subject.val)
        )
        prediction = _answer(subject, train, val, what)
        away = float(np.median(geo.distance_km(prediction.point(), np.array(centres[what]))))
        measured.append(f"{away:,.0f} km from {what}")
        ensure(
            away < _NEAR_KM or not _learns_where(subject.make()),
            f"all training places lie at {what}, and answers are {away:,.0f} km from there",
            "Average unit vectors (geo.mean_point), never latitudes and longitudes.",
        )
    return "; ".join(measured)


def _learns_where(method: Method) -> bool:
    """Whether the places that a method is fitted on decide where it answers."""
    # Released weights do not learn which places of a gallery fit: only one of training places
    # alone keeps their answers there.
    chosen = isinstance(method, Retriever) and method.gallery_source.source != "training"
    return method.needs_training and not (chosen and method.origin == "released")


def single_training_place(subject: MethodSubject) -> None:
    """It can be fitted where all photos are of one place."""
    place = np.array([10.0, 20.0])
    train, val = (
        subject.moved(photos, np.tile(place, (len(photos), 1)))
        for photos in (subject.train, subject.val)
    )
    _answer(subject, train, val, "a single place")


def single_training_photo(subject: MethodSubject) -> None:
    """It can be fitted on one photo, without validation photos, or says that it needs more."""
    train, val = subject.train.take(np.arange(1)), subject.val.take(np.arange(0))
    try:
        _answer(subject, train, val, "one photo")
    except DataError as error:
        raise Skip(f"it refuses to train on one photo: {error}") from error


def _answer(subject: MethodSubject, train: Labelled, val: Labelled, what: str) -> Prediction:
    """Fit, store, restore and ask; answers must be on the globe, and densities finite."""
    subject.of_seed(0)  # a method that cannot be fitted at all is another check's matter
    method = subject.fit(train, val)
    restored = subject.restore(subject.stored(method), train, val)
    prediction = subject.ask(restored, subject.test.take(np.arange(min(20, len(subject.test)))))
    geo.wrap(prediction.point(), name=f"answers after fitting on {what}")
    samples = prediction.sample(8, np.random.default_rng(0))
    geo.wrap(samples, name=f"samples after fitting on {what}")
    if isinstance(prediction, Density):
        places = train.points[:6]
        opposite = geo.wrap(places * (-1, 1) + (0, 180))
        there = np.concatenate([places, opposite, samples[0]])
        finite = np.isfinite(prediction.log_prob(there[None])).all()
        ensure(
            finite,
            f"fitted on {what}, a log-density is not finite",
            "geobench.Floored mixes a share of the uniform in.",
        )
    return prediction


class _Fuse(float):
    """A deadline that passes once it has been looked at so many times."""

    looks = 0
    limit = math.inf

    def __lt__(self, now: float) -> bool:
        self.looks += 1
        return self.looks > self.limit

    def __le__(self, now: float) -> bool:
        return self < now


def _fuse(limit: float) -> _Fuse:
    fuse = _Fuse(math.inf)
    fuse.limit = limit
    return fuse


def deadline_obeyed(subject: MethodSubject) -> str:
    """Fitting looks at the benchmark's deadline and stops when it has passed."""
    subject.of_seed(0)
    patient = _fuse(math.inf)
    # Each fit has a cache of its own: what an earlier one kept would leave it nothing to do.
    subject.fit(deadline=patient, cache=subject.folder())
    if not patient.looks and not subject.make().needs_training:
        raise Skip("it does not train; the harness looks at the deadline between chunks")
    ensure(
        patient.looks,
        "fit never looks at the deadline",
        "Call context.check_deadline() in its loop, or loop over context.progress(...).",
    )
    for limit in sorted({0, patient.looks // 2}):
        try:
            subject.fit(deadline=_fuse(limit), cache=subject.folder())
        except DeadlineError:
            continue
        raise Failure(
            "fit goes on although the deadline has passed",
            remedy="Let the DeadlineError of context.check_deadline() out.",
        )
    return f"{patient.looks} look(s) in one fit"


def clock_changes_nothing(subject: MethodSubject) -> None:
    """With a clock that jumps by an hour at every look it has the same state and answers."""
    first = subject.of_seed(0)
    package = subject.plugin.__module__.partition(".")[0]
    with racing_clock(package):
        method: Method = subject.fit()
        state = subject.stored(method)
        again = PredictionSnapshot.of(subject.ask(subject.restore(state)))
    remedy = "A budget is a number of steps in the config; only check_deadline reads the clock."
    before, after = Snapshot.of(first.state).digests, Snapshot.of(state).digests
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    ensure(not changed, f"another clock changes state {changed[:1]}", remedy)
    ensure_same(subject.snapshot, again, "under another clock", remedy, exactly=True)


CHECKS = (
    poles_and_date_line,
    single_training_place,
    single_training_photo,
    deadline_obeyed,
    clock_changes_nothing,
)
