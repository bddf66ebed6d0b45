"""Some photos of each test part as parts of their own: cut, named, resampled and counted."""

import numpy as np
import pytest

from geobench import DataError
from geobench.toy_planet import ToyPlanet
from geobench_basics.splits import OfficialSplit, RandomSplit

PLANET = ToyPlanet()


def drawn(split, **config):
    return split(split.Config(**config)).assign(PLANET)


def listed(folder, ids):
    path = folder / "hard ones.txt"
    path.write_text("\n".join(ids) + "\n")
    return path


def test_the_photos_of_a_list_are_a_part_named_after_it(tmp_path):
    whole = drawn(RandomSplit)
    (test,) = whole.parts
    chosen = test.ids[::3]
    some = drawn(RandomSplit, only=listed(tmp_path, chosen[::-1]))
    (part,) = some.parts
    assert part.name == "test@hard-ones"
    np.testing.assert_array_equal(part.ids, chosen)
    np.testing.assert_array_equal(part.points, test.points[::3])
    np.testing.assert_array_equal(part.subset_of.ids, test.ids)
    assert (some.train.digest, some.val.digest) == (whole.train.digest, whole.val.digest)
    np.testing.assert_array_equal(
        PLANET.table.ids[some.left_out["not hard-ones"]], np.setdiff1d(test.ids, chosen)
    )


def test_units_are_those_of_the_photos_that_are_left(tmp_path):
    (test,) = drawn(RandomSplit).parts
    (part,) = drawn(RandomSplit, only=listed(tmp_path, test.ids[:10])).parts
    assert len(part.units) == 10
    assert part.resampled is not None
    assert set(np.asarray(part.groups)) == set(np.asarray(test.groups[:10]))


def test_a_part_of_which_the_list_has_none_is_left_out(tmp_path):
    parts = drawn(OfficialSplit).parts
    assert len(parts) > 1
    some = drawn(OfficialSplit, only=listed(tmp_path, parts[0].ids[:5]))
    assert [part.name for part in some.parts] == [f"{parts[0].name}@hard-ones"]


@pytest.mark.parametrize("strangers", [["nobody"], ["nobody", "noone", "neither", "nor"], []])
def test_ids_of_no_test_photo_are_counted_and_named(tmp_path, strangers):
    (test,) = drawn(RandomSplit).parts
    ids = [*test.ids[:2], *strangers] if strangers else []
    with pytest.raises(DataError) as caught:
        drawn(RandomSplit, only=listed(tmp_path, ids))
    assert f"{len(strangers)} of the {len(ids)} ids" in str(caught.value)
    assert all(name in str(caught.value) for name in sorted(strangers)[:3])
    assert test.ids[0] in caught.value.remedy


def test_a_list_that_is_no_text_is_an_error_that_names_it(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DataError, match=r"ids\.txt cannot be read"):
        drawn(RandomSplit, only=path)


def test_a_split_without_a_subset_keeps_its_digest(tmp_path):
    plain = RandomSplit(RandomSplit.Config())
    assert "only" not in plain.identity()["config"]
    (test,) = drawn(RandomSplit).parts
    path = listed(tmp_path, test.ids[:2])
    first = RandomSplit(RandomSplit.Config(only=path)).identity()
    path.write_text("\n".join(test.ids[:3]))
    assert RandomSplit(RandomSplit.Config(only=path)).identity() != first
