"""What the intervals of a part are about, in a sentence: which photos count as one."""

import math
from collections.abc import Iterable

from geobench.geo import EARTH_RADIUS_KM
from geobench.partitions import EqualAreaGrid
from geobench.readable import number
from geobench.records.manifest import StoredPart, StoredUnits
from geobench.statistics.intervals import FEWEST_UNITS


def of_all(parts: Iterable[StoredPart]) -> str:
    """The sentence that holds for every one of several parts; "" where there is none."""
    said = [of_part(part) for part in parts]
    return said[0] if len(said) > 1 and len(set(said)) == 1 else ""


def of_part(part: StoredPart) -> str:
    """The sentence; "" of a board that does not say how it is resampled."""
    known, facts = part.resampled, part.facts
    if known is None:
        return ""
    units, effective = (facts[name].value for name in ("units", "effective units"))
    if not known.rules:
        text = "Intervals are about other photos drawn like these: each is a unit of its own."
    else:
        text = (
            f"Intervals are about other {_joined(known)} than these {units:,.0f}, which are as "
            f"good as {number(effective)} of equal size"
        )
        if len(known.rules) > 1:
            text += "; those that share photos are one"
        if known.alone:
            text += (
                "; joined with all else that photos may share, one would hold over half of the "
                "photos, so that what these have in common is not in the intervals"
            )
        text += "."
    if effective < FEWEST_UNITS:
        text += f" With fewer than {FEWEST_UNITS} nothing is ranked here."
    return text


def _joined(known: StoredUnits) -> str:
    """What the rules make of photos, in the plural."""
    names = {"group": "groups (photographers, sequences)", "region": "regions like those held out"}
    if known.block_rows is not None:
        cells = len(EqualAreaGrid(known.block_rows))
        width = math.sqrt(4 * math.pi / cells) * EARTH_RADIUS_KM
        names["block"] = f"blocks of the Earth ({width:,.0f} km wide)"
    return " and ".join(names[rule] for rule in known.rules)
