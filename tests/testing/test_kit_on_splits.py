"""The kit on splits: a good one passes, and each broken one is caught by the check named for it."""

from dataclasses import replace

import numpy as np
import pytest

from complaints import complaints, skipped
from geobench import (
    Config,
    Part,
    Split,
)
from geobench.testing.kit import examine
from geobench.testing.split_subject import TableOnly
from geobench.toy_planet import ToyPlanet
from sound_split import APART_KM, FarGroups


def changed(change, **attributes):
    """The split with what it draws changed: function of (split, dataset, drawn)."""

    class Mutant(FarGroups):
        def draw(self, dataset):
            return change(self, dataset, super().draw(dataset))

    for name, value in attributes.items():
        setattr(Mutant, name, value)
    return Mutant


def shuffled_by(shuffled):
    return type("Mutant", (FarGroups,), {"shuffled": shuffled})


class OrderOfASet(FarGroups):
    def shuffled(self, table):
        groups = np.array(list(set(table.groups.tolist())))
        return np.random.default_rng(self.config.seed).permutation(groups)


class AnotherConfig(Split):
    name = "another-config"
    Config = Config

    def draw(self, dataset):
        raise NotImplementedError


def counted(self, table):
    self.__dict__["draws"] = self.__dict__.get("draws", 0) + 1
    rng = np.random.default_rng([self.config.seed, self.__dict__["draws"]])
    return rng.permutation(np.unique(table.groups))


def no_buffer(self, dataset, drawn):
    rows = np.concatenate([drawn.train.rows, drawn.left_out["buffer"]])
    return replace(drawn, train=Part.of("train", dataset, rows), left_out={})


def promising(apart_km):
    def change(self, dataset, drawn):
        return replace(no_buffer(self, dataset, drawn), apart_km=apart_km)

    return change


def in_two_places(self, dataset, drawn):
    return replace(drawn, left_out={"buffer": drawn.parts[0].rows[:5]})


def of_a_copy(self, dataset, drawn):
    return replace(drawn, parts=(Part.of("far", ToyPlanet(), drawn.parts[0].rows),))


def losing_rows(self, dataset, drawn):
    return replace(drawn, left_out={})


def sharing_groups(self, dataset, drawn):
    rows = drawn.train.rows
    test = Part.of("far", dataset, np.concatenate([drawn.parts[0].rows, rows[:9]]))
    return replace(drawn, train=Part.of("train", dataset, rows[9:]), parts=(test,), apart_km={})


def colour_sorted(self, dataset, drawn):
    bright = [picture.mean() > 100 for picture in dataset.images(drawn.parts[0].rows)]
    return replace(drawn, parts=(drawn.parts[0].keep(np.array(bright)),))


def from_north_to_south(self, dataset, drawn):
    test = drawn.parts[0]
    order = np.argsort(-test.points[:, 0])
    return replace(
        drawn, parts=(replace(test, rows=test.rows[order], regions=test.regions[order]),)
    )


def telling_by_id(self, dataset, drawn):
    table = dataset.table
    ids = np.array([f"{lat:.5f},{lon:.5f}" for lat, lon in table.points])
    copy = TableOnly(replace(table, ids=ids))
    return replace(drawn, parts=(Part.of("far", copy, drawn.parts[0].rows),))


def rounding_the_table(self, dataset, drawn):
    dataset.table.points[:] = np.round(dataset.table.points, 3)
    return drawn


def shrinking_val(self, dataset, drawn):
    count = round(self.config.train_share * len(drawn.val))
    rest = {"buffer": np.concatenate([drawn.left_out["buffer"], drawn.val.rows[count:]])}
    return replace(drawn, val=Part.of("val", dataset, drawn.val.rows[:count]), left_out=rest)


def crashing(self, dataset, drawn):
    dataset.table.attributes["landscape"]
    return drawn


def by_metre(self, dataset, drawn):
    test = drawn.parts[0]
    return replace(drawn, parts=(replace(test, regions=test.points[:, 0]),))


def fewer_where_shared(self, dataset, drawn):
    if self.config.groups == "apart":
        return drawn
    test, kept = drawn.parts[0], np.arange(len(drawn.parts[0])) > 0
    rest = {**drawn.left_out, "first": test.rows[~kept]}
    return replace(drawn, parts=(test.keep(kept),), left_out=rest)


def drawn_from_global(self, table):
    return np.random.permutation(np.unique(table.groups))


def drawn_anew(self, table):
    return np.random.default_rng().permutation(np.unique(table.groups))


MUTANTS = {
    "another kind of configuration": (
        AnotherConfig,
        "assigns-the-toy-planet",
        "geobench.SplitConfig",
    ),
    "units that are measures": (changed(by_metre), "parts-are-well-formed", "part far: units are"),
    "tests that depend on whether groups are apart": (
        changed(fewer_where_shared),
        "groups-can-be-kept-apart",
        "part far has other photos where groups are shared",
    ),
    "an overlap with what is left out": (
        changed(in_two_places),
        "parts-are-disjoint",
        "5 photos are in part far and in what is left out (buffer)",
    ),
    "an overlap behind a copy": (changed(of_a_copy), "parts-are-disjoint", "of a copy"),
    "photos that are nowhere": (
        changed(losing_rows),
        "no-photo-is-lost",
        "of 600 photos are nowhere",
    ),
    "the global generator": (
        shuffled_by(drawn_from_global),
        "global-random-state-untouched",
        "changes the global random state of numpy",
    ),
    "another draw each time": (
        shuffled_by(drawn_anew),
        "digest-is-stable",
        "is another when it is drawn by another instance",
    ),
    "a draw that counts draws": (
        shuffled_by(counted),
        "digest-is-stable",
        "a second time by one instance",
    ),
    "a set that decides an order": (OrderOfASet, "same-in-another-process", "in another process"),
    "no buffer, and a promise": (
        changed(no_buffer),
        "promised-distances-are-kept",
        "far comes within",
    ),
    "a promise for no part": (
        changed(promising({"Far": APART_KM})),
        "promised-distances-are-kept",
        "for 'Far', and there is no such part",
    ),
    "a promise that is no number": (
        changed(promising({"far": float("nan")})),
        "promised-distances-are-kept",
        "promises nan km for far",
    ),
    "groups on both sides": (
        changed(sharing_groups),
        "promised-groups-are-kept-apart",
        "groups of far are in train or val",
    ),
    "a look at pictures": (
        changed(colour_sorted),
        "reads-the-table-alone",
        "reads the dataset's pictures",
    ),
    "photos sorted by latitude": (
        changed(from_north_to_south),
        "labels-unseen",
        "part far has its photos in another order",
    ),
    "ids that tell": (changed(telling_by_id), "labels-unseen", "holds its place"),
    "another table": (changed(rounding_the_table), "table-untouched", "the column points"),
    "a train_share of its own": (
        changed(shrinking_val),
        "train-share-shrinks-training-alone",
        "val is another where train_share is 0.5",
    ),
    "a crash where a column lacks": (
        changed(crashing),
        "what-it-cannot-split-it-refuses",
        "ends in KeyError",
    ),
}


@pytest.mark.parametrize("what", MUTANTS)
def test_a_broken_split_is_caught_by_the_check_named_for_it(what):
    mutant, check, said = MUTANTS[what]
    found = complaints(mutant, about=check)
    assert check in found, found
    assert said in found[check]


def test_a_good_split_passes_every_check():
    verdict = examine(FarGroups)
    assert {o.check: o.reason for o in verdict.outcomes if o.status != "passed"} == {}


@pytest.mark.parametrize("apart_km", [{"Far": APART_KM}, {"far": float("nan")}])
def test_the_kit_sees_broken_promises_that_a_run_accepts(apart_km):
    mutant = changed(promising(apart_km), separates_groups=False)
    mutant().assign(ToyPlanet())
    assert set(complaints(mutant)) == {"promised-distances-are-kept"}


def test_a_split_that_ignores_its_seed_is_told_so():
    fixed = shuffled_by(lambda self, table: np.unique(table.groups))
    assert complaints(fixed) == {}
    assert skipped(fixed) == {"another-seed-another-draw": "its parts do not depend on the seed"}


def test_what_is_not_promised_is_skipped():
    free = changed(lambda self, dataset, drawn: replace(drawn, apart_km={}), separates_groups=False)
    assert skipped(free) == {
        "promised-distances-are-kept": "it promises no distance",
        "promised-groups-are-kept-apart": "it does not promise to separate groups",
    }
