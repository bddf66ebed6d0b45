"""Columns of strings: what numpy would say of them, each distinct string held once."""

import hashlib
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import Strings, digests, in_groups_of, whole_groups
from geobench.audit import contents
from geobench.statistics import unit_codes
from geobench.strings import Columns
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.splits import RandomSplit

# As in an array of numpy, no string ends with NUL, and half a surrogate pair is no text.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(lambda t: t.rstrip("\0"))
columns = st.lists(words, min_size=1, max_size=40).map(lambda texts: np.array(texts, dtype=np.str_))


@settings(max_examples=150)
@given(values=columns, seed=st.integers(0, 99))
def test_they_are_what_an_array_of_the_same_is(values, seed):
    column = Strings.of(values)
    rows = np.random.default_rng(seed).integers(len(values), size=7)
    np.testing.assert_array_equal(np.asarray(column), values)
    np.testing.assert_array_equal(np.asarray(column[rows]), values[rows])
    assert column.tolist() == list(column) == values.tolist()
    assert column[int(rows[0])] == values[rows[0]]
    assert (len(column), column.shape, column.dtype.kind) == (len(values), values.shape, "U")
    for sought in (str(values[0]), "", "a", "\U0010ffff"):
        np.testing.assert_array_equal(column == sought, values == sought)
        np.testing.assert_array_equal(column != sought, values != sought)
    np.testing.assert_array_equal(column == values, np.ones(len(values), bool))
    assert digests.array_digest(column) == digests.array_digest(values)
    some = digests.array_digest(column[rows], column)
    assert some == digests.array_digest(values[rows], values)
    np.testing.assert_array_equal(unit_codes(column[rows]), unit_codes(values[rows]))
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(column))), values)


@settings(max_examples=100)
@given(values=columns, others=columns, seed=st.integers(0, 99))
def test_groups_are_drawn_and_compared_as_those_of_an_array(values, others, seed):
    rng = np.random.default_rng(seed)
    one, two = rng.integers(len(values), size=6), rng.integers(len(values), size=4)
    column = Strings.of(values)
    np.testing.assert_array_equal(in_groups_of(one, two, column), np.isin(values[one], values[two]))
    foreign = Strings.of(others)
    np.testing.assert_array_equal(column.isin(foreign), np.isin(values, others))
    order = rng.permutation(len(values))
    mine, its = (whole_groups(order, each, len(values) // 2) for each in (column, values))
    for part in ("taken", "rest", "cut"):
        np.testing.assert_array_equal(getattr(mine, part), getattr(its, part))


@settings(max_examples=150)
@given(values=st.lists(st.text("ab\0é\U0001f30d", max_size=4), max_size=9), width=st.integers(1, 9))
def test_the_digest_of_strings_is_that_of_their_lengths_and_bytes(values, width):
    array = np.array(values, dtype=f"U{width}")
    plain = [value.encode() for value in array.tolist()]
    state = hashlib.sha256(f"S{array.shape}".encode())
    state.update(np.array([len(each) for each in plain], dtype="<i8").tobytes())
    state.update(b"".join(plain))
    assert digests.array_digest(array) == state.hexdigest()
    assert digests.array_digest(array.astype(array.dtype.newbyteorder(">"))) == state.hexdigest()
    doubled = np.repeat(array, 2)
    assert digests.array_digest(doubled[::2]) == state.hexdigest()


def test_a_table_with_one_long_text_is_read_split_and_audited_without_an_array_as_wide(tmp_path):
    count, long = 30_000, "x" * 64_000
    lines = [f"p{n},{n % 90},{n % 180},a{n // 7},about {n % 50}" for n in range(count)]
    lines[1234] = f"p1234,{1234 % 90},{1234 % 180},a{1234 // 7},{long}"
    file = tmp_path / "photos.csv"
    file.write_text("id,lat,lon,author,text\n" + "\n".join(lines) + "\n")
    dataset = TableDataset(TableConfig(file=file))
    tracemalloc.start()
    assert isinstance(dataset.table.attributes["text"], Strings)
    # What arrays of numpy.str_ gave, in 7.7 GB.
    assert dataset.digest == "6b0162364d69a383b49654166cfcb66586f20965f263e4b7efd580236b52fbd7"
    drawn = RandomSplit().assign(dataset)
    section = contents.attributes(dataset)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
    (line,) = section.lines
    assert line.detail == "51 different values, most often about 0 (600)"
    assert np.asarray(drawn.train.groups[:5]).dtype.kind == "U"
    assert long in dataset.table.attributes["text"].tolist()[1234]


def test_what_an_array_could_do_and_they_cannot_is_an_error():
    column = Strings.of(np.array(["a", "None", "b"]))
    with pytest.raises(IndexError, match="one dimension"):
        column[:, None]
    with pytest.raises(ValueError, match="always a copy"):
        np.array(column, copy=False)
    assert (column == None) is False  # noqa: E711  # no string is None
    assert (column != 3) is True
    assert (column == "\ud800").tolist() == [False] * 3
    assert column.astype("U9").dtype == "<U9"
    assert column.size == 3


def test_what_is_pickled_of_columns_is_what_was_taken():
    secret = Strings.of(np.array(["seen", "tested", "seen"]))
    rows = Columns({"part": secret, "number": np.arange(3) + 7_000_001}, np.array([0, 2]))
    copied = pickle.loads(pickle.dumps(rows))
    assert copied["part"].tolist() == ["seen", "seen"]
    assert copied["number"].tolist() == [7_000_001, 7_000_003]
    held = copied._columns["number"]
    assert 7_000_002 not in held


def test_columns_are_taken_when_they_are_asked_for():
    numbers, texts = np.arange(6.0), Strings.of(np.array(list("abcabc")))
    found = Columns({"number": numbers, "text": texts}, np.array([5, 0, 3]))
    assert (list(found), len(found)) == (["number", "text"], 2)
    assert found["number"].tolist() == [5, 0, 3]
    assert found["text"].tolist() == ["c", "a", "a"]
    assert found["text"].dtype == "<U1"
    assert found.take(np.array([2, 1]))["number"].tolist() == [3, 0]
    assert Columns({"number": numbers}).take(np.array([4]))["number"].tolist() == [4]
    with pytest.raises(KeyError):
        found["other"]
