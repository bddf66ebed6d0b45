"""Shards that are damaged or have changed are found, and their photos encoded again."""

import errno
import gc
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from colour_gallery import (
    ALL,
    ColourEncoder,
    GalleryConfig,
    GalleryDataset,
    fill,
    pooled,
    shards,
)
from geobench import DataError, StoreError
from geobench.features import encode as encoding
from geobench.features import shards as shards_module
from geobench.features.store import Store


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def empty(path):
    path.write_bytes(b"")


def garble(path):
    path.write_bytes(b"not what it was")


@pytest.mark.parametrize("damage", [truncate, empty, garble, Path.unlink])
@pytest.mark.parametrize("name", ["rows.npy", "values.npy", "broken.json"])
def test_a_damaged_shard_is_removed_and_encoded_again_with_a_warning(
    tmp_path, caplog, name, damage
):
    gallery = GalleryDataset(GalleryConfig(broken=[9]))
    first = fill(tmp_path, dataset=gallery)["pooled"]
    (shard,) = (s for s in shards(first) if 10 in np.load(s / "rows.npy"))
    damage(shard / name)
    gallery.reads.clear()
    with caplog.at_level(logging.WARNING):
        store = fill(tmp_path, dataset=gallery)["pooled"]
    assert f"{shard} is damaged" in caplog.text
    assert "its photos are encoded again" in caplog.text
    assert sorted(gallery.reads) == list(range(8, 16))
    good = np.delete(ALL, 9)
    np.testing.assert_array_equal(store.rows(good)[:], pooled(good))
    assert store.broken == {9: "no bytes in 9"}


@pytest.mark.parametrize("wrong", ["beyond", "fewer", "list"])
def test_a_shard_that_contradicts_itself_is_damaged(tmp_path, caplog, wrong):
    shard = shards(fill(tmp_path)["pooled"])[0]
    if wrong == "beyond":
        np.save(shard / "rows.npy", np.load(shard / "rows.npy") + 1000)
    elif wrong == "fewer":
        np.save(shard / "rows.npy", np.load(shard / "rows.npy")[1:])
    else:
        (shard / "broken.json").write_text("[3]")
    with caplog.at_level(logging.WARNING):
        store = fill(tmp_path)["pooled"]
    assert "is damaged" in caplog.text
    np.testing.assert_array_equal(store.rows(ALL)[:], pooled(ALL))


def flip(path, offset):
    """Change one bit of a byte."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["rows.npy", "broken.json", "digests.json"])
def test_a_changed_byte_is_found_when_the_store_is_opened(tmp_path, caplog, name):
    gallery = GalleryDataset(GalleryConfig(broken=[9]))
    (shard,) = (
        s
        for s in shards(fill(tmp_path, dataset=gallery)["pooled"])
        if 10 in np.load(s / "rows.npy")
    )
    # Of broken.json a letter of the reason, which only a digest finds.
    flip(shard / name, {"rows.npy": -1, "broken.json": -4, "digests.json": 30}[name])
    with caplog.at_level(logging.WARNING):
        store = fill(tmp_path, dataset=gallery)["pooled"]
    assert f"{shard} is damaged" in caplog.text
    good = np.delete(ALL, 9)
    np.testing.assert_array_equal(store.rows(good)[:], pooled(good))
    assert store.broken == {9: "no bytes in 9"}


def test_every_changed_byte_of_the_features_is_found_when_it_is_read(tmp_path):
    names = [shard.name for shard in shards(fill(tmp_path / "whole")["pooled"])]
    size = (shards(fill(tmp_path / "whole")["pooled"])[0] / "values.npy").stat().st_size
    for offset in range(0, size, 7):
        folder = tmp_path / str(offset)
        shutil.copytree(tmp_path / "whole", folder)
        shard = next(folder.glob(f"*/{names[0]}"))
        flip(shard / "values.npy", offset)
        try:
            store = Store(folder, ColourEncoder(), GalleryDataset(), what="pooled")
            rows = np.load(shard / "rows.npy")
            store.rows(rows)[:]
        except (StoreError, DataError):  # of data where its header is no header any more
            continue
        pytest.fail(f"byte {offset} has changed, and nobody saw it")


def test_every_changed_byte_of_the_header_is_found_when_the_store_is_opened(tmp_path):
    whole = fill(tmp_path)["pooled"]
    path = shards(whole)[0] / "values.npy"
    content = path.read_bytes()
    for offset in range(0, 128, 9):
        flip(path, offset)
        store = Store(tmp_path, ColourEncoder(), GalleryDataset(), what="pooled")
        assert len(store.missing(ALL)) == 8, offset
        path.write_bytes(content)
    path.write_bytes(content.replace(b"(8, 2)", b"(8, 0)"))  # so much is in the file
    store = Store(tmp_path, ColourEncoder(), GalleryDataset(), what="pooled")
    assert (len(store.missing(ALL)), store.shape) == (8, (2,))


@pytest.mark.parametrize("name", ["tried", "header", "stamp"])
def test_digests_that_are_not_what_was_written_are_those_of_no_shard(tmp_path, name):
    gallery = GalleryDataset(GalleryConfig(broken=[9]))
    path = shards(fill(tmp_path, dataset=gallery)["pooled"])[0] / "digests.json"
    digests = json.loads(path.read_text())
    digests[name] = {"9": 1.0} if name == "tried" else 1
    path.write_text(json.dumps(digests))
    store = Store(tmp_path, ColourEncoder(), gallery, what="pooled")
    assert len(store.missing(ALL)) > 0


def test_a_shard_of_an_earlier_version_without_a_stamp_is_read(tmp_path):
    for shard in shards(fill(tmp_path)["pooled"]):
        digests = json.loads((shard / "digests.json").read_text())
        old = {name: digests[name] for name in ("rows.npy", "broken.json", "values.npy")}
        (shard / "digests.json").write_text(json.dumps(old))
    gallery = GalleryDataset()
    store = fill(tmp_path, dataset=gallery)["pooled"]
    assert not gallery.reads
    np.testing.assert_array_equal(store.rows(ALL)[:], pooled(ALL))


def test_changed_features_stop_who_reads_them_and_are_encoded_again_by_the_next_run(tmp_path):
    shard = shards(fill(tmp_path)["pooled"])[2]
    flip(shard / "values.npy", -1)
    gallery = GalleryDataset()
    store = fill(tmp_path, dataset=gallery)["pooled"]
    assert not gallery.reads
    own = np.load(shard / "rows.npy")
    others = np.setdiff1d(ALL, own)
    np.testing.assert_array_equal(store.rows(others)[:], pooled(others))
    for _ in range(2):  # who comes later in the same run does not get them either
        with pytest.raises(StoreError, match=r"8 photos are not what was stored\. They .*Run aga"):
            store.rows(ALL)[:]
    assert not shard.exists()
    store = fill(tmp_path, dataset=gallery)["pooled"]
    assert sorted(gallery.reads) == own.tolist()
    np.testing.assert_array_equal(store.rows(ALL)[:], pooled(ALL))


def test_a_block_is_checked_once_and_only_where_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SHARD", 64)
    monkeypatch.setattr(shards_module, "BLOCK", 64)  # the header and eight photos each
    whole = fill(tmp_path)["pooled"].rows(ALL)
    checked = []
    digest = shards_module._digest

    def counted(block):
        checked.append(bytes(block))
        return digest(block)

    monkeypatch.setattr(shards_module, "_digest", counted)
    whole[np.array([9, 10])]
    assert len(checked) == 2
    assert checked[0].startswith(b"\x93NUMPY")
    assert np.frombuffer(checked[1], np.float32).reshape(-1, 2)[:, 0].tolist() == list(range(8, 16))
    whole[8:16]
    assert len(checked) == 2
    whole[:]
    whole[:]
    # Two blocks of header, and 50 photos; the second of the header is never read alone.
    assert len(checked) == len(set(checked)) == 8


def test_shards_without_digests_are_encoded_again(tmp_path, caplog):
    for shard in shards(fill(tmp_path)["pooled"])[:3]:
        (shard / "digests.json").unlink()
    gallery = GalleryDataset()
    with caplog.at_level(logging.WARNING):
        store = fill(tmp_path, dataset=gallery)["pooled"]
    assert "3 shards have no digests, as of an earlier version" in caplog.text
    assert len(gallery.reads) == 24
    np.testing.assert_array_equal(store.rows(ALL)[:], pooled(ALL))


def test_more_shards_than_may_be_open_are_read_and_none_is_taken_for_damaged(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(shards_module, "_most_mapped", lambda: 2)
    store = fill(tmp_path)["pooled"]
    rows = store.rows(ALL)
    assert len(shards(store)) == 7
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(ALL))
        np.testing.assert_array_equal(rows[order], pooled(ALL)[order])
    assert sum(shard._map is not None for shard in store._shards) == 2
    with monkeypatch.context() as patched:
        patched.setattr(shards_module, "file_digest", _refuse)
        with pytest.raises(OSError, match="Too many open files"):
            Store(tmp_path, ColourEncoder(), GalleryDataset(), what="pooled")
    assert len(Store(tmp_path, ColourEncoder(), GalleryDataset(), what="pooled").missing(ALL)) == 0
    assert not caplog.text


def _refuse(path):
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_shard_that_is_mapped_again_is_what_it_was_or_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(shards_module, "_most_mapped", lambda: 1)
    store = fill(tmp_path)["pooled"]
    rows = store.rows(ALL)
    assert np.array_equal(rows[ALL], pooled(ALL))  # all blocks are checked, one map is left
    first, second = shards(store)[0], shards(store)[1]
    content = bytearray((first / "values.npy").read_bytes())
    content[-1] ^= 1
    (first / "values.npy").write_bytes(content)
    changed = np.load(first / "rows.npy")
    with pytest.raises(StoreError, match="are not what was stored"):
        rows[changed]
    shutil.rmtree(second)
    with pytest.raises(StoreError, match=r"is damaged \(.*No such file"):
        rows[np.setdiff1d(ALL, changed)]


def test_shards_that_nobody_holds_take_no_place_among_those_that_are_mapped(tmp_path):
    store = fill(tmp_path)["pooled"]
    assert np.array_equal(store.rows(ALL)[ALL], pooled(ALL))
    mapped = {id(shard) for shard in store._shards}
    assert len(mapped) == 7
    assert mapped <= set(shards_module._recent)
    del store
    gc.collect()
    assert not mapped & set(shards_module._recent)
    assert shards_module._most_mapped() >= 16
