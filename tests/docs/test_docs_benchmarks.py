"""docs/benchmarks.md: every key and every component's configuration is as the code has it."""

import inspect
import re
from pathlib import Path

import pytest
import yaml

from documented_fields import check_fields
from geobench import (
    ConfigError,
    Density,
    Draws,
    Gallery,
    Prediction,
    catalogue,
    config,
    records,
)
from geobench.catalogue import Source, installed
from geobench.commands.map import draw_maps
from geobench.config.origins import RESERVED
from geobench.names import CEILING
from geobench.run import plan
from geobench.splits import SplitConfig
from pages import Page, tables

BENCHMARKS = Page.read("docs/benchmarks.md")
OWN = [
    registered.plugin
    for kind in catalogue.KINDS
    for registered in installed().of_kind(kind)
    if registered.source.distribution == "geobench-geolocation"
]
"""Every component that comes with geobench."""

components = pytest.mark.parametrize("plugin", OWN, ids=lambda each: f"{each.kind}:{each.name}")


def section(plugin):
    return BENCHMARKS.section(f"{plugin.kind.capitalize()} `{plugin.name}`")


def test_the_yaml_of_the_benchmarks_page_is_valid_and_its_error_is_real(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "holiday"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos.csv").write_text("id,lat,lon\n")
    valid, wrong = BENCHMARKS.blocks("yaml")
    path = Path("benchmarks.yaml")
    path.write_text(valid)
    (benchmark,) = config.read(path, installed())
    assert {"prior-300km", "im2gps-20"} <= {method.label for method in benchmark.methods}
    path.write_text(wrong)
    with pytest.raises(ConfigError) as raised:
        config.read(path, installed())
    assert BENCHMARKS.blocks("text") == [f"error: {raised.value}\n"]


def test_the_entries_of_methods_that_choose_among_cells_are_valid(tmp_path):
    entries = re.findall(r"^- (\{.*\})$", BENCHMARKS.section("Cells, targets and answers"), re.M)
    assert len(entries) > 5
    methods = "".join(f"\n      - {entry}" for entry in entries)
    path = tmp_path / "benchmarks.yaml"
    path.write_text(
        "benchmarks:\n  - name: cells\n    dataset: blue-marble\n    encoder: im2gps\n"
        f"    splits: [random]\n    metrics: [nll]\n    methods:{methods}\n"
    )
    (benchmark,) = config.read(path, installed())
    assert len(benchmark.methods) == len(entries)


def test_every_key_of_a_benchmark_is_documented_with_its_default():
    keys, *_ = tables(BENCHMARKS.section("The keys of a benchmark"))
    check_fields(keys, config.Benchmark.model_fields)
    reserved, gallery = tables(BENCHMARKS.section("A component"))
    assert tuple(reserved) == RESERVED
    check_fields(gallery, Gallery.model_fields)
    assert f"`{CEILING}`" in BENCHMARKS.section("A component")


def test_every_flag_of_a_map_is_documented_with_its_default():
    (documented,) = tables(BENCHMARKS.section("Maps"))
    options = {
        f"--{name.replace('_', '-')}": parameter.default
        for name, parameter in inspect.signature(draw_maps).parameters.items()
        if name not in ("file", "name")
    }
    assert list(documented) == list(options)
    for name, default in options.items():
        shown = {"None": ("none", "everything")}.get(str(default), (f"`{default}`",))
        assert documented[name]["default"] in shown, name


@components
def test_every_component_is_documented_with_its_configuration(plugin):
    text = section(plugin)
    assert " ".join(text.split()).startswith(f"{plugin.describe()}.")
    fields = dict(plugin.Config.model_fields)
    if plugin.kind == "split":
        shared = tables(BENCHMARKS.section("Splits", nested=False))[0]
        check_fields(shared, {name: fields.pop(name) for name in SplitConfig.model_fields})
    found = tables(text)
    assert len(found) == bool(fields)
    check_fields(found[0] if found else {}, fields)
    presets = re.findall(r"Preset `(\S+)`:\n\n```\n(.*?)```", text, re.DOTALL)
    assert {name: yaml.safe_load(shown) for name, shown in presets} == {
        name: {key: list(v) if isinstance(v, tuple) else v for key, v in preset.items()}
        for name, preset in plugin.presets.items()
    }


@components
def test_what_a_component_needs_and_gives_is_documented(plugin, tmp_path):
    text = " ".join(section(plugin).split())
    made = plugin(plugin.tiny(tmp_path))
    assert all(f"needs the package `{package}`" in text for package in plugin.requires)
    if plugin.kind == "dataset":
        assert all(f" {'pictures' if what == 'images' else what}" in text for what in made.provides)
    if plugin.kind == "metric":
        needs = {Density: "a density", Prediction: "draws", Draws: "the first draws of all photos"}
        assert f"Needs {needs.get(made.needs, 'points')}; gives" in text
        names = [f"`{summary.name}`" for summary in plugin().summaries]
        assert all(name in text for name in names)
    if plugin.kind == "method":
        is_density = issubclass(made.predicts, Density)
        assert f"Predicts {'a density' if is_density else 'points'}" in text
        seeds = "once, whatever `seeds` says" if made.deterministic else "once per seed"
        assert f"fitted {seeds}" in text
        assert ("reads pooled features" in text) == ("pooled" in made.wants)
        assert ("needs no training photos" in text) != made.needs_training


def test_no_component_is_documented_that_there_is_not():
    titles = re.findall(r"^### (\w+) `(\S+)`$", BENCHMARKS.text, re.MULTILINE)
    assert titles == [(plugin.kind.capitalize(), plugin.name) for plugin in OWN]


CHANGES = {
    "name": "other",
    "dataset": "{name: toy-planet, seed: 1}",
    "encoder": "im2gps",
    "splits": "[{name: random, seed: 1}]",
    "methods": "[{name: toy-oracle, noise: 0.4}]",
    "metrics": "[distance]",
    "samples": "4",
    "photos": "5",
    "density_photos": "5",
    "density_samples": "4",
    "seeds": "[1]",
    "chunk": "7",
    "deadline": "60",
    "environment": "none",
    "isolate": "never",
    "memory": "8",
    "on_broken": "fail",
}
"""A value of each key that a benchmark does not have unless it says so."""


def test_which_key_a_change_is_in_is_documented(tmp_path):
    def keys(changes):
        lines = {"name": "a", "dataset": "toy-planet", "encoder": "given", "splits": "[random]"}
        lines |= {"methods": "[toy-seeded]", "metrics": "[nll]"} | changes
        path = tmp_path / "b.yaml"
        path.write_text("benchmarks:\n  - " + "\n    ".join(f"{k}: {v}" for k, v in lines.items()))
        planned = plan.make(config.read(path, found)[0], records.Workspace(tmp_path))
        (training,) = planned.trainings()
        (evaluation,) = planned.evaluations(training)
        return training.fit_key, evaluation.key

    class Seeded(installed().find("method", "toy-oracle")):
        """The oracle, but not deterministic, so that its seed is in its key."""

        name = "toy-seeded"
        deterministic = False

    found = catalogue.load()
    found.add(Seeded, Source("here", "here", "0"))
    documented, *_ = tables(BENCHMARKS.section("The keys of a benchmark"))
    fit, record = keys({})
    assert set(CHANGES) == set(documented)
    for key, value in CHANGES.items():
        other_fit, other_record = keys({key: value})
        said = documented[key]["in which key"]
        assert ("fit" in said) == (other_fit != fit), key
        assert (said == "neither") == (other_record == record), key
