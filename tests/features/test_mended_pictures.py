"""Pictures that could not be read and were mended, where nothing else has changed."""

import os

import numpy as np
import pytest

from colour_gallery import ALL, ColourEncoder, GalleryDataset, fill, inputs, pooled
from geobench import BrokenPicture
from geobench.features.encode import encode
from geobench.features.store import Store
from geobench.progress import untracked
from geobench_basics.datasets.pictures import last_changed


class Mendable(GalleryDataset):
    """Some pictures are lost, and the files of all say when they last changed."""

    def __init__(self, lost=(), times=None):
        super().__init__()
        self.lost = lost
        self.times = times

    def images(self, indices):
        for row, picture in zip(indices.tolist(), super().images(indices), strict=True):
            yield BrokenPicture(f"no bytes in {row}") if row in self.lost else picture

    def changed(self, indices):
        return None if self.times is None else np.array([self.times[row] for row in indices])


def times(**changed):
    return dict.fromkeys(ALL.tolist(), 5.0) | {int(row[1:]): t for row, t in changed.items()}


@pytest.mark.parametrize("time", [6.0, 4.0], ids=["newer", "older"])
def test_a_picture_whose_file_has_changed_is_tried_again(tmp_path, time):
    assert fill(tmp_path, dataset=Mendable((9, 30), times()))["pooled"].broken.keys() == {9, 30}
    mended = Mendable((30,), times(_9=time))
    store = fill(tmp_path, dataset=mended)["pooled"]
    assert mended.reads == {9: 1}
    assert store.broken == {30: "no bytes in 30"}
    good = np.delete(ALL, 30)
    np.testing.assert_array_equal(store.rows(good)[:], pooled(good))


def test_a_picture_that_is_still_broken_is_tried_once_for_each_change_of_its_file(tmp_path):
    fill(tmp_path, dataset=Mendable((9,), times()))
    for _ in range(2):
        changed = Mendable((9,), times(_9=6.0))
        assert fill(tmp_path, dataset=changed)["pooled"].broken == {9: "no bytes in 9"}
    assert not changed.reads


def test_a_picture_whose_file_changes_while_it_is_encoded_is_broken_until_the_next_run(tmp_path):
    class Restless(Mendable):
        def changed(self, indices):
            self.times = {row: time + 1 for row, time in self.times.items()}
            return super().changed(indices)

    assert fill(tmp_path, dataset=Restless((9,), times()))["pooled"].broken == {9: "no bytes in 9"}
    store = Store(tmp_path, ColourEncoder(), Restless((9,), times(_9=50.0)), what="pooled")
    assert store.missing(ALL).tolist() == [9]


def test_a_dataset_that_does_not_say_when_files_changed_has_them_tried_again_when_forced(tmp_path):
    fill(tmp_path, dataset=Mendable((9, 30)))
    mended = Mendable((30,))
    assert fill(tmp_path, dataset=mended)["pooled"].broken.keys() == {9, 30}
    assert not mended.reads
    stores = {"pooled": Store(tmp_path, ColourEncoder(), mended, what="pooled")}
    encode(stores, encoder=ColourEncoder(), dataset=mended, rows=ALL, track=untracked, again=True)
    assert mended.reads == {9: 1, 30: 1}
    assert stores["pooled"].broken == {30: "no bytes in 30"}
    assert inputs(tmp_path, "pooled").broken(mended).tolist() == [30]


def test_the_time_of_a_file_that_is_not_there_is_nought(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    os.utime(tmp_path / "a.jpg", (7.25, 7.25))
    assert last_changed([tmp_path / "a.jpg", tmp_path / "b.jpg"]).tolist() == [7.25, 0.0]
