"""How much each photo counts in each of the replicates that an interval comes from."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.geo import Floats

Codes = NDArray[np.int64]

_BLOCK = 1 << 18  # numbers of a block: what a processor's own cache holds


def sums_by_code(values: Floats, codes: Codes, *, count: int) -> Floats:
    """The sums of values (M, N) over the items of each code, (M, `count`), in the order of items.

    Args:
        values: M numbers of each item.
        codes: of the items, from 0 to `count` - 1, (N,).
        count: of codes.
    """
    step, found = max(1, _BLOCK // max(1, len(codes))), np.empty((len(values), count))
    for start in range(0, len(values), step):
        block = values[start : start + step]
        # Codes of their own in each row make one look at the items serve many rows.
        own = codes + count * np.arange(len(block))[:, None]
        sums = np.bincount(own.ravel(), block.ravel(), count * len(block))
        found[start : start + step] = sums.reshape(-1, count)
    return found


@final
class ReplicateWeights:
    """How much each of N photos counts in each of R replicates of a number.

    A number that is made of sums or means over photos asks for those, which costs one look at the
    photos whatever R; any other one is computed for `each` replicate, or in `blocks` of them. All
    results have one row per replicate.

    Args:
        groups: of each photo, from 0 to G - 1, (N,); photos of one group count alike.
        table: the weight of each group, 0 or more, (R, G).
    """

    def __init__(self, groups: Codes, table: Floats) -> None:
        self._groups = groups
        self._table = table

    @classmethod
    def of(cls, weights: ArrayLike) -> "ReplicateWeights":
        """ReplicateWeights of single photos: (R, N), or (N,) for one replicate."""
        table = np.atleast_2d(np.asarray(weights, np.float64))
        return cls(np.arange(table.shape[1], dtype=np.int64), table)

    @classmethod
    def leaving_out(cls, groups: Codes) -> "ReplicateWeights":
        """All photos first, then all but those of each group (N,) in turn; (1 + G) replicates."""
        count = int(groups.max()) + 1
        kept = 1 - np.eye(count) if count > 1 else np.ones((1, 1))
        return cls(groups, np.concatenate([np.ones((1, count)), kept]))

    def __len__(self) -> int:
        """How many replicates there are: R."""
        return len(self._table)

    @cached_property
    def totals(self) -> Floats:
        """The sum of all weights, (R,)."""
        return self.sums(np.ones(len(self._groups)))

    def sums(self, values: ArrayLike) -> Floats:
        """The weighted sum of values: (R,) of (N,), (R, K) of (N, K)."""
        columns = np.asarray(values, np.float64).T
        count = self._table.shape[1]
        if columns.ndim == 1:
            return np.asarray(self._table @ np.bincount(self._groups, columns, count))
        return np.asarray(self._table @ sums_by_code(columns, self._groups, count=count).T)

    def means(self, values: ArrayLike) -> Floats:
        """The weighted mean of values: (R,) of (N,), (R, K) of (N, K); NaN where nothing counts."""
        sums, totals = self.sums(values), self.totals
        if totals.all():  # as a rule; to hush warnings takes longer than to divide
            return np.asarray((sums.T / totals).T)
        with np.errstate(invalid="ignore"):
            return np.asarray((sums.T / totals).T)

    def each(self, function: Callable[[Floats], ArrayLike]) -> NDArray[Any]:
        """A function of weights (N,), called for each replicate, its results stacked."""
        return np.stack([np.asarray(function(row)) for block in self.blocks() for row in block])

    def blocks(self, order: NDArray[np.intp] | None = None) -> Iterator[Floats]:
        """All weights as new arrays (r, N) of a few replicates each, photos in this order (N,)."""
        groups = self._groups if order is None else self._groups[order]
        step = max(1, _BLOCK // max(1, len(groups)))
        for start in range(0, len(self), step):
            yield self._table[start : start + step].take(groups, axis=1)
