"""Leakage: what training and validation have already seen of each test part.

What counts as leakage, so that `--strict` fails on it:

- an id that train or val has, too, in the same dataset;
- an exact place that train or val has, too;
- a place that train or val has, too, and an id that differs from the one there by prefix or suffix
  alone (`other_names`), if these are more than chance explains;
- a picture of which train or val has a near-duplicate;
- a group that train or val has, too (`groups: apart`, the default, leaves such photos out);
- a place within the dataset's reach of train or val, where the split promises the part a distance.

Parts without such a promise (`seen`, those of `random`) lie near training by design: for them
reach and shared ground are told, and are no leak. Ids and groups are names that a dataset gives:
where two datasets (of different digests) have the same ones, that may be one photo or person, if
both come from one source, or mean nothing, so that they are told, and are no leak either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import footprints
from geobench.assignments import Assignment, Part
from geobench.audit.coordinates import same_place
from geobench.audit.duplicates import NONE, Lookalikes
from geobench.audit.findings import EXAMPLES, Line, Mark, Section, names, photos
from geobench.audit.other_names import Named, meet
from geobench.geo import Places
from geobench.grouping import in_groups
from geobench.statistics.units import effective_units

_RADII_KM = (1.0, 25.0, 200.0)
_MORE_THAN_CHANCE = 2  # so many times as many agree as would by chance
_TWIN_SHARE = 0.5
_FEWEST_TWINS = 5  # of fewer, each is told as itself


@final
@dataclass(frozen=True, slots=True)
class Leakage:
    """The section of a test part, and its photos that leak."""

    section: Section
    mark: Mark


def sizes(label: str, assignment: Assignment) -> Section:
    """How many photos, groups and units each part has, and what the split left out."""
    home = assignment.train.dataset
    total = len(home.table)
    lines = []
    for part in assignment.all_parts:
        detail = f"{len(np.unique(part.groups)):,} groups"
        if part.name not in (assignment.train.name, assignment.val.name):
            units = effective_units(part.units)
            detail += f", {len(np.unique(part.units)):,} units ({units:,.1f} effective)"
        if part.dataset is home:
            lines.append(photos(part.name, len(part), total, detail=detail))
        else:
            lines.append(Line(part.name, len(part), detail=f"of {part.dataset.name}, {detail}"))
    for why, rows in assignment.left_out.items():
        lines.append(photos(f"left out: {why}", len(rows), total))
    lines += [Line(name, fact.value, fact.unit) for name, fact in assignment.facts.items()]
    return Section(f"Split {label}", "Shares are of all photos of the dataset.", tuple(lines))


def check(part: Part, assignment: Assignment, label: str, *, alike: Lookalikes | None) -> Leakage:
    """What training has already seen of a test part.

    Args:
        part: the test part.
        assignment: what the split drew.
        label: the split's.
        alike: the pictures of the home dataset and of the part's; None where none are compared.
    """
    title = f"{label}/{part.name}"
    learnt = [each for each in (assignment.train, assignment.val) if len(each)]
    if not learnt:
        about = "Nothing trains, so nothing leaks."
        return Leakage(Section(title, about, (_count(part),)), Mark(title, part.points[:0]))
    finder = _Finder(part, learnt)
    found = []
    if finder.kin:
        found += [finder.ids(), finder.groups()]
    if finder.strangers:
        found += finder.names_elsewhere()
    twins = [finder.places(), finder.other_names()]
    found += twins
    if part.dataset.reach_km:
        found.append(finder.within_reach(assignment.apart_km.get(part.name, 0.0)))
    if alike is not None:
        twins.append(finder.pictures(alike))
        found.append(twins[-1])
    if finder.strangers:
        found.append(finder.twins(twins))
    leaking = np.zeros(len(part), bool)
    for each in found:
        leaking |= each.mask & each.line.leak
    lines = (_count(part), *(each.line for each in found), *finder.distances())
    if len(assignment.train):
        ground = footprints.facts(part, assignment.train)
        lines += tuple(Line(name, fact.value, fact.unit) for name, fact in ground.items())
    about = "What train or val has, too. Shares are of the part's photos."
    return Leakage(Section(title, about, lines), Mark(title, part.points[leaking]))


def _count(part: Part) -> Line:
    return Line("test photos", len(part))


def _same(a: Part, b: Part) -> bool:
    """Whether two parts are of one dataset, read once or twice."""
    return a.dataset is b.dataset or a.dataset.digest == b.dataset.digest


def _among(ids: NDArray[np.str_], parts: Sequence[Part]) -> NDArray[np.bool_]:
    """Which of `ids` (N,) photos of these parts have, too, (N,)."""
    known = {name for each in parts for name in each.ids.tolist()}  # sorting millions takes longer
    return np.fromiter((name in known for name in ids.tolist()), bool, len(ids))


@final
@dataclass(frozen=True, slots=True)
class _Found:
    """A line, and the photos that it counts.

    Args:
        line: what is said of them.
        mask: which photos of the part, (N,).
        learnt: which of train and val they have in common with it, (L,), where that is known.
    """

    line: Line
    mask: NDArray[np.bool_]
    learnt: NDArray[np.bool_] | None = None


@final
class _Finder:
    """Asks what photos of a part have in common with those of train and val."""

    def __init__(self, part: Part, learnt: Sequence[Part]) -> None:
        self.part = part
        self.learnt = learnt
        self.kin = [each for each in learnt if _same(each, part)]
        """Those of train and val whose ids and groups mean the same as the part's."""
        self.strangers = [each for each in learnt if not _same(each, part)]
        self.points = np.concatenate([each.points for each in learnt])
        self.nearest = Places(self.points).nearest(part.points)

    def ids(self) -> _Found:
        return self.found("same id", _among(self.part.ids, self.kin), leak=True)

    def groups(self) -> _Found:
        mask = self._in_groups_of(self.kin)
        shared = len(np.unique(self.part.groups[mask]))
        detail = f"{shared:,} groups"
        remedy = "the split's key `groups: apart` leaves their groups out of train and val"
        return self.found("same group", mask, leak=True, detail=detail, remedy=remedy)

    def names_elsewhere(self) -> list[_Found]:
        detail = "a leak if both datasets name from one source"
        same_id = _among(self.part.ids, self.strangers)
        same_group = self._in_groups_of(self.strangers)
        return [
            self.found("same id in another dataset", same_id, leak=False, detail=detail),
            self.found("same group in another dataset", same_group, leak=False, detail=detail),
        ]

    def _in_groups_of(self, parts: Sequence[Part]) -> NDArray[np.bool_]:
        found = [in_groups(self.part.groups, each.groups) for each in parts]
        return np.asarray(np.any(found, axis=0))

    def places(self) -> _Found:
        codes = same_place(np.concatenate([self.part.points, self.points]))
        mine, learnt = codes[: len(self.part)], codes[len(self.part) :]
        mask = np.isin(mine, learnt)
        found = self.found("same exact place", mask, leak=True, twins=self.neighbours(mask))
        return replace(found, learnt=np.isin(learnt, mine))

    def other_names(self) -> _Found:
        """Photos that train or val has under another name, by their ids and places."""
        ids = np.concatenate([each.ids for each in self.learnt])
        met = meet(Named(self.part.ids, self.part.points), Named(ids, self.points))
        differ = np.ones(len(met.mine), bool)
        if self.kin:  # of one dataset, equal ids are a line of their own
            differ = self.part.ids[met.mine] != ids[met.theirs]
        agree = met.agree & differ
        first, position = np.unique(met.mine[agree], return_index=True)
        mask, learnt, alike = (
            np.zeros(n, bool) for n in (len(self.part), len(ids), len(self.part))
        )
        mask[first], learnt[met.theirs[agree]], alike[met.mine[differ]] = True, True, True
        elsewhere = int((alike & ~mask).sum())
        detail = f"{met.by_chance:,.1f} expected by chance; {elsewhere:,} lie at other places"
        leak = len(first) > _MORE_THAN_CHANCE * met.by_chance
        twins = [self.learnt_id(int(n)) for n in met.theirs[agree][position][:EXAMPLES]]
        name = "same place, same id but for prefix or suffix"
        found = self.found(name, mask, leak=leak, detail=detail, twins=twins)
        return replace(found, learnt=learnt)

    def twins(self, evidence: Sequence[_Found]) -> _Found:
        """Photos of another dataset that train or val has, too, by any of the evidence."""
        sure = [each for each in evidence if each.line.leak]
        mask = np.any([each.mask for each in sure], axis=0)
        known = [each.learnt for each in sure if each.learnt is not None]
        learnt, total = int(np.any(known, axis=0).sum()), len(self.points)
        detail = f"by place, by id and place, or by picture; so are {learnt:,} of {total:,} learnt"
        most = max(mask.mean() if len(mask) else 0, learnt / total)
        leak = bool(most > _TWIN_SHARE) and int(mask.sum()) >= _FEWEST_TWINS
        if leak:
            home = self.strangers[0].dataset.name
            detail += f": {self.part.dataset.name} and {home} seem to be one under two names"
        return self.found("twins of photos of train or val", mask, leak=leak, detail=detail)

    def within_reach(self, promised_km: float) -> _Found:
        reach = self.part.dataset.reach_km
        mask = self.nearest.distance_km < reach
        text = f"the split promises this part {promised_km:g} km"
        detail = text if promised_km else "the split promises this part no distance"
        twins = self.neighbours(mask)
        name = f"closer than the dataset's reach of {reach:g} km"
        return self.found(name, mask, leak=promised_km > 0, detail=detail, twins=twins)

    def pictures(self, alike: Lookalikes) -> _Found:
        learnt = [alike.positions(each.dataset, each.rows) for each in self.learnt]
        of_set = alike.lookalike(np.sort(np.concatenate(learnt)))
        tested = alike.positions(self.part.dataset, self.part.rows)
        twin = of_set[alike.set_of[tested]]
        rows = alike.rows(tested)
        mask = np.isin(self.part.rows, rows[twin != NONE])
        twins = [alike.shown(position) for position in twin[twin != NONE][:EXAMPLES].tolist()]
        detail = f"of {len(tested):,} pictures compared with {sum(map(len, learnt)):,}"
        name = "near-duplicate picture"
        return self.found(name, mask, leak=True, detail=detail, twins=twins)

    def distances(self) -> list[Line]:
        """How far the part is from train and from val."""
        lines = []
        for each in self.learnt:
            away = Places(each.points).nearest(self.part.points).distance_km
            detail = f"median {np.median(away):,.1f} km"
            line = Line(f"smallest distance to {each.name}", float(away.min()), "km", detail=detail)
            lines.append(line)
        away = self.nearest.distance_km
        for radius in _RADII_KM:
            inside = int((away <= radius).sum())
            lines.append(photos(f"within {radius:g} km of train or val", inside, len(away)))
        return lines

    def neighbours(self, mask: NDArray[np.bool_]) -> list[str]:
        """For the first photos where `mask` holds, the nearest photo of train or val."""
        twins = []
        for row in np.flatnonzero(mask)[:EXAMPLES]:
            away = self.nearest.distance_km[row]
            distance = f" ({away:,.1f} km)" if away else ""
            twins.append(self.learnt_id(int(self.nearest.index[row])) + distance)
        return twins

    def learnt_id(self, position: int) -> str:
        for each in self.learnt:
            if position < len(each):
                return names(each.dataset, each.rows[position : position + 1])[0]
            position -= len(each)
        raise IndexError(position)

    def found(
        self,
        name: str,
        mask: NDArray[np.bool_],
        *,
        leak: bool,
        detail: str = "",
        twins: Sequence[str] = (),
        remedy: str = "",
    ) -> _Found:
        """A line that counts where `mask` (N,) holds; `twins` are what the first of them match."""
        examples = names(self.part.dataset, self.part.rows[mask])
        if twins:
            examples = tuple(f"{a} ~ {b}" for a, b in zip(examples, twins, strict=True))
        count = int(mask.sum())
        line = photos(
            name, count, len(mask), detail=detail, examples=examples, leak=leak, remedy=remedy
        )
        return _Found(line, mask)
