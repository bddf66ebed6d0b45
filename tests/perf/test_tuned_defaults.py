"""Defaults of methods are those that a committed table of validation scores has, or by hand."""

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from geobench import Config
from geobench.catalogue import installed
from geobench_torch.recipe import Recipe
from pages import Page, tables

ROOT = Path(__file__).parents[2]
TUNING = ROOT / "perf/tuning"
SECTION = Page.read("docs/benchmarks.md").section("Where each default was chosen")
(CHOSEN,) = tables(SECTION)
"""Method -> its row: which keys were chosen by which tables."""
BEST, TRIED, BORROWED, BY_HAND = list(next(iter(CHOSEN.values())))[1:]
NOTHING_TO_CHOOSE = {"uniform", "predictions", "toy-oracle"}
OWN = {
    registered.plugin.name: registered.plugin
    for registered in installed().of_kind("method")
    if registered.source.distribution == "geobench-geolocation"
}

methods = pytest.mark.parametrize("name", CHOSEN)


@dataclass(frozen=True)
class Choice:
    """Keys of a method that some tables have chosen together; the values of those that are said."""

    keys: tuple[str, ...]
    tables: tuple[str, ...]
    said: tuple = ()

    def defaults(self, config):
        fields = config.model_fields
        return tuple(plain(fields[key].default) for key in self.keys)


def choices(cell):
    """What a cell of the list says: `key`, `key`: [table], [table]; `key: value`: [table]."""
    found = []
    for part in filter(None, cell.split(";")):
        names = re.findall(r"\]\(\.\./perf/tuning/([\w-]+)\.md\)", part)
        spans = [yaml.safe_load(span) for span in re.findall(r"`([^`]+)`", part)]
        keys = [next(iter(each)) if isinstance(each, dict) else each for each in spans]
        said = [plain(v) for each in spans if isinstance(each, dict) for v in each.values()]
        found.append(Choice(tuple(keys), tuple(names), tuple(said)))
        assert keys, part
        assert names, part
    return found


def by_hand(config, cell):
    """Key -> default, of the keys that no table has; those of a recipe stand once for all."""
    text = cell
    if issubclass(config, Recipe):
        rest = " ".join(SECTION.split()).split("trained by a recipe,")[1]
        text += rest.split("What `locdiffusion`")[0]
    found = {}
    for span in re.findall(r"`(\w+: [^`]+)`", text):
        found |= yaml.safe_load(f"{{{span}}}")
    return found


def plain(value):
    """A value as the same one, whether code or a table writes it: "(1.0, 4.0)" is "[1, 4]"."""
    if isinstance(value, str):
        listed = re.sub(r"^\((.*?),?\)$", r"[\1]", value)
        value = float(value) if re.fullmatch(r"[\d.]+e-?\d+", value) else yaml.safe_load(listed)
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


def rows_of(table):
    with (TUNING / f"{table}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def method_of(table):
    return yaml.safe_load((TUNING / f"{table}.yaml").read_text())["method"]


def check_among_the_values(config, choice):
    """Every key's default is in the column of its key, beside at least one other."""
    for table in choice.tables:
        for key, default in zip(choice.keys, choice.defaults(config), strict=True):
            tried = {plain(row[key]) for row in rows_of(table)}
            assert len(tried) > 1, f"{table} compares nothing: all of {key} are {tried}"
            assert default in tried, f"{key}: {default} is none of {tried} in {table}"


def best_of(choice):
    """The values of the setting with the highest mean GeoScore over all tables, each of which is
    the mean over its parts and trainings; only settings count that all tables have."""
    known = sorted({key for table in choice.tables for key in settings_of(table)})
    means = []
    for table in choice.tables:
        scores = defaultdict(dict)
        for row in rows_of(table):
            setting = tuple((key, plain(row[key])) for key in known)
            # The base may be there once more as one of the settings.
            scores[setting][row["part"], row["train_share"]] = float(row["geoscore"])
        means.append({s: np.mean(list(each.values())) for s, each in scores.items()})
    common = set.intersection(*(set(each) for each in means))
    assert len(common) > 1, f"{choice.tables} have no two settings in common"
    best = dict(max(common, key=lambda setting: np.mean([each[setting] for each in means])))
    return tuple(best[key] for key in choice.keys)


def settings_of(table):
    return yaml.safe_load((TUNING / f"{table}.yaml").read_text())["settings"]


def test_every_method_says_where_its_defaults_were_chosen():
    assert set(CHOSEN) == set(OWN) - NOTHING_TO_CHOOSE
    assert all(f"`{name}`" in SECTION for name in NOTHING_TO_CHOOSE)


@methods
def test_every_key_was_chosen_in_one_way(name):
    config, row = OWN[name].Config, CHOSEN[name]
    said = list(by_hand(config, row[BY_HAND]))
    for kind in (BEST, TRIED, BORROWED):
        said += [key for choice in choices(row[kind]) for key in choice.keys]
    assert sorted(said) == sorted(config.model_fields)


@methods
def test_a_default_that_was_chosen_by_hand_is_the_one_that_the_list_names(name):
    config = OWN[name].Config
    for key, value in by_hand(config, CHOSEN[name][BY_HAND]).items():
        default = config.model_fields[key].default
        # A component or a gallery is said by its name.
        default = getattr(default, "name", getattr(default, "source", default))
        assert plain(default) == plain(value), key


@methods
def test_a_default_with_a_table_is_among_its_values(name):
    for kind in (BEST, TRIED, BORROWED):
        for choice in choices(CHOSEN[name][kind]):
            check_among_the_values(OWN[name].Config, choice)
            assert all((method_of(t) == name) == (kind != BORROWED) for t in choice.tables), choice


@methods
def test_a_default_that_is_called_the_best_is_the_best(name):
    for choice in choices(CHOSEN[name][BEST]):
        assert choice.defaults(OWN[name].Config) == best_of(choice), choice


@methods
def test_a_default_that_is_called_no_best_is_the_one_that_the_list_names(name):
    for kind in (TRIED, BORROWED):
        for choice in choices(CHOSEN[name][kind]):
            assert choice.defaults(OWN[name].Config) == choice.said, choice


def test_a_default_that_is_changed_without_a_table_is_found():
    class Unheard(Config):
        """A rate that no table has, and one that a table does not find best."""

        learning_rate: float = 0.5
        max_photos: int = 6

    rate = Choice(("learning_rate",), ("grid-rate",))
    with pytest.raises(AssertionError, match=r"learning_rate: 0\.5 is none of"):
        check_among_the_values(Unheard, rate)
    cells = Choice(("max_photos",), ("grid-near",))
    check_among_the_values(Unheard, cells)
    assert (cells.defaults(Unheard), best_of(cells)) == ((6,), (4,))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1.0, 4.0, 16.0)", (1, 4, 16)),
        ("[64, 16, 4]", (64, 16, 4)),
        ("(512,)", (512,)),
        ("3e-05", 3e-5),
        ("0.0003", 0.0003),
        ("False", False),
        ("null", None),
        ("s2", "s2"),
    ],
)
def test_a_value_is_read_as_the_table_wrote_it(text, value):
    assert plain(text) == value


def test_a_table_that_has_one_value_chooses_nothing():
    with pytest.raises(AssertionError, match="compares nothing"):
        check_among_the_values(OWN["im2gps"].Config, Choice(("votes",), ("im2gps",)))


def test_the_best_of_two_tables_is_that_of_both():
    keys = ("learning_rate", "scales")
    capsules = (1, 4, 16)
    assert best_of(Choice(keys, ("geoclip-near",))) == (0.0001, capsules)
    assert best_of(Choice(keys, ("geoclip-near", "geoclip-epochs"))) == (0.0003, capsules)
