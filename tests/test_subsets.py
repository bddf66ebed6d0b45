"""Some photos of each test part as parts of their own: cut, named, resampled and counted."""

import numpy as np
import pytest

from geobench import ConfigError, DataError, config
from geobench.catalogue import installed
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


def test_a_line_without_end_is_no_id_for_which_all_others_make_room(tmp_path):
    with pytest.raises(DataError, match=r"ones\.txt has an id of 2,000 characters.* one id a line"):
        drawn(RandomSplit, only=listed(tmp_path, ["x" * 2_000]))
    with (tmp_path / "huge.txt").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DataError, match=r"huge\.txt cannot be read: it has 1,099,511,627,776 byt"):
        drawn(RandomSplit, only=tmp_path / "huge.txt")


def test_a_split_without_a_subset_keeps_its_digest(tmp_path):
    plain = RandomSplit(RandomSplit.Config())
    assert "only" not in plain.identity()["config"]
    (test,) = drawn(RandomSplit).parts
    path = listed(tmp_path, test.ids[:2])
    first = RandomSplit(RandomSplit.Config(only=path)).identity()
    path.write_text("\n".join(test.ids[:3]))
    assert RandomSplit(RandomSplit.Config(only=path)).identity() != first


def part_of(path):
    (part,) = drawn(RandomSplit, only=path).parts
    return part


@pytest.mark.parametrize("form", ["{}.jpg", "photos/{}", "photos/{}.jpg", "x\\{}.PNG"])
@pytest.mark.parametrize("header", [[], ["img_id"]])
def test_ids_are_met_with_folder_and_ending_as_those_of_answers_are(tmp_path, form, header):
    (test,) = drawn(RandomSplit).parts
    chosen = test.ids[::4]
    path = listed(tmp_path, [*header, *map(form.format, chosen)])
    np.testing.assert_array_equal(part_of(path).ids, chosen)
    (part,) = drawn(RandomSplit, only=[form.format(each) for each in chosen]).parts
    np.testing.assert_array_equal(part.ids, chosen)


@pytest.mark.parametrize(
    "header", ["id", "ID", "img_id", "IMG_ID", '"Photo ID"', "filename", "image", "image_path"]
)
def test_a_first_line_that_is_a_header_is_passed_over(tmp_path, header):
    (test,) = drawn(RandomSplit).parts
    np.testing.assert_array_equal(
        part_of(listed(tmp_path, [header, *test.ids[:7]])).ids, test.ids[:7]
    )


@pytest.mark.parametrize("place", [1, 3])
def test_a_header_anywhere_else_is_an_id_of_no_photo(tmp_path, place):
    (test,) = drawn(RandomSplit).parts
    lines = [*test.ids[:place], "img_id", *test.ids[place:6]]
    with pytest.raises(DataError, match=r"1 of the 7 ids .*first: img_id"):
        drawn(RandomSplit, only=listed(tmp_path, lines))


@pytest.mark.parametrize("first", ["id-7", "img0001", "12", "id7", "beach"])
def test_an_id_in_the_first_line_is_no_header(tmp_path, first):
    (test,) = drawn(RandomSplit).parts
    with pytest.raises(DataError, match="1 of the 4 ids"):
        drawn(RandomSplit, only=listed(tmp_path, [first, *test.ids[:3]]))


def test_a_list_of_ids_names_a_part_and_is_kept_as_it_was_stored():
    (test,) = drawn(RandomSplit).parts
    chosen = test.ids[:6].tolist()
    split = RandomSplit(RandomSplit.Config(only=chosen))
    (part,) = split.assign(PLANET).parts
    assert part.name == "test@listed"
    np.testing.assert_array_equal(part.ids, test.ids[:6])
    stored = split.identity(keyed=False)["config"]
    assert stored["only"] == chosen
    assert RandomSplit(RandomSplit.Config.from_stored(stored)).identity() == split.identity()
    with pytest.raises(DataError, match="2 of the 3 ids in the list") as caught:
        drawn(RandomSplit, only=[chosen[0], "nobody", "noone"])
    assert test.ids[0] in caught.value.remedy
    with pytest.raises(DataError, match="0 of the 0 ids in the list"):
        drawn(RandomSplit, only=[])


def test_a_list_of_ids_is_not_published_with_a_dataset_that_publishes_scores(tmp_path):
    class Secret(ToyPlanet):
        publishes = "scores"

    secret = Secret()
    (test,) = RandomSplit(RandomSplit.Config()).assign(secret).parts
    with pytest.raises(DataError, match="publishes scores alone") as caught:
        RandomSplit(RandomSplit.Config(only=test.ids[:3].tolist())).assign(secret)
    assert "into a file" in caught.value.remedy
    file = listed(tmp_path, test.ids[:3])
    assert len(RandomSplit(RandomSplit.Config(only=file)).assign(secret).parts[0]) == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[12, 13]", "ids are text, and 12 is not"),
        ("[a, 1.5]", "ids are text, and 1.5 is not"),
        ("{a: b}", "nor a list of ids"),
        ("7", "nor a list of ids"),
        ("true", "nor a list of ids"),
        ("answered-by-al", "does not exist"),
    ],
)
def test_what_is_no_list_of_ids_is_one_sentence(tmp_path, value, said):
    text = (
        "benchmarks: [{name: b, dataset: toy-planet, metrics: [distance], methods: [uniform], "
        f"splits: [{{name: random, only: {value}}}]}}]"
    )
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.read(tmp_path / "b.yaml", installed())
    assert said in str(caught.value)
    assert "tuple" not in str(caught.value)
    assert str(caught.value).count("nput should be") <= 1


def test_a_yaml_list_of_ids_in_quotes_is_taken(tmp_path):
    (test,) = drawn(RandomSplit).parts
    ids = ", ".join(f'"{each}"' for each in test.ids[:3])
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: b, dataset: toy-planet, metrics: [distance], methods: [uniform], "
        f"splits: [{{name: random, only: [{ids}]}}]}}]"
    )
    (benchmark,) = config.read(tmp_path / "b.yaml", installed())
    assert benchmark.splits[0].plugin.config.only == tuple(test.ids[:3])
