"""Datasets, tables and rows, against numpy."""

import hashlib

import numpy as np
import pytest

from geobench import (
    Config,
    DataError,
    Dataset,
    Examples,
    InputPath,
    Labelled,
    Rows,
    Table,
    Truth,
    hashes,
    smallest_by_hash,
)


class AlbumConfig(Config):
    """What an album has."""

    file: InputPath | None = None
    files: list[InputPath] = []
    size: int = 8


def table(**changes):
    columns = {
        "ids": np.array(["a", "b", "c"]),
        "points": np.array([[0.0, 0], [10, 20], [-30, 40]]),
        "groups": np.array(["x", "x", "y"]),
        "attributes": {"country": np.array(["FR", "NA", ""]), "year": np.array([1, 2, 3])},
        "part": np.array(["train", "train", "test"]),
        "sizes": np.array([10, 20, 30]),
    }
    return Table(**(columns | changes))


class AlbumDataset(Dataset):
    """Three photos."""

    name = "album"
    Config = AlbumConfig

    def __init__(self, config=None, content=None):
        super().__init__(config)
        self.content = table() if content is None else content
        self.loads = 0

    def load(self):
        self.loads += 1
        return self.content


def checked(**changes):
    return AlbumDataset(content=table(**changes)).table


def test_a_table_is_loaded_once():
    album = AlbumDataset()
    assert album.table is album.table
    assert len(album.table) == 3
    assert album.digest == album.digest
    assert album.loads == 1


def test_a_table_is_checked_completed_and_wrapped():
    found = checked(points=[[0, 180], [1, 200], [2, 3]])
    assert found.points.tolist() == [[0, -180], [1, -160], [2, 3]]
    assert found.promised == 3
    assert checked(promised=5, broken={"no coordinates": 2}).broken == {"no coordinates": 2}


def test_a_repeated_id_is_an_error_that_names_it():
    with pytest.raises(DataError, match="dataset album: 1 ids repeat, the first is 'b'"):
        checked(ids=np.array(["b", "b", "c"]))


@pytest.mark.parametrize("column", ["points", "groups", "part", "sizes", "year"])
def test_a_column_of_another_length_is_an_error_that_names_it(column):
    change = {column: np.zeros((2, 2)) if column == "points" else np.zeros(2)}
    if column == "year":
        change = {"attributes": change}
    with pytest.raises(DataError, match=f"dataset album: column {column} has 2 rows where ids"):
        checked(**change)


@pytest.mark.parametrize("column", ["ids", "groups", "country"])
def test_a_column_of_objects_is_an_error_that_names_it(column):
    values = np.array(["a", None, "c"], dtype=object)
    change = {"attributes": {column: values}} if column == "country" else {column: values}
    with pytest.raises(DataError, match=f"column {column} holds object.*numpy.str_"):
        checked(**change)


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([[0, 0], [95, 0], [0, 0]], r"latitude 95 at \(1,\) is beyond the poles"),
        ([[0, 0], [0, np.nan], [0, 0]], r"1 of 3 are not finite \(first at \(1,\)\)"),
        ([[0, 0, 0]] * 3, r"have shape \(3, 3\)"),
    ],
)
def test_a_place_off_the_globe_is_an_error_that_names_the_dataset(points, says):
    with pytest.raises(DataError, match=f"dataset album: coordinates:? {says}"):
        checked(points=points)


def test_a_dataset_has_nothing_that_it_does_not_promise():
    album = AlbumDataset()
    assert album.provides == frozenset()
    with pytest.raises(DataError, match="dataset album has no pictures"):
        album.images(np.arange(3))
    with pytest.raises(DataError, match="dataset album has no features of its own"):
        album.features(np.arange(3))


def test_a_digest_changes_with_everything_that_it_covers():
    changes = [
        {},
        {"ids": np.array(["a", "b", "d"])},
        {"points": np.array([[0.0, 0], [10, 20], [-30, 40.0000001]])},
        {"groups": np.array(["x", "z", "y"])},
        {"groups": np.array([1, 1, 2])},
        {"attributes": {"country": np.array(["FR", "NA", ""])}},
        {"attributes": {"country": np.array(["FR", "NA", ""]), "age": np.array([1, 2, 3])}},
        {"attributes": {"country": np.array(["FR", "NA", "x"]), "year": np.array([1, 2, 3])}},
        {"part": np.array(["train", "test", "test"])},
        {"part": None},
        {"sizes": np.array([10, 20, 31])},
        {"sizes": None},
        {"part": None, "sizes": None},
    ]
    found = {AlbumDataset(content=table(**change)).digest for change in changes}
    found.add(AlbumDataset(AlbumConfig(size=9)).digest)
    found.add(type("Other", (AlbumDataset,), {"name": "other"})().digest)
    found.add(type("Newer", (AlbumDataset,), {"version": 2})().digest)
    assert len(found) == len(changes) + 3


def test_a_digest_does_not_change_with_paths_widths_or_the_order_of_attributes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    expected = AlbumDataset(AlbumConfig(file=tmp_path / "one", files=[tmp_path / "one"])).digest
    moved = AlbumConfig(file=tmp_path / "two", files=[tmp_path / "two"])
    assert AlbumDataset(moved).digest == expected
    attributes = {"year": np.array([1, 2, 3]), "country": np.array(["FR", "NA", ""])}
    for change in (
        {"ids": np.array(["a", "b", "c"], dtype="U40")},
        {"sizes": np.array([10, 20, 30], dtype=np.int32)},
        {"attributes": attributes},
        {"promised": 7, "broken": {"no coordinates": 4}},
        {"points": np.array([[0, 360], [10, 20], [-30, 400]])},
    ):
        config = AlbumConfig(file=tmp_path / "one", files=[tmp_path / "one"])
        assert AlbumDataset(config, table(**change)).digest == expected


# Hashes


def test_hashes_are_those_of_blake2():
    ids = np.array(["", "a", "photo-17", "Zürich/1.jpg"])
    expected = [
        int.from_bytes(hashlib.blake2b(i.encode(), digest_size=8).digest(), "big") for i in ids
    ]
    assert hashes(ids).tolist() == expected
    assert hashes(ids).dtype == np.uint64
    # Pinned: they decide which photos are taken, in every stored result.
    assert hashes(np.array(["photo-17"]))[0] == 17048419251236713482
    assert hashes(ids.astype("U99")).tolist() == expected
    assert len(hashes(np.array([], dtype=str))) == 0


def test_the_smallest_by_hash_are_found_in_ascending_position():
    ids = np.array([f"id-{i}" for i in range(200)])
    numbers = hashes(ids)
    for count in (0, 1, 17, 199):
        chosen = smallest_by_hash(ids, count)
        assert len(chosen) == count
        assert (np.diff(chosen) > 0).all()
        rest = np.delete(numbers, chosen)
        assert count == 0 or numbers[chosen].max() < rest.min()
    assert smallest_by_hash(ids, 200).tolist() == list(range(200))
    assert smallest_by_hash(ids, 999).tolist() == list(range(200))


def test_who_is_smallest_depends_on_the_ids_and_not_on_their_order():
    ids = np.array([f"id-{i}" for i in range(200)])
    mixed = np.random.default_rng(0).permutation(ids)
    assert set(ids[smallest_by_hash(ids, 30)]) == set(mixed[smallest_by_hash(mixed, 30)])
    assert set(ids[smallest_by_hash(ids, 20)]) <= set(ids[smallest_by_hash(ids, 30)])


# Rows


LENGTHS = [[10], [3, 0, 4, 1, 2], [1] * 10]


def rows_and_all(lengths, *trailing):
    rng = np.random.default_rng(1)
    shards = [rng.random((n, *trailing)).astype(np.float32) for n in lengths]
    return Rows(shards), np.concatenate(shards)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("trailing", [(4,), (3, 2)])
def test_rows_are_the_concatenated_shards(lengths, trailing):
    rows, full = rows_and_all(lengths, *trailing)
    assert rows.shape == full.shape
    assert len(rows) == 10
    keys = [
        slice(None),
        slice(2, 7),
        slice(None, None, 3),
        slice(8, 2, -2),
        slice(4, 4),
        slice(5, 99),
        np.array([9, 0, 3, 3]),
        np.array([-1, 2]),
        np.array([], dtype=np.intp),
    ]
    for key in keys:
        np.testing.assert_array_equal(rows[key], full[key])
        taken = rows.take(key)
        assert taken.shape == full[key].shape
        np.testing.assert_array_equal(taken[:], full[key])
        np.testing.assert_array_equal(taken.take(slice(None, None, -1))[:], full[key][::-1])
    np.testing.assert_array_equal(np.asarray(rows), full)
    assert np.asarray(rows, dtype=np.float64).dtype == np.float64
    assert rows[2:5].dtype == rows.dtype == np.float32


def test_rows_can_be_a_choice_of_the_shards_rows():
    _, full = rows_and_all([3, 4, 3], 2)
    rows = Rows([full[:3], full[3:7], full[7:]], np.array([9, 2, 2, 5]))
    np.testing.assert_array_equal(rows[:], full[[9, 2, 2, 5]])
    np.testing.assert_array_equal(rows.take(np.array([3, 0]))[1:], full[[9]])


def test_what_rows_give_can_be_changed_without_changing_the_shards():
    for lengths in LENGTHS:
        rows, full = rows_and_all(lengths, 2)
        rows[:][...] = 7
        np.testing.assert_array_equal(rows[:], full)


def test_taking_rows_reads_nothing(tmp_path):
    np.save(tmp_path / "values.npy", np.ones((50, 3), np.float32))
    shard = np.load(tmp_path / "values.npy", mmap_mode="r")
    with (tmp_path / "values.npy").open("r+b") as stream:
        stream.seek(-50 * 3 * 4, 2)
        taken = Rows([shard]).take(np.arange(0, 50, 2)).take(slice(0, 5))
        stream.write(np.full((50, 3), 2, np.float32).tobytes())
    np.testing.assert_array_equal(taken[:], np.full((5, 3), 2))


# Examples and Truth


def examples(reads):
    def read(positions):
        reads.append(positions.tolist())
        for position in positions:
            yield np.full((2, 2, 3), position, np.uint8)

    return Labelled(
        np.array([f"id-{i}" for i in range(10)]),
        np.stack([np.arange(10.0), np.zeros(10)], axis=-1),
        {"year": np.arange(10)},
        pooled=rows_and_all([4, 6], 2)[0],
        tokens=rows_and_all([10], 3, 2)[0],
        read=read,
    )


def test_taken_examples_are_the_same_everywhere_and_read_nothing():
    reads = []
    whole = examples(reads)
    some = whole.take(np.array([7, 2, 2, 5])).take(np.array([2, 0]))
    assert reads == []
    assert some.ids.tolist() == ["id-2", "id-7"]
    np.testing.assert_array_equal(some.pooled[:], whole.pooled[:][[2, 7]])
    np.testing.assert_array_equal(some.tokens[:], whole.tokens[:][[2, 7]])
    assert some.points[:, 0].tolist() == [2, 7]
    assert some.attributes["year"].tolist() == [2, 7]
    pictures = some.images()
    assert [int(picture[0, 0, 0]) for picture in pictures] == [2, 7]
    assert reads == [[2, 7]]


def test_examples_have_no_labels_and_say_so_where_they_have_no_features():
    bare = Examples(np.array(["a", "b"])).take(np.array([1]))
    assert not hasattr(bare, "points")
    assert not hasattr(bare, "attributes")
    assert bare.features == {}
    for what in ("pooled", "tokens"):
        with pytest.raises(DataError, match=f"without {what} features.*`wants`"):
            getattr(bare, what)
    with pytest.raises(DataError, match="no pictures"):
        bare.images()


def test_what_is_taken_keeps_its_type_and_what_is_asked_for_has_no_labels():
    whole = examples([])
    assert type(whole.take(np.arange(3))) is type(whole.few(3)) is Labelled
    blind = whole.unlabelled()
    assert type(blind) is type(blind.few(3)) is Examples
    assert not hasattr(blind, "points")
    assert set(blind.features) == {"pooled", "tokens"}
    assert blind.read is whole.read


def test_few_are_those_with_the_smallest_hashes_in_their_order():
    whole = examples([])
    few = whole.few(4)
    assert few.ids.tolist() == whole.ids[smallest_by_hash(whole.ids, 4)].tolist()
    assert few.points.tolist() == whole.points[smallest_by_hash(whole.ids, 4)].tolist()
    assert len(whole.few(40)) == len(whole)


def test_taken_truths_are_the_same_everywhere():
    truth = Truth(np.arange(8.0).reshape(4, 2), {"year": np.arange(4)}, np.arange(0, 6, 1.5))
    some = truth.take(np.array([3, 1]))
    assert (len(truth), len(some)) == (4, 2)
    assert some.points.tolist() == [[6, 7], [2, 3]]
    assert some.attributes["year"].tolist() == [3, 1]
    assert some.novelty.tolist() == [4.5, 1.5]


def test_tables_are_sliced_by_all_attributes_but_what_looks_like_an_id():
    columns = {
        "img_id": np.array([7, 900, 12345]),
        "country": np.array(["a", "b", "c"]),
        "year": np.array([2001, 2002, 2001]),
        "cell": np.array([4, 4, 5]),
    }
    assert checked(attributes=columns).sliced == tuple(columns)  # three values say themselves
    many = {name: np.resize(values, 400) for name, values in columns.items()}
    many |= {"img_id": np.arange(400) * 997, "cell": np.arange(400) // 2, "number": np.arange(400)}
    ids = np.arange(400).astype(str)
    found = checked(
        ids=ids, groups=ids, points=np.zeros((400, 2)), attributes=many, part=None, sizes=None
    )
    assert found.sliced == ("country", "year")


def test_a_dataset_says_what_its_tables_are_sliced_by():
    columns = {"img_id": np.array([7, 8, 9]), "country": np.array(["a", "b", "c"])}
    assert checked(attributes=columns, sliced=("img_id",)).sliced == ("img_id",)
    assert checked(attributes=columns, sliced=("country", "img_id")).sliced == tuple(columns)
    assert checked(attributes=columns, sliced=()).sliced == ()


def test_slices_by_what_is_no_attribute_are_an_error_that_names_it():
    says = "dataset album: sliced names 'land', which is no attribute. The attributes are: year"
    with pytest.raises(DataError, match=says):
        checked(attributes={"year": np.array([1, 2, 3])}, sliced=("land",))
    with pytest.raises(DataError, match="The attributes are: none"):
        checked(attributes={}, sliced=("land",))


def test_what_is_sliced_by_is_in_no_digest():
    columns = {"country": np.array(["a", "b", "c"])}
    one, other = (AlbumDataset(content=table(attributes=columns, sliced=s)) for s in (None, ()))
    assert one.digest == other.digest
    assert one.table.sliced != other.table.sliced
