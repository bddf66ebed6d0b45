"""What every encoder promises: finite features of any picture, of that picture alone."""

import numpy as np
from numpy.typing import NDArray

from geobench.encoders import TextEncoder
from geobench.testing.check import Skip, ensure
from geobench.testing.encoder_subject import EncoderSubject as EncoderSubject
from geobench.testing.encoder_subject import Photos, findings
from geobench.testing.other_process import (
    difference,
)

BATCH = 1e-4  # relative to a photo's largest number: what batches may change by rounding
AGAIN = 1e-5  # the same between two runs, where threads may add in another order


def declared_types(subject: EncoderSubject) -> str:
    """It reads images or features, some at a time, and its configuration is one of its Config."""
    plugin, encoder = subject.plugin, subject.make()
    ensure(
        plugin.reads in ("images", "features"),
        f"reads is {plugin.reads!r}",
        'It is "images" or "features".',
    )
    subject.ensure_configured()
    ensure(
        type(encoder.batch) is int and encoder.batch > 0,
        f"batch is {encoder.batch!r}",
        "It is how many photos `encode` takes at a time.",
    )
    return f"reads {plugin.reads}, {encoder.batch} photos at a time"


def shape_is_what_encode_gives(subject: EncoderSubject) -> str:
    """What `shape` says before anything is encoded, if it says it, is the shape of the features."""
    said = {}
    for what, form, dimensions in (("pooled", "(D,)", 1), ("tokens", "(T, E)", 2)):
        # The loop's strings are the two that `shape` takes.
        told = said[what] = subject.make().shape(what)  # type: ignore[arg-type]
        proper = isinstance(told, tuple) and len(told) == dimensions
        ensure(
            told is None or (proper and all(type(n) is int and n > 0 for n in told)),
            f"the shape of {what} is {told!r}",
            f"Give {form} as whole numbers, or None where it is not known before.",
        )
    _agrees("pooled", said["pooled"], subject.pooled)
    if said["tokens"] is not None:
        tokens = _tokens(subject)
        ensure(tokens is not None, "it says the shape of tokens, and gives none")
        _agrees("tokens", said["tokens"], tokens)
    return ", ".join(f"{what} {told or 'not said'}" for what, told in said.items())


def _tokens(subject: EncoderSubject) -> NDArray[np.float32] | None:
    try:
        return subject.tokens.tokens
    except Skip:
        return None


def _agrees(what: str, said: tuple[int, ...] | None, found: NDArray[np.float32] | None) -> None:
    shape = None if found is None else found.shape[1:]
    ensure(
        said is None or said == shape,
        f"{what} of a photo have the shape {shape}, and `shape` says {said}",
        "Plans are checked against it before anything is encoded.",
    )


def works_where_it_is_told(subject: EncoderSubject) -> None:
    """Told to work on the CPU, before it is used or afterwards, it gives the same features."""
    encoder = subject.make()
    for when in ("before it is used", "after use", "again"):
        encoder.to("cpu")
        changed = difference(findings(subject.photos.encoder), findings(encoder), tolerance=AGAIN)
        ensure(
            not changed,
            f"{changed}: not the same when it is told to work on the CPU {when}",
            "`to` says where it encodes, and changes nothing else.",
        )


def takes_any_picture(subject: EncoderSubject) -> str:
    """Pictures of any size, black, white or noise, become arrays of one shape and type."""
    photos = subject.photos
    if not photos.from_pictures:
        raise Skip("it reads features, not pictures")
    batch = photos.batch(photos.all)
    ensure(batch.dtype.kind in "fiub", f"prepare gives arrays of {batch.dtype}", "Give numbers.")
    return f"{len(batch)} pictures, {batch.dtype} {batch.shape[1:]}"


def features_are_finite(subject: EncoderSubject) -> str:
    """Every photo has pooled features (B, D), finite as float32, of the same D in all batches."""
    pooled, photos = subject.pooled, subject.photos
    for row in photos.all:
        alone = photos.pooled(np.array([row]))
        ensure(
            alone.shape[1:] == pooled.shape[1:],
            f"{photos.names[row]} alone has {alone.shape[1]} numbers, and {pooled.shape[1]} in a "
            "batch",
        )
    return f"D = {pooled.shape[1]}"


def features_tell_photos_apart(subject: EncoderSubject) -> None:
    """Not all photos have the same features."""
    ensure(
        (subject.pooled != subject.pooled[0]).any(),
        "all photos have the same features",
        "`encode` must read the batch.",
    )


def batching_does_not_matter(subject: EncoderSubject) -> str:
    """A photo has the same features alone, with whichever photos, and in batches of any size."""
    photos, together = subject.photos, subject.pooled
    worst = 0.0
    full = np.resize(photos.all, min(photos.encoder.batch, _FULL))
    for rows in (*np.split(photos.all, len(photos.all)), photos.all[: len(photos.all) // 2], full):
        worst = max(worst, _apart(subject, together[rows], photos.pooled(rows), rows, "pooled"))
    for size in _SIZES:
        # The harness asks for so many at a time as `batch` says, on another machine or later.
        other = type(subject.plugin.__name__, (subject.plugin,), {"batch": size})
        found = Photos(other(subject.config)).pooled()
        worst = max(worst, _apart(subject, together, found, photos.all, "pooled"))
    return f"largest difference {worst:.1e}, relative"


_FULL = 64  # photos, at most, of the batch as large as it gets
_SIZES = (1, 5)


def order_does_not_matter(subject: EncoderSubject) -> None:
    """Features come in the order of the batch."""
    for rows in (
        subject.photos.all[::-1],
        np.random.default_rng(0).permutation(subject.photos.all),
    ):
        _apart(subject, subject.pooled[rows], subject.photos.pooled(rows), rows, "pooled")


def _apart(
    subject: EncoderSubject,
    together: NDArray[np.float32],
    otherwise: NDArray[np.float32],
    rows: NDArray[np.intp],
    what: str,
) -> float:
    """The largest relative difference; raises Failure if it is more than rounding."""
    first = together.reshape(len(rows), -1).astype(np.float64)
    second = otherwise.reshape(len(rows), -1).astype(np.float64)
    largest = np.maximum(np.abs(first).max(axis=1), np.finfo(np.float32).tiny)
    apart = np.abs(first - second).max(axis=1) / largest
    ensure(
        apart.max() <= BATCH,
        f"{what} of {subject.photos.names[rows[apart.argmax()]]} changes by "
        f"{apart.max():.2g} of its largest number with the batch that it is in",
        "Normalise by fixed constants, never by the batch (in torch: call eval()), and keep the "
        "order of the batch.",
    )
    return float(apart.max())


def tokens_are_finite(subject: EncoderSubject) -> str:
    """Where it gives tokens, they are (B, T, E), finite, and of the photo alone."""
    photos, together = subject.photos, subject.tokens.tokens
    assert together is not None
    for rows in (*np.split(photos.all, len(photos.all)), photos.all[::-1]):
        found = photos.both(rows).tokens
        assert found is not None
        ensure(
            found.shape[1:] == together.shape[1:],
            f"tokens of {photos.names[rows[0]]} have the shape {found.shape[1:]}, and "
            f"{together.shape[1:]} in another batch",
            "Every photo has as many tokens.",
        )
        _apart(subject, together[rows], found, rows, "tokens")
    return f"T = {together.shape[1]}, E = {together.shape[2]}"


def pooled_without_tokens(subject: EncoderSubject) -> None:
    """Pooled features are the same whether tokens are wanted or not."""
    changed = difference(
        {"pooled": subject.pooled}, {"pooled": subject.tokens.pooled}, tolerance=BATCH
    )
    ensure(
        not changed,
        "pooled features are others when tokens are wanted, too",
        "They are kept under one digest: compute both the same way.",
    )


_TEXTS = ("a photo taken in Kenya", "a photo taken in Japan", "a beach", "", "x" * 2000)


def texts_are_encoded(subject: EncoderSubject) -> str:
    """A TextEncoder gives texts finite features (texts, D), each of that text alone."""
    encoder = subject.photos.encoder
    if not isinstance(encoder, TextEncoder):
        raise Skip("it encodes no texts")
    together = np.asarray(encoder.encode_text(_TEXTS))
    wanted = (len(_TEXTS), subject.pooled.shape[1])
    ensure(
        together.shape == wanted and together.dtype.kind == "f",
        f"{len(_TEXTS)} texts have features of {together.dtype} {together.shape}, not float32 "
        f"{wanted}",
        "Texts and pictures share one space: D is that of the pooled features.",
    )
    for number, text in enumerate(_TEXTS):
        name = f"the text {text[:30]!r}"
        ensure(np.isfinite(together[number]).all(), f"features of {name} are not finite")
        for order in ([number], list(range(len(_TEXTS)))[::-1]):
            found = np.asarray(encoder.encode_text([_TEXTS[i] for i in order]))
            changed = difference(
                {name: together[number]}, {name: found[order.index(number)]}, tolerance=BATCH
            )
            ensure(not changed, f"features of {name} change with the texts it is encoded with")
    return f"D = {together.shape[1]}"


CHECKS = (
    declared_types,
    takes_any_picture,
    features_are_finite,
    shape_is_what_encode_gives,
    works_where_it_is_told,
    features_tell_photos_apart,
    batching_does_not_matter,
    order_does_not_matter,
)

CHECKS_OF_MORE = (tokens_are_finite, pooled_without_tokens, texts_are_encoded)
"""Of what not every encoder gives: tokens, and features of texts."""
