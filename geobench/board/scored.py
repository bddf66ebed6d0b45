"""The columns of one metric for one label on one part, all trainings together."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from geobench.metrics import NOT_SAMPLED, SCORED
from geobench.scoring.slices import View
from geobench.summaries import Mean, Quantile, Share, Summary


@final
@dataclass(frozen=True)
class Scored:
    """The columns of one metric for one label: column -> (S, photos scored)."""

    columns: dict[str, NDArray[np.float64]]
    mask: NDArray[np.uint8]
    seeds: tuple[int, ...]

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Positions in the part of the photos that were scored."""
        return np.flatnonzero(self.mask == SCORED)

    def of(self, view: View, summary: Summary) -> "Scored":
        """The photos of a view; all others are as if they had not been sampled.

        Of the columns those that the summary looks at.
        """
        if view.inside.all():
            return self
        kept, wanted = np.flatnonzero(view.inside[self.rows]), set(self.columns)
        if isinstance(summary, Mean | Share | Quantile):
            wanted = {summary.column, summary.constant}
        columns = {name: c.take(kept, axis=1) for name, c in self.columns.items() if name in wanted}
        mask = np.where(view.inside, self.mask, np.uint8(NOT_SAMPLED))
        return Scored(columns, mask, self.seeds)
