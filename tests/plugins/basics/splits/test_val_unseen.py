"""Validation at unseen places: test parts stay, distances are kept, the control trains alike."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drawn_places import Places, everything, far_and_wide
from geobench import DataError, EqualAreaGrid, distance_km
from geobench.splits import check_twins
from geobench_basics.splits.unseen_cells import UnseenCellsConfig, UnseenCellsSplit

ASKED = "validation photos at unseen places"


def split(**config):
    return UnseenCellsSplit(UnseenCellsConfig(**config))


drawings = {
    "count": st.integers(300, 1200),
    "seed": st.integers(0, 2**32 - 1),
    "share": st.sampled_from([0.1, 0.5, 1.0]),
    "buffer_km": st.sampled_from([None, 0.0, 200.0]),
    "size": st.sampled_from([1, 3]),
}


def drawn_twice(count, seed, share, buffer_km, size):
    """The dataset, and what is drawn of it without and with validation at unseen places."""
    groups = np.random.default_rng(seed).integers(max(1, count // size), size=count)
    dataset = Places(
        far_and_wide(count, seed=seed), groups=None if size == 1 else groups, reach_km=60.0
    )
    own = {"seed": seed, "buffer_km": buffer_km}
    try:
        return dataset, split(**own).assign(dataset), split(**own, val_unseen=share)
    except DataError:
        reject()


@settings(max_examples=60, deadline=None)
@given(**drawings)
def test_what_is_tested_is_the_same_for_every_share_and_distances_are_kept(**drawing):
    dataset, plain, rule = drawn_twice(**drawing)
    try:
        drawn = rule.assign(dataset)
    except DataError:
        reject()
    assert everything(drawn) == list(range(len(dataset.table)))
    for was, now in zip(plain.parts, drawn.parts, strict=True):
        assert (now.name, now.digest) == (was.name, was.digest)
        assert now.units.tolist() == was.units.tolist()
    blocks = EqualAreaGrid(36).assign(dataset.table.points)
    # Where no training photo is within the buffer, or in the same block.
    buffer = drawn.apart_km["unseen"]
    away = distance_km(drawn.val.points[:, None], drawn.train.points[None]).min(axis=1)
    apart = (away >= buffer) & ~np.isin(blocks[drawn.val.rows], blocks[drawn.train.rows])
    assert apart.sum() >= drawn.facts[ASKED].value
    held = np.concatenate([drawn.left_out["val-set-aside"], drawn.val.rows[apart]])
    assert not np.isin(blocks[drawn.train.rows], blocks[drawn.left_out["val-set-aside"]]).any()
    assert not np.isin(held, drawn.train.rows).any()
    far = drawn.parts[1]
    for learnt in (drawn.train, drawn.val):
        assert distance_km(learnt.points[:, None], far.points[None]).min() >= buffer
    assert len(drawn.val) <= len(plain.val) or drawing["size"] > 1


@settings(max_examples=60, deadline=None)
@given(**drawings)
def test_the_control_trains_on_the_same_photos_and_validates_at_random(**drawing):
    dataset, _, rule = drawn_twice(**drawing)
    own = {name: getattr(rule.config, name) for name in ("seed", "buffer_km", "val_unseen")}
    try:
        drawn, control = (r.assign(dataset) for r in (rule, split(**own, val_control=True)))
    except DataError:
        reject()
    assert control.train.digest == drawn.train.digest
    assert [p.digest for p in control.parts] == [p.digest for p in drawn.parts]
    assert everything(control) == list(range(len(dataset.table)))
    assert control.facts[ASKED].value == 0
    assert len(control.val) == len(drawn.val)
    changed = np.setdiff1d(drawn.val.rows, control.val.rows)
    assert drawn.facts[ASKED].value == len(changed)
    assert set(changed) == set(control.left_out["val-control"])


def test_it_takes_the_share_that_was_asked_for():
    dataset = Places(far_and_wide(20_000, seed=1))
    for share in (0.25, 0.5):
        drawn = split(val_unseen=share).assign(dataset)
        assert len(drawn.val) == 1000
        assert drawn.facts[ASKED].value == round(1000 * share)
        known = EqualAreaGrid(36).assign(drawn.train.points)
        elsewhere = ~np.isin(EqualAreaGrid(36).assign(drawn.val.points), known)
        assert elsewhere.sum() >= 1000 * share


def test_the_twin_ignores_it_and_says_so():
    dataset = Places(far_and_wide(6000, seed=1))
    plain, twin = split(val_unseen=0.5), split(val_unseen=0.5, surroundings="train")
    assert twin.twin_of == plain.identity()
    drawn, among = plain.assign(dataset), twin.assign(dataset)
    check_twins({"a": plain, "b": twin}, {"a": drawn, "b": among})
    without = split(surroundings="train").assign(dataset)
    assert among.val.digest == without.val.digest
    assert among.facts[ASKED].value == 0
    assert ASKED not in without.facts


def test_a_split_without_it_has_the_key_that_it_had():
    config = split().identity()["config"]
    assert not {"val_unseen", "val_control"} & set(config)
    assert split(val_unseen=0.5).identity()["config"]["val_unseen"] == 0.5
    with pytest.raises(ValidationError, match="val_control is the control of val_unseen"):
        UnseenCellsConfig(val_control=True)
