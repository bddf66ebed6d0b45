"""Galleries of a file and of a method's own places: read, in the key by content, or refused."""

import numpy as np
import pytest
from pydantic import ValidationError

import small_run
from geobench import (
    Atoms,
    Context,
    DataError,
    Gallery,
    PluginError,
    Retriever,
    geo,
    records,
)
from geobench.catalogue import installed
from geobench.components import canonical
from geobench.records import files
from geobench.testing.method_subject import MethodSubject

PLACES = geo.uniform(40, np.random.default_rng(3))
TRAIN = geo.uniform(5, np.random.default_rng(4))


def written(path, places=PLACES, head="lat,lon"):
    if path.suffix == ".npy":
        np.save(path, places)
    else:
        rows = [f"{float(lat)!r},{float(lon)!r}" for lat, lon in places]
        path.write_text("\n".join([head, *rows, ""]))
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.npy"])
def test_the_places_of_a_file_are_the_gallery(tmp_path, name):
    gallery = Gallery(source="file", file=written(tmp_path / name))
    np.testing.assert_array_equal(gallery.places(TRAIN), PLACES)
    assert not gallery.has_training_places
    assert str(gallery) == f"40 places of {name}"


@pytest.mark.parametrize("head", ["latitude,longitude", " Lat , LNG", "\ufefflat,lon"])
def test_columns_have_the_names_that_people_give_them(tmp_path, head):
    found = Gallery(source="file", file=written(tmp_path / "a.csv", head=head))
    np.testing.assert_array_equal(found.fixed(), PLACES)


def test_columns_come_in_any_order_among_others(tmp_path):
    (tmp_path / "a.csv").write_text("name,lon,lat\nhere,190,10\nthere,-20,-30\n")
    found = Gallery(source="file", file=tmp_path / "a.csv").fixed()
    np.testing.assert_allclose(found, [[10, -170], [-30, -20]])


WRONG = {
    "no places": ("a.csv", "lat,lon\n", r"an array \(0, 2\), not \(places, 2\)"),
    "nothing": ("a.csv", "", "its columns are none"),
    "other columns": ("a.csv", "x,y\n1,2\n", "its columns are x, y"),
    "two latitudes": ("a.csv", "lat,latitude,lon\n1,2,3\n", "its columns are lat, latitude, lon"),
    "a word": ("a.csv", "lat,lon\n1,2\nnorth,3\n", "line 3 gives no latitude"),
    "a short line": ("a.csv", "lat,lon\n1\n", "line 2 gives no latitude"),
    "no latitude": ("a.csv", "lat,lon\n95,3\n", "95"),
    "no number": ("a.csv", "lat,lon\nnan,3\n", "its places"),
    "no array": ("a.npy", "text", "is no gallery"),
}


@pytest.mark.parametrize(("name", "text", "said"), WRONG.values(), ids=WRONG)
def test_a_file_that_holds_no_places_is_named_with_what_is_wrong(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    gallery = Gallery(source="file", file=tmp_path / name)
    with pytest.raises(DataError, match=said) as error:
        gallery.places(TRAIN)
    assert str(tmp_path / name) in str(error.value)
    assert "Give a CSV with columns lat and lon, or an npy" in str(error.value)


def test_an_array_of_another_shape_is_no_gallery(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    with pytest.raises(DataError, match=r"an array \(4, 3\)"):
        Gallery(source="file", file=tmp_path / "a.npy").fixed()


def test_an_array_that_promises_more_than_its_file_holds_is_no_gallery(tmp_path):
    head = {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)}
    with (tmp_path / "a.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, head)
    with pytest.raises(DataError, match="is no gallery"):  # and no MemoryError
        Gallery(source="file", file=tmp_path / "a.npy").fixed()


def test_arrays_of_other_things_and_archives_are_no_gallery(tmp_path):
    np.savez(tmp_path / "a.npz", places=PLACES)
    (tmp_path / "a.npz").rename(tmp_path / "archive.npy")
    np.save(tmp_path / "words.npy", np.array([["1", "2"]]))
    np.save(tmp_path / "pairs.npy", np.zeros((3, 2), [("lat", "f8")]))
    np.save(tmp_path / "objects.npy", np.array([[1, None]], dtype=object))
    for name in ("archive", "words", "pairs", "objects"):
        with pytest.raises(DataError, match="is no gallery"):
            Gallery(source="file", file=tmp_path / f"{name}.npy").fixed()


def test_a_csv_with_a_line_or_a_size_without_end_is_no_gallery(tmp_path):
    (tmp_path / "a.csv").write_text(f"lat,lon\n1,{'2' * 200_000}\n")
    with pytest.raises(DataError, match=r"field larger than field limit"):
        Gallery(source="file", file=tmp_path / "a.csv").fixed()
    (tmp_path / "b.csv").write_text("x," * 50_000)
    with pytest.raises(DataError, match=r"its columns are x, x.* letters more") as caught:
        Gallery(source="file", file=tmp_path / "b.csv").fixed()
    assert len(str(caught.value)) < 600
    with (tmp_path / "c.csv").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DataError, match="it has 1,099,511,627,776 bytes, which is over"):
        Gallery(source="file", file=tmp_path / "c.csv").fixed()


def test_a_file_and_the_source_file_belong_together(tmp_path):
    with pytest.raises(ValidationError, match="belong together"):
        Gallery(source="file")
    with pytest.raises(ValidationError, match="belong together"):
        Gallery(file=written(tmp_path / "a.csv"))
    with pytest.raises(ValidationError, match="does not exist"):
        Gallery(source="file", file=tmp_path / "b.csv")


def test_the_key_holds_what_is_in_the_file_and_not_where_it_lies(tmp_path):
    one, same = (written(tmp_path / name) for name in ("a.csv", "b.csv"))
    keys = [canonical(Gallery(source="file", file=path)) for path in (one, same)]
    assert keys[0] == keys[1]
    written(same, PLACES[:-1])
    assert canonical(Gallery(source="file", file=same)) != keys[0]


class Brings(Retriever):
    """Answers with the first of its places."""

    name = "brings"
    predicts = Atoms
    gallery_source = Gallery(source="own")

    def fit(self, train, val, context):
        """Nothing is learnt."""

    def gallery(self):
        raise NotImplementedError

    similarity = predict = state = restore = gallery


class BringsPlaces(Brings):
    name = "brings-places"

    def own_places(self):
        return PLACES + (0, 360)


def test_a_methods_own_places_are_its_gallery():
    train = MethodSubject(BringsPlaces).train
    np.testing.assert_allclose(BringsPlaces().places(train), PLACES, atol=1e-9)
    assert str(BringsPlaces().gallery_source) == "the method's own places"
    with pytest.raises(PluginError, match=r"brings brings no places of its own.*training, grid"):
        Brings().places(train)
    with pytest.raises(PluginError, match="was given none"):
        Gallery(source="own").places(TRAIN)


@pytest.mark.parametrize("name", ["toy-nearest", "im2gps"])
def test_similarity_is_the_same_for_places_of_all_photos_and_of_each(name):
    if name == "im2gps":
        pytest.importorskip("faiss")
    subject = MethodSubject(installed().find("method", name))
    method = subject.of_seed(0).restored
    photos, places = subject.test.take(np.arange(4)), np.array([7, 0, 3])
    shared = method.similarity(photos, places, Context(seed=0))
    each = method.similarity(photos, np.tile(places, (4, 1)), Context(seed=0))
    assert shared.shape == (4, 3)
    np.testing.assert_allclose(shared, each, rtol=1e-6, atol=1e-6)
    own = np.array([[1, 2], [2, 1], [0, 5], [5, 0]])
    found = method.similarity(photos, own, Context(seed=0))
    everything = method.similarity(photos, np.arange(8), Context(seed=0))
    np.testing.assert_allclose(
        found, np.take_along_axis(everything, own, axis=1), rtol=1e-6, atol=1e-6
    )


def test_a_run_answers_with_the_places_of_a_file_and_the_tables_say_so(tmp_path):
    pytest.importorskip("faiss")
    written(tmp_path / "places.csv")
    board = small_run.board(
        tmp_path,
        "benchmarks:\n  - name: galleries\n    dataset: {name: toy-planet, photos: 200}\n"
        "    encoder: given\n    splits: [random]\n    metrics: [distance]\n    methods:\n"
        "      - uniform\n"
        "      - {name: im2gps, k: 8, gallery: {source: file, file: places.csv}}\n",
    )
    (row,) = [r for r in files.read_json(board / "benchmark.json")["rows"] if "gallery" in r]
    assert row["gallery"] == "40 places of places.csv"
    answers = records.StoredRecord.read(board / "runs" / row["folder"]).answers()
    assert geo.Places(PLACES).nearest(answers).distance_km.max() < 1e-3
