"""benchmarks.yaml: each mistake is one sentence with file and line; keys hold what matters."""

import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

from geobench import (
    Atoms,
    Component,
    Config,
    ConfigError,
    DataError,
    Dataset,
    Floored,
    Gallery,
    InputPath,
    Mean,
    Method,
    Metric,
    Prediction,
    Retriever,
    Split,
    SplitConfig,
)
from geobench.catalogue import Catalogue, Source
from geobench.config.benchmark import Benchmark, read


class PlanetConfig(Config):
    photos: int = Field(10, ge=1)
    scale: float = 1.0
    title: str = ""
    kinds: tuple[str, ...] = ()


class Planet(Dataset):
    name = "planet"
    Config = PlanetConfig

    def load(self):
        raise DataError("a configuration reads no table")


class ListedConfig(Config):
    file: InputPath


class Listed(Planet):
    name = "listed"
    Config = ListedConfig


class Halves(Split):
    name = "halves"

    def draw(self, dataset):
        raise DataError("a configuration draws no split")


class ElsewhereConfig(SplitConfig):
    test: list[Component[Dataset]] = Field(min_length=1)


class Elsewhere(Halves):
    name = "elsewhere"
    Config = ElsewhereConfig


class FixedConfig(Config):
    lat: float = 0.0
    steps: int = Field(100, ge=1)


class Fixed(Method):
    name = "fixed"
    Config = FixedConfig
    presets = {"paper": {"lat": 45.0, "steps": 9000}, "wrong": {"steps": 0}}
    predicts = Prediction

    def fit(self, train, val, context): ...

    def predict(self, examples, context):
        raise DataError("a configuration predicts nothing")

    def state(self):
        return {}

    def restore(self, state, train, context):
        pass


class Ranking(Fixed, Retriever):
    name = "ranking"

    gallery_source = Gallery()

    def gallery(self):
        return np.zeros((1, 2))

    def similarity(self, examples, places):
        return np.zeros(places.shape)


class OnTopConfig(Config):
    retriever: Component[Retriever]


class OnTop(Fixed):
    name = "on-top"
    Config = OnTopConfig
    presets = {}


class ErrorConfig(Config):
    unit: str = "km"


class Error(Metric):
    name = "error"
    Config = ErrorConfig
    columns = ("error",)

    @property
    def summaries(self):
        name = "error" if self.config.unit == "km" else f"error-{self.config.unit}"
        return (Mean(name=name, unit=self.config.unit, better="lower", column="error"),)

    def score(self, prediction, truth, context):
        return np.zeros((len(truth), 1), np.float32)


class OtherError(Error):
    name = "other-error"


@pytest.fixture(scope="module")
def catalogue():
    found = Catalogue()
    source = Source("tests", "tests", "1.0")
    for plugin in (Planet, Listed, Halves, Elsewhere, Fixed, Ranking, OnTop, Error, OtherError):
        found.add(plugin, source)
    assert not found.broken
    return found


@pytest.fixture
def load(tmp_path, catalogue):
    def loaded(text):
        path = tmp_path / "benchmarks.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(path, catalogue)

    return loaded


def yaml(**changes):
    """A good file of one benchmark with some keys changed (None: left out)."""
    keys = {
        "name": "small",
        "dataset": "planet",
        "splits": "[halves]",
        "methods": "[fixed]",
        "metrics": "[error]",
    }
    keys |= changes
    lines = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    return "benchmarks:\n  - " + "\n    ".join(lines) + "\n"


# what is wrong -> the file, the line that is to blame, and what the sentence holds
MISTAKES = {
    "an unknown key of the file": (
        "benchmark:\n  - name: small\n",
        1,
        "the file has no key 'benchmark'. Did you mean benchmarks?",
    ),
    "an unknown key of a benchmark": (
        yaml(methods=None, method="[fixed]"),
        6,
        "benchmark small has no key 'method'. Did you mean methods?",
    ),
    "a key like no other": (yaml(colour="red"), 7, "There are: chunk, dataset, deadline"),
    "an unknown key of a dataset": (
        yaml(dataset="\n      name: planet\n      photo: 3"),
        5,
        "dataset planet has no key 'photo'. Did you mean photos?",
    ),
    "an unknown key of one of several methods": (
        yaml(methods="\n      - ranking\n      - name: fixed\n        lat: 1\n        stepps: 3"),
        9,
        "method fixed has no key 'stepps'. Did you mean steps?",
    ),
    "a misspelt reserved key": (
        yaml(methods="[{name: fixed, lable: x}]"),
        5,
        "Did you mean label?",
    ),
    "an unknown key of a nested component": (
        yaml(
            splits="\n      - name: elsewhere\n        test:\n          - planet\n"
            "          - name: planet\n            photo: 3"
        ),
        9,
        "dataset planet has no key 'photo'. Did you mean photos?",
    ),
    "a wrong type": (
        yaml(samples="many"),
        7,
        "samples: input should be a valid integer, not 'many'",
    ),
    "a wrong type in a list": (
        yaml(seeds="\n      - 0\n      - one"),
        9,
        "seeds: input should be a valid integer, not 'one'",
    ),
    "a word for a list": (yaml(methods="fixed"), 5, "methods: input should be a valid list, not"),
    "a wrong type in a component": (
        yaml(dataset="\n      name: planet\n      scale: wide"),
        5,
        "scale: input should be a valid number, not 'wide'",
    ),
    "a wrong type in a nested component": (
        yaml(splits="[{name: elsewhere,\n      test: [{name: planet,\n        photos: x}]}]"),
        6,
        "photos: input should be a valid integer, not 'x'",
    ),
    "a number out of range": (yaml(samples="1"), 7, "greater than or equal to 2, not 1"),
    "more densities than photos": (
        yaml(photos="100", density_photos="101"),
        8,
        "density_photos: 101 is more than photos, which is 100. Log-densities are looked at",
    ),
    "densities of all of some photos": (
        yaml(photos="100", density_photos="all"),
        8,
        "density_photos: all is more than photos, which is 100",
    ),
    "more densities than samples": (
        yaml(density_samples="17"),
        7,
        "density_samples: 17 is more than samples, which is 16",
    ),
    "a number out of range in a preset": (
        yaml(methods="\n      - ranking\n      - name: fixed\n        preset: wrong"),
        7,
        "steps: input should be greater than or equal to 1, not 0",
    ),
    "neither a number nor all": (yaml(photos="some"), 7, "a valid integer or 'all', not 'some'"),
    "neither of two words": (yaml(on_broken="stop"), 7, "'exclude' or 'fail', not 'stop'"),
    "a seed that repeats": (yaml(seeds="[1, 1]"), 7, "seeds: a seed repeats"),
    "an infinite number": (yaml(deadline=".inf"), 7, ".inf is no finite number"),
    "a number beyond all floats": (yaml(deadline="1e999"), 7, "1e999 is no finite number"),
    "an unknown dataset": (
        yaml(dataset="plant"),
        3,
        "there is no dataset 'plant'. Did you mean planet?",
    ),
    "an unknown method in a list": (
        yaml(methods="\n      - fixed\n      - rankings"),
        7,
        "there is no method 'rankings'. Did you mean ranking?",
    ),
    "an unknown method in a mapping": (
        yaml(methods="\n      - label: mine\n        name: fixd"),
        7,
        "there is no method 'fixd'. Did you mean fixed?",
    ),
    "an unknown method like no other": (
        yaml(methods="[xyz]"),
        5,
        "There are: fixed, ranking, on-top.",
    ),
    "an unknown nested component": (
        yaml(splits="\n      - name: elsewhere\n        test: [planet, plant]"),
        6,
        "there is no dataset 'plant'. Did you mean planet?",
    ),
    "a component of another kind": (
        yaml(dataset="halves"),
        3,
        "there is no dataset 'halves'. There is a split halves. There are: planet, listed.",
    ),
    "a component that is a list": (yaml(dataset="[planet]"), 3, "give the dataset's name"),
    "a component that is nothing": (yaml(dataset=""), 3, "give the dataset's name"),
    "a component without a name": (
        yaml(splits="\n      - seed: 3"),
        5,
        "give the split's name, or a mapping with `name:`",
    ),
    "a nested component of a wrong type": (
        yaml(methods="\n      - name: on-top\n        retriever: fixed"),
        7,
        "retriever: fixed is no Retriever",
    ),
    "a configuration that a bare name lacks": (
        yaml(dataset="listed"),
        3,
        "dataset listed lacks the key 'file'",
    ),
    "a configuration that a mapping lacks": (
        yaml(methods="\n      - name: on-top"),
        6,
        "method on-top lacks the key 'retriever'",
    ),
    "an unknown preset": (
        yaml(methods="\n      - name: fixed\n        preset: papers"),
        7,
        "fixed has no preset 'papers'. Did you mean paper?",
    ),
    "a preset that is a list": (
        yaml(methods="\n      - name: fixed\n        preset: [paper]"),
        7,
        "fixed has no preset ['paper']",
    ),
    "a preset where there are none": (
        yaml(metrics="[{name: error, preset: paper}]"),
        6,
        "error has no preset 'paper'. There are: none.",
    ),
    "a label twice": (
        yaml(methods="\n      - fixed\n      - ranking\n      - fixed"),
        8,
        "methods has the label 'fixed' twice (first on line 6). Tell them apart by `label:`.",
    ),
    "a given label twice": (
        yaml(splits="\n      - name: halves\n        label: a\n      - {name: halves, label: a}"),
        7,
        "splits has the label 'a' twice (first on line 5)",
    ),
    "a label with a slash": (
        yaml(methods="\n      - name: fixed\n        label: a/b"),
        7,
        "label 'a/b' is no label",
    ),
    "a label with a line break": (yaml(methods='[{name: fixed, label: "a\\n"}]'), 5, "is no label"),
    "a label that is a number": (yaml(methods="[{name: fixed, label: 12}]"), 5, "12 is no label"),
    "a summary twice": (
        yaml(metrics="[error,\n      other-error]"),
        7,
        "metrics error and other-error both give error",
    ),
    "two benchmarks of one name": (
        yaml() + yaml().removeprefix("benchmarks:\n"),
        7,
        "two benchmarks are named small (the first on line 2)",
    ),
    "a bad name": (yaml(name="My Bench"), 2, "name: 'My Bench' is no name. Use lower case"),
    "a name that is a path": (yaml(name="../up"), 2, "'../up' is no name"),
    "a name that is a number": (yaml(name="12"), 2, "name: input should be a valid string, not 12"),
    "a missing name": (yaml(name=None), 2, "a benchmark lacks the key 'name'"),
    "a missing list": (yaml(metrics=None), 2, "benchmark small lacks the key 'metrics'"),
    "an empty list": (yaml(methods="[]"), 5, "methods: list should have at least 1 item"),
    "a repeated key": (yaml() + "    name: other\n", 7, "key 'name' repeats (first on line 2)"),
    "a repeated key of a component": (
        yaml(dataset="{name: planet, photos: 3,\n      photos: 4}"),
        4,
        "key 'photos' repeats (first on line 3)",
    ),
    "a key that is a list": (yaml() + "    [a]: 3\n", 7, "a key is no plain word"),
    "a tab": (yaml() + "\tsamples: 3\n", 7, "a tab character. Indent with spaces."),
    "a tab before the first entry": ("benchmarks:\n\t- name: a\n", 2, "a tab character"),
    "an empty file": ("", 1, "the file is empty. Start it with `benchmarks:`."),
    "nothing but a comment": ("# soon\n", 1, "the file is empty"),
    "a list at the top": ("- name: small\n", 1, "not a mapping. Start it with `benchmarks:`."),
    "a word at the top": ("benchmarks\n", 1, "not a mapping"),
    "no benchmarks": ("benchmarks:\n", 1, "benchmarks: input should be a valid list, not nothing"),
    "an entry that is a word": ("benchmarks:\n  - small\n", 2, "should be a mapping, not 'small'"),
    "an open bracket": (yaml(seeds="[0"), 8, "Check indentation, colons and brackets"),
    "two colons": (yaml(seeds="a: b"), 7, "mapping values are not allowed here"),
    "an unknown anchor": (yaml(dataset="*planet"), 3, "found undefined alias 'planet'"),
    "an anchor that holds itself": (yaml(seeds="&all [*all]"), 1, "an anchor that holds itself"),
    "a tag of Python": (yaml(seeds="!!python/object:os.system x"), 7, "constructor for the tag"),
    "a tag that does not fit": (yaml(samples="!!int x"), 7, "'x' cannot be read as int"),
    "two documents": (yaml() + "---\n" + yaml(), 7, "expected a single document"),
    "a control character": (yaml(samples="\x01"), 7, "character 0x1 is not allowed"),
    "a file that does not exist": (
        yaml(dataset="\n      name: listed\n      file: photos/none.csv"),
        5,
        "photos/none.csv does not exist; paths are relative to the YAML file",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_with_file_and_line(mistake, load, tmp_path):
    text, line, expected = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        load(text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'benchmarks.yaml'}:{line}: "), message
    assert expected in message
    assert "\n" not in message
    assert len(message) < 400


def test_a_missing_file_is_named(tmp_path, catalogue):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: there is no such file\. Give") as caught:
        read(tmp_path / "nowhere.yaml", catalogue)
    assert "\n" not in str(caught.value)


def test_a_folder_or_a_picture_is_no_file_of_benchmarks(tmp_path, load):
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path, Catalogue())
    with pytest.raises(ConfigError, match="cannot be read"):
        load(b"\xff\xd8\xff\xe0")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("3", 3.0),
        ("-0", 0.0),
    ],
)
def test_numbers_may_be_written_in_any_usual_way(load, written, value):
    (benchmark,) = load(yaml(dataset=f"{{name: planet, scale: {written}}}"))
    assert benchmark.dataset.plugin.config.scale == value


@pytest.mark.parametrize(
    "written", ["NO", "no", "Yes", "on", "off", "2020-01-01", "0x1F", "1_000", "12:30:00", "'7'"]
)
def test_words_stay_words(load, written):
    (benchmark,) = load(yaml(dataset=f"{{name: planet, title: {written}, kinds: [{written}]}}"))
    config = benchmark.dataset.plugin.config
    assert config.title == written.strip("'")
    assert config.kinds == (written.strip("'"),)


def test_a_leading_zero_does_not_make_a_number_octal(load):
    (benchmark,) = load(yaml(dataset="{name: planet, photos: 012}"))
    assert benchmark.dataset.plugin.config.photos == 12


def test_an_anchor_stands_for_what_it_names(load):
    (benchmark,) = load(yaml(methods="[&it {name: fixed, lat: 3}, {name: ranking}]", seeds="[2]"))
    assert benchmark.methods[0].plugin.config.lat == 3
    text = yaml(
        dataset="&there {name: planet, photos: 7}", splits="[{name: elsewhere, test: [*there]}]"
    )
    (benchmark,) = load(text)
    assert benchmark.splits[0].plugin.config.test[0].plugin.config.photos == 7


def test_a_component_may_be_named_with_its_kind(load):
    (benchmark,) = load(yaml(methods="['method:fixed']"))
    assert isinstance(benchmark.methods[0].plugin, Fixed)
    assert benchmark.methods[0].label == "fixed"


def test_what_is_not_said_has_a_default(load):
    (benchmark,) = load(yaml())
    assert benchmark.encoder is None
    assert benchmark.seeds == [0]
    assert benchmark.samples == 16
    assert benchmark.photos == "all"
    assert benchmark.density_photos is None
    assert benchmark.density_samples is None
    assert benchmark.on_broken == "exclude"
    assert [m.label for m in benchmark.methods] == ["fixed"]


def test_explicit_keys_override_a_preset(load):
    text = yaml(
        methods="[{name: fixed, preset: paper}, {name: fixed, label: b, lat: 1, preset: paper}]"
    )
    (benchmark,) = load(text)
    paper, own = (method.plugin.config for method in benchmark.methods)
    assert (paper.lat, paper.steps) == (45.0, 9000)
    assert (own.lat, own.steps) == (1.0, 9000)


def test_a_preset_is_in_the_key_as_what_it_stands_for(load):
    (short,) = load(yaml(methods="[{name: fixed, preset: paper}]"))
    (long,) = load(yaml(methods="[{name: fixed, steps: 9000, lat: 45}]"))
    assert short.methods[0].plugin.identity() == long.methods[0].plugin.identity()
    assert short.digest == long.digest


def test_a_path_is_relative_to_the_yaml_file(tmp_path, catalogue, monkeypatch):
    folder, elsewhere = tmp_path / "benchmarks", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "photos.csv").write_text("id,lat,lon\n")
    path = folder / "b.yaml"
    path.write_text(yaml(dataset="{name: listed, file: photos.csv}"))
    monkeypatch.chdir(elsewhere)
    (benchmark,) = read(path, catalogue)
    assert benchmark.dataset.plugin.config.file == folder / "photos.csv"
    (benchmark,) = read(Path("../benchmarks/b.yaml"), catalogue)
    assert benchmark.dataset.plugin.config.file == folder / "photos.csv"


def test_a_key_holds_a_files_content_and_not_its_place(tmp_path, catalogue):
    digests = []
    for folder, content in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.csv").write_text(content)
        path = tmp_path / folder / "b.yaml"
        path.write_text(yaml(dataset=f"{{name: listed, file: {folder}.csv}}"))
        (benchmark,) = read(path, catalogue)
        digests.append(benchmark.digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_nested_component_is_in_the_key_with_its_whole_configuration(load):
    def identity(retriever):
        (benchmark,) = load(yaml(methods=f"[{{name: on-top, retriever: {retriever}}}]"))
        return dict(benchmark.methods[0].plugin.identity())

    bare = identity("ranking")
    assert bare["config"]["retriever"] == {
        "kind": "method",
        "name": "ranking",
        "version": 1,
        "config": {"lat": 0.0, "steps": 100},
    }
    assert identity("{name: ranking, steps: 100}") == bare
    assert identity("{name: ranking, label: mine}") == bare
    assert identity("{name: ranking, preset: paper}")["config"]["retriever"]["config"] == {
        "lat": 45.0,
        "steps": 9000,
    }


FULL = {
    "name": "small",
    "encoder": None,
    "splits": "[halves]",
    "seeds": "[0, 1]",
    "samples": "8",
    "photos": "100",
    "chunk": "64",
    "on_broken": "exclude",
}
MATTERS = {
    "name": "large",
    "dataset": "{name: planet, photos: 11}",
    "splits": "[{name: halves, seed: 1}]",
    "methods": "[{name: fixed, lat: 1e-9}]",
    "metrics": "[{name: error, unit: miles}]",
    "seeds": "[1, 0]",
    "samples": "9",
    "photos": "all",
    "density_photos": "99",
    "density_samples": "7",
    "chunk": "65",
    "on_broken": "fail",
}


def test_the_digest_is_the_same_however_the_file_is_laid_out(load):
    (plain,) = load(yaml(**FULL))
    (again,) = load("# a comment\n" + yaml(**FULL, dataset="{name: planet, photos: 10}"))
    (turned,) = load(yaml(**dict(reversed(FULL.items()))))
    assert plain.resolved == again.resolved == turned.resolved
    assert plain.digest == again.digest == turned.digest
    assert re.fullmatch("[0-9a-f]{64}", plain.digest)


@pytest.mark.parametrize("key", MATTERS)
def test_the_digest_changes_with_all_that_matters(load, key):
    (before,) = load(yaml(**FULL))
    (after,) = load(yaml(**(FULL | {key: MATTERS[key]})))
    assert before.digest != after.digest


def test_the_digest_changes_with_a_label_of_a_row(load):
    (before,) = load(yaml())
    (after,) = load(yaml(methods="[{name: fixed, label: ours}]"))
    assert before.digest != after.digest
    assert before.methods[0].plugin.identity() == after.methods[0].plugin.identity()


def test_what_was_digested_before_there_were_densities_apart_keeps_its_digest(load):
    (benchmark,) = load(yaml(**FULL))
    assert not set(benchmark.keyed) & set(Benchmark.added)
    assert set(Benchmark.added) < set(benchmark.resolved)
    assert set(Benchmark.added) < set(Benchmark.model_fields)


@pytest.mark.parametrize(
    ("keys", "added"),
    [
        ({}, {}),
        ({"density_photos": "100", "density_samples": "8"}, {}),
        ({"density_photos": "99"}, {"density_photos": 99}),
        ({"density_samples": "2"}, {"density_samples": 2}),
    ],
)
def test_the_numbers_of_densities_decide_the_draws_of_densities_alone(load, keys, added):
    (benchmark,) = load(yaml(**FULL, **keys))
    plain = {"chunk": 64, "photos": 100, "samples": 8}
    assert benchmark.draws(Atoms).data == benchmark.draws(Prediction).data == plain
    assert benchmark.draws(Floored).data == plain | added


def test_the_deadline_is_in_no_key(load):
    (without,) = load(yaml(**FULL))
    (with_it,) = load(yaml(**FULL, deadline="60"))
    assert with_it.deadline == 60
    assert without.digest == with_it.digest
    assert with_it.resolved["deadline"] == 60
    assert "deadline" not in with_it.keyed


def test_a_benchmark_can_be_made_in_python(load):
    made = Benchmark(
        name="small",
        dataset=Component[Dataset].of(Planet()),
        splits=[Component[Split].of(Halves())],
        methods=[Component[Method].of(Fixed())],
        metrics=[Component[Metric].of(Error())],
    )
    (written,) = load(yaml())
    assert made.digest == written.digest


def test_several_benchmarks_keep_their_order(load):
    names = ["zebra", "ant", "bee-2"]
    entries = [yaml(name=name).removeprefix("benchmarks:\n") for name in names]
    assert [b.name for b in load("benchmarks:\n" + "".join(entries))] == names
