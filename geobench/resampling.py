"""What intervals of a part resample: photos that may share content are one unit, whatever split."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from geobench.geo import EARTH_RADIUS_KM, Points
from geobench.partitions import EqualAreaGrid
from geobench.statistics.units import Units, join_units
from geobench.strings import Column

BLOCK_ROWS = 36
"""Rows of the EqualAreaGrid whose cells are blocks: about 560 km wide."""

REACHES = 3
"""How many reaches of a dataset a block is wide at least."""

Rule: TypeAlias = Literal["group", "region", "block"]
"""What may make photos one unit: the dataset's group, the region that a split drew, and, where a
dataset has a reach, the block of the Earth."""


@final
@dataclass(frozen=True, eq=False)
class Resampled:
    """The units of N photos, and why they are these.

    Args:
        units: of the photos, (N,).
        rules: what made them, joined where they overlap; none where each photo is a unit.
        alone: whether the coarsest rule counts alone, because joined, one unit would hold over half
            of the photos.
        block_rows: rows of the grid whose cells are blocks; None for a dataset without a reach.
    """

    units: Column
    rules: tuple[Rule, ...]
    alone: bool = False
    block_rows: int | None = None


def rows_of_blocks(reach_km: float) -> int | None:
    """Rows of the EqualAreaGrid whose cells are blocks: 36, or so few that a row is three reaches
    wide; None without a reach."""
    if not reach_km:
        return None
    fitting = math.floor(math.pi * EARTH_RADIUS_KM / (REACHES * reach_km))
    return max(2, min(BLOCK_ROWS, fitting))


def resample(drawn: Column, *, groups: Column, points: Points, block_rows: int | None) -> Resampled:
    """The units of the photos of a part, by the one rule that holds for every split.

    Args:
        drawn: the region of each photo that the split drew, or what it has in its place, (N,).
        groups: the dataset's, (N,).
        points: where the photos were taken, (N, 2).
        block_rows: rows of the grid whose cells are blocks; None for a dataset without a reach.
    """
    columns: dict[Rule, Column] = {"group": groups, "region": drawn}
    if block_rows is not None:
        columns["block"] = EqualAreaGrid(block_rows).assign(points)
    joined = join_units({name: Units.of(column) for name, column in columns.items()})
    rules: tuple[Rule, ...] = tuple(name for name in columns if name in joined.rules)
    # Under the names that one rule gives them where there is but one: a reader knows these.
    units = columns[rules[0]] if len(rules) == 1 else joined.units.codes
    if joined.units.sizes.size == len(points):
        rules = ()
    return Resampled(units, rules, joined.alone, block_rows)
