"""Fields that keys leave out: those added later, at what was done before, and those unkeyed."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

from complaints import complaints
from geobench import Component, Config, Dataset, Gallery, Method, SplitConfig
from geobench.components import added_fields, canonical, left_out, unkeyed_fields, without
from geobench.config.benchmark import Benchmark
from geobench.digests import digest
from geobench.testing.check import Failure
from geobench.testing.kit import checks_of, subject_of
from geobench.toy_planet import ToyPlanet, ToyPlanetConfig
from sound_dataset import Harbours
from sound_encoder import Colours
from sound_method import Sound, SoundConfig
from sound_metrics import Country
from sound_split import FarGroups


class WasInner(Config):
    width: float = 1.0


class Inner(WasInner):
    """A field was added, and its default was chosen anew since."""

    added = {"power": 2}

    power: int = 3


class Was(Config):
    steps: int = 10
    inner: WasInner = WasInner()
    several: list[WasInner] = [WasInner()]


class Now(Config):
    added = {"scale": 1.0}
    unkeyed = frozenset({"report_every"})

    steps: int = 10
    inner: Inner = Inner()
    several: list[Inner] = [Inner()]
    scale: float = 1.0
    report_every: int = 100


class Later(Now):
    """Its class adds more; what its base adds holds on."""

    added = {"places": None}
    unkeyed = frozenset({"threads"})

    places: list[float] | None = None
    threads: int = 1


BEFORE = {"inner": Inner(power=2), "several": [Inner(power=2)]}
"""What the fields of the nested configurations were before they were added."""


def test_a_field_at_what_was_done_before_is_in_no_key_also_nested_and_through_bases():
    was = canonical(Was())
    assert canonical(Now(**BEFORE)) == was
    assert canonical(Later(**BEFORE)) == was
    assert canonical(Later(scale=1, **BEFORE)) == was  # 1 and 1.0 are one number
    assert added_fields(Later) == {"scale": 1.0, "places": None}


@pytest.mark.parametrize(
    "further",
    [{"scale": 2.0}, {"places": []}, {"inner": Inner(power=4)}, {"several": [Inner(power=1)]}],
    ids=str,
)
def test_a_field_at_anything_else_is_in_the_key(further):
    assert canonical(Later(**BEFORE | further)) != canonical(Was())


def test_a_default_that_was_chosen_anew_is_in_the_key():
    assert canonical(Inner()) == {"width": 1.0, "power": 3}
    assert canonical(Inner(power=2)) == canonical(WasInner())
    assert canonical(Later()) != canonical(Was())


def test_what_changes_no_number_is_never_in_a_key():
    assert unkeyed_fields(Later) == {"report_every", "threads"}
    keys = [canonical(Later(threads=n, report_every=n, **BEFORE)) for n in (1, 7)]
    assert keys == [canonical(Was())] * 2


def test_every_field_is_shown_and_the_difference_can_be_named_and_taken_away():
    config = Later(threads=7, **BEFORE)
    shown, keyed = canonical(config, keyed=False), canonical(config)
    assert shown["threads"] == 7
    assert shown["inner"] == {"width": 1.0, "power": 2}
    ways = left_out(shown, keyed)
    assert sorted(ways, key=str) == [
        ["inner", "power"],
        ["places"],
        ["report_every"],
        ["scale"],
        ["several", 0, "power"],
        ["threads"],
    ]
    assert without(shown, ways) == keyed == canonical(Was())
    assert shown["inner"]["power"] == 2  # taken away from a copy


def test_what_was_stored_before_a_field_was_added_means_what_was_done_then():
    found = Later.from_stored(canonical(Was(), keyed=False))
    assert found == Later(**BEFORE)
    assert found.inner.power == found.several[0].power == 2
    assert canonical(found) == canonical(Was())
    # A new configuration has the default of today.
    assert Later.model_validate({"steps": 10}).inner.power == 3
    assert Later.from_stored({"inner": {"width": 1.0, "power": 5}}).inner.power == 5


def test_a_gallery_of_an_earlier_board_has_the_key_that_it_had():
    assert canonical(Gallery()) == {"source": "training", "rows": 200}
    assert canonical(Gallery(), keyed=False) == {"source": "training", "rows": 200, "file": None}


def version(kind, config):
    """A plugin as it is with this configuration."""
    return type(kind.__name__, (kind,), {"Config": config})(config())


@pytest.mark.parametrize(
    "base", [SoundConfig, SplitConfig, Config], ids=["a method", "a split", "a metric"]
)
def test_a_plugin_keeps_its_identity_and_the_names_of_its_files(base):
    class Grown(base):
        added = {"extra": 0}
        extra: int = 0

    plugin = {SoundConfig: Sound, SplitConfig: FarGroups, Config: Country}[base]
    was, now = version(plugin, base), version(plugin, Grown)
    assert now.identity() == was.identity()
    assert now.identity(keyed=False)["config"]["extra"] == 0
    changed = type(now)(Grown(extra=1))
    assert changed.identity() != was.identity()
    if plugin is Country:
        assert now.file_stem == was.file_stem
        assert changed.file_stem != was.file_stem


def test_an_encoder_keeps_its_features():
    class Grown(Config):
        added = {"sharpness": 0.0}
        sharpness: float = 0.0

    was, now = version(Colours, Config), version(Colours, Grown)
    assert now.digest("pooled") == was.digest("pooled")
    assert type(now)(Grown(sharpness=1)).digest("pooled") != was.digest("pooled")


def test_a_dataset_keeps_its_digest():
    class Grown(ToyPlanetConfig):
        added = {"moons": 0}
        moons: int = 0

    class Planet(Dataset):
        name, version, Config = ToyPlanet.name, ToyPlanet.version, Grown

        def load(self):
            return ToyPlanet(ToyPlanetConfig(photos=50)).table

    class Before(Planet):
        Config = ToyPlanetConfig

    was = Before(ToyPlanetConfig(photos=50)).digest
    assert Planet(Grown(photos=50)).digest == was
    assert Planet(Grown(photos=50, moons=2)).digest != was


def benchmark(method, **further):
    return Benchmark(
        name="b",
        dataset=Component[Dataset].of(ToyPlanet()),
        splits=[FarGroups()],
        methods=[method],
        metrics=[Country()],
        **further,
    )


def test_a_benchmark_keeps_its_digest_and_shows_every_field():
    class Grown(SoundConfig):
        added = {"extra": 0}
        extra: int = 0

    was, now = benchmark(Sound()), benchmark(version(Sound, Grown))
    assert now.digest == was.digest
    assert now.resolved["methods"][0]["config"]["extra"] == 0
    ways = left_out(now.resolved, now.keyed)
    assert ["methods", 0, "config", "extra"] in ways
    assert digest(without(now.resolved, ways)) == was.digest
    assert benchmark(Sound(), deadline=9.0).digest == was.digest
    assert benchmark(Sound(), deadline=9.0).resolved["deadline"] == 9.0
    assert benchmark(version(Sound, type("C", (Grown,), {"added": {"extra": 1}}))).digest != (
        was.digest
    )


def test_a_field_of_a_component_is_left_out_of_the_keys_of_what_names_it():
    class Grown(SoundConfig):
        added = {"extra": 0}
        extra: int = 0

    class Outer(Config):
        inner: Component[Method]

    was = canonical(Outer(inner={"plugin": Sound()}))
    assert canonical(Outer(inner={"plugin": version(Sound, Grown)})) == was


class Misspelt(Config):
    added = {"exrta": 0}
    extra: int = 0


class Misnamed(Config):
    unkeyed = frozenset({"every"})
    report_every: int = 0


with pytest.warns(UserWarning, match="shadows an attribute"):

    class Typed(Config):
        added: dict[str, int | str | None] = {"extra": 0}
        extra: int = 0


class Nested(Config):
    inner: Misspelt = Misspelt()
    more: dict[str, Misspelt] = Field(default_factory=dict)


KINDS = {
    "dataset": (Harbours, Harbours.Config, "loads-a-table"),
    "split": (FarGroups, FarGroups.Config, "assigns-the-toy-planet"),
    "encoder": (Colours, Config, "declared-types"),
    "method": (Sound, SoundConfig, "declared-types"),
    "metric": (Country, Config, "declared-types"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Misspelt, "added names exrta, and there is no such field"),
        (Misnamed, "unkeyed names every, and there is no such field"),
        (Typed, "added is a field, and leaves nothing out"),
        (Nested, "Misspelt.added names exrta"),
    ],
    ids=["added", "unkeyed", "typed", "nested"],
)
def test_the_kit_refuses_to_leave_out_a_field_that_there_is_not(kind, wrong, said):
    plugin, own, check = KINDS[kind]

    class Both(wrong, own):
        pass

    class Mutant(plugin):
        Config = Both

        @classmethod
        def tiny(cls, folder):
            return Both(**dict(plugin.tiny(folder)))

    (found,) = [each for each in checks_of(kind) if each.name == check]
    with pytest.raises(Failure, match=said):
        found(subject_of(Mutant))


def test_the_kit_takes_a_metric_whose_field_was_added():
    class Grown(Config):
        added = {"power": 1}
        power: int = 2

    class Powered(Country):
        Config = Grown

        @classmethod
        def tiny(cls, folder):
            return Grown(power=1)

    assert complaints(Powered) == {}


def test_paths_and_arrays_of_an_added_field_are_compared_by_content(tmp_path):
    class Filed(Config):
        added = {"file": None}
        file: Path | None = None

    np.save(tmp_path / "a.npy", np.zeros(2))
    assert canonical(Filed()) == {}
    assert set(canonical(Filed(file=tmp_path / "a.npy"))["file"]) == {"sha256"}
