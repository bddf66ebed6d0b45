"""What a method keeps, honestly kept: caches, weights and components pass the kit."""

import numpy as np
import pytest

from geobench import Context, GeobenchError, NotFittedError, PluginError
from geobench.methods import fitted_attributes
from geobench.run.named_methods import deterministic, with_components
from geobench.testing import checks_of, examine, subject_of
from geobench.testing.method_subject import MethodSubject
from keeping_mutants import KEEPING, Hybrid, Indexed, IndexedSlowly, StillFromState, Weighted
from sound_method import Sound


@pytest.mark.parametrize("method", [Indexed, Weighted, Hybrid])
def test_what_is_kept_as_it_should_be_passes(method):
    verdict = examine(method)
    assert {o.check: o.reason for o in verdict.outcomes if o.status == "failed"} == {}
    skipped = {o.check for o in verdict.outcomes if o.status == "skipped"}
    assert ("cache-belongs-to-its-training" in skipped) == (method is not Indexed)
    assert ("weights-are-in-the-key" in skipped) == (method is not Weighted)


@pytest.mark.parametrize(("mutant", "name"), KEEPING, ids=lambda v: getattr(v, "__name__", v))
def test_a_mutant_of_keeping_is_caught_by_the_check_named_for_it(mutant, name):
    (check,) = [check for check in checks_of("method") if check.name == name]
    with pytest.raises(GeobenchError):
        check(subject_of(mutant))


def test_a_file_of_weights_is_as_it_was_after_the_check():
    subject = subject_of(Weighted)
    (check,) = [c for c in checks_of("method") if c.name == "weights-are-in-the-key"]
    check(subject)
    assert np.load(subject.config.weights).tolist() == np.linspace(0.2, 1, 17).tolist()


def test_a_deadline_is_looked_at_where_all_of_the_work_lies_in_the_cache():
    (check,) = [c for c in checks_of("method") if c.name == "deadline-obeyed"]
    assert check(subject_of(IndexedSlowly)) == "4 look(s) in one fit"


def test_a_method_of_the_earlier_contract_is_told_of_restore():
    with pytest.raises(PluginError, match="restore"):
        subject_of(StillFromState)


def test_the_kit_tells_components_apart_by_what_they_are_not_by_their_labels():
    class Two(Hybrid):
        def fit(self, train, val, context):
            super().fit(train, val, context)
            self.seen = [context.component(self.config.retriever) for _ in range(2)]

    subject = MethodSubject(Two)
    three = subject.context().component(subject.config.retriever)
    config = type(subject.config)(retriever={"plugin": type(three)(type(three.config)(k=1))})
    one = subject.context(method=Two(config)).component(config.retriever)
    assert (three.config.k, one.config.k) == (3, 1)


def test_a_training_is_deterministic_only_if_its_components_are():
    class Steady(Hybrid):
        deterministic = True

    method = Steady(Steady.tiny(None))
    assert [each.name for each in with_components(method)] == ["sound", "toy-nearest", "toy-oracle"]
    assert deterministic(method)
    stochastic = Steady(Steady.Config(other={"plugin": Sound()}))
    assert stochastic.deterministic
    assert not deterministic(stochastic)


def test_what_is_read_before_fitting_is_an_attribute_error_and_a_plugin_error():
    method = Sound()
    assert fitted_attributes(Sound) == {"learnt"}
    assert not hasattr(method, "learnt")
    with pytest.raises(NotFittedError, match=r"method sound has no learnt.*Call fit, or restore"):
        method.state()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = method.nothing


def test_an_error_inside_a_property_is_not_hidden():
    class Asking(Sound):
        @property
        def width(self):
            return len(self.learnt.centre)

    with pytest.raises(NotFittedError, match="no learnt"):
        _ = Asking().width


def test_a_component_asked_for_while_answering_is_a_sentence():
    method = Hybrid(Hybrid.tiny(None))
    with pytest.raises(GeobenchError, match="`fit` or in `restore`"):
        Context(seed=0).component(method.config.retriever)


def test_a_cache_is_made_once_and_whole(tmp_path):
    context = Context(seed=0, cache_root=tmp_path, method="m", fit_key="0" * 64)
    made = []

    def make(folder):
        made.append(folder)
        (folder / "index").write_text("whole")

    def fail(folder):
        (folder / "index").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        context.cache("index", fail)
    first = context.cache("index", make)
    assert context.cache("index", make) == first
    assert (first / "index").read_text() == "whole"
    assert len(made) == 1
    other = Context(seed=0, cache_root=tmp_path, method="m", fit_key="1" * 64)
    assert other.cache("index", make) != first
    with pytest.raises(GeobenchError, match="is no digest"):
        context.cache("index", make, shared=True)
    with pytest.raises(GeobenchError, match="no key of a cache"):
        context.cache("../index", make)
    shared = [each.cache("a" * 64, make, shared=True) for each in (context, other)]
    assert shared[0] == shared[1]
    with pytest.raises(GeobenchError, match="no cache"):
        Context(seed=0).cache("index", make)
