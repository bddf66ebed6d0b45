"""What a retriever promises of its gallery and its similarity, and all methods of validation."""

from dataclasses import replace
from typing import NamedTuple, final

import numpy as np

from geobench import geo
from geobench.data import Labelled
from geobench.methods import Context, Retriever
from geobench.testing.chance_checks import LEAST_P, Shuffled, shuffled
from geobench.testing.check import Skip, ensure
from geobench.testing.method_subject import MethodSubject

_SAME_PLACE_KM = 0.001


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
    known = shuffled(gallery[some[best]], subject.truth)
    if method.origin == "released" and known.p_value > LEAST_P:
        raise Skip(f"its weights are released, and need not know the toy planet ({known})")
    ensure(
        known.p_value <= LEAST_P,
        f"the most similar places of the gallery do not know their photos ({known})",
        "A higher similarity means a better fit.",
    )
    return f"the most similar of {len(some):,} places are {known}"


_MOST_PLACES = 1000


def validation_joins_no_gallery(subject: MethodSubject) -> str:
    """Places of validation photos join no gallery and answer nothing: they choose settings only.

    Validation photos are dealt each other's places, which no photo else tells. Who has learnt these
    places, whatever it keeps them in, answers the same photos with them.
    """
    subject.of_seed(0)  # a method that cannot be fitted at all is another check's matter
    if subject.make().origin == "external":
        raise Skip("its answers come from a file")
    found = _of_dealt_places(subject, attempt=0)
    if found.p_value <= _LEAST_OF_SHUFFLES:
        # One honest method in five hundred comes here by chance, hardly one in 100,000 twice.
        found = _of_dealt_places(subject, attempt=1)
    ensure(
        found.p_value > _LEAST_OF_SHUFFLES,
        f"validation photos are answered with places that only `val` has told: {_said(found)}",
        _APART,
    )
    return f"answers to validation photos that were dealt each other's places: {_said(found)}"


def _of_dealt_places(subject: MethodSubject, *, attempt: int) -> Shuffled:
    """What answers to validation photos know of the places that these were dealt."""
    order = np.random.default_rng([9, attempt]).permutation(len(subject.val))
    dealt = subject.val.points.copy()
    dealt[order] = subject.val.points[np.roll(order, 1)]  # none keeps its own
    val = subject.moved(subject.val, dealt)
    restored = subject.restore(subject.stored(subject.fit(val=val)), val=val)
    if isinstance(restored, Retriever):
        _ensure_none_of(val, subject.train, restored.gallery(), "places of the gallery")
    prediction = subject.ask(restored, val.unlabelled())
    answers = prediction.point()
    draws = prediction.sample(_DRAWS, np.random.default_rng(0))
    _ensure_none_of(val, subject.train, answers, "answers")
    _ensure_none_of(val, subject.train, draws.reshape(-1, 2), "draws")
    known = (shuffled(answers, dealt), shuffled(draws, dealt))
    return min(known, key=lambda each: each.p_value)


def _said(found: Shuffled) -> str:
    return f"{found.own:,.0f} km away on average, {found.others:,.0f} km if shuffled"


def _ensure_none_of(val: Labelled, train: Labelled, points: geo.Points, what: str) -> None:
    """Fail if points (N, 2) are places of validation photos where no training photo was taken."""
    apart = geo.Places(train.points).nearest(val.points).distance_km > _SAME_PLACE_KM
    if not apart.any():
        return
    away = geo.Places(val.points[apart]).nearest(geo.wrap(points, name=what)).distance_km
    same = int((away <= _SAME_PLACE_KM).sum())
    ensure(not same, f"{same:,} {what} are places of validation photos, where none trains", _APART)


_APART = "Learn where photos are taken from `train` alone; `val` chooses steps, widths and floors."
_DRAWS = 8  # of each photo
_LEAST_OF_SHUFFLES = 0.001  # the least there is in `shuffled`


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
    gallery_is_the_one_it_names,
    similarity_knows_photos_and_places,
    validation_joins_no_gallery,
)
