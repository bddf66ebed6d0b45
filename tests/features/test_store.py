"""The feature store: every photo is encoded once, also after a run that was killed."""

import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout

from colour_gallery import (
    ALL,
    COUNT,
    ColourEncoder,
    GalleryConfig,
    GalleryDataset,
    fill,
    pooled,
    shards,
)
from geobench import DataError
from geobench.features import encode as encoding
from geobench.features.store import Store


def test_each_picture_is_encoded_once(tmp_path):
    gallery = GalleryDataset()
    for rows in (np.arange(20), np.arange(10, 40), ALL, ALL[::-1]):
        stores = fill(tmp_path, dataset=gallery, rows=rows)
        np.testing.assert_array_equal(stores["pooled"].rows(rows)[:], pooled(rows))
    assert gallery.reads == Counter(ALL.tolist())
    mixed = np.array([49, 3, 3, 17])
    np.testing.assert_array_equal(stores["pooled"].rows(mixed)[:], pooled(mixed))
    assert len(stores["pooled"].missing(ALL)) == 0


def test_pooled_features_and_tokens_come_of_one_reading(tmp_path):
    gallery = GalleryDataset()
    stores = fill(tmp_path, dataset=gallery, kinds=("pooled", "tokens"))
    assert gallery.reads == Counter(ALL.tolist())
    np.testing.assert_array_equal(stores["pooled"].rows(ALL)[:], pooled(ALL))
    tokens = stores["tokens"].rows(ALL)
    assert tokens.shape == (COUNT, 2, 2)
    np.testing.assert_array_equal(tokens[:], np.stack([pooled(ALL), -pooled(ALL)], axis=1))


def test_tokens_wanted_later_store_no_pooled_features_again(tmp_path):
    fill(tmp_path, rows=np.arange(3, 20))
    stores = fill(tmp_path, kinds=("pooled", "tokens"))
    for store in stores.values():
        rows = np.concatenate([np.load(shard / "rows.npy") for shard in shards(store)])
        assert sorted(rows.tolist()) == ALL.tolist()
    np.testing.assert_array_equal(stores["pooled"].rows(ALL)[:], pooled(ALL))
    np.testing.assert_array_equal(stores["tokens"].rows(ALL)[:][:, 0], pooled(ALL))


def test_stores_of_other_encoders_datasets_and_kinds_lie_apart(tmp_path):
    other = type("Other", (ColourEncoder,), {"version": 2})
    tinted = GalleryDataset(GalleryConfig(tint=1))
    kinds = ("pooled", "tokens")
    folders = {
        Store(tmp_path, encoder, dataset, what=kind).folder
        for encoder in (ColourEncoder(), other())
        for dataset in (GalleryDataset(), tinted)
        for kind in kinds
    }
    assert len(folders) == 8
    assert all(folder.name.startswith("colour-gallery-") for folder in folders)


def test_rows_that_are_not_there_are_an_error_that_counts_them(tmp_path):
    store = fill(tmp_path, rows=np.arange(10))["pooled"]
    assert store.missing(ALL).tolist() == list(range(10, COUNT))
    with pytest.raises(DataError, match="3 photos are not in"):
        store.rows(np.array([2, 10, 11, 49]))


def test_a_removed_store_is_made_again(tmp_path):
    shutil.rmtree(fill(tmp_path)["pooled"].folder)
    assert len(fill(tmp_path)["pooled"].rows(ALL)) == COUNT


def test_broken_pictures_are_kept_apart_and_not_read_again(tmp_path):
    broken = [0, 8, 9, 10, 11, 12, 13, 14, 15, 49]
    gallery = GalleryDataset(GalleryConfig(broken=broken))
    for _ in range(2):
        stores = fill(tmp_path, dataset=gallery, kinds=("pooled", "tokens"))
        for store in stores.values():
            assert store.broken == {row: f"no bytes in {row}" for row in broken}
            assert len(store.missing(ALL)) == 0
    assert gallery.reads == Counter(ALL.tolist())
    good = np.setdiff1d(ALL, broken)
    np.testing.assert_array_equal(stores["pooled"].rows(good)[:], pooled(good))
    assert stores["tokens"].rows(good).shape == (len(good), 2, 2)


def test_a_dataset_of_broken_pictures_alone_has_no_features(tmp_path):
    gallery = GalleryDataset(GalleryConfig(broken=ALL.tolist()))
    store = fill(tmp_path, dataset=gallery)["pooled"]
    assert len(store.broken) == COUNT
    stored = [json.loads((shard / "broken.json").read_text()) for shard in shards(store)]
    assert {int(row) for reasons in stored for row in reasons} == set(ALL.tolist())


class KilledError(Exception):
    """Stands in for a kill."""


def killed_after(shards):
    """Progress, which counts photos, that ends a run once so many shards are written."""

    def track(items, total, what):
        for number, item in enumerate(items):
            if number == 8 * shards:
                raise KilledError
            yield item

    return track


@pytest.mark.parametrize("done", [0, 1, 4])
def test_a_run_that_was_killed_between_shards_goes_on_where_it_was(tmp_path, done):
    first, second = GalleryDataset(), GalleryDataset()
    with pytest.raises(KilledError):
        fill(tmp_path, dataset=first, track=killed_after(done))
    stores = fill(tmp_path, dataset=second)
    assert sorted(second.reads) == list(range(8 * done, COUNT))
    np.testing.assert_array_equal(stores["pooled"].rows(ALL)[:], pooled(ALL))


def test_a_run_that_was_killed_between_the_two_kinds_stores_no_row_twice(tmp_path, monkeypatch):
    add = Store.add

    def killed(self, *args):
        if "tokens" in self.folder.name:
            raise KilledError
        add(self, *args)

    kinds = ("pooled", "tokens")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", killed)
        with pytest.raises(KilledError):
            fill(tmp_path, kinds=kinds)
    stores = fill(tmp_path, kinds=kinds)
    for store in stores.values():
        rows = np.concatenate([np.load(shard / "rows.npy") for shard in shards(store)])
        assert sorted(rows.tolist()) == ALL.tolist()
    np.testing.assert_array_equal(stores["pooled"].rows(ALL)[:], pooled(ALL))


def test_what_a_killed_run_left_half_written_is_no_shard_and_is_cleared(tmp_path, monkeypatch):
    def killed(self, target):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # who is killed clears nothing away
        with pytest.raises(KilledError):
            fill(tmp_path)
    drafts = list(tmp_path.glob("*/.geobench-draft-*"))
    assert len(drafts) == 1
    assert shards(fill(tmp_path, rows=ALL[:0])["pooled"]) == []
    gallery = GalleryDataset()
    fill(tmp_path, dataset=gallery)
    assert gallery.reads == Counter(ALL.tolist())
    assert not drafts[0].exists()


def test_a_run_waits_for_another_that_fills_one_of_its_stores(tmp_path, monkeypatch):
    kinds = ("pooled", "tokens")
    held = fill(tmp_path, rows=ALL[:1], kinds=kinds)
    monkeypatch.setattr(encoding, "FileLock", partial(FileLock, timeout=0))
    for store in held.values():
        with FileLock(store.folder.with_suffix(".lock")), pytest.raises(Timeout):
            fill(tmp_path, kinds=kinds)
    fill(tmp_path, kinds=kinds)
