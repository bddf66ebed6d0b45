"""What every split promises of its parts: disjoint, apart, without labels, and no photo lost."""

import math

import numpy as np

from geobench import geo
from geobench.data import Fact
from geobench.errors import DataError
from geobench.features.inputs import Inputs
from geobench.grouping import SAME_GROUP
from geobench.statistics.units import unit_codes
from geobench.testing import draw_checks
from geobench.testing.check import Failure, Skip, ensure
from geobench.testing.picture_checks import tells
from geobench.testing.split_subject import SplitSubject as SplitSubject


def assigns_the_toy_planet(subject: SplitSubject) -> str:
    """It draws train, val and test parts of the toy planet, and the core accepts them."""
    subject.ensure_configured()
    drawn = subject.drawn
    subject.assign()
    ensure(drawn.train.name == "train", f"the train part is named {drawn.train.name!r}")
    ensure(drawn.val.name == "val", f"the val part is named {drawn.val.name!r}")
    return ", ".join(f"{part.name} {len(part)}" for part in drawn.all_parts)


def parts_are_well_formed(subject: SplitSubject) -> None:
    """Rows are positions in the table, with one region per photo."""
    drawn = subject.drawn
    for part in drawn.all_parts:
        _check_rows(f"part {part.name}", part.rows, len(part.dataset.table))
        ensure(
            np.shape(part.regions) == np.shape(part.rows),
            f"part {part.name} has regions of shape {np.shape(part.regions)} for {len(part)} "
            "photos",
            "Give one per photo: the block or country that was held out, or leave regions out.",
        )
        if len(part):
            try:
                unit_codes(part.regions)
            except ValueError as error:
                raise Failure(f"part {part.name}: {error}") from None
    for reason, rows in drawn.left_out.items():
        ensure(reason, "photos are left out without a reason")
        _check_rows(f"left out ({reason})", rows, len(subject.planet.table))
    for name, fact in drawn.facts.items():
        proper = isinstance(fact, Fact) and math.isfinite(fact.value) and fact.unit
        ensure(name and proper, f"the fact {name!r} is {fact!r}", "Give Fact(number, unit).")


def _check_rows(what: str, rows: np.ndarray, count: int) -> None:
    whole = isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind in "iu"
    ensure(whole, f"{what}: rows are no one-dimensional array of whole numbers")
    ensure(
        len(rows) == 0 or (rows.min() >= 0 and rows.max() < count),
        f"{what}: rows from {rows.min() if len(rows) else 0} to {rows.max() if len(rows) else 0} "
        f"in a table of {count}",
    )


def parts_are_disjoint(subject: SplitSubject) -> None:
    """No photo is in two of train, val, the test parts and what is left out."""
    drawn = subject.drawn
    for part in drawn.parts:
        copied = part.dataset is not subject.planet and part.dataset.digest == subject.planet.digest
        ensure(
            not copied,
            f"part {part.name} is of a copy of the dataset, where the core cannot see an overlap",
            "Make parts of the very dataset that `draw` is given.",
        )
    sets = {f"part {part.name}": part.rows for part in subject.home}
    sets |= {f"what is left out ({reason})": rows for reason, rows in drawn.left_out.items()}
    names, ids = list(sets), subject.planet.table.ids
    for name, rows in sets.items():
        ensure(len(set(rows.tolist())) == len(rows), f"{name} holds a photo twice")
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            both = sorted(set(sets[first].tolist()) & set(sets[second].tolist()))
            ensure(
                not both,
                f"{len(both)} photos are in {first} and in {second}, the first is "
                f"{ids[both[0]] if both else ''}",
                "Every photo is in one of them.",
            )


def no_photo_is_lost(subject: SplitSubject) -> str:
    """Every photo is in a part, or left out for a reason that is named."""
    drawn, count = subject.drawn, len(subject.planet.table)
    seen = np.zeros(count, bool)
    for rows in (*(part.rows for part in subject.home), *drawn.left_out.values()):
        seen[rows] = True
    lost = np.flatnonzero(~seen)
    ensure(
        not len(lost),
        f"{len(lost)} of {count} photos are nowhere, the first is "
        f"{subject.planet.table.ids[lost[0]] if len(lost) else ''}",
        "Name them in left_out, with the reason: left_out={'buffer': rows}.",
    )
    left = ", ".join(f"{reason} {len(rows)}" for reason, rows in drawn.left_out.items())
    return f"left out: {left or 'none'}"


def promised_distances_are_kept(subject: SplitSubject) -> str:
    """Between a test part and all that is learnt from lies the distance that `apart_km` says."""
    drawn = subject.drawn
    if not drawn.apart_km:
        raise Skip("it promises no distance")
    names, measured = [part.name for part in drawn.parts], []
    for name, promised in drawn.apart_km.items():
        ensure(
            name in names,
            f"apart_km promises a distance for {name!r}, and there is no such part",
            f"The parts are {', '.join(names)}: a promise under another name is never checked.",
        )
        ensure(
            math.isfinite(promised) and promised >= 0,
            f"apart_km promises {promised} km for {name}",
            "Promise a finite distance: another number is never checked.",
        )
        test = drawn.parts[names.index(name)]
        for learnt in (drawn.train, drawn.val):
            if not len(learnt):
                continue
            nearest = min(float(geo.distance_km(p, learnt.points).min()) for p in test.points)
            ensure(
                nearest >= promised,
                f"{name} comes within {nearest:.3f} km of {learnt.name}, and promises "
                f"{promised:g} km",
                "Leave out what is nearer: left_out={'buffer': rows}.",
            )
            measured.append(f"{name} to {learnt.name} {nearest:.1f} km of {promised:g}")
    return ", ".join(measured)


def promised_groups_are_kept_apart(subject: SplitSubject) -> str:
    """If it `separates_groups`, no group is both in a test part and in train or val."""
    if not subject.make().separates_groups:
        raise Skip("it does not promise to separate groups")
    drawn = subject.drawn
    learnt = {*drawn.train.groups.tolist(), *drawn.val.groups.tolist()}
    for part in (part for part in drawn.parts if part in subject.home):
        shared = sorted(learnt & set(part.groups.tolist()))
        ensure(
            not shared,
            f"{len(shared)} groups of {part.name} are in train or val, too, the first is "
            f"{shared[0] if shared else ''}",
            "Draw whole groups, or do not set separates_groups.",
        )
    return f"{len(learnt)} groups to learn from"


def groups_can_be_kept_apart(subject: SplitSubject) -> str:
    """With `groups: apart` training and validation are left, and test parts are the same photos."""
    try:
        apart = subject.assign(groups="apart")
    except DataError as error:
        raise Failure(
            f"{error.problem}",
            remedy="Draw validation by geobench.whole_groups, and test no photo of every group.",
        ) from None
    shared = subject.assign(groups="shared")
    for one, other in zip(apart.parts, shared.parts, strict=True):
        ensure(
            one.name == other.name and one.digest == other.digest,
            f"part {one.name} has other photos where groups are shared",
            "Leave `groups` to the core, or let it decide of train and val alone.",
        )
    left = apart.left_out.get(SAME_GROUP, ())
    return f"{len(left)} photos are left out because of their group"


def labels_unseen(subject: SplitSubject) -> None:
    """At test time methods see of a part neither places nor attributes, nor any trace of them."""
    for part in subject.drawn.parts:
        inputs = Inputs(None, frozenset(), subject.folder())
        examples = inputs.examples(part, frozenset())
        # Methods see photos in the order of a part: any other order could say where they lie.
        ensure(
            (np.diff(part.rows) >= 0).all(),
            f"part {part.name} has its photos in another order than the table",
            "Make parts by geobench.Part.of(name, dataset, rows, regions).",
        )
        for photo, place in zip(examples.ids.tolist(), part.points, strict=True):
            ensure(
                not tells(photo, place),
                f"the id {photo!r} of part {part.name} holds its place",
                "Test on datasets whose ids say nothing.",
            )


CHECKS = (
    assigns_the_toy_planet,
    parts_are_well_formed,
    parts_are_disjoint,
    no_photo_is_lost,
    promised_distances_are_kept,
    promised_groups_are_kept_apart,
    groups_can_be_kept_apart,
    labels_unseen,
    *draw_checks.CHECKS,
)
