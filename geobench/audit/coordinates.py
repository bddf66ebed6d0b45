"""Coordinates that are hardly right: swapped, at sea, far from any town, at (0, 0), off the globe,
repeated, in whole degrees.

A photo's latitude and longitude *look swapped* if it lies farther than FAR_KM from every town of
1,000 inhabitants (GeoNames) as given, and within NEAR_KM of one when the two numbers change
places. Towns stand for land where people take photos. A swap is possible only where the longitude
is within [-90, 90]; beyond, the swapped columns would be off the globe, and a dataset counts such
photos as broken.

Some photos are far from any town in truth (at sea, in Antarctica), and their swapped place may be
near one by chance. The same photos under swaps that no mistake makes, with the sign of one or of
both numbers turned, say how often: their mean is `expected by chance`, which errs on the high side
(1,201 against 706 for 20,000 places anywhere on Earth). A few that look swapped where about as many
are expected mean nothing; many more than that are a fault. Where columns were swapped as a whole,
many photos may still be near some town; then more than twice as many have a town within NEAR_KM
when swapped as have one as given, and the section says so.

A photo is *at sea* if no land is near by the coastlines (`coasts.at_sea`) and no town lies within
OFFSHORE_KM: the coastlines lack atolls, and these have towns. Ships and uninhabited islets are at
sea in truth, deserts and ice are far from towns: both lines say where to look, and are no faults.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench import coasts, gazetteer
from geobench.audit.findings import EXAMPLES, Line, Mark, Section, names, photos, place
from geobench.data import Dataset
from geobench.geo import Points

FAR_KM = 200.0
NEAR_KM = 50.0
REMOTE_KM = 100.0
OFFSHORE_KM = 25.0
_TOWNS = 1000  # inhabitants
_TOWN = f"of {_TOWNS:,} inhabitants (GeoNames)"
_OFF_THE_GLOBE = "off the globe"
_BETTER = 2  # so many times as many near towns: the columns are swapped


@final
@dataclass(frozen=True, slots=True)
class Swaps:
    """Which photos look swapped.

    Args:
        possible: the swapped place is on the globe, (N,).
        look: they look swapped, (N,).
        by_chance: how many would by chance.
        near_given, near_swapped: of the possible, how many have a town within NEAR_KM.
    """

    possible: NDArray[np.bool_]
    look: NDArray[np.bool_]
    by_chance: float
    near_given: int
    near_swapped: int


def swaps(points: Points) -> Swaps:
    """Judge each of `points` (N, 2) by the rule in this module's first lines."""
    possible = np.abs(points[:, 1]) <= 90
    look = np.zeros(len(points), bool)
    if not possible.any():
        return Swaps(possible, look, 0.0, 0, 0)
    given = _to_town(points)[possible]
    turned = points[possible][:, ::-1]
    swapped = _to_town(turned)
    far = given > FAR_KM
    look[possible] = far & (swapped <= NEAR_KM)
    chance = 0.0
    if look.any():
        signs = [(1, -1), (-1, 1), (-1, -1)]
        chance = float(np.mean([(_to_town(turned[far] * s) <= NEAR_KM).sum() for s in signs]))
    near = int((given <= NEAR_KM).sum()), int((swapped <= NEAR_KM).sum())
    return Swaps(possible, look, chance, *near)


def _to_town(points: Points) -> NDArray[np.float64]:
    return gazetteer.find(points, minimum=_TOWNS).distance_km


def _at_sea(points: Points, away: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `points` (N, 2) lie at sea, given how far the nearest town of each is."""
    found = away > OFFSHORE_KM
    found[found] = coasts.at_sea(points[found])
    return found


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """The section, and the places that stand out on a map."""

    section: Section
    marks: tuple[Mark, ...]


def check(dataset: Dataset) -> Checked:
    """Coordinates of a dataset that are hardly right."""
    table = dataset.table
    points, total = table.points, len(table)
    origin = (points == 0).all(axis=1)
    on_axis = (points == 0).any(axis=1) & ~origin
    whole = (points == np.rint(points)).all(axis=1) & ~origin

    def line(name: str, mask: NDArray[np.bool_], detail: str = "") -> Line:
        examples = names(dataset, np.flatnonzero(mask))
        return photos(name, int(mask.sum()), total, detail=detail, examples=examples)

    refused = {why: n for why, n in table.broken.items() if _OFF_THE_GLOBE in why}
    detail = "counted as broken, never in the table"
    if not refused:
        detail += f' (broken photos whose reason says "{_OFF_THE_GLOBE}")'
    out = Line("out of range", sum(refused.values()), detail=detail)
    about = "Shares are of the photos present, unless said."
    judged: tuple[Line, ...] = ()
    look = sea = np.zeros(total, bool)
    if dataset.on_earth:
        judged, look = _swapped(dataset)
        away = _to_town(points)
        sea = _at_sea(points, away)
        offshore = f"no land near by (coastlines of GSHHG), no town within {OFFSHORE_KM:g} km"
        judged += (
            line("at sea", sea, offshore),
            line(f"over {REMOTE_KM:g} km from any town", away > REMOTE_KM, _TOWN),
        )
    else:
        about += (
            " These are not on the Earth, whose towns and coasts tell where coordinates are wrong."
        )
    lines = (
        *judged,
        line("at (0, 0)", origin),
        line("on the equator or the prime meridian", on_axis, "one coordinate exactly 0"),
        line("in whole degrees", whole, "both coordinates, those at (0, 0) aside"),
        out,
        *_repeated(dataset),
    )
    doubtful = {"look swapped": look, "at (0, 0)": origin, "in whole degrees": whole}
    doubtful["at sea"] = sea & ~(look | origin | whole)  # one ring is enough
    section = Section("Coordinates", about, lines)
    marks = tuple(Mark(name, points[mask]) for name, mask in doubtful.items() if mask.any())
    return Checked(section, marks)


def _swapped(dataset: Dataset) -> tuple[tuple[Line, Line], NDArray[np.bool_]]:
    """What the towns of the Earth say of swapped coordinates, and which photos look so, (N,)."""
    found, total = swaps(dataset.table.points), len(dataset.table)
    possible = int(found.possible.sum())
    text = (
        f"over {FAR_KM:g} km from any town as given, within {NEAR_KM:g} km when swapped; "
        f"{found.by_chance:.1f} expected by chance; possible for {possible:,} photos"
    )
    share = (found.near_given / possible, found.near_swapped / possible) if possible else (0, 0)
    verdict = f"{100 * share[0]:.1f} % as given, of the photos for which a swap is possible"
    if share[1] > _BETTER * share[0]:
        verdict += ": the columns of latitude and longitude seem to be swapped"
    examples = names(dataset, np.flatnonzero(found.look))
    name, count = "latitude and longitude look swapped", int(found.look.sum())
    looks = photos(name, count, total, detail=text, examples=examples)
    near = "near a town if all were swapped"
    whole = Line(near, found.near_swapped, share=share[1], detail=verdict)
    return (looks, whole), found.look


def same_place(points: Points) -> NDArray[np.intp]:
    """A number for each of `points` (N, 2), equal where the coordinates are exactly equal.

    At a pole the longitude says nothing, and all photos there share a place.
    """
    lat, lon = points[:, 0], np.where(np.abs(points[:, 0]) == 90, 0.0, points[:, 1])
    # Adding 0 makes -0 the same as 0.
    _, codes = np.unique((lat + 0.0) + 1j * (lon + 0.0), return_inverse=True)
    return np.asarray(codes, dtype=np.intp)


def _repeated(dataset: Dataset) -> tuple[Line, Line]:
    points = dataset.table.points
    codes = same_place(points)
    sizes = np.bincount(codes) if len(codes) else np.zeros(0, np.intp)
    several = np.flatnonzero(sizes > 1)
    order = several[np.argsort(-sizes[several], kind="stable")][:EXAMPLES]
    first = {code: int((codes == code).argmax()) for code in order.tolist()}
    examples = tuple(
        f"{place(dataset, points[row])} ({sizes[code]:,} photos)" for code, row in first.items()
    )
    count = int(sizes[several].sum())
    return (
        photos(
            "share their exact place with another photo",
            count,
            len(points),
            detail=f"at {len(several):,} places",
            examples=examples,
        ),
        photos("at the most frequent place", int(sizes.max(initial=0)), len(points)),
    )
