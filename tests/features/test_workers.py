"""Workers prepare pictures as one process does, a little ahead, and share what they are given."""

import signal
import time
from concurrent.futures import Future

import numpy as np
import pytest

from colour_gallery import ALL, ColourEncoder, GalleryConfig, GalleryDataset, fill, shards
from deadly_pictures import DeadlyEncoder
from geobench.errors import DataError
from geobench.features import processes, sharing, workers


@pytest.fixture
def two_workers(monkeypatch):
    """Two workers, however few photos there are."""
    monkeypatch.setattr(workers, "_PARALLEL_FROM", 10)
    monkeypatch.setattr(workers, "count", lambda: 2)


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


def test_a_picture_that_ends_its_worker_is_named_and_the_others_are_encoded(tmp_path, two_workers):
    marks = tmp_path / "marks"
    deadly = DeadlyEncoder({3: signal.SIGSEGV, 21: 7}, marks=marks)
    (store,) = fill(tmp_path / "stores", encoder=deadly).values()
    assert store.broken == {
        3: "to read it ends the process that does (SIGSEGV)",
        21: "to read it ends the process that does (exit code 7)",
    }
    assert len(store.missing(ALL)) == 0
    np.testing.assert_array_equal(store.rows(np.array([2, 4, 22]))[:][:, 0], [2, 4, 22])
    tried = marks.read_text().split()
    assert [tried.count(each) for each in ("3", "21")] == [2, 2]  # once may be mischance


def test_memory_is_spoken_of_where_the_system_killed_a_worker():
    assert processes._how(-signal.SIGKILL) == "SIGKILL, as where memory runs out"
    assert processes._how(-100) == "signal 100"


def test_a_run_stops_where_picture_after_picture_ends_a_worker(tmp_path, two_workers, monkeypatch):
    monkeypatch.setattr(workers, "_ENDED", 2)
    deadly = DeadlyEncoder(dict.fromkeys(range(50), 9))
    with pytest.raises(
        DataError, match=r"2 pictures ended .*photo-00 \(exit code 9\), photo-01"
    ) as e:
        fill(tmp_path, encoder=deadly)
    assert "Mend or remove them" in str(e.value)


def test_workers_that_end_while_they_start_stop_the_run(tmp_path, two_workers):
    with pytest.raises(DataError, match=r"ended while it started \(exit code 3\)"):
        fill(tmp_path, encoder=DeadlyEncoder({}, starting=3))


def test_a_worker_that_raises_an_interrupt_prints_nothing(tmp_path, two_workers, capfd):
    with pytest.raises(DataError, match="KeyboardInterrupt"):
        fill(tmp_path, encoder=DeadlyEncoder({30: "interrupt"}))
    assert capfd.readouterr().err == ""


def _hears_ctrl_c(_):
    return signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_does_not_reach_workers_and_they_end_when_nobody_asks():
    with processes.Processes(1, str, "") as pool:
        assert not pool.submit(lambda: pool.call(_hears_ctrl_c, 0)).result()
        (worker,) = pool._living
        worker.process.join(0)
        assert worker.process.exitcode is None
        assert _hears_ctrl_c(0)
    assert worker.process.exitcode == 0


def test_an_error_in_the_main_thread_ends_workers_that_work():
    begin = time.monotonic()
    pool = processes.Processes(1, str, "")
    pool.submit(lambda: pool.call(time.sleep, 100))
    while not pool._living:
        time.sleep(0.01)
    pool.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert time.monotonic() - begin < 20


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

        def submit(self, task):
            future = Future()
            future.set_result(task())
            return future

        def call(self, function, rows):
            waiting.append(int(rows[0]))
            return function(rows)

    monkeypatch.setattr(workers, "Processes", Pool)
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
