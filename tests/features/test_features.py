"""The feature store and the inputs made of it: encoded once, never lost, never mixed up."""

import json
import logging
import shutil
from collections import Counter
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout

from geobench import (
    BrokenPicture,
    Config,
    ConfigError,
    DataError,
    Dataset,
    Encoder,
    Examples,
    Features,
    Part,
    PluginError,
    StoreError,
    Table,
)
from geobench.features import encode as encoding
from geobench.features import shards as shards_module
from geobench.features import sharing, workers
from geobench.features.batches import in_batches
from geobench.features.encode import encode
from geobench.features.inputs import Inputs
from geobench.features.store import Store
from geobench.progress import untracked
from geobench_basics.encoders import GivenEncoder

COUNT = 50


class GalleryConfig(Config):
    """What a gallery has."""

    broken: list[int] = []
    tint: int = 0


class GalleryDataset(Dataset):
    """Fifty pictures of one colour each, and features that tell them apart."""

    name = "gallery"
    Config = GalleryConfig

    def __init__(self, config=None):
        super().__init__(config)
        self.reads = Counter()

    @property
    def provides(self):
        return frozenset({"images", "features"})

    def load(self):
        ids = np.array([f"photo-{i:02}" for i in range(COUNT)])
        points = np.stack([np.linspace(-80, 80, COUNT), np.linspace(-170, 170, COUNT)], axis=-1)
        return Table(ids, points, ids, {"year": np.arange(COUNT)})

    def images(self, indices):
        for row in indices.tolist():
            self.reads[row] += 1
            if row in self.config.broken:
                yield BrokenPicture(f"no bytes in {row}")
            else:
                yield np.full((2, 2, 3), row + self.config.tint, np.uint8)

    def features(self, indices):
        self.reads.update(indices.tolist())
        return Features(np.stack([indices, -indices], axis=-1).astype(np.float64))


class ColourEncoder(Encoder):
    """Pooled: the colour and its square; tokens: two of them."""

    name = "colour"

    def prepare(self, image):
        return image[0, 0, :1].astype(np.float32)

    def encode(self, batch, *, tokens):
        pooled = np.concatenate([batch, batch**2], axis=1)
        return Features(pooled, np.stack([pooled, -pooled], axis=1) if tokens else None)


class KilledError(Exception):
    """Stands in for a kill."""


def killed_after(shards):
    """Progress that ends a run when the next shard would be written."""

    def track(items, total, what):
        for number, item in enumerate(items):
            if number == shards:
                raise KilledError
            yield item

    return track


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Fifty photos make seven shards."""
    monkeypatch.setattr(encoding, "SHARD", 8)
    monkeypatch.setattr(workers, "_BLOCK", 4)


ALL = np.arange(COUNT)


def fill(folder, *, encoder=None, dataset=None, rows=ALL, kinds=("pooled",), track=untracked):
    """Open stores, as a fresh process does, and encode what they lack."""
    encoder = ColourEncoder() if encoder is None else encoder
    dataset = GalleryDataset() if dataset is None else dataset
    stores = {kind: Store(folder, encoder, dataset, what=kind) for kind in kinds}
    encode(stores, encoder=encoder, dataset=dataset, rows=rows, track=track)
    return stores


def pooled(rows):
    return np.stack([rows, rows**2], axis=-1).astype(np.float32)


def shards(store):
    return sorted(store.folder.glob("shard-*"))


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


class Watched(ColourEncoder):
    """Remembers what it is told and given."""

    def __init__(self, config=None):
        super().__init__(config)
        self.said = []

    batch = 3

    def to(self, device):
        self.said.append(device)

    def encode(self, batch, *, tokens):
        self.said.append(str(len(batch)))
        return super().encode(batch, tokens=tokens)


def test_an_encoder_gets_as_many_photos_at_a_time_as_it_asks_for(tmp_path):
    encoder = Watched()
    store = fill(tmp_path, encoder=encoder, rows=np.arange(18))["pooled"]
    assert encoder.said == ["cpu", *"332", *"332", "2"]
    np.testing.assert_array_equal(store.rows(np.arange(18))[:], pooled(np.arange(18)))


@pytest.mark.parametrize("size", [1, 3, 8, 100])
@pytest.mark.parametrize("kind", ["arrays", "features"])
def test_batches_hold_all_photos_in_order_whatever_the_pieces(size, kind):
    sizes = []

    class Counting(GivenEncoder if kind == "features" else ColourEncoder):
        """Says how many photos it gets."""

        batch = size

        def encode(self, batch, *, tokens):
            sizes.append(len(batch.pooled) if kind == "features" else len(batch))
            return super().encode(batch, tokens=tokens)

    everything = np.arange(20, dtype=np.float32)[:, None]
    pieces = np.split(everything, [4, 4, 5, 17])
    if kind == "features":
        pieces = [Features(piece, piece[:, None]) for piece in pieces]
    found = in_batches(Counting(), pieces, tokens=True)
    assert found.pooled is not None
    assert found.tokens is not None
    assert found.pooled[:, 0].tolist() == list(range(20))
    assert found.tokens[:, 0, 0].tolist() == list(range(20))
    assert sum(sizes) == 20
    assert set(sizes[:-1]) <= {size}


def test_an_encoder_is_told_where_to_work_before_it_encodes_and_only_then(tmp_path):
    encoder, gallery = Watched(), GalleryDataset()
    source = inputs(tmp_path, "pooled", encoder=encoder)
    some = Part.of("some", gallery, np.arange(3))
    for _ in range(2):
        source.provide([some], track=untracked, on_broken="fail", device="cuda:1")
    assert encoder.said == ["cuda:1", "3"]


def test_features_of_another_shape_than_the_encoder_says_are_an_error(tmp_path):
    class Lying(ColourEncoder):
        """Promises three numbers, and gives two."""

        def shape(self, what):
            return (3,) if what == "pooled" else None

    says = r"encoder colour: pooled of a photo have the shape \(2,\), and its `shape` says \(3,\)"
    with pytest.raises(DataError, match=says):
        fill(tmp_path, encoder=Lying())


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


# Shards that have changed


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


def test_a_picture_that_breaks_the_encoder_is_an_error_that_names_it(tmp_path):
    class Picky(ColourEncoder):
        """Cannot bear one colour."""

        def prepare(self, image):
            if image[0, 0, 0] == 17:
                raise ValueError("a colour out of space")
            return super().prepare(image)

    with pytest.raises(DataError, match=r"encoder colour: the picture of photo-17 breaks it .*sp"):
        fill(tmp_path, encoder=Picky())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda n: Features(np.full((n, 2), np.nan)), "pooled of 8 photos are not finite.* row 0"),
        (lambda n: Features(np.full((n, 2), 1e300)), "pooled of 8 photos are not finite.* row 0"),
        (lambda n: Features(np.ones((n + 1, 2))), "9 pooled rows for 8 photos"),
        (lambda n: Features(None), "gives no pooled. A planned method wants them"),
    ],
)
def test_wrong_features_are_an_error_that_names_the_encoder(tmp_path, given, says):
    class Wrong(ColourEncoder):
        """Gives what it should not."""

        def encode(self, batch, *, tokens):
            return given(len(batch))

    with pytest.raises(DataError, match=f"encoder colour: {says}"):
        fill(tmp_path, encoder=Wrong())
    assert not list(tmp_path.glob("*/shard-*"))


def test_an_encoder_can_read_the_datasets_own_features(tmp_path):
    gallery = GalleryDataset()
    store = fill(tmp_path, encoder=GivenEncoder(), dataset=gallery)["pooled"]
    expected = np.stack([ALL, -ALL], axis=-1)
    np.testing.assert_array_equal(store.rows(ALL)[:], expected)
    assert store.rows(ALL)[:].dtype == np.float32
    assert gallery.reads == Counter(ALL.tolist())
    with pytest.raises(DataError, match="brings no tokens, and a planned method wants them"):
        fill(tmp_path, encoder=GivenEncoder(), kinds=("tokens",))


# Inputs


def inputs(folder, *wants, encoder=None):
    return Inputs(ColourEncoder() if encoder is None else encoder, frozenset(wants), folder)


def test_examples_hold_what_is_wanted_and_no_answers_at_test_time(tmp_path):
    gallery = GalleryDataset()
    train, test = (
        Part.of("train", gallery, np.arange(30)),
        Part.of("test", gallery, np.arange(30, 50)),
    )
    source = inputs(tmp_path, "pooled", "tokens")
    source.provide([train, test], track=untracked, on_broken="fail")
    assert gallery.reads == Counter(ALL.tolist())
    seen = source.labelled(train, frozenset({"pooled"}))
    np.testing.assert_array_equal(seen.pooled[:], pooled(train.rows))
    np.testing.assert_array_equal(seen.points, train.points)
    assert seen.attributes["year"].tolist() == train.rows.tolist()
    assert set(seen.features) == {"pooled"}
    asked = source.examples(test, frozenset({"pooled", "tokens"}))
    assert type(asked) is Examples
    assert asked.tokens.shape == (20, 2, 2)
    assert asked.ids.tolist() == [f"photo-{i}" for i in range(30, 50)]
    pictures = asked.take(np.array([4, 2])).images()
    assert [int(picture[0, 0, 0]) for picture in pictures] == [34, 32]


def test_without_an_encoder_or_wants_nothing_is_encoded(tmp_path):
    gallery = GalleryDataset()
    everything = Part.of("all", gallery, ALL)
    for source in (inputs(tmp_path), Inputs(None, frozenset({"pooled"}), tmp_path)):
        source.check(gallery)
        source.provide([everything], track=untracked, on_broken="fail")
        assert source.labelled(everything, frozenset()).features == {}
        assert len(source.broken(gallery)) == 0
    assert not gallery.reads
    assert not list(tmp_path.iterdir())


def test_an_empty_part_has_no_features(tmp_path):
    nobody = Part.of("train", GalleryDataset(), np.array([], dtype=np.intp))
    source = inputs(tmp_path, "pooled")
    source.provide([nobody], track=untracked, on_broken="fail")
    found = source.labelled(nobody, frozenset({"pooled"}))
    assert (len(found), found.features) == (0, {})
    with pytest.raises(DataError, match="no photos here"):
        _ = found.pooled


def test_broken_pictures_are_counted_and_excluded_or_fail(tmp_path, caplog):
    gallery = GalleryDataset(GalleryConfig(broken=[12, 7, 40]))
    some = Part.of("test", gallery, np.arange(30))
    text = r"2 of 30 pictures of gallery cannot be read, the first is photo-07 \(no bytes in 7\)"
    with pytest.raises(DataError, match=text + r".*on_broken: exclude"):
        inputs(tmp_path, "pooled").provide([some], track=untracked, on_broken="fail")
    source = inputs(tmp_path, "pooled", "tokens")
    with caplog.at_level(logging.WARNING):
        source.provide([some], track=untracked, on_broken="exclude")
    assert "2 of 30 pictures" in caplog.text
    assert "left out for every method" in caplog.text
    assert source.broken(gallery).tolist() == [7, 12]


def test_a_picture_broken_in_one_store_only_is_reported_too(tmp_path, caplog):
    gallery = GalleryDataset()
    everything = Part.of("all", gallery, ALL)
    inputs(tmp_path, "pooled").provide([everything], track=untracked, on_broken="fail")

    class Lost(GalleryDataset):
        """The same photos, one of which has been lost since."""

        def images(self, indices):
            for row, image in zip(indices, super().images(indices), strict=True):
                yield BrokenPicture("lost") if row == 3 else image

    everything = Part.of("all", Lost(), ALL)
    source = inputs(tmp_path, "pooled", "tokens")
    with caplog.at_level(logging.WARNING):
        source.provide([everything], track=untracked, on_broken="exclude")
    assert r"the first is photo-03 (lost)" in caplog.text


def test_an_encoder_that_cannot_read_a_dataset_is_an_error_that_says_what_it_has(tmp_path):
    class Bare(GalleryDataset):
        """Coordinates alone."""

        @property
        def provides(self):
            return frozenset()

    inputs(tmp_path, "pooled").check(GalleryDataset())
    says = "encoder colour reads images, and dataset gallery has neither images nor features"
    with pytest.raises(ConfigError, match=says):
        inputs(tmp_path, "pooled").check(Bare())
    inputs(tmp_path).check(Bare())


class Sized(ColourEncoder):
    """Says the shapes of what it gives."""

    def shape(self, what):
        return (2,) if what == "pooled" else (2, 2)


def test_the_width_of_features_is_known_from_the_encoder_a_shard_or_the_dataset(tmp_path):
    gallery = GalleryDataset(GalleryConfig(broken=[0, 1]))
    assert Inputs(None, frozenset({"pooled"}), tmp_path).width(gallery, probe=True) is None
    assert inputs(tmp_path, "pooled", encoder=Sized()).width(gallery) == 2
    assert not gallery.reads
    source = inputs(tmp_path, "pooled")
    assert source.width(gallery) is None
    assert source.width(gallery, probe=True) == 2
    assert sorted(gallery.reads) == [0, 1, 2]
    assert list(tmp_path.iterdir()) == []  # nothing is stored
    source.provide([Part.of("some", gallery, np.array([7]))], track=untracked, on_broken="fail")
    assert source.width(gallery) == 2
    assert inputs(tmp_path, "tokens", encoder=GivenEncoder()).width(GalleryDataset()) == 2
    assert inputs(tmp_path, "tokens", encoder=GivenEncoder()).shape(gallery, "tokens") is None


@pytest.mark.parametrize("said", [(2.5,), (0,), 2, (2, 2)])
def test_a_shape_that_is_none_is_an_error_that_names_the_encoder(tmp_path, said):
    wrong = type("Wrong", (ColourEncoder,), {"shape": lambda self, what: said})
    with pytest.raises(PluginError, match="encoder colour: says that pooled of a photo have the"):
        inputs(tmp_path, "pooled", encoder=wrong()).width(GalleryDataset())


def test_what_is_lacking_is_counted_with_its_size(tmp_path):
    gallery = GalleryDataset()
    source = inputs(tmp_path, "pooled", "tokens", encoder=Sized())
    parts = [Part.of("train", gallery, np.arange(30)), Part.of("test", gallery, np.arange(20, 40))]
    found = source.lacking(parts)
    assert [(each.what, each.photos, each.shape) for each in found] == [
        ("pooled", 40, (2,)),
        ("tokens", 40, (2, 2)),
    ]
    assert [each.size for each in found] == [40 * 2 * 4, 40 * 4 * 4]
    source.provide(parts[:1], track=untracked, on_broken="fail")
    assert [each.photos for each in source.lacking(parts)] == [10, 10]
    (unknown,) = inputs(tmp_path / "other", "pooled").lacking(parts)
    assert (unknown.shape, unknown.size) == (None, None)
