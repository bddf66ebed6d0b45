"""What every method promises of what it keeps: in its state, in its cache, and in its key."""

from pathlib import Path

import numpy as np

from geobench.data import Labelled
from geobench.geo import wrap
from geobench.testing.check import Skip, ensure
from geobench.testing.method_subject import MethodSubject
from geobench.testing.prediction_snapshot import PredictionSnapshot, ensure_same
from geobench.testing.weights import ensure_known_by_content, unnamed_files

_MUCH = 1000  # calls of functions, below which whatever restore does is little
_LARGE_SHARE = 0.4  # of the calls that fit makes


def restoring_does_not_train(subject: MethodSubject) -> str:
    """What answers was stored: `restore` neither trains nor looks at the seed."""
    subject.of_seed(-1)
    effort = subject.effort
    ensure(not effort.fitted_again, "restore calls fit", _REMEDY)
    ensure(
        effort.restore <= max(_MUCH, _LARGE_SHARE * effort.fit)
        or not subject.make().needs_training,
        f"restore makes {effort.restore:,} calls of functions, where fit makes {effort.fit:,}",
        _REMEDY,
    )
    state = subject.of_seed(1).state
    # Components stay those that it was fitted with: they have a seed of their own to answer for.
    mine, other = (
        subject.ask(subject.restore(state, seed=seed, component_seed=1)) for seed in (1, 0)
    )
    ensure_same(
        PredictionSnapshot.of(mine),
        PredictionSnapshot.of(other),
        "one state, restored under two seeds",
        "Keep in the state what was drawn: `restore` reads state, configuration and train.",
    )
    return f"{effort.restore:,} calls of functions, {effort.fit:,} in fit"


_REMEDY = (
    "`restore` runs for every part, and must not train: return what training gave by `state`, and "
    "take it from there."
)


def cache_belongs_to_its_training(subject: MethodSubject) -> str:
    """After a training on other photos, places or seeds it answers as if nothing had been kept."""
    subject.of_seed(0)
    kept = [path for path in subject.cache_root.rglob("*") if path.is_file()]
    if not kept:
        raise Skip("it keeps nothing in the cache")
    train = subject.train
    others = {
        "trained on photos of the same names from other places": (
            subject.moved(train, wrap(train.points * (-1, 1) + (0, 90))),
            0,
        ),
        "trained on half of the photos": (train.take(np.arange(len(train))[::2]), 0),
        "trained with another seed": (train, 1),
    }
    for what, (photos, seed) in others.items():
        warm, cold = (_answer(subject, photos, seed, cache) for cache in (None, subject.folder()))
        ensure_same(
            cold,
            warm,
            f"{what}, with what an earlier training kept in the cache",
            "Keep it by context.cache(key, make), which gives each training its own; what is "
            "shared needs a digest of everything that decides it as its key.",
        )
    return f"{len(kept)} file(s) kept"


def _answer(
    subject: MethodSubject, train: Labelled, seed: int, cache: Path | None
) -> PredictionSnapshot:
    method = subject.fit(train, seed=seed, cache=cache)
    restored = subject.restore(subject.stored(method), train, seed=seed, cache=cache)
    return PredictionSnapshot.of(subject.ask(restored))


def weights_are_in_the_key(subject: MethodSubject) -> str:
    """Files of weights that it reads are in its key by their content."""
    subject.of_seed(0)
    said = subject.snapshot
    read = sorted(subject.read_files())
    ensure(
        not read or subject.make().content(),
        f"it reads {read[0] if read else ''}, and nothing of it is in the key of what it answers",
        "Return its digest from `content`: geobench.digests.of_files(path).",
    )

    def complaint() -> str:
        method = subject.fit()
        return said.difference(
            PredictionSnapshot.of(subject.ask(subject.restore(subject.stored(method))))
        )

    keyed = [
        path
        for path in unnamed_files(subject.tiny_folder, subject.config)
        if ensure_known_by_content(path, lambda: subject.make().identity(), complaint)
    ]
    found = [*keyed, *read]
    if not found:
        raise Skip("it reads no file of weights beside its configuration's")
    return f"{len(found)} file(s), the first is {found[0].name}"


CHECKS = (restoring_does_not_train, cache_belongs_to_its_training, weights_are_in_the_key)
