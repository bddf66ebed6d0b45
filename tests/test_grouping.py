"""Groups are drawn whole, and the first of a random order where each photo is a group."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import in_groups_of, whole_groups


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
    share=st.floats(0, 1.2),
    seed=st.integers(0, 2**32 - 1),
)
def test_so_many_rows_are_taken_and_no_group_is_on_both_sides(sizes, share, seed):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    order = rng.permutation(len(groups))[: rng.integers(1, len(groups) + 1)]
    count = round(share * len(order))
    drawn = whole_groups(order, groups, count)
    parts = (drawn.taken, drawn.rest, drawn.cut)
    assert sorted(np.concatenate(parts).tolist()) == sorted(order.tolist())
    assert len(drawn.taken) == min(count, len(order))
    assert not in_groups_of(drawn.rest, np.concatenate([drawn.taken, drawn.cut]), groups).any()
    assert len(np.unique(groups[drawn.cut])) <= 1
    # Of one group at most a part is taken, and only where all that are left are too large.
    if len(drawn.cut):
        halved = groups[drawn.cut[0]]
        own = [g for g in np.unique(groups[order]) if g != halved and g in groups[drawn.rest]]
        missing = count - (groups[drawn.taken] != halved).sum()
        assert all((groups[order] == g).sum() > missing for g in own)


@settings(max_examples=100, deadline=None)
@given(photos=st.integers(1, 60), count=st.integers(0, 70), seed=st.integers(0, 2**32 - 1))
def test_where_each_photo_is_a_group_these_are_the_first(photos, count, seed):
    order = np.random.default_rng(seed).permutation(photos)
    drawn = whole_groups(order, np.array([f"g{n}" for n in range(photos)]), count)
    assert drawn.taken.tolist() == order[:count].tolist()
    assert drawn.rest.tolist() == order[count:].tolist()
    assert not len(drawn.cut)


def test_a_large_group_is_drawn_as_often_as_a_small_one():
    groups = np.repeat(np.arange(200), [*([1] * 100), *([5] * 100)])
    often = np.zeros(200)
    for seed in range(300):
        order = np.random.default_rng(seed).permutation(len(groups))
        often[np.unique(groups[whole_groups(order, groups, 300).taken])] += 1
    # A group that is passed over at the end is a large one, and there are few of these.
    assert abs(often[:100].mean() - often[100:].mean()) < 0.06 * often.mean()
