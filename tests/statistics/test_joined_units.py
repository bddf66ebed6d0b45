"""Units that several rules make: joined where they overlap, unless that leaves one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench.statistics import Units, effective_units, join_units

few = st.integers(1, 40).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(0, 12), min_size=count, max_size=count), min_size=1, max_size=3
    )
)


def units_of(columns):
    return {f"rule {number}": Units.of(np.array(each)) for number, each in enumerate(columns)}


def by_walking(columns):
    """The photos that are reached from each photo through units of any rule, as sets of photos."""
    count, left, found = len(columns[0]), set(range(len(columns[0]))), []
    while left:
        reached, waiting = set(), [min(left)]
        while waiting:
            photo = waiting.pop()
            if photo not in reached:
                reached.add(photo)
                waiting += [
                    other
                    for each in columns
                    for other in range(count)
                    if each[other] == each[photo]
                ]
        found.append(frozenset(reached))
        left -= reached
    return set(found)


def as_sets(units):
    return {
        frozenset(np.flatnonzero(units.codes == code).tolist()) for code in np.unique(units.codes)
    }


@settings(max_examples=150, deadline=None)
@given(columns=few)
def test_photos_are_one_unit_if_a_chain_of_rules_leads_from_one_to_the_other(columns):
    found, wanted = join_units(units_of(columns)), by_walking(columns)
    largest = max(map(len, wanted))
    if not found.alone:
        assert as_sets(found.units) == wanted
        assert len(found.rules) == 1 or 2 * largest <= len(columns[0])
        return
    # Joined, one would hold over half: the rule with the fewest effective units counts alone.
    assert 2 * largest > len(columns[0])
    worth = [effective_units(np.array(each)) for each in columns]
    (name,) = found.rules
    assert found.units.effective == pytest.approx(min(worth))
    assert as_sets(found.units) == by_walking([columns[int(name.split()[1])]])


@settings(max_examples=80, deadline=None)
@given(columns=few, seed=st.integers(0, 1000))
def test_a_rule_within_another_changes_nothing_and_is_not_named(columns, seed):
    rng = np.random.default_rng(seed)
    fine = [f"{each}.{rng.integers(2)}" for each in columns[0]]  # parts of units of the first
    found = join_units({**units_of(columns), "fine": Units.of(np.array(fine))})
    assert as_sets(found.units) == as_sets(join_units(units_of(columns)).units)
    assert "fine" not in found.rules or as_sets(Units.of(np.array(fine))) == as_sets(
        Units.of(np.array(columns[0]))
    )


def test_names_and_the_order_of_numbers_do_not_matter():
    rules = {"a": Units.of(["x", "x", "y", "z"]), "b": Units.of([3, 4, 5, 5])}
    found = join_units(rules)
    assert found.rules == ("a", "b")
    assert not found.alone
    assert as_sets(found.units) == {frozenset({0, 1}), frozenset({2, 3})}
    chain = {"a": Units.of([0, 0, 1, 1, 2]), "b": Units.of([0, 1, 1, 2, 3])}
    found = join_units(chain)
    assert (found.alone, found.rules) == (True, ("a",))
