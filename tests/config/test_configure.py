"""Configuring a component: the same rules and the same remedies wherever it is written."""

import json

import numpy as np
import pytest
from pydantic import Field

from geobench import Component, Config, ConfigError, InputPath, Mean, Metric, PluginError
from geobench.catalogue import Catalogue, Source
from geobench.config import yaml_lines
from geobench.config.configure import configure
from geobench.config.origins import CommandLine, Stored, YamlFile, settings_of
from geobench.names import CEILING


class HitsConfig(Config):
    radius_km: float = Field(25.0, gt=0)
    kinds: tuple[str, ...] = ()


class Hits(Metric):
    name = "hits"
    Config = HitsConfig
    presets = {"wide": {"radius_km": 200.0}}
    columns = ("hits",)

    @property
    def summaries(self):
        return (Mean(name="hits", unit="share", better="higher", column="hits"),)

    def score(self, prediction, truth, context):
        return np.zeros((len(truth), 1), np.float32)


class BothConfig(Config):
    first: Component[Metric]
    second: Component[Metric] = Component[Metric].named("distance")


class Both(Hits):
    name = "both"
    Config = BothConfig
    presets = {}


class FiledConfig(Config):
    towns: InputPath
    rivers: InputPath


class Filed(Hits):
    name = "filed"
    Config = FiledConfig
    presets = {}


class LaterConfig(Config):
    added = {"power": 1}
    power: int = 2


class Later(Hits):
    name = "later"
    Config = LaterConfig
    presets = {}


class Lacking(Hits):
    name = "lacking"
    requires = ("no_such_package",)


@pytest.fixture(scope="module")
def catalogue():
    found = Catalogue()
    for plugin in (Hits, Both, Filed, Later, Lacking):
        found.add(plugin, Source("tests", "tests", "1.0"))
    assert not found.broken
    return found


def from_yaml(name, settings, catalogue, folder):
    """As a YAML file says it."""
    path = folder / "metric.yaml"
    path.write_text(
        "\n".join(f"{k}: {json.dumps(v)}" for k, v in {"name": name, **settings}.items())
    )
    return configure(Metric, yaml_lines.read(path), origin=YamlFile(path, catalogue))


def from_words(name, settings, catalogue, folder):
    """As a command line says it."""
    words = [f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in settings.items()]
    origin = CommandLine(name, words, option="--config", catalogue=catalogue)
    return configure(Metric, origin.entry, origin=origin)


def from_board(name, settings, catalogue, folder):
    """As benchmark.json says it."""
    origin = Stored(name, settings, path=folder / "benchmark.json", catalogue=catalogue)
    return configure(Metric, origin.entry, origin=origin)


DOORS = (from_yaml, from_words, from_board)
WRITTEN = (from_yaml, from_words)
"""Where users write: presets and labels are there, and paths."""

at_all_doors = pytest.mark.parametrize("door", DOORS)
where_users_write = pytest.mark.parametrize("door", WRITTEN)


def refused(door, name, settings, catalogue, folder):
    """The error at a door, which says where."""
    with pytest.raises(ConfigError) as caught:
        door(name, settings, catalogue, folder)
    places = (f"{folder}/metric.yaml:", "--config", f"{folder}/benchmark.json")
    assert caught.value.where.startswith(places[DOORS.index(door)])
    return caught.value


@at_all_doors
def test_a_mistyped_key_has_the_same_remedy_at_all_doors(door, catalogue, tmp_path):
    error = refused(door, "hits", {"radius": 3}, catalogue, tmp_path)
    assert error.problem == "metric hits has no key 'radius'"
    assert error.remedy == "Did you mean radius_km?"
    error = refused(door, "hits", {"zzz": 3}, catalogue, tmp_path)
    assert error.remedy == "There are: kinds, radius_km, name, label, preset."


@at_all_doors
def test_a_value_that_does_not_fit_has_the_same_sentence_at_all_doors(door, catalogue, tmp_path):
    error = refused(door, "hits", {"radius_km": "far"}, catalogue, tmp_path)
    assert error.problem == "radius_km: input should be a valid number, not 'far'"
    error = refused(door, "both", {"first": ["hits"]}, catalogue, tmp_path)
    assert error.problem.startswith("first: give the metric's name, or a mapping with `name:`")


@at_all_doors
def test_all_keys_that_are_missing_are_named_at_once(door, catalogue, tmp_path):
    error = refused(door, "filed", {}, catalogue, tmp_path)
    assert error.problem == "metric filed lacks the keys 'towns' and 'rivers'"


@at_all_doors
def test_a_mistake_in_an_inner_component_is_told_alike_at_all_doors(door, catalogue, tmp_path):
    wrong = {"first": {"name": "hits", "radius": 3}}
    error = refused(door, "both", wrong, catalogue, tmp_path)
    assert error.problem.removeprefix("first: ") == "metric hits has no key 'radius'"
    error = refused(door, "both", {"first": "hit"}, catalogue, tmp_path)
    assert str(error).endswith("first: there is no metric 'hit'. Did you mean hits?")


@where_users_write
@pytest.mark.parametrize("label", ["a/b", "", CEILING])
def test_a_label_that_is_none_is_refused_wherever_it_is_written(door, label, catalogue, tmp_path):
    error = refused(door, "hits", {"label": label}, catalogue, tmp_path)
    assert error.problem.startswith(f"label {label!r} is")
    assert door("hits", {"label": "a b"}, catalogue, tmp_path).label == "a b"
    assert door("hits", {}, catalogue, tmp_path).label == "hits"


@where_users_write
def test_a_preset_is_known_wherever_it_is_written(door, catalogue, tmp_path):
    error = refused(door, "hits", {"preset": "wider"}, catalogue, tmp_path)
    assert str(error).endswith(": hits has no preset 'wider'. Did you mean wide?")
    wide = door("hits", {"preset": "wide", "kinds": ["town"]}, catalogue, tmp_path)
    assert wide.plugin.config == HitsConfig(radius_km=200.0, kinds=("town",))


@where_users_write
def test_an_unknown_name_is_told_with_the_nearest(door, catalogue, tmp_path):
    with pytest.raises(ConfigError, match=r"there is no metric 'hit'\. Did you mean hits\?"):
        door("hit", {}, catalogue, tmp_path)


def test_a_line_an_option_and_a_file_are_the_places_of_mistakes(catalogue, tmp_path):
    settings = {"kinds": ["a"], "radius_km": -1}
    where = [refused(door, "hits", settings, catalogue, tmp_path).where for door in DOORS]
    assert where == [f"{tmp_path}/metric.yaml:3", "--config", f"{tmp_path}/benchmark.json"]


def test_what_an_option_adds_to_a_stored_configuration_is_blamed_on_the_option(catalogue, tmp_path):
    path = tmp_path / "benchmark.json"

    def place(name, stored, told):
        origin = Stored(name, stored, path=path, catalogue=catalogue, told=told, option="--config")
        with pytest.raises(ConfigError) as caught:
            configure(Metric, origin.entry, origin=origin)
        return caught.value.where

    assert place("hits", {"radius_km": 1.0}, {"radius_km": "far"}) == "--config"
    assert place("hits", {"radius_km": "far"}, {}) == str(path)
    assert place("filed", {}, {}) == "--config"


def test_a_stored_configuration_is_of_the_time_before_a_field_was_added(catalogue, tmp_path):
    powers = [door("later", {}, catalogue, tmp_path).plugin.config.power for door in DOORS]
    assert powers == [2, 2, 1]
    inner = {"first": {"kind": "metric", "name": "later", "version": 1, "config": {}}}
    both = from_board("both", {**inner, "second": inner["first"]}, catalogue, tmp_path)
    assert both.plugin.config.first.plugin.config.power == 1


def test_a_package_must_be_there_only_where_a_component_is_used_at_once(catalogue, tmp_path):
    assert from_yaml("lacking", {}, catalogue, tmp_path).label == "lacking"
    with pytest.raises(PluginError, match="no_such_package"):
        from_words("lacking", {}, catalogue, tmp_path)


def test_a_default_that_names_a_component_is_configured_by_the_same_rules():
    class Retrieving(Config):
        metric: Component[Metric] = Component[Metric].named("distance", unti="km")

    with pytest.raises(ConfigError, match=r"metric distance has no key 'unti'\. (Did|There)"):
        Retrieving()

    class Unknown(Config):
        metric: Component[Metric] = Component[Metric].named("distanc")

    with pytest.raises(ConfigError, match=r"no metric 'distanc'\. Did you mean distance"):
        Unknown()


def test_words_are_text_that_fields_read_and_lists_are_json():
    words = ["root=a b", "photos=300", 'kinds=["town"]', "formula=a=b"]
    assert settings_of(words, option="--config") == {
        "root": "a b",
        "photos": "300",
        "kinds": ["town"],
        "formula": "a=b",
    }
    for word, message in (
        ("photos", "--split-config 'photos' is no KEY=VALUE"),
        ("=3", "--split-config '=3' is no KEY=VALUE"),
        ("kinds=[", r"--split-config: kinds=\[ is no JSON"),
    ):
        with pytest.raises(ConfigError, match=message):
            settings_of([word], option="--split-config")
