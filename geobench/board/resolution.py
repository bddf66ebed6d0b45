"""The resolution of a part: how far apart two methods must be for its photos to show it."""

from collections.abc import Sequence

import numpy as np

from geobench.board.part_records import Entry
from geobench.board.part_rows import NumberOrRow
from geobench.board.ranks import competing
from geobench.board.tables import Resolution
from geobench.statistics import ranking


def resolution_of(found: Sequence[NumberOrRow], entries: Sequence[Entry]) -> Resolution | None:
    """The resolution of one summary: the median over pairs of methods that look at photos.

    Who looks at none (`uniform`, `prior`) answers all photos alike: differences to it vary as the
    places do, and say little of how much two methods of interest differ.

    Args:
        found: the numbers of all photos of the part.
        entries: who gave them.

    Returns:
        None where no two of them can be told apart at any distance: there is no pair, or no
        variance in any.
    """
    looking = {entry.label for entry in entries if entry.looks}
    numbers = [each for each in competing(found).values() if each.row.label in looking]
    if not numbers:
        return None
    row = numbers[0].row
    values = ranking.resolutions(
        [each.replicates for each in numbers], effective_units=row.effective_units
    )
    if not np.isfinite(values).any():
        return None
    return Resolution(
        row.benchmark,
        row.part,
        row.summary,
        row.unit,
        value=float(np.nanmedian(values)),
        pairs=int(np.isfinite(values).sum()),
        photos=row.photos,
        effective_units=row.effective_units,
    )
