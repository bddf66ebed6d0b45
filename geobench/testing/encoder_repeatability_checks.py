"""What every encoder promises of repetition: the same features again, elsewhere and from a copy."""

from geobench.testing.check import Skip, ensure
from geobench.testing.encoder_checks import AGAIN, BATCH
from geobench.testing.encoder_subject import (
    EncoderSubject,
    Photos,
    findings,
    findings_anew,
    given_arrays,
)
from geobench.testing.other_process import (
    check_another_process,
    check_random_state,
    difference,
    pickled,
)
from geobench.testing.untouched import Snapshot
from geobench.testing.weights import ensure_known_by_content, unnamed_files


def same_picture_same_features(subject: EncoderSubject) -> None:
    """Asked again, and in another instance, it gives the same features and digests."""
    first = findings(subject.photos.encoder)
    for what, encoder in (("asked again", subject.photos.encoder), ("made anew", subject.make())):
        changed = difference(first, findings(encoder), tolerance=AGAIN)
        ensure(
            not changed,
            f"{changed}: not the same when it is {what}",
            "An encoder is frozen: it draws nothing, and learns nothing from what it sees.",
        )


def same_in_another_process(subject: EncoderSubject) -> None:
    """Another process gives the same features and digests: both are kept on disk."""
    check_another_process(subject, findings_anew, subject.plugin, subject.config, tolerance=BATCH)


def global_random_state_untouched(subject: EncoderSubject) -> None:
    """Making it and encoding neither use nor change the global generators."""
    check_random_state(
        lambda: findings_anew(subject.plugin, subject.config),
        by=f"encoder {subject.plugin.name}",
        tolerance=AGAIN,
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
        changed = difference({"pooled features": pooled}, now, tolerance=AGAIN)
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
        changed = difference(first, findings(pickled(encoder, subject.folder())), tolerance=AGAIN)
        ensure(not changed, f"{changed}: not the same in a copy that was pickled {when}")


CHECKS = (
    same_picture_same_features,
    same_in_another_process,
    global_random_state_untouched,
    inputs_untouched,
    digest_is_stable,
    weights_are_in_the_key,
    survives_pickling,
)
