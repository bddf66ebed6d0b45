"""Files that others made: what they claim is looked at before it is believed."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from geobench import bounded
from geobench.digests import file_digest, written_digest
from geobench.errors import StoreError
from geobench.records import files

NO_JSON = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep mappings": b'{"a":' * 101 + b"1" + b"}" * 101,
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": -Infinity}',
    "too large": b'{"a": 1e999}',
    "digits": b'{"a": ' + b"9" * 101 + b"}",
    "twice": b'{"a": 1, "a": 2}',
    "half a letter": b'{"a": "\\ud800"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "another encoding": '{"a": "é"}'.encode("latin-1"),
    "cut": b'{"a": [1, ',
}


@pytest.mark.parametrize("written", NO_JSON.values(), ids=NO_JSON)
def test_json_that_would_break_what_works_with_it_is_refused(written):
    with pytest.raises(ValueError, match=r"."):
        bounded.json_of(written)


def test_json_as_it_is_written_is_read():
    data = {"text": 'a "[[[" \\ \N{GRINNING FACE}', "deep": [[[{"x": 1.5}]]], "many": [[]] * 200}
    assert bounded.json_of(json.dumps(data).encode()) == data


def test_brackets_in_texts_and_texts_that_do_not_end_are_soon_counted():
    assert bounded.json_of(json.dumps({"a": "[" * 5000}).encode()) == {"a": "[" * 5000}
    with pytest.raises(ValueError, match=r"."):
        bounded.json_of(b'["' + b'\\"' * 500_000 + b"[" * 200)


@pytest.mark.parametrize("read", [bounded.opened, file_digest, written_digest, files.sha256_of])
def test_a_pipe_is_not_waited_for_and_a_device_is_not_read(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    (tmp_path / "folder.npz").mkdir()
    for name in ("pipe.npz", "zero.npz", "folder.npz"):
        with pytest.raises((ValueError, StoreError)):
            read(tmp_path / name)


def test_a_link_is_followed_only_where_that_is_said(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").symlink_to("a.json")
    assert bounded.content(tmp_path / "b.json") == b"{}"
    with pytest.raises(StoreError, match="is a link, and none is followed"):
        files.read_json(tmp_path / "b.json")
    with pytest.raises(ValueError, match="is a link"):
        written_digest(tmp_path / "b.json")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    for name in ("table.csv", "answer.npz", "benchmark.json"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(1 << 40)
        with pytest.raises(StoreError, match="bytes, and at most"):
            files.sha256_of(tmp_path / name)
    with pytest.raises(StoreError, match="bytes, and at most"):
        files.read_json(tmp_path / "benchmark.json")
    with pytest.raises(StoreError, match="bytes, and at most"):
        files.read_text(tmp_path / "table.csv")


def head(shape, descr="<f8"):
    stream = io.BytesIO()
    described = {"descr": descr, "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(stream, described)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("shape", "descr"),
    [((10**12,), "<f8"), ((10**30,), "<f8"), ((3,), "<f8"), ((1,), "<f8"), ((10**9,), "<U0")],
)
def test_an_array_that_claims_more_than_it_holds_is_refused(shape, descr, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", head(shape, descr) + bytes(16))
    with pytest.raises(ValueError, match=r"claims|not of numbers"):
        bounded.arrays(tmp_path / "a.npz")


def test_an_archive_that_would_inflate_to_gigabytes_is_refused_before_it_does(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(bounded, "INFLATED", 1 << 20)  # gigabytes would take seconds to make
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1 << 18))
    with pytest.raises(StoreError, match="would inflate from"):
        files.read_arrays(tmp_path / "a.npz")


def test_arrays_that_compress_too_well_are_written_so_that_they_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "INFLATED", 1000)
    files.write_arrays(tmp_path / "a.npz", {"a": np.zeros(100_000)})
    assert (files.read_arrays(tmp_path / "a.npz")["a"] == 0).all()


@pytest.mark.parametrize("array", [np.array([{}]), np.array([b"a"]), np.array([1j])])
def test_an_array_of_anything_but_numbers_and_text_is_refused(array, tmp_path):
    np.savez(tmp_path / "a.npz", a=array)
    with pytest.raises(ValueError, match="not of numbers or strings"):
        bounded.arrays(tmp_path / "a.npz")


def test_an_array_that_is_listed_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", head((2,)) + bytes(16))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", head((2,)) + bytes(16))
    with pytest.raises(ValueError, match="twice"):
        bounded.arrays(tmp_path / "a.npz")


def test_arrays_come_back_as_numpy_reads_them(tmp_path):
    arrays = {
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(4).astype(">i4"),
        "text": np.array([["a", "bcé"]]),
        "none": np.zeros((0, 2)),
        "single": np.array(7),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = bounded.arrays(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as wanted:
        assert list(found) == wanted.files
        for name in wanted.files:
            np.testing.assert_array_equal(found[name], wanted[name])
            assert found[name].dtype == wanted[name].dtype
    found["turned"][0, 0] = 5  # and can be changed
