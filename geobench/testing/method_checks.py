"""What every method promises of its answers: types, one per photo, on the globe, not by chance."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, final, get_args

import numpy as np
from pydantic import ValidationError

from geobench import geo
from geobench.errors import PredictionError
from geobench.methods import Context, Method, Origin, Retriever
from geobench.predictions import Density, Prediction
from geobench.run.named_methods import wanted
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.method_subject import PARTS, MethodSubject
from geobench.testing.odd_photos import odd_photos
from geobench.testing.prediction_snapshot import PredictionSnapshot, ensure_same


def fits_and_answers(subject: MethodSubject) -> str:
    """It can be fitted, stored, made again from what was stored, and asked."""
    fitted = subject.of_seed(0)
    prediction = subject.prediction
    size = sum(array.nbytes for array in fitted.state.values())
    return f"{len(prediction)} photos, a state of {size / 1024:,.1f} KiB"


def declared_types(subject: MethodSubject) -> str:
    """What it declares is well formed, and `predict` returns the type that it `predicts`."""
    plugin, method = subject.plugin, subject.make()
    subject.ensure_configured()
    ensure(
        type(plugin.version) is int and plugin.version > 0,
        f"version is {plugin.version!r}",
        "It is a positive integer, raised when the method's numbers change.",
    )
    origins = get_args(Origin)
    ensure(method.origin in origins, f"origin is {method.origin!r}, none of {', '.join(origins)}")
    ensure(
        method.origin != "released" or method.trained_on,
        "its weights are released, and trained_on does not say what they have seen",
    )
    ensure(
        isinstance(method.wants, frozenset) and method.wants <= {"pooled", "tokens"},
        f"wants is {method.wants!r}",
        'It is a frozenset of "pooled" and "tokens".',
    )
    for name, preset in plugin.presets.items():
        _check_preset(plugin, name, preset)
    predicts = method.predicts
    ensure(
        isinstance(predicts, type) and issubclass(predicts, Prediction),
        f"predicts is {predicts!r}, which is no geobench.Prediction",
    )
    said = subject.prediction
    ensure(
        isinstance(said, predicts),
        f"predict returns a {type(said).__name__}, and predicts says {predicts.__name__}",
    )
    return f"predicts {predicts.__name__}"


def _check_preset(plugin: type[Method], name: str, preset: Mapping[str, object]) -> None:
    try:
        plugin.Config.model_validate(dict(preset))
    except ValidationError as error:
        # A preset may leave open what only a user can give, such as a file.
        wrong = [each for each in error.errors() if each["type"] != "missing"]
        if wrong:
            where = ".".join(map(str, wrong[0]["loc"]))
            raise Failure(f"the preset {name!r} is invalid: {where}: {wrong[0]['msg']}") from None


def one_prediction_per_photo(subject: MethodSubject) -> str:
    """Every photo is answered, in order: black ones, huge features, repeated and single ones."""
    method = subject.of_seed(0).restored
    batches = {f"the photos of {subject.part}": subject.test}
    for part in PARTS:
        if method.answers(part) and part != subject.part:
            batches[f"the photos of {part}"] = subject.examples(subject.rows(part))
    if method.origin != "external":
        batches |= odd_photos(subject.test)
    for what, examples in batches.items():
        part = what.removeprefix("the photos of ")
        prediction = subject.ask(method, examples, part=part if part in PARTS else subject.part)
        count = len(examples)
        ensure(
            len(prediction) == count,
            f"of {count} photos ({what}) {len(prediction)} are answered",
            "Give one distribution per photo, in order; a photo that is hard is not left out.",
        )
        shapes = {"point()": np.shape(prediction.point())}
        shapes["sample(3)"] = np.shape(prediction.sample(3, np.random.default_rng(0)))
        wanted: dict[str, tuple[int, ...]] = {"point()": (count, 2), "sample(3)": (count, 3, 2)}
        if isinstance(prediction, Density):
            shapes["log_prob of 5 points"] = np.shape(prediction.log_prob(np.zeros((1, 5, 2))))
            wanted["log_prob of 5 points"] = (count, 5)
        for name, shape in shapes.items():
            ensure(
                shape == wanted[name],
                f"{name} has the shape {shape}, not {wanted[name]} ({what})",
            )
    return f"{sum(map(len, batches.values()))} photos in {len(batches)} batches"


def a_thousand_photos_at_once(subject: MethodSubject) -> str:
    """A chunk of a thousand photos, as in a run, is answered as the same photos are in fewer."""
    rows = np.arange(_CHUNK) % len(subject.test)
    prediction = subject.ask(subject.of_seed(0).restored, subject.test.take(rows))
    remedy = "Answer as many photos as are asked for at once: a chunk has 1,024 unless set."
    ensure(
        len(prediction) == _CHUNK, f"of {_CHUNK:,} photos {len(prediction):,} are answered", remedy
    )
    answers = PredictionSnapshot(geo.wrap(prediction.point(), name="answers"), None)
    ensure_same(
        PredictionSnapshot(subject.said.point[rows], None), answers, "a thousand at once", remedy
    )
    shape = np.shape(prediction.sample(2, np.random.default_rng(0)))
    ensure(shape == (_CHUNK, 2, 2), f"sample(2) of {_CHUNK:,} photos has the shape {shape}", remedy)
    spread = np.linspace(0, _CHUNK - 1, _ROWS).astype(int)
    some = PredictionSnapshot.of(prediction.take(spread))
    ensure_same(subject.said.take(rows[spread]), some, "a thousand at once", remedy)
    return f"{_CHUNK:,} photos"


_CHUNK = 1024
_ROWS = 16  # whose densities are looked at


def points_on_the_globe(subject: MethodSubject) -> None:
    """Answers and samples are finite, with latitudes from -90 to 90 degrees."""
    method = subject.of_seed(0).restored
    batches = {"photos": subject.test}
    if method.origin != "external":
        batches |= odd_photos(subject.test)
    for what, examples in batches.items():
        prediction = subject.ask(method, examples)
        try:
            geo.wrap(prediction.point(), name=f"the answers to {what}")
            samples = prediction.sample(8, np.random.default_rng(0))
            geo.wrap(samples, name=f"the samples of {what}")
        except PredictionError as error:
            raise Failure(error.problem, remedy=error.remedy) from None


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
        as_is = _shuffle(np.asarray(points, np.float64), subject.truth)
        otherwise = _shuffle(read(np.asarray(points, np.float64)), subject.truth)
        ensure(
            otherwise.p_value > _LEAST_P or otherwise.gain < _MUCH * as_is.gain,
            f"{what} tell photos apart better if they are {how}: {otherwise}; as they are: {as_is}",
            remedy,
        )


_MUCH = 3.0
_SAME_PLACE_KM = 0.001
_SHUFFLES = 999
_SAMPLES = 16
_LEAST_P = 0.01


@final
@dataclass(frozen=True, slots=True)
class _Shuffle:
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


def _shuffle(points: geo.Points, truth: geo.Points) -> _Shuffle:
    """The permutation test of whether answers (N, 2), or samples (N, S, 2), know their photos;
    none do if they are off the globe."""
    if len(points) != len(truth) or not (np.abs(points[..., 0]) <= 90).all():
        return _Shuffle(math.inf, math.inf, 1.0)
    several = points.reshape(len(truth), -1, 2)
    distance = np.mean(
        [geo.distance_km(several[:, i, None], truth) for i in range(several.shape[1])], axis=0
    )
    rng, rows = np.random.default_rng(0), np.arange(len(truth))
    own = float(distance[rows, rows].mean())
    others = np.array([distance[rows, rng.permutation(rows)].mean() for _ in range(_SHUFFLES)])
    p_value = (1 + int((others <= own).sum())) / (1 + _SHUFFLES)
    return _Shuffle(own, float(others.mean()), p_value)


def beats_chance(subject: MethodSubject) -> str:
    """Answers are nearer to their own photos' places than to those of other photos."""
    remedy = "Does it look at the features? Are rows in order? Is `tiny` large enough to learn?"
    return _ensure_not_by_chance(subject, "answers", subject.said.point, remedy)


def samples_beat_chance(subject: MethodSubject) -> str:
    """Samples, too, are nearer to their own photos' places than to those of other photos."""
    samples = subject.prediction.sample(_SAMPLES, np.random.default_rng(0))
    remedy = "Are samples drawn for each photo, in order, in degrees, latitude first?"
    return _ensure_not_by_chance(subject, "samples", geo.wrap(samples, name="samples"), remedy)


def _ensure_not_by_chance(
    subject: MethodSubject, what: str, points: geo.Points, remedy: str
) -> str:
    found, method = _shuffle(points, subject.truth), subject.make()
    if found.p_value > _LEAST_P and not wanted(method):
        raise Skip(f"it wants no features, so it cannot tell photos apart ({found})")
    if found.p_value > _LEAST_P and method.origin == "released":
        raise Skip(f"its weights are released, and need not know the toy planet ({found})")
    ensure(
        found.p_value <= _LEAST_P,
        f"{what} are no nearer to their own photos' places than to others' ({found})",
        remedy,
    )
    return str(found)


def gallery_is_the_one_it_names(subject: MethodSubject) -> str:
    """The places of a retriever's gallery are those of its `gallery_source`."""
    method, gallery = _gallery(subject)
    strange = geo.Places(method.places(subject.train)).nearest(gallery).distance_km > _SAME_PLACE_KM
    ensure(
        not strange.any(),
        f"{int(strange.sum())} places of the gallery are none of its `gallery_source`, "
        f"{method.gallery_source}",
        "`gallery()` gives places of Retriever.places(train) alone.",
    )
    return f"{len(gallery):,} places"


def similarity_knows_photos_and_places(subject: MethodSubject) -> str:
    """A retriever's similarity is of one photo and one place, and higher where they fit."""
    method, gallery = _gallery(subject)
    rng, photos, context = (
        np.random.default_rng(0),
        subject.test.take(np.arange(6)),
        _asking(subject),
    )
    places = rng.integers(len(gallery), size=(6, 5))
    found = np.asarray(method.similarity(photos, places, context))
    ensure(found.shape == (6, 5), f"similarity gives {found.shape} for 6 photos and 5 places each")
    ensure(np.isfinite(found).all(), "similarity is not finite")
    turned = np.asarray(method.similarity(photos, places[:, ::-1], context))[:, ::-1]
    ensure(_alike(found, turned), "similarity depends on the order of the places")
    alone = [
        method.similarity(photos.take(np.array([i])), places[i : i + 1], context) for i in range(6)
    ]
    ensure(
        _alike(found, np.concatenate(alone)),
        "similarity depends on which photos are asked for together",
    )
    shared = np.asarray(method.similarity(photos, places[0], context))
    each = method.similarity(photos, np.tile(places[0], (6, 1)), context)
    ensure(shared.shape == (6, 5), f"similarity of 6 photos to 5 shared places is {shared.shape}")
    ensure(_alike(shared, np.asarray(each)), "similarity to shared places, (m,), is another")
    # All pairs of a gallery of millions are more than a machine holds.
    some = np.sort(rng.permutation(len(gallery))[:_MOST_PLACES])
    best = np.asarray(method.similarity(subject.test, some, context)).argmax(axis=1)
    known = _shuffle(gallery[some[best]], subject.truth)
    if method.origin == "released" and known.p_value > _LEAST_P:
        raise Skip(f"its weights are released, and need not know the toy planet ({known})")
    ensure(
        known.p_value <= _LEAST_P,
        f"the most similar places of the gallery do not know their photos ({known})",
        "A higher similarity means a better fit.",
    )
    return f"the most similar of {len(some):,} places are {known}"


_MOST_PLACES = 1000


def _gallery(subject: MethodSubject) -> "_Asked":
    """The restored retriever and its gallery."""
    method = subject.of_seed(0).restored
    if not isinstance(method, Retriever):
        raise Skip("it is no Retriever")
    gallery = geo.wrap(method.gallery(), name="the gallery")
    ensure(
        gallery.ndim == 2 and len(gallery),
        f"the gallery has the shape {gallery.shape}, not (places, 2)",
    )
    return _Asked(method, gallery)


@final
class _Asked(NamedTuple):
    """A retriever, and the places of its gallery, (G, 2)."""

    method: Retriever
    gallery: geo.Points


def _asking(subject: MethodSubject) -> Context:
    return replace(subject.context(), part=subject.part, fitted=None)


def _alike(a: geo.Floats, b: geo.Floats) -> bool:
    return np.allclose(a, b, rtol=1e-4, atol=1e-6)


CHECKS = (
    fits_and_answers,
    declared_types,
    one_prediction_per_photo,
    a_thousand_photos_at_once,
    points_on_the_globe,
    answers_are_in_degrees,
    latitude_comes_first,
    beats_chance,
    samples_beat_chance,
    gallery_is_the_one_it_names,
    similarity_knows_photos_and_places,
)
