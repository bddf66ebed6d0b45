"""Galleries: training places, an even grid, or both, in the key and in the tables."""

import csv
import re

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.neighbors import BallTree

import small_run
from geobench import ConfigError, Gallery, geo, records
from geobench.records import files

TRAIN = geo.uniform(30, np.random.default_rng(0))


def test_training_places_alone_come_in_the_order_of_the_photos():
    gallery = Gallery.model_validate("training")
    np.testing.assert_array_equal(gallery.places(TRAIN), TRAIN)
    assert gallery == Gallery()
    assert gallery.has_training_places
    assert str(gallery) == "training places"


@pytest.mark.parametrize("rows", [20, 60])
def test_a_grid_is_even_and_has_a_place_near_every_point(rows):
    gallery = Gallery(source="grid", rows=rows)
    places = gallery.places(TRAIN)
    assert not gallery.has_training_places
    assert str(gallery) == f"an even grid of {len(places):,} places"
    tree = BallTree(np.radians(places), metric="haversine")
    away = tree.query(np.radians(geo.uniform(20_000, np.random.default_rng(1))))[0][:, 0]
    # A square of the cell's area has its corners this far from its centre.
    corner = (4 * np.pi / len(places) / 2) ** 0.5
    assert np.quantile(away, 0.99) < 1.3 * corner
    assert away.max() < 2 * np.pi / rows


def test_both_are_the_one_and_then_the_other():
    both = Gallery(source="both", rows=9)
    grid = Gallery(source="grid", rows=9).places(TRAIN)
    np.testing.assert_array_equal(both.places(TRAIN), np.concatenate([TRAIN, grid]))
    assert str(both) == f"training places and an even grid of {len(grid):,} places"


def test_what_is_no_gallery_is_an_error():
    for wrong in ("towns", {"source": "grid", "row": 3}, {"rows": 1}, 7):
        with pytest.raises(ValidationError):
            Gallery.model_validate(wrong)


def test_pairs_within_a_distance_are_those_that_scikit_learn_finds():
    rng = np.random.default_rng(2)
    places, queries = geo.uniform(400, rng), np.concatenate([geo.uniform(60, rng), [[90.0, 0.0]]])
    found = geo.Places(places).within(queries, 1500.0)
    tree = BallTree(np.radians(places), metric="haversine")
    wanted = tree.query_radius(np.radians(queries), 1500.0 / geo.EARTH_RADIUS_KM)
    assert [found.place[found.query == i].tolist() for i in range(61)] == [
        sorted(near.tolist()) for near in wanted
    ]
    assert (np.diff(found.query) >= 0).all()
    everything = geo.Places(places).within(queries[:2], 1e6)
    np.testing.assert_array_equal(everything.place, np.tile(np.arange(400), 2))


METHODS = """
      - uniform
      - {name: im2gps, k: 8}
      - {name: im2gps, label: on-a-grid, k: 8, gallery: {source: grid, rows: 60}}
      - {name: im2gps, label: on-both, k: 8, gallery: both}"""


def benchmark(folder, methods):
    (found,) = small_run.read(
        folder,
        "benchmarks:\n  - name: galleries\n    dataset: {name: toy-planet, photos: 500}\n"
        "    encoder: given\n    splits: [random]\n    metrics: [distance]\n"
        f"    methods: {methods}\n",
    )
    return found


def test_the_tables_say_which_gallery_a_method_answers_with(tmp_path):
    pytest.importorskip("faiss")
    board = small_run.run(benchmark(tmp_path, METHODS), tmp_path).board
    with (board / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {row["label"]: row["note"] for row in rows if row["slice"] == "all"}
    assert "gallery" not in found["uniform"] + found["oracle-training-place"]
    assert found["im2gps"].startswith("gallery: training places")
    assert found["on-a-grid"].startswith("gallery: an even grid of 4,584 places")
    assert found["on-both"].startswith("gallery: training places and an even grid of 50,930 places")
    page = (board / "README.md").read_text()
    assert "`im2gps`<br>gallery: training places" in page
    assert "`on-a-grid`<br>gallery: an even grid of 4,584 places" in page
    assert re.search(r"`uniform` +\|", page)
    answers = records.StoredRecord.read(board / "runs" / _folder(board, "on-a-grid")).answers()
    grid = Gallery(source="grid", rows=60).places(TRAIN)
    assert geo.Places(grid).nearest(answers).distance_km.max() < 1e-3


def _folder(board, label):
    rows = files.read_json(board / "benchmark.json")["rows"]
    return next(row["folder"] for row in rows if row["label"] == label)


def test_another_gallery_is_another_key_and_a_wrong_one_an_error_with_its_line(tmp_path):
    methods = benchmark(tmp_path, METHODS).methods
    assert len({str(method.plugin.identity()) for method in methods}) == 4
    with pytest.raises(ConfigError, match=r"b.yaml:9: .*gallery"):
        benchmark(tmp_path, "\n      - uniform\n      - {name: im2gps, gallery: towns}")
    with pytest.raises(ConfigError, match=r"has no key 'row'\. Did you mean rows"):
        benchmark(tmp_path, "[{name: im2gps, gallery: {row: 3}}]")
