"""Columns of strings: what numpy would say of them, each distinct string held once."""

import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geobench import Strings, digests, in_groups_of, whole_groups
from geobench.statistics import unit_codes
from geobench.strings import Columns

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


def test_a_long_string_makes_no_other_row_wide():
    values = np.array(["DE", "FR"])[np.arange(50_000) % 2]
    column = Strings.of(values)
    long = Strings(column.codes, *_with_one_more(column, "x" * 64_000))
    assert len(pickle.dumps(long)) < 4 * 50_000 + 70_000
    assert np.asarray(long[:100]).dtype == "<U2"


def _with_one_more(column, text):
    data = np.concatenate([column._data, np.frombuffer(text.encode(), np.uint8)])
    return data, np.append(column._starts, len(data))


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
