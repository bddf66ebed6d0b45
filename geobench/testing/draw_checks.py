"""What every split promises of its draws: the same wherever, from the table and the seed alone."""

import numpy as np

from geobench.digests import array_digest
from geobench.errors import GeobenchError
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.dataset_subject import columns_of
from geobench.testing.other_process import check_another_process, check_random_state, difference
from geobench.testing.split_subject import (
    SplitSubject,
    TableOnly,
    findings,
    findings_anew,
    harder_datasets,
)
from geobench.toy_planet import ToyPlanet


def digest_is_stable(subject: SplitSubject) -> None:
    """Drawn again, by the same instance or another, over the same or a new planet, it is equal."""
    split, first = subject.make(), findings(subject.drawn)
    for what, again in (
        ("by another instance", findings(split.draw(subject.planet))),
        ("a second time by one instance", findings(split.draw(subject.planet))),
        ("over another instance of the dataset", findings_anew(subject.plugin, subject.config)),
    ):
        changed = difference(first, again)
        ensure(
            not changed,
            f"{changed} is another when it is drawn {what}",
            "Make a new generator from the seed of the configuration in every draw.",
        )


def same_in_another_process(subject: SplitSubject) -> None:
    """Another process draws the same parts."""
    check_another_process(subject, findings_anew, subject.plugin, subject.config)


def global_random_state_untouched(subject: SplitSubject) -> None:
    """Drawing neither uses nor changes the global generators."""
    check_random_state(
        lambda: findings_anew(subject.plugin, subject.config), by=f"split {subject.plugin.name}"
    )


def another_seed_another_draw(subject: SplitSubject) -> None:
    """Another `seed` in the configuration draws other parts."""
    first, seed = findings(subject.assign()), subject.config.seed
    others = [findings(subject.assign(seed=seed + step)) for step in (1, 2, 3)]
    if not any(difference(first, other) for other in others):
        raise Skip("its parts do not depend on the seed")


def reads_the_table_alone(subject: SplitSubject) -> None:
    """It draws the same parts where pictures and features cannot be read."""
    blind, again = TableOnly(subject.planet.table), None
    try:
        again = subject.make().draw(blind)
    except GeobenchError:
        if not blind.was_read:
            raise
    ensure(
        not blind.was_read,
        f"it reads the dataset's {blind.was_read}",
        "A split depends on the table alone, so that it is drawn before anything is encoded.",
    )
    changed = "" if again is None else difference(findings(subject.drawn), findings(again))
    ensure(
        not changed,
        f"{changed} is another for a dataset of another name with the same table",
        "A split depends on the table and its configuration alone.",
    )


def table_untouched(subject: SplitSubject) -> None:
    """Drawing does not change the dataset's table."""
    fresh = ToyPlanet()
    before = {name: array_digest(c) for name, c in columns_of(fresh.table).items()}
    subject.make().draw(fresh)
    after = {name: array_digest(c) for name, c in columns_of(fresh.table).items()}
    changed = difference(before, after)
    ensure(
        not changed, f"drawing changes {changed}", "Work on a copy: other splits read the table."
    )


def train_share_shrinks_training_alone(subject: SplitSubject) -> str:
    """With a smaller `train_share` val and parts stay, and train is a part of what it was."""
    full = subject.assign()
    if len(full.train) < 8:
        raise Skip(f"it gives {len(full.train)} training photos")
    before, sizes = full, []
    for share in (0.5, 0.25):
        fewer = subject.assign(train_share=share)
        for was, now in zip(full.all_parts[1:], fewer.all_parts[1:], strict=True):
            ensure(
                was.digest == now.digest,
                f"{now.name} is another where train_share is {share:g}",
                "Leave train_share to the core: draw does not read it.",
            )
        extra = np.setdiff1d(fewer.train.rows, before.train.rows)
        ensure(
            not len(extra),
            f"{len(extra)} photos train where train_share is {share:g} and not where it is larger",
        )
        wanted = round(share * len(full.train))
        ensure(
            len(fewer.train) == wanted,
            f"train_share {share:g} keeps {len(fewer.train)} of {len(full.train)} photos, not "
            f"{wanted}",
            "Leave train_share to the core: draw does not read it.",
        )
        before = fewer
        sizes.append(len(fewer.train))
    return f"train {len(full.train)}, {sizes[0]}, {sizes[1]}"


def what_it_cannot_split_it_refuses(subject: SplitSubject) -> str:
    """Few photos, a bare table or a single place are split, or refused by a GeobenchError."""
    refused = []
    for what, dataset in harder_datasets().items():
        try:
            subject.assign(dataset)
        except GeobenchError:
            refused.append(what)
        except Exception as error:
            raise Failure(
                f"a dataset of {what} ends in {type(error).__name__}: {error}",
                remedy="Raise geobench.DataError, and say in it what the split needs.",
            ) from error
    return f"refuses {', '.join(refused)}" if refused else "splits them all"


CHECKS = (
    digest_is_stable,
    same_in_another_process,
    global_random_state_untouched,
    another_seed_another_draw,
    reads_the_table_alone,
    table_untouched,
    train_share_shrinks_training_alone,
    what_it_cannot_split_it_refuses,
)
