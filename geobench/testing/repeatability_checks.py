"""What every method promises of repetition: nothing touched, nothing remembered, same seed same
bytes, and each photo answered by itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from geobench.methods import Method, State
from geobench.predictions import Density
from geobench.run.named_methods import deterministic
from geobench.testing.check import Skip, ensure
from geobench.testing.method_photos import PARTS
from geobench.testing.method_subject import MethodSubject
from geobench.testing.other_process import check_another_process
from geobench.testing.prediction_snapshot import PredictionSnapshot, ensure_same
from geobench.testing.untouched import Snapshot


def inputs_untouched(subject: MethodSubject) -> None:
    """Neither fit nor predict changes the arrays that it is given."""
    state = subject.of_seed(0).state
    if "inputs" in subject.faults:
        raise subject.faults["inputs"]
    before = Snapshot.of(state)
    prediction = subject.ask(subject.restore(state))
    prediction.point()
    before.check(state, by="restore or predict")
    if isinstance(prediction, Density):
        queries = {"points": np.broadcast_to(subject.truth[:4], (len(prediction), 4, 2)).copy()}
        asked = Snapshot.of(queries)
        prediction.log_prob(queries["points"])
        asked.check(queries, by="log_prob")


def order_does_not_matter(subject: MethodSubject) -> None:
    """Answers and log-densities are the same whatever the order of the photos."""
    method = subject.of_seed(0).restored
    order = np.random.default_rng(0).permutation(len(subject.test))
    shuffled = PredictionSnapshot.of(subject.ask(method, subject.test.take(order)))
    ensure_same(
        subject.snapshot.take(order),
        shuffled,
        "in another order of photos",
        "Each photo is answered by its own features alone, with context.noise for randomness.",
    )


def batching_does_not_matter(subject: MethodSubject) -> None:
    """Answers and log-densities are the same whichever photos are asked for together."""
    method, test = subject.of_seed(0).restored, subject.test
    for size in (7, 1):
        count = min(len(test), 12 * size)
        pieces = [
            PredictionSnapshot.of(
                subject.ask(method, test.take(np.arange(i, min(i + size, count))))
            )
            for i in range(0, count, size)
        ]
        ensure_same(
            subject.snapshot.take(np.arange(count)),
            PredictionSnapshot.joined(pieces),
            f"in batches of {size}",
            "Use nothing of the other photos of a batch (its mean, its scale, its order).",
        )
    indices = np.arange(len(test))[::3]
    ensure_same(
        subject.snapshot.take(indices),
        PredictionSnapshot.of(subject.prediction.take(indices)),
        "of a prediction's take(...)",
        "take gives the distributions of these photos only.",
    )


def asking_changes_nothing(subject: MethodSubject) -> None:
    """A method that was asked before gives the same answers, and has the same state."""
    first = subject.of_seed(0)
    method = subject.restore(first.state)
    before = Snapshot.of(subject.stored(method))
    prediction = subject.ask(method)
    once = PredictionSnapshot.of(prediction)
    subject.ask(method, subject.test.take(np.arange(len(subject.test))[::-2])).point()
    remedy = "predict must not change the method, nor what it returned before."
    ensure_same(once, PredictionSnapshot.of(prediction), "looked at again", remedy, exactly=True)
    ensure_same(
        once, PredictionSnapshot.of(subject.ask(method)), "asked again", remedy, exactly=True
    )
    before.check(subject.stored(method), by="predict")


def same_seed_same_bytes(subject: MethodSubject) -> None:
    """Fitted again with the same seed it has the same state and gives the same answers."""
    first, second = subject.of_seed(0), subject.of_seed(-1)
    remedy = "Seed everything from context.seed, and iterate over nothing unordered."
    changed = _changed(first.state, second.state)
    ensure(not changed, f"the same seed gives another state {changed!r}", remedy)
    again = subject.ask(second.restored)
    ensure_same(
        subject.snapshot,
        PredictionSnapshot.of(again),
        "fitted again with the same seed",
        remedy,
        exactly=True,
    )
    one, other = (p.sample(3, np.random.default_rng(5)) for p in (subject.prediction, again))
    ensure(np.array_equal(one, other), "the same seed and generator give other samples", remedy)


def same_in_another_process(subject: MethodSubject) -> None:
    """Another process answers the same: restored from the state, and fitted there anew."""
    state = subject.of_seed(0).state
    check_another_process(
        subject,
        _restore_and_fit,
        subject.plugin,
        subject.config,
        state,
        here=_findings(state, restored=subject.snapshot, fitted=subject.snapshot),
        tolerance=_PROCESS_TOLERANCE,
    )


_PROCESS_TOLERANCE = 1e-6  # relative: sums may be taken in another order


def _restore_and_fit(plugin: type[Method], config: Any, state: State) -> dict[str, Any]:
    subject = MethodSubject(plugin, config=config)
    restored = PredictionSnapshot.of(
        subject.ask(subject.restore(dict(state)))
    )  # before anything is fitted here
    return _findings(subject.of_seed(0).state, restored=restored, fitted=subject.snapshot)


def _findings(
    state: State, *, restored: PredictionSnapshot, fitted: PredictionSnapshot
) -> dict[str, Any]:
    found: dict[str, Any] = {"answers of the restored method": restored.point}
    found |= {f"state {name!r}": array for name, array in state.items()}
    for name, said in (("restored", restored), ("fitted", fitted)):
        found[f"answers of the {name} method"] = said.point
        if said.log_prob is not None:
            found[f"log-densities of the {name} method"] = said.log_prob
    return found


def another_seed_another_result(subject: MethodSubject) -> str:
    """Another seed gives another result, or the same if it says that it is deterministic."""
    first, other = subject.of_seed(0), subject.of_seed(1)
    prediction = subject.ask(other.restored, seed=1)
    both = (subject.prediction, prediction)
    one, another = (p.sample(3, np.random.default_rng(5)) for p in both)
    changed = _changed(first.state, other.state)
    differs = changed or subject.snapshot.difference(PredictionSnapshot.of(prediction), tolerance=0)
    if deterministic(subject.make()):
        ensure(
            not differs and np.array_equal(one, another),
            f"it says that it is deterministic, and another seed changes it "
            f"({differs or 'its samples'})",
            "Leave out `deterministic = True`.",
        )
        return "deterministic: seeds 0 and 1 give the same"
    ensure(
        differs or not np.array_equal(one, another),
        "another seed changes neither state, answers nor samples",
        "Draw from context.rng or context.noise, or say `deterministic = True`.",
    )
    return ""


def _changed(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> str:
    first, second = Snapshot.of(a).digests, Snapshot.of(b).digests
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return names[0] if names else ""


def global_random_state_untouched(subject: MethodSubject) -> None:
    """The global generators of Python, numpy and torch are as they were."""
    subject.of_seed(-1)
    if "random state" in subject.faults:
        raise subject.faults["random state"]


def samples_follow_the_generator(subject: MethodSubject) -> None:
    """Samples depend on the generator that is given, and on nothing else that is random."""
    prediction = subject.prediction
    draws = [prediction.sample(16, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    remedy = "Draw from the `rng` that sample is given."
    ensure(
        np.array_equal(draws[0], draws[1]), "one generator twice gives different samples", remedy
    )
    alone = bool((draws[0] == draws[0][:, :1]).all())
    if alone and np.array_equal(draws[0], draws[2]):
        raise Skip("each photo has one possible place, so there is nothing to draw")
    ensure(not np.array_equal(draws[0], draws[2]), "two generators give the same samples", remedy)
    rng = np.random.default_rng(0)
    once, again = (prediction.sample(16, rng) for _ in range(2))
    ensure(
        not np.array_equal(once, again),
        "a generator that has gone on gives the same samples",
        remedy,
    )


def state_round_trips(subject: MethodSubject) -> None:
    """Made again from its stored state, after others were fitted, it gives the same answers."""
    first = subject.of_seed(0)
    subject.fit(subject.train.take(np.arange(len(subject.train))[::2]), seed=2)
    restored = subject.restore(first.state)
    remedy = "state holds all that predict needs and that neither config nor train hold."
    ensure_same(
        PredictionSnapshot.of(subject.ask(first.fitted)),
        PredictionSnapshot.of(subject.ask(restored)),
        "restored from its state",
        remedy,
    )
    changed = _changed(first.state, subject.stored(restored))
    ensure(not changed, f"the restored method gives another state {changed!r}", remedy)


def labels_unseen(subject: MethodSubject) -> None:
    """It answers without places and attributes, and does not look at them if they are there."""
    method, rows = subject.of_seed(0).restored, subject.rows(subject.part)
    labelled = subject.labelled(rows)
    # Not even the right labels may change an answer.
    ensure_same(
        subject.snapshot,
        PredictionSnapshot.of(subject.ask(method, labelled)),
        "where test photos carry their places",
        "predict reads features and ids only.",
    )
    if method.origin == "external":
        return
    other = next(part for part in PARTS if part != subject.part)
    ensure_same(
        subject.snapshot,
        PredictionSnapshot.of(subject.ask(method, subject.test, part=other)),
        f"where the same photos are called {other}",
        "A part's name must not change an answer.",
    )


CHECKS = (
    inputs_untouched,
    order_does_not_matter,
    batching_does_not_matter,
    asking_changes_nothing,
    same_seed_same_bytes,
    same_in_another_process,
    another_seed_another_result,
    global_random_state_untouched,
    samples_follow_the_generator,
    state_round_trips,
    labels_unseen,
)
