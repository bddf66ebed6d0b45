"""What every method promises of what it keeps: in its state, in its cache, and in its key."""

from pathlib import Path

import numpy as np

from geobench.data import Labelled
from geobench.geo import wrap
from geobench.testing.check import Skip, ensure
from geobench.testing.method_subject import MethodSubject
from geobench.testing.said import Said, ensure_same

_MUCH = 5000  # calls of functions, below which whatever restore does is little
_LARGE_SHARE = 0.5  # of the calls that fit makes


def restoring_does_not_train(subject: MethodSubject) -> str:
    """What answers was stored: `restore` neither trains nor looks at the seed."""
    subject.of_seed(-1)
    effort = subject.effort
    ensure(not effort.fitted_again, "restore calls fit", _REMEDY)
    ensure(
        effort.restore <= max(_MUCH, _LARGE_SHARE * effort.fit),
        f"restore makes {effort.restore:,} calls of functions, where fit makes {effort.fit:,}",
        _REMEDY,
    )
    state = subject.of_seed(1).state
    mine, other = (subject.ask(subject.restore(state, seed=seed)) for seed in (1, 0))
    ensure_same(
        Said.of(mine),
        Said.of(other),
        "one state, restored under two seeds",
        "Keep in the state what was drawn: `restore` reads state, configuration and train.",
    )
    return f"{effort.restore:,} calls of functions, {effort.fit:,} in fit"


_REMEDY = (
    "`restore` runs for every part, and must not train: return what training gave by `state`, and "
    "take it from there."
)


def cache_belongs_to_its_training(subject: MethodSubject) -> str:
    """After a training on other photos it answers as if nothing had been kept before."""
    subject.of_seed(0)
    kept = [path for path in subject.cache_root.rglob("*") if path.is_file()]
    if not kept:
        raise Skip("it keeps nothing in the cache")
    half = subject.train.take(np.arange(len(subject.train))[::2])
    others = subject.moved(half, wrap(half.points * (-1, 1) + (0, 90)))
    warm, cold = (_answer(subject, others, cache) for cache in (None, subject.folder()))
    ensure_same(
        cold,
        warm,
        "trained on other photos, with what an earlier training kept in the cache",
        "Keep it by context.cache(key, make), which gives each training its own; what is shared "
        "needs a digest of everything that decides it as its key.",
    )
    return f"{len(kept)} file(s) kept"


def _answer(subject: MethodSubject, train: Labelled, cache: Path | None) -> Said:
    method = subject.fit(train, cache=cache)
    restored = subject.restore(subject.stored(method), train, cache=cache)
    return Said.of(subject.ask(restored))


def weights_are_in_the_key(subject: MethodSubject) -> str:
    """Files of weights that it reads are in its key by their content."""
    subject.of_seed(0)
    _ = subject.prediction
    read = sorted(subject.read_files())
    if not read:
        raise Skip("it reads no file of weights beside its configuration's")
    method = subject.make()
    first = read[0]
    ensure(
        method.content(),
        f"it reads {first}, and nothing of it is in the key of what it answers",
        "Return its digest from `content`: geobench.digests.of_files(path).",
    )
    for path in read:
        if not path.is_relative_to(subject.tiny_folder):  # nothing of the user's is touched
            continue
        whole, before = path.read_bytes(), method.identity()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        try:
            after = subject.make().identity()
        finally:
            path.write_bytes(whole)
        ensure(
            after != before,
            f"where a byte of {path.name} changes, its key stays",
            "`content` is a digest of the bytes: geobench.digests.of_files(path).",
        )
    return f"{len(read)} file(s), the first is {first.name}"


CHECKS = (restoring_does_not_train, cache_belongs_to_its_training, weights_are_in_the_key)
