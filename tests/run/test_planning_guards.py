"""What planning asks of plugins: whatever they raise is a sentence, and no key is a wrong one."""

from pathlib import Path

import numpy as np
import pytest

from geobench import (
    Component,
    Config,
    Encoder,
    Features,
    GeobenchError,
    InputPath,
    Method,
    Metric,
    PluginError,
)
from geobench.catalogue import installed
from geobench.components import canonical
from geobench.config.benchmark import Benchmark
from geobench.records.workspace import Workspace
from geobench.run import plan
from geobench.run.named_methods import references
from geobench.toy_planet import ToyPlanet
from keeping_mutants import Hybrid
from sound_method import Sound
from sound_metrics import Coverage, Sure


class Lost(Sound):
    """Its weights are nowhere, and it says so in Python's words."""

    name = "lost"

    def content(self):
        return Path("no-such-weights").read_text()


class Unsure(Sound):
    """Cannot say where its weights are from."""

    name = "unsure"

    @property
    def origin(self):
        raise KeyError("weights")


class LostEncoder(Encoder):
    """Its weights come with the first picture."""

    name = "lost-encoder"

    def content(self):
        return Path("no-such-weights").read_text()

    def prepare(self, image):
        return image

    def encode(self, batch, *, tokens):
        return Features(batch.reshape(len(batch), -1).astype(np.float32))


def benchmark(method, encoder=None):
    find = installed().find
    given = find("encoder", "given")() if encoder is None else encoder
    return Benchmark(
        name="small",
        dataset={"plugin": ToyPlanet()},
        encoder={"plugin": given},
        splits=[{"plugin": find("split", "official")()}],
        methods=[{"plugin": method}],
        metrics=[{"plugin": find("metric", "distance")()}],
    )


@pytest.mark.parametrize(
    ("kind", "reads", "said"),
    [
        (Coverage, frozenset({"confidence"}), "it reads confidence and needs Prediction"),
        (Sure, frozenset({"explanation"}), "some is said nowhere, or no number"),
        (Sure, ["confidence"], "reads is ['confidence']"),
    ],
)
def test_a_metric_that_reads_what_it_is_never_given_stops_the_plan(tmp_path, kind, reads, said):
    metric = type("Misread", (kind,), {"reads": reads})()
    asked = benchmark(Sound())
    asked = asked.model_copy(update={"metrics": [Component[Metric].of(metric)]})
    with pytest.raises(PluginError) as caught:
        plan.make(asked, Workspace(tmp_path))
    assert said in str(caught.value)
    assert f"metric {metric.name}" in str(caught.value)
    assert "frozenset of confidence, seconds, cost" in caught.value.remedy
    # Followed to the letter, it leads to a plan.
    mended = type("Mended", (Sure,), {"reads": frozenset({"confidence"})})()
    plan.make(
        asked.model_copy(update={"metrics": [Component[Metric].of(mended)]}), Workspace(tmp_path)
    )


def test_weights_that_cannot_be_read_are_absent_whatever_is_raised(tmp_path):
    (reason,) = plan.make(benchmark(Lost()), Workspace(tmp_path)).absent.values()
    assert "method lost cannot say which weights it has (FileNotFoundError" in str(reason)


def test_an_encoder_whose_weights_are_absent_stops_the_plan(tmp_path):
    with pytest.raises(GeobenchError, match="encoder lost-encoder cannot say which weights"):
        plan.make(benchmark(Sound(), LostEncoder()), Workspace(tmp_path))
    with pytest.raises(FileNotFoundError):  # never a key that other weights could have, too
        LostEncoder().digest("pooled")


def test_what_a_method_says_of_itself_may_not_raise(tmp_path):
    with pytest.raises(GeobenchError, match="cannot say what it is, wants or predicts"):
        plan.make(benchmark(Unsure()), Workspace(tmp_path))


class Several(Config):
    judges: dict[str, Component[Method]]
    folder: InputPath | None = None

    added = {"folder": None, "judges": {}}


class Jury(Hybrid):
    """Names its components by roles."""

    Config = Several


def test_components_in_a_mapping_are_planned():
    one, two = Sound(), Sound(Sound.Config(steps=5))
    jury = Jury(Several(judges={"first": {"plugin": one}, "second": {"plugin": two}}))
    assert [each.plugin for each in references(jury)] == [one, two]


def test_what_a_key_does_not_read_is_not_read_to_leave_a_field_out(tmp_path, monkeypatch):
    (tmp_path / "photo").write_bytes(b"much")
    config = Several(judges={}, folder=tmp_path)

    def read(*_):
        raise AssertionError("five million files are read")

    monkeypatch.setattr("geobench.components._folder_digest", read)
    assert canonical(config, folders=False) == {"folder": None}
    assert canonical(config, paths=False) == {}
    with pytest.raises(AssertionError):
        canonical(config)


class Leaning(Config):
    judge: Component[Method] = Component[Method].named("toy-nearest", k=3)

    added = {"judge": Component[Method].named("toy-nearest")}


def test_a_component_by_name_may_be_what_was_done_before():
    assert canonical(Leaning())["judge"]["config"] == {"k": 3}
    assert canonical(Leaning(judge=Component[Method].named("toy-nearest"))) == {}
