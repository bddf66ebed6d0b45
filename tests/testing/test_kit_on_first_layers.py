"""The kit on first layers: plugins of every kind are told what their modules import."""

import pytest

from geobench.testing import Failure, Skip, checks_of, layer_checks, other_process, subject_of
from heavy_layer import HeavyDataset, HeavyMethod, HeavyMetric, RequiresWhatItImports
from slow_layer import SlowMethod
from sound_dataset import Harbours
from sound_method import Sound
from sound_metrics import Country


def look(plugin):
    (check,) = [c for c in checks_of(plugin.kind) if c.name == "first-layer-is-light"]
    check(subject_of(plugin))


@pytest.mark.parametrize("plugin", [HeavyMethod, HeavyDataset, HeavyMetric])
def test_a_module_that_imports_a_heavy_package_is_named_with_it(plugin):
    with pytest.raises(Failure, match=r"importing heavy_layer imports scipy\."):
        look(plugin)


def test_what_a_plugin_requires_counts_as_heavy():
    with pytest.raises(Failure, match=r"imports scipy, sqlite3\."):
        look(RequiresWhatItImports)


def test_a_module_that_computes_while_it_is_imported_is_told_for_how_long(monkeypatch):
    monkeypatch.setattr(layer_checks, "_SECONDS", 0.2)
    with pytest.raises(Failure, match=r"importing slow_layer takes 0\.[4-9] s of the CPU"):
        look(SlowMethod)


@pytest.mark.parametrize("plugin", [Sound, Harbours, Country])
def test_a_light_module_passes(plugin):
    look(plugin)


def test_the_process_that_answers_another_check_has_imported_the_module_already(monkeypatch):
    checks = {check.name: check for check in checks_of("metric")}
    subject = subject_of(Country)
    checks["same-in-another-process"](subject)
    monkeypatch.setattr(other_process.subprocess, "run", None)
    checks["first-layer-is-light"](subject)


def test_a_class_that_no_other_process_can_import_is_skipped():
    class Hidden(Sound):
        pass

    with pytest.raises(Skip, match="no other process"):
        look(Hidden)


@pytest.mark.parametrize("kind", ["dataset", "split", "encoder", "method", "metric"])
def test_plugins_of_every_kind_are_looked_at(kind):
    assert "first-layer-is-light" in {check.name for check in checks_of(kind)}
