"""Workers prepare pictures as one process does, a little ahead, and share what they are given."""

from concurrent.futures import Future

import numpy as np

from colour_gallery import ALL, ColourEncoder, GalleryConfig, GalleryDataset, fill, shards
from geobench.features import sharing, workers


def test_workers_give_the_same_bytes_as_one_process(tmp_path, monkeypatch):
    gallery = GalleryDataset(GalleryConfig(broken=[5, 30]))
    serial = fill(tmp_path / "serial", dataset=gallery)["pooled"]
    gallery.reads.clear()
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    monkeypatch.setattr(workers, "count", lambda: 2)
    parallel = fill(tmp_path / "parallel", dataset=gallery)["pooled"]
    assert not gallery.reads
    assert [s.name for s in shards(serial)] == [s.name for s in shards(parallel)]
    for one, two in zip(shards(serial), shards(parallel), strict=True):
        for name in ("rows.npy", "values.npy", "broken.json"):
            assert (one / name).read_bytes() == (two / name).read_bytes()


def test_what_waits_to_be_encoded_is_bounded_in_bytes_and_blocks_end_alike(monkeypatch):
    monkeypatch.setattr(workers, "_BLOCK", 128)
    monkeypatch.setattr(workers, "count", lambda: 64)
    large, small = np.zeros((8, 3, 224, 224), np.float32), np.zeros((8, 16), np.float32)
    for values, wanted in ((large, 8), (small, 128)):
        found = workers.Prepared(np.arange(8), values, {})
        photos, most = workers._looking_ahead(found, 8)
        assert photos == wanted
        assert most == 4 * 64
        assert photos * most * values[0].nbytes < 2 << 30
    giants = workers.Prepared(np.arange(2), np.zeros((2, 24_000_000), np.uint8), {})
    assert workers._looking_ahead(giants, 8) == (1, 89)  # 2 GiB
    larger = workers.Prepared(np.arange(2), np.zeros((2, 100_000_000), np.uint8), {})
    assert workers._looking_ahead(larger, 8) == (1, 64)  # one for each worker
    broken = workers.Prepared(np.arange(0), None, dict.fromkeys(range(8), "no picture"))
    assert workers._looking_ahead(broken, 8) == (8, 256)
    rows = np.arange(300)
    blocks = [rows[:8], *workers._cut(rows, 128, after=8)]
    assert [(each[0], each[-1]) for each in blocks] == [(0, 7), (8, 127), (128, 255), (256, 299)]
    for size in (1, 4, 8, 32):
        blocks = [rows[:8], *workers._cut(rows, size, after=8)]
        np.testing.assert_array_equal(np.concatenate(blocks), rows)
        assert {each[-1] + 1 for each in blocks} >= {*range(32, 300, 32), 300}
    assert list(workers._cut(rows[:5], 128, after=8)) == []


def test_workers_run_only_a_little_ahead(monkeypatch, tmp_path):
    waiting = []

    class Pool:
        """A pool that works at once, and counts what nobody has fetched."""

        def __init__(self, *args, **kwargs):
            workers._worker.update(encoder=ColourEncoder(), dataset=GalleryDataset())

        def __enter__(self):
            return self

        def __exit__(self, *args):
            workers._worker.clear()

        def submit(self, function, rows):
            future = Future()
            future.set_result(function(rows))
            waiting.append(int(rows[0]))
            return future

        def shutdown(self, *, cancel_futures):
            assert cancel_futures

    monkeypatch.setattr(workers, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 1)
    monkeypatch.setattr(workers, "count", lambda: 2)
    monkeypatch.setattr(workers, "_AHEAD", 1)
    with workers.blocks(ColourEncoder(), GalleryDataset(), ALL, tmp_path) as blocks:
        for number, _ in enumerate(blocks):
            assert len(waiting) <= number + 3
    assert len(waiting) == 13
    assert list(tmp_path.iterdir()) == []


def test_a_worker_gets_what_workers_share_with_its_arrays_mapped(tmp_path):
    gallery = GalleryDataset()
    assert gallery.digest
    shared = sharing.share((ColourEncoder(), gallery, np.array([], np.float32)), tmp_path / "it")
    assert len(shared.pickled) < 3000  # no column is in it
    _, copy, nothing = shared.restored()
    (tmp_path / "it").unlink()
    assert (copy.digest, len(nothing)) == (gallery.digest, 0)
    for name in ("ids", "points", "groups"):
        column = getattr(copy.table, name)
        np.testing.assert_array_equal(column, getattr(gallery.table, name))
        assert not column.flags.owndata
    copy.table.points[0] = 7  # a copy of its own, as that of any pickle
    assert gallery.table.points[0, 0] == -80
    rows = [2, 40]
    assert [int(i[0, 0, 0]) for i in copy.images(np.array(rows))] == rows
    assert sharing.share({"nothing": 1}, tmp_path / "none").restored() == {"nothing": 1}
