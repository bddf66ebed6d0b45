"""Splits: what trains, and what is tested."""

from geobench_basics.splits.by_group import ByGroupSplit as ByGroupSplit
from geobench_basics.splits.density_shift import DensityShiftSplit as DensityShiftSplit
from geobench_basics.splits.inside import InsideSplit as InsideSplit
from geobench_basics.splits.official import OfficialSplit as OfficialSplit
from geobench_basics.splits.random import RandomSplit as RandomSplit
from geobench_basics.splits.temporal import TemporalSplit as TemporalSplit
from geobench_basics.splits.transfer import TransferSplit as TransferSplit
from geobench_basics.splits.unseen_cells import UnseenCellsSplit as UnseenCellsSplit
from geobench_basics.splits.unseen_regions import UnseenRegionsSplit as UnseenRegionsSplit
