"""geobench.trained: a method as a run has trained it answers as it did there, and to pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest

import geobench
import small_run
from command_line import FAULTY
from geobench import ConfigError, DataError, Features, StoreError, config, geo, records
from geobench.catalogue import installed
from geobench.records import files
from lent_plugins import lent
from sound_encoder import Colours

TOY = Path(__file__).parents[2] / "benchmarks/toy.yaml"
SEES = """\
benchmarks:
  - name: sees
    dataset: {name: toy-planet, photos: 160}
    encoder: glance
    splits: [striped]
    methods: [sighted, counted, outside]
    metrics: [distance]
    seeds: [0, 3]
  - name: reads
    dataset: {name: toy-planet, photos: 160}
    encoder: colours
    splits: [random]
    methods: [toy-nearest, sighted-too]
    metrics: [distance]
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A workspace where benchmarks/toy.yaml was run, with one metric."""
    root = tmp_path_factory.mktemp("toy")
    lines = TOY.read_text().splitlines()
    assert sum("metrics:" in line for line in lines) == 1
    kept = ["    metrics: [distance]" if "metrics:" in line else line for line in lines]
    for benchmark in small_run.read(root, "\n".join(kept)):
        small_run.run(benchmark, root)
    return root


@pytest.fixture(scope="module")
def sees(tmp_path_factory):
    """A workspace with encoders of pictures and of texts, and the faulty package's methods."""
    sys.path.insert(0, str(FAULTY))
    import geobench_faulty as faulty

    class Outside(faulty.Counted):
        name = "outside"
        origin = "external"

    class SightedToo(faulty.Sighted):
        """Reads tokens."""

        name = "sighted-too"

    plugins = (
        *(faulty.Glance, faulty.Striped, faulty.Counted, faulty.Sighted),
        *(Outside, SightedToo, Colours),
    )
    root = tmp_path_factory.mktemp("sees")
    with lent(*plugins):
        for benchmark in small_run.read(root, SEES):
            small_run.run(benchmark, root)
        yield root
    sys.path.remove(str(FAULTY))


def stored(root, board):
    """(row of benchmark.json, ids, answers) of every record."""
    folder = root / "leaderboards" / board
    for row in files.read_json(folder / "benchmark.json")["rows"]:
        record = folder / "runs" / row["folder"]
        ids = files.read_arrays(record.parent / "part.npz")["id"]
        yield row, ids, records.StoredRecord.read(record).answers()


def test_every_method_of_the_toy_board_answers_as_its_records_say(toy):
    (benchmark,) = config.read(toy / "b.yaml", installed())
    dataset = benchmark.dataset.plugin
    seen = set()
    for row, ids, answers in stored(toy, "toy"):
        split = row["part"].rpartition("/")[0]
        trained = geobench.trained(toy / "b.yaml", row["label"], split=split, workspace=toy)
        rows = np.flatnonzero(np.isin(dataset.table.ids, ids))
        assert dataset.table.ids[rows].tolist() == ids.tolist()
        found = trained.locate(dataset.features(rows), ids=ids.tolist()).point()
        assert geo.distance_km(found, answers).max() < 0.01, row
        seen.add(row["label"])
    assert seen == {method.label for method in benchmark.methods}


def test_pictures_are_encoded_and_answered_as_in_the_run(sees):
    (benchmark, _) = config.read(sees / "b.yaml", installed())
    dataset = benchmark.dataset.plugin
    count = 0
    for row, ids, answers in stored(sees, "sees"):
        if row["label"] == "outside":
            continue
        trained = geobench.trained(
            sees / "b.yaml", row["label"], benchmark="sees", seed=row["seed"], workspace=sees
        )
        rows = np.flatnonzero(np.isin(dataset.table.ids, ids))
        found = trained.locate(dataset.images(rows), ids=ids.tolist()).point()
        assert geo.distance_km(found, answers).max() < 0.01, row
        count += 1
    assert count == 8  # two methods, two seeds, two parts


def test_answers_to_pictures_without_ids_do_not_depend_on_the_others(sees):
    trained = geobench.trained(sees / "b.yaml", "counted", benchmark="sees", workspace=sees)
    (benchmark, _) = config.read(sees / "b.yaml", installed())
    pictures = list(benchmark.dataset.plugin.images(np.arange(3)))
    together = trained.locate(pictures).point()
    alone = np.concatenate([trained.locate([each]).point() for each in pictures[::-1]])[::-1]
    np.testing.assert_array_equal(together, alone)
    assert len(np.unique(together, axis=0)) == 3


def test_pictures_as_the_method_gets_them_are_at_hand_for_other_questions(sees):
    trained = geobench.trained(sees / "b.yaml", "toy-nearest", benchmark="reads", workspace=sees)
    (_, benchmark) = config.read(sees / "b.yaml", installed())
    pictures = list(benchmark.dataset.plugin.images(np.arange(3)))
    examples = trained.examples(pictures, ids=["a", "b", "c"])
    assert examples.ids.tolist() == ["a", "b", "c"]
    assert set(examples.features) == trained.wants == {"pooled"}
    encoder = trained.encoder
    one_by_one = [
        encoder.encode(encoder.prepare(each)[None], tokens=False).pooled for each in pictures
    ]
    np.testing.assert_allclose(examples.pooled[:], np.concatenate(one_by_one), atol=1e-5)
    answers = trained.method.predict(examples, trained.context).point()
    np.testing.assert_array_equal(answers, trained.locate(pictures).point())


def test_texts_are_located_where_the_encoder_reads_them(sees):
    trained = geobench.trained(sees / "b.yaml", "toy-nearest", benchmark="reads", workspace=sees)
    texts = ["a harbour", "a desert", "a harbour"]
    found = trained.locate_text(texts).point()
    assert found.shape == (3, 2)
    np.testing.assert_array_equal(found[0], found[2])
    given = Features(trained.encoder.encode_text(texts))
    wanted = trained.method.predict(
        geobench.Examples(np.array(["a", "b", "c"]), pooled=geobench.Rows([given.pooled])),
        trained.context,
    )
    np.testing.assert_array_equal(found, wanted.point())


def test_what_cannot_be_located_is_a_sentence(sees, toy):
    def ask(label, board="sees"):
        return geobench.trained(sees / "b.yaml", label, benchmark=board, workspace=sees)

    picture = np.zeros((8, 8, 3), np.uint8)
    sighted = ask("sighted")
    oracle = geobench.trained(toy / "b.yaml", "toy-oracle", split="random", workspace=toy)
    uniform = geobench.trained(toy / "b.yaml", "uniform", split="random", workspace=toy)
    for trained in (sighted, oracle, uniform):  # they read pictures, given features, nothing
        with pytest.raises(DataError, match="no pictures to locate"):
            trained.locate([])
    with pytest.raises(DataError, match=r"picture 1 is float64 \(8, 8, 3\).*uint8"):
        sighted.locate([picture, picture / 255])
    with pytest.raises(DataError, match="2 ids of 1 photos"):
        sighted.locate([picture], ids=["a", "b"])
    with pytest.raises(ConfigError, match=r"encoder glance encodes no texts.*TextEncoder"):
        sighted.locate_text(["here"])
    with pytest.raises(ConfigError, match="reads tokens, which texts do not have"):
        ask("sighted-too", "reads").locate_text(["here"])
    with pytest.raises(ConfigError, match="from a file, and cannot answer other photos"):
        ask("outside")
    with pytest.raises(DataError, match=r"given reads features, not pictures.*geobench.Features"):
        oracle.locate([picture])


def test_who_is_not_there_or_not_trained_is_a_sentence_and_nothing_is_trained(sees, tmp_path):
    path = sees / "b.yaml"
    states = sorted((sees / ".geobench/states").iterdir())
    for message, label, named in (
        (r"there are several benchmarks. Name one of sees, reads", "counted", {}),
        (r"no benchmark 'hears'. Did you mean reads\?", "counted", {"benchmark": "hears"}),
        (r"no method 'count'. Did you mean counted", "count", {"benchmark": "sees"}),
        (r"no split 'cells'. There are: striped", "counted", {"split": "cells"}),
        (r"seed 7 is not trained. Seeds: 0, 3", "counted", {"seed": 7}),
    ):
        named = {"benchmark": "sees"} | named if label and named else named
        with pytest.raises(ConfigError, match=message):
            geobench.trained(path, label, workspace=sees, **named)
    with pytest.raises(StoreError, match=r"has not been trained here.*geobench run .*b.yaml"):
        geobench.trained(path, "counted", benchmark="sees", workspace=tmp_path)
    assert sorted((sees / ".geobench/states").iterdir()) == states
    assert not (tmp_path / ".geobench/states").exists()
    # One training stands for all seeds where a method is deterministic.
    geobench.trained(path, "toy-nearest", benchmark="reads", seed=0, workspace=sees)
