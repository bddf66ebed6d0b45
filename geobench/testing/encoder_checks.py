"""What every encoder promises: finite features of any picture, of that picture alone, each time."""

import numpy as np
from numpy.typing import NDArray

from geobench.encoders import TextEncoder
from geobench.testing.check import Skip, ensure
from geobench.testing.encoder_subject import EncoderSubject as EncoderSubject
from geobench.testing.encoder_subject import Photos, findings, findings_anew, given_arrays
from geobench.testing.other_process import (
    check_another_process,
    check_random_state,
    difference,
    pickled,
)
from geobench.testing.untouched import Snapshot
from geobench.testing.weights import ensure_known_by_content, unnamed_files

_BATCH = 1e-4  # relative to a photo's largest number: what batches may change by rounding
_AGAIN = 1e-5  # the same between two runs, where threads may add in another order


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
        changed = difference(findings(subject.photos.encoder), findings(encoder), tolerance=_AGAIN)
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
        apart.max() <= _BATCH,
        f"{what} of {subject.photos.names[rows[apart.argmax()]]} changes by "
        f"{apart.max():.2g} of its largest number with the batch that it is in",
        "Normalise by fixed constants, never by the batch (in torch: call eval()), and keep the "
        "order of the batch.",
    )
    return float(apart.max())


def same_picture_same_features(subject: EncoderSubject) -> None:
    """Asked again, and in another instance, it gives the same features and digests."""
    first = findings(subject.photos.encoder)
    for what, encoder in (("asked again", subject.photos.encoder), ("made anew", subject.make())):
        changed = difference(first, findings(encoder), tolerance=_AGAIN)
        ensure(
            not changed,
            f"{changed}: not the same when it is {what}",
            "An encoder is frozen: it draws nothing, and learns nothing from what it sees.",
        )


def same_in_another_process(subject: EncoderSubject) -> None:
    """Another process gives the same features and digests: both are kept on disk."""
    check_another_process(subject, findings_anew, subject.plugin, subject.config, tolerance=_BATCH)


def global_random_state_untouched(subject: EncoderSubject) -> None:
    """Making it and encoding neither use nor change the global generators."""
    check_random_state(
        lambda: findings_anew(subject.plugin, subject.config),
        by=f"encoder {subject.plugin.name}",
        tolerance=_AGAIN,
    )


def inputs_untouched(subject: EncoderSubject) -> None:
    """Neither `prepare` nor `encode` changes what it is given; pictures may be read-only."""
    photos = Photos(subject.make())
    if photos.from_pictures:
        before = Snapshot.of(photos.pictures)
        photos.batch(photos.all)
        before.check(photos.pictures, by="prepare")
        for picture in photos.pictures.values():
            picture.setflags(write=False)
        try:
            photos.batch(photos.all)
        finally:
            for picture in photos.pictures.values():
                picture.setflags(write=True)
    batch = photos.batch(photos.all[: photos.encoder.batch])
    arrays = given_arrays(batch)
    before = Snapshot.of(arrays)
    photos.encoder.encode(batch, tokens=False)
    before.check(arrays, by="encode")


def digest_is_stable(subject: EncoderSubject) -> None:
    """Instances of one configuration share their digests; pooled features and tokens do not."""
    for what in ("pooled", "tokens"):
        digest = subject.photos.encoder.digest(what)
        ensure(isinstance(digest, str) and digest, f"the digest of {what} is {digest!r}")
        ensure(
            digest == subject.make().digest(what) == subject.photos.encoder.digest(what),
            f"the digest of {what} is another in a second instance of the same configuration",
            "Leave it as it is, and give the SHA-256 of the weights by `content`.",
        )
    encoder = subject.photos.encoder
    ensure(
        encoder.digest("pooled") != encoder.digest("tokens"),
        "pooled features and tokens have the same digest",
        "Each is kept under its digest: put `what` into it.",
    )


def weights_are_in_the_key(subject: EncoderSubject) -> str:
    """Files of weights that it reads are in its digests by their content."""
    pooled = subject.pooled

    def complaint() -> str:
        now = {"pooled features": Photos(subject.make()).pooled()}
        changed = difference({"pooled features": pooled}, now, tolerance=_AGAIN)
        return changed and f"{changed} are others"

    keyed = [
        path
        for path in unnamed_files(subject.tiny_folder, subject.config)
        if ensure_known_by_content(path, lambda: subject.make().digest("pooled"), complaint)
    ]
    if not keyed:
        raise Skip("it reads no file of weights beside its configuration's")
    return f"{len(keyed)} file(s), the first is {keyed[0].name}"


def survives_pickling(subject: EncoderSubject) -> None:
    """A copy in a worker process, made before or after use, gives the same features."""
    first = findings(subject.photos.encoder)
    for when, encoder in (
        ("before it is used", subject.make()),
        ("after use", subject.photos.encoder),
    ):
        changed = difference(first, findings(pickled(encoder, subject.folder())), tolerance=_AGAIN)
        ensure(not changed, f"{changed}: not the same in a copy that was pickled {when}")


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
        {"pooled": subject.pooled}, {"pooled": subject.tokens.pooled}, tolerance=_BATCH
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
                {name: together[number]}, {name: found[order.index(number)]}, tolerance=_BATCH
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
    same_picture_same_features,
    same_in_another_process,
    global_random_state_untouched,
    inputs_untouched,
    digest_is_stable,
    weights_are_in_the_key,
    survives_pickling,
    tokens_are_finite,
    pooled_without_tokens,
    texts_are_encoded,
)
