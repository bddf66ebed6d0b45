"""Files: whole or not at all, and known when they are changed."""

import numpy as np
import pytest

from geobench.errors import StoreError
from geobench.records import files

ARRAYS = {"place": np.array([[1.5, -2.0]]), "name": np.array(["a", "bc"]), "flag": np.array(True)}


def test_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "a.npz"
    files.write_arrays(path, ARRAYS)
    found = files.read_arrays(path)
    assert sorted(found) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert files.readable(path)


def test_same_arrays_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        files.write_arrays(tmp_path / name, ARRAYS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("change", ["value", "name", "lost", "added"])
def test_arrays_that_were_changed_are_refused(tmp_path, change):
    path = tmp_path / "a.npz"
    files.write_arrays(path, ARRAYS)
    with np.load(path) as stored:
        arrays = dict(stored)
    match change:
        case "value":
            arrays["place"][0, 0] = np.nextafter(1.5, 2)
        case "name":
            arrays["spot"] = arrays.pop("place")
        case "lost":
            del arrays["flag"]
        case "added":
            arrays["more"] = np.zeros(1)
    np.savez_compressed(path, **arrays)
    with pytest.raises(StoreError, match="not those that were written"):
        files.read_arrays(path)
    assert not files.readable(path)


@pytest.mark.parametrize("array", [np.array([None]), np.array([b"a"]), np.array([1j])])
def test_an_array_that_is_neither_numbers_nor_text_is_refused_by_name(tmp_path, array):
    with pytest.raises(StoreError, match=r"array 'odd' of .* cannot be stored"):
        files.write_arrays(tmp_path / "a.npz", {"odd": array})
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "record.json"
    data = {"status": "ok", "facts": {"share": [0.1, "share"]}}
    files.write_stamped(path, data)
    assert files.read_stamped(path) == data
    path.write_text(path.read_text().replace("0.1", "0.2"))
    with pytest.raises(StoreError, match="not as it was written"):
        files.read_stamped(path)
