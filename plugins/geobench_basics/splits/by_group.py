"""The split that draws whole groups: photographers, or sequences of photos."""

from typing import final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geobench import Assignment, DataError, Dataset, Fact, Indices, Part, Split, SplitConfig
from geobench.statistics import unit_codes


class ByGroupConfig(SplitConfig):
    """How many of the photos to draw, in whole groups, for test and val."""

    test_share: float = Field(1 / 6, gt=0, lt=1, description="of all photos, in whole groups")
    val_share: float = Field(0.1, gt=0, lt=1, description="of all photos, in whole groups")


@final
class ByGroupSplit(Split):
    """Whole groups (photographers, sequences) drawn at random: one part, test.

    Groups are taken in random order as long as they fit into the share; one that no longer fits
    is passed over. So a group of more photos than the share allows is never tested (unless all
    have: then the smallest is), and a large one seldom: what is measured holds for photographers
    of few photos.
    """

    name = "by-group"
    Config = ByGroupConfig
    config: ByGroupConfig
    separates_groups = True

    def draw(self, dataset: Dataset) -> Assignment:
        codes = unit_codes(dataset.table.groups)
        sizes = np.bincount(codes)
        if len(sizes) < 3:
            raise DataError(
                f"the dataset has {len(sizes)} groups, and test, val and train need one each",
                where=f"split by-group of {dataset.name}",
                remedy="Use the split random, or a dataset with more groups.",
            )
        order = np.random.default_rng(self.config.seed).permutation(len(sizes))
        photos = len(codes)
        room = self.config.test_share * photos
        test = _take_groups(order, sizes, room=room, leave=2)
        rest = order[~np.isin(order, test)]
        val = _take_groups(rest, sizes, room=self.config.val_share * photos, leave=1)
        too_large = np.setdiff1d(np.flatnonzero(sizes > room), test)
        in_test, in_val = np.isin(codes, test), np.isin(codes, val)
        return Assignment(
            train=Part.of("train", dataset, np.flatnonzero(~(in_test | in_val))),
            val=Part.of("val", dataset, np.flatnonzero(in_val)),
            parts=(Part.of("test", dataset, np.flatnonzero(in_test)),),
            facts={
                "groups": Fact(len(sizes), "groups"),
                "test groups": Fact(len(test), "groups"),
                "val groups": Fact(len(val), "groups"),
                "largest group": Fact(int(sizes.max()), "photos"),
                "largest test group": Fact(int(sizes[test].max()), "photos"),
                "groups too large to be tested": Fact(len(too_large), "groups"),
                "photos of groups too large to be tested": Fact(
                    int(sizes[too_large].sum()), "photos"
                ),
            },
        )


def _take_groups(order: Indices, sizes: NDArray[np.intp], *, room: float, leave: int) -> Indices:
    """Groups in this order that have room together, all but `leave` of them at most."""
    taken: list[int] = []
    for group in order:
        if room < 1 or len(taken) == len(order) - leave:
            break
        if sizes[group] <= room:
            taken.append(group)
            room -= sizes[group]
    # Where even the smallest group is larger than the share, it still has to do.
    return np.array(taken or [order[sizes[order].argmin()]], dtype=np.intp)
