"""The keys of a benchmark and of its components hold all that matters, and nothing else."""

import re

import pytest

from geobench import Atoms, Floored, Prediction
from geobench.config.benchmark import Benchmark, read
from written_benchmarks import yaml


def test_a_preset_is_in_the_key_as_what_it_stands_for(load):
    (short,) = load(yaml(methods="[{name: fixed, preset: paper}]"))
    (long,) = load(yaml(methods="[{name: fixed, steps: 9000, lat: 45}]"))
    assert short.methods[0].plugin.identity() == long.methods[0].plugin.identity()
    assert short.digest == long.digest


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
