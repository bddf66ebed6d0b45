"""benchmarks.yaml: each mistake is one sentence with file and line."""

import pytest

from geobench import ConfigError
from geobench.catalogue import Catalogue
from geobench.config import yaml_lines
from geobench.config.benchmark import read
from written_benchmarks import yaml

# what is wrong -> the file, the line that is to blame, and what the sentence holds
_NINES = ", ".join(f"&a{n + 1} [{f'*a{n}, ' * 9}]" for n in range(9))
"""Lists of nine times the list before, 3.9e8 values in all."""

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
    "a seed below zero": (yaml(seeds="[-1]"), 7, "seeds: input should be greater than or equal to"),
    "a seed of 33 bits": (
        yaml(seeds="[0, 4294967296]"),
        7,
        "seeds: input should be less than or equal to 4294967295, not 4294967296",
    ),
    "a seed that no library takes": (yaml(seeds="[18446744073709551616]"), 7, "4294967295, not 18"),
    "a seed that is true": (yaml(seeds="[true]"), 7, "seeds: input should be a valid integer"),
    "a seed with a fraction": (yaml(seeds="[0.5]"), 7, "seeds: input should be a valid integer"),
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
    "aliases of aliases": (
        yaml(
            seeds="[&a0 [0], " + ", ".join(f"&a{n + 1} [{f'*a{n}, ' * 9}]" for n in range(9)) + "]"
        ),
        7,
        "aliases of aliases stand for over 20,000 values. Write what is meant without",
    ),
    "aliases of mappings": (
        yaml()
        + "    a0: &a0 {k: 0}\n"
        + "".join(
            f"    a{n + 1}: &a{n + 1} {{{', '.join(f'k{k}: *a{n}' for k in range(9))}}}\n"
            for n in range(6)
        ),
        11,
        "aliases of aliases stand for over 20,000 values",
    ),
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


def test_aliases_and_long_files_are_read_as_they_are_meant(tmp_path):
    numbers = ", ".join(map(str, range(30_000)))
    (tmp_path / "a.yaml").write_text(
        f"long: [{numbers}]\nshared: &s {{k: [1, 2]}}\nmore: [*s, *s]\n"
    )
    found = yaml_lines.read(tmp_path / "a.yaml")
    assert found["long"] == list(range(30_000))
    assert found["more"] == [{"k": [1, 2]}] * 2
