"""A small split that keeps every promise: groups apart, distance kept."""

import numpy as np

from geobench import (
    Assignment,
    DataError,
    Fact,
    Part,
    Split,
    SplitConfig,
    distance_km,
)

APART_KM = 50.0


class FarGroups(Split):
    """A fifth of the groups is test, a tenth is val; what is near a test photo is left out."""

    name = "far-groups"
    Config = SplitConfig
    separates_groups = True

    def draw(self, dataset):
        table = dataset.table
        order = self.shuffled(table)
        if len(order) < 10:
            raise DataError("there are fewer than ten groups", where="split far-groups")
        fifth, tenth = len(order) // 5, len(order) // 10
        groups = table.groups
        test = np.flatnonzero(np.isin(groups, order[:fifth]))
        val = np.flatnonzero(np.isin(groups, order[fifth : fifth + tenth]))
        others = np.setdiff1d(np.arange(len(table)), test)
        near = distance_km(table.points[others, None], table.points[test]).min(axis=1) < APART_KM
        buffer = others[near]
        val = np.setdiff1d(val, buffer)
        train = np.setdiff1d(others[~near], val)
        if not len(train):
            raise DataError("no photo is far enough from the test photos", where="split far-groups")
        return Assignment(
            train=Part.of("train", dataset, train),
            val=Part.of("val", dataset, val),
            parts=(Part.of("far", dataset, test),),
            left_out={"buffer": buffer},
            apart_km={"far": APART_KM},
            facts={"test groups": Fact(fifth, "groups")},
        )

    def shuffled(self, table):
        return np.random.default_rng(self.config.seed).permutation(np.unique(table.groups))
