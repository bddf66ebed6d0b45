"""The split `inside`: on photos that no outer split tests, with the promises of its rule."""

import json
import re
import subprocess
from pathlib import Path
from typing import final

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drawn_places import Places, everything, sizes, towns
from geobench import (
    Assignment,
    Component,
    ConfigError,
    DataError,
    Dataset,
    Part,
    Split,
    config,
    geo,
    records,
)
from geobench.catalogue import installed
from geobench.run import plan
from geobench.testing import kit
from geobench.toy_planet import ToyPlanet
from geobench_basics.splits.by_group import ByGroupSplit
from geobench_basics.splits.inside import InsideConfig, InsideSplit
from geobench_basics.splits.official import OfficialSplit
from geobench_basics.splits.random import RandomConfig, RandomSplit
from geobench_basics.splits.transfer import TransferConfig, TransferSplit
from geobench_basics.splits.unseen_cells import UnseenCellsConfig, UnseenCellsSplit

ROOT = Path(__file__).parents[4]
TUNING = ROOT / "benchmarks/blue-marble-tuning.yaml"


def inside(*outer, split, **settings):
    named = [Component[Split].of(each) for each in outer]
    return InsideSplit(InsideConfig(outer=named, split=Component[Split].of(split), **settings))


def learnt(drawn):
    """The rows of train and val."""
    return {*drawn.train.rows.tolist(), *drawn.val.rows.tolist()}


@settings(max_examples=25)
@given(
    count=st.integers(60, 1500),
    seed=st.integers(0, 5),
    share=st.sampled_from([1.0, 0.5]),
    rule=st.sampled_from([RandomSplit(), UnseenCellsSplit(), ByGroupSplit()]),
)
def test_only_photos_that_every_outer_split_learns_from_are_used(count, seed, share, rule):
    dataset = Places(towns(count, seed=seed, spread_km=1500), groups=np.arange(count) // 3)
    outer = [UnseenCellsSplit(), RandomSplit(RandomConfig(seed=seed, train_share=share))]
    try:
        allowed = set.intersection(*(learnt(each.assign(dataset)) for each in outer))
    except DataError:
        reject()  # an outer split cannot split so few
    problem, drawn = "", None
    try:
        drawn = inside(*outer, split=rule).assign(dataset)
    except DataError as error:
        problem = str(error)
    if drawn is None:
        assert re.search("no photo is in|among .* photos that every outer split learns", problem)
        return
    assert all(each.dataset is dataset for each in drawn.all_parts)
    assert {row for each in drawn.all_parts for row in each.rows.tolist()} <= allowed
    assert set(drawn.left_out["outer"]) == set(range(count)) - allowed
    assert everything(drawn) == list(range(count))
    assert drawn.facts["photos in train or val of every outer split"].value == len(allowed)


def test_the_rule_draws_what_it_would_of_a_dataset_with_no_other_photos():
    points, groups = towns(900, spread_km=1500), np.arange(900) // 4
    dataset = Places(points, groups=groups, reach_km=60.0)
    outer = RandomSplit()
    kept = np.sort([*learnt(outer.assign(dataset))])
    for rule in (UnseenCellsSplit, RandomSplit, ByGroupSplit):
        alone = rule(rule.Config(seed=3)).assign(
            Places(points[kept], groups=groups[kept], reach_km=60.0)
        )
        drawn = inside(outer, split=rule(), seed=3).assign(dataset)
        assert drawn.apart_km == alone.apart_km
        for mine, its in zip(drawn.all_parts, alone.all_parts, strict=True):
            assert (mine.name, mine.units.tolist()) == (its.name, its.units.tolist())
            np.testing.assert_array_equal(mine.points, its.points)
            np.testing.assert_array_equal(mine.rows, kept[its.rows])


def test_the_distance_that_the_rule_promises_is_kept():
    dataset = Places(towns(3000, spread_km=1500), reach_km=70.0)
    drawn = inside(RandomSplit(), split=UnseenCellsSplit()).assign(dataset)
    assert drawn.apart_km == {"unseen": 70.0}
    known = geo.Places(np.concatenate([drawn.train.points, drawn.val.points]))
    assert known.nearest(drawn.parts[1].points).distance_km.min() >= 70


def test_it_separates_groups_where_its_rule_does_and_the_kit_checks_that(tmp_path):
    assert inside(RandomSplit(), split=ByGroupSplit()).separates_groups
    assert not inside(ByGroupSplit(), split=RandomSplit()).separates_groups
    name = "promised-groups-are-kept-apart"
    for rule, status in ((ByGroupSplit(), "passed"), (RandomSplit(), "skipped")):

        class Tiny(InsideSplit):  # final for users, not for its test
            """With another rule."""

            @classmethod
            def tiny(cls, folder, rule=rule):
                return inside(UnseenCellsSplit(), split=rule).config

        (found,) = (each for each in kit.examine(Tiny).outcomes if each.check == name)
        assert found.status == status, found


@final
class BreaksGroups(Split):
    """Promises to separate groups, and does not."""

    name = "breaks-groups"
    separates_groups = True

    def draw(self, dataset):
        return RandomSplit(RandomConfig(groups="shared")).draw(dataset)


def test_a_promise_that_the_rule_breaks_is_found():
    dataset = Places(towns(600), groups=np.arange(600) % 300)
    with pytest.raises(DataError, match=r"split inside: .* share a group with train or val"):
        inside(RandomSplit(), split=BreaksGroups()).assign(dataset)


def test_seed_and_train_share_are_its_own():
    dataset = Places(towns(800))
    one, two = (
        inside(RandomSplit(), split=RandomSplit(), seed=seed).assign(dataset) for seed in (0, 1)
    )
    assert one.parts[0].digest != two.parts[0].digest
    assert one.left_out["outer"].tolist() == two.left_out["outer"].tolist()
    half = inside(RandomSplit(), split=RandomSplit(), train_share=0.5).assign(dataset)
    assert half.parts[0].digest == one.parts[0].digest
    assert len(half.train) == round(len(one.train) / 2)
    assert set(half.train.rows) | set(half.left_out["train-share"]) == set(one.train.rows)


@pytest.mark.parametrize(
    "setting", [{"seed": 1}, {"train_share": 0.5}, {"val_ratio": 0.1}, {"groups": "shared"}]
)
def test_a_seed_or_share_of_the_rule_is_refused_with_where_to_write_it(setting):
    (name,) = setting
    with pytest.raises(ValidationError, match=f"{name} is set of random.*Write `{name}:` beside"):
        inside(RandomSplit(), split=RandomSplit(RandomConfig(**setting)))


def test_inside_works_in_inside_and_loses_no_photo():
    dataset = Places(towns(1200))
    inner = inside(RandomSplit(RandomConfig(seed=1)), split=RandomSplit())
    drawn = inside(RandomSplit(RandomConfig(seed=2)), split=inner, seed=5).assign(dataset)
    assert everything(drawn) == list(range(1200))
    allowed = learnt(RandomSplit(RandomConfig(seed=2)).assign(dataset))
    assert {row for each in drawn.all_parts for row in each.rows.tolist()} < allowed
    assert set(drawn.left_out) == {"outer"}
    again = inside(RandomSplit(RandomConfig(seed=2)), split=inner, seed=6).assign(dataset)
    assert sizes(again) == sizes(drawn)
    assert again.train.digest != drawn.train.digest
    # As an outer split it leaves what it learns from.
    over = inside(drawn_by := inside(RandomSplit(), split=RandomSplit()), split=RandomSplit())
    used = {r for each in over.assign(dataset).all_parts for r in each.rows.tolist()}
    assert used == learnt(drawn_by.assign(dataset))


def test_the_twin_of_the_rule_is_its_twin():
    dataset = Places(towns(3000, spread_km=2500))
    plain = inside(RandomSplit(), split=UnseenCellsSplit(), seed=2)
    around = UnseenCellsSplit(UnseenCellsConfig(surroundings="train"))
    twin = inside(RandomSplit(), split=around, seed=2)
    assert plain.twin_of is None
    assert twin.twin_of == plain.identity()
    assert twin.assign(dataset).parts[0].digest == plain.assign(dataset).parts[1].digest


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path):
    dataset = Places(towns(300))
    with pytest.raises(DataError, match=r"outer split official has neither training nor"):
        inside(RandomSplit(), OfficialSplit(), split=RandomSplit()).assign(dataset)
    halves = [np.where((np.arange(300) < 150) == first, "train", "test") for first in (0, 1)]

    @final
    class Half(Split):
        """Trains on one half."""

        name = "half"

        def draw(self, dataset):
            train = halves[self.config.seed] == "train"
            rows = np.flatnonzero(train)
            nothing = Part.of("val", dataset, rows[:0])
            test = Part.of("test", dataset, np.flatnonzero(~train))
            return Assignment(Part.of("train", dataset, rows), nothing, (test,))

    both = [Half(Half.Config(seed=seed)) for seed in (0, 1)]
    with pytest.raises(DataError, match=r"no photo is in train or val of every outer split \(half"):
        inside(*both, split=RandomSplit()).assign(dataset)
    lonely = Places(np.stack([np.linspace(-80, 80, 30), np.linspace(-170, 170, 30)], axis=-1))
    with pytest.raises(DataError, match=r"split inside of places, among \d+ photos .* two photos"):
        inside(RandomSplit(), split=UnseenCellsSplit()).assign(lonely)


def test_what_is_tested_elsewhere_by_an_outer_split_is_not_tuned_on():
    home, away = Places(towns(300)), Places(towns(80, seed=1))

    def to(other):
        return TransferSplit(TransferConfig(test=[Component[Dataset].of(other)]))

    drawn = inside(RandomSplit(), split=to(away)).assign(home)
    assert sizes(drawn)["places"] == 80
    assert everything(drawn) == list(range(300))
    with pytest.raises(DataError, match=r"part places is of places, which an outer split tests"):
        inside(to(away), split=to(away)).assign(home)
    with pytest.raises(DataError, match=r"part places is of places, which is split here"):
        inside(RandomSplit(), split=to(Places(towns(300)))).assign(home)


def test_the_rule_sees_a_dataset_like_the_whole_one_with_these_photos_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(ToyPlanet, "view_km", 70.0)

    @final
    class Watching(Split):
        """Remembers what it is given."""

        name = "watching"

        def draw(self, dataset):
            seen.append(dataset)
            return RandomSplit(RandomConfig(groups="shared")).draw(dataset)

    planet = ToyPlanet()
    inside(RandomSplit(), split=Watching()).assign(planet)
    (view,) = seen
    rows = np.sort([*learnt(RandomSplit().assign(planet))])
    assert view.table.ids.tolist() == planet.table.ids[rows].tolist()
    assert view.table.part is not None
    assert len(view.table) == len(view.table.part) == view.table.promised
    same = ("name", "reach_km", "view_km", "on_earth", "publishes", "provides")
    assert [getattr(view, name) for name in same] == [getattr(planet, name) for name in same]
    assert view.digest != planet.digest
    for mine, its in zip(view.images(np.array([0, 3])), planet.images(rows[[0, 3]]), strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_array_equal(
        view.features(np.array([2])).pooled, planet.features(rows[[2]]).pooled
    )


YAML = """\
benchmarks:
  - name: tuning
    dataset: toy-planet
    splits:
      - name: inside
        outer: [random, {name: random, seed: 1}]
        split: SPLIT
    methods: [prior]
    metrics: [geoscore]
"""


def test_its_keys_hold_the_digest_of_the_whole_dataset(tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(YAML.replace("SPLIT", "unseen-cells"))
    (benchmark,) = config.read(path, installed())
    planned = plan.make(benchmark, records.Workspace(tmp_path))
    (training,) = planned.trainings()
    assert training.fit["dataset"]["digest"] == ToyPlanet().digest
    datasets = {each.task.dataset for each in planned.evaluations(training)}
    assert datasets == {ToyPlanet().digest}
    outer = benchmark.resolved["splits"][0]["config"]["outer"]
    assert [each["config"]["seed"] for each in outer] == [0, 1]


def test_a_fault_in_its_configuration_names_the_line(tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(YAML.replace("SPLIT", "{name: random, seed: 3}"))
    with pytest.raises(ConfigError, match=r"b.yaml:7: .*seed is set of random.*beside `outer:`"):
        config.read(path, installed())


def committed_boards():
    """benchmark.json of every leaderboard that git tracks."""
    words = ["git", "ls-files", "leaderboards/*/benchmark.json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:  # a source archive, or no git
        pytest.skip("this is no clone")
    return [json.loads((ROOT / line).read_text()) for line in done.stdout.splitlines()]


def test_settings_are_chosen_on_photos_that_no_committed_board_tests():
    (benchmark,) = config.read(TUNING, installed())
    (split,) = benchmark.splits
    dataset = benchmark.dataset.plugin
    boards = [b for b in committed_boards() if b["dataset"]["digest"] == dataset.digest]
    assert len(boards) >= 3
    used = [each for b in boards for each in b["benchmark"]["splits"]]
    outer = json.loads(json.dumps(split.plugin.identity()["config"]["outer"]))

    def as_text(found):
        """Without what changes no photo that is tested."""
        no_matter = {"train_share", "val_ratio", "val_unseen", "val_control", "groups"}
        kept = [
            {k: v for k, v in each.items() if k not in {"label", "config"}}
            | {"config": {k: v for k, v in each["config"].items() if k not in no_matter}}
            for each in found
        ]
        return {json.dumps(each, sort_keys=True) for each in kept}

    assert as_text(outer) == as_text(used), "list the splits of every board under `outer`"
    drawn = split.plugin.assign(dataset)
    assert drawn.facts["photos in train or val of every outer split"].value == 3263
    tested = np.concatenate(
        [p.rows for each in split.plugin.config.outer for p in each.plugin.assign(dataset).parts]
    )
    for each in drawn.all_parts:
        assert not np.isin(each.rows, tested).any()


def test_the_board_of_towns_apart_has_no_photo_on_which_settings_were_chosen():
    (tuning,) = config.read(TUNING, installed())
    drawn = tuning.splits[0].plugin.assign(tuning.dataset.plugin)
    chosen_on = np.concatenate([part.ids for part in drawn.all_parts])
    boards = config.read(ROOT / "benchmarks/blue-marble-variants.yaml", installed())
    (apart,) = (each for each in boards if each.name == "blue-marble-apart")
    assert apart.dataset.plugin.config.leave_out.read_text().split() == sorted(chosen_on)
    assert not np.isin(apart.dataset.plugin.table.ids, chosen_on).any()
