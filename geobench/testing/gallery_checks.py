"""What a retriever promises of its gallery and its similarity."""

from dataclasses import replace
from typing import NamedTuple, final

import numpy as np

from geobench import geo
from geobench.methods import Context, Retriever
from geobench.testing.chance_checks import LEAST_P, shuffled
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


CHECKS = (gallery_is_the_one_it_names, similarity_knows_photos_and_places)
