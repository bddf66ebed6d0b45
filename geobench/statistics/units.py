"""Units: which photos depend on each other, and how many equal ones they are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geobench.statistics.replicate_weights import Codes, ReplicateWeights
from geobench.strings import Strings

_MOST_GROUPS = 200  # of the delete-a-group jackknife


@final
@dataclass(frozen=True, eq=False)
class Units:
    """The units of N photos: what intervals resample.

    Functions of `statistics` take these, or N integers or strings; many numbers of the same photos
    share these, so that units are numbered and counted once.

    Args:
        codes: of the photos, each from 0 to U - 1, (N,).
    """

    codes: Codes

    @classmethod
    def of(cls, units: "ArrayLike | Strings | Units") -> "Units":
        """Units by whatever name."""
        return units if isinstance(units, Units) else cls(unit_codes(units))

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        """How many photos each unit has, (U,)."""
        return np.bincount(self.codes)

    @cached_property
    def effective(self) -> float:
        """How many equal units they are worth."""
        return _effective(self.sizes)

    @cached_property
    def replicates(self) -> ReplicateWeights:
        """All photos, then all without each unit; of more than 200 units, without each group.

        Units are dealt at random to groups, alike wherever these are the units.
        """
        if (count := self.sizes.size) <= _MOST_GROUPS:
            return ReplicateWeights.leaving_out(self.codes)
        # Groups balanced by photos would lose the variance between small and large units, and in
        # sorted order that between neighbours. numpy promises to keep the raw stream of PCG64.
        rank = np.argsort(np.argsort(np.random.PCG64(0).random_raw(count)))
        return ReplicateWeights.leaving_out((rank % _MOST_GROUPS)[self.codes])


AnyUnits: TypeAlias = ArrayLike | Strings | Units
"""Units, or what they are made of: N integers or strings."""


def unit_codes(units: AnyUnits) -> Codes:
    """Number the units of N photos, integers or strings, from 0 to U - 1 in their sorted order."""
    if isinstance(units, Units):
        return units.codes
    labels: NDArray[Any] = units.codes if isinstance(units, Strings) else np.asarray(units)
    if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iuUST":
        raise ValueError(f"units are {labels.dtype} {labels.shape}; give (N,) integers or strings")
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < 4 * labels.size:
        codes = labels.astype(np.int64)
        return (np.cumsum(np.bincount(codes) > 0) - 1)[codes]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def effective_units(units: AnyUnits, *, weights: ArrayLike | None = None) -> float:
    """Count equal units that are worth as much: (sum n)^2 / sum n^2, n photos each (Kish 1965).

    With `weights` of the photos, (N,), n is their sum.
    """
    known = Units.of(units)
    return known.effective if weights is None else _effective(np.bincount(known.codes, weights))


LARGEST_UNIT = 0.5
"""The largest share of the photos that a unit may hold which several rules have made together."""


@final
@dataclass(frozen=True, eq=False)
class JoinedUnits:
    """The units that several rules make of N photos.

    Args:
        units: of the photos, (N,), numbered from 0.
        rules: the names of the rules that made them, in the order given.
        alone: whether it is the coarsest rule alone, because all of them together put over half of
            the photos into one unit.
    """

    units: Units
    rules: tuple[str, ...]
    alone: bool = False


def join_units(rules: Mapping[str, Units]) -> JoinedUnits:
    """Join the units of several rules where they overlap: what shares one by any rule is one unit.

    A rule is not named whose units lie within those of another. Where a joined unit would hold
    more than LARGEST_UNIT of the photos, the rule counts alone that has the fewest effective units:
    chains of overlaps across all photos would leave nothing to resample.

    Args:
        rules: name -> units of the N photos, one rule or more; of equal rules the first is named.
    """
    found = _coarsest(rules)
    joined = _components(list(found.values()))
    if len(found) > 1 and joined.sizes.max() > LARGEST_UNIT * joined.sizes.sum():
        name = min(found, key=lambda each: found[each].effective)
        return JoinedUnits(found[name], (name,), alone=True)
    return JoinedUnits(joined, tuple(found))


def _coarsest(rules: Mapping[str, Units]) -> dict[str, Units]:
    """The rules none of whose units can be taken for parts of those of another rule."""
    kept: dict[str, Units] = {}
    for name, units in rules.items():
        if not any(_within(units, other) for other in kept.values()):
            kept = {n: other for n, other in kept.items() if not _within(other, units)}
            kept[name] = units
    return kept


def _within(fine: Units, coarse: Units) -> bool:
    """Whether every unit of the one lies within a unit of the other."""
    pairs = fine.codes * coarse.sizes.size + coarse.codes
    return np.unique(pairs).size == fine.sizes.size


def _components(rules: Sequence[Units]) -> Units:
    """The photos that are connected by units of any of these rules."""
    if len(rules) == 1:
        return rules[0]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    starts = np.cumsum([0, *(units.sizes.size for units in rules)])
    nodes = [units.codes + start for units, start in zip(rules, starts[:-1], strict=True)]
    ends = (np.concatenate([nodes[0]] * (len(rules) - 1)), np.concatenate(nodes[1:]))
    graph = coo_array((np.ones(ends[0].size, bool), ends), shape=(starts[-1], starts[-1]))
    return Units.of(connected_components(graph, directed=False)[1][nodes[0]].astype(np.int64))


def _effective(sizes: ArrayLike) -> float:
    counts = np.asarray(sizes, np.float64)
    return float(counts.sum() ** 2 / np.square(counts).sum())
