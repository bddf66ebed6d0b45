"""The kit bites: a sound method passes, and broken in named ways it fails the check for that."""

import pytest

from answering_mutants import ANSWERING
from density_mutants import DENSITIES
from drawing_mutants import DRAWING, Lazy
from geobench import PredictionError
from geobench.testing import Failure, checks_of, examine, subject_of
from keeping_mutants import KEEPING
from repeating_mutants import REPEATING
from retrieving_mutants import RETRIEVING, SoundRetriever
from sound_method import Sound

MUTANTS = [*ANSWERING, *REPEATING, *DRAWING, *DENSITIES, *RETRIEVING]


@pytest.mark.parametrize("method", [Sound, Lazy, SoundRetriever])
def test_the_sound_method_passes_everything(method):
    verdict = examine(method)
    failed = {o.check: o.reason for o in verdict.outcomes if o.status == "failed"}
    assert failed == {}
    skipped = {o.check for o in verdict.outcomes if o.status == "skipped"}
    retrieving = {"gallery-is-the-one-it-names", "similarity-knows-photos-and-places"}
    keeping = {"cache-belongs-to-its-training", "weights-are-in-the-key"}  # see test_kit_on_keeping
    assert skipped == keeping | (set() if method is SoundRetriever else retrieving)


@pytest.mark.parametrize(
    ("mutant", "name"), MUTANTS, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_mutant_is_caught_by_the_check_named_for_it(mutant, name):
    (check,) = [check for check in checks_of("method") if check.name == name]
    with pytest.raises((Failure, PredictionError, ZeroDivisionError)):
        check(subject_of(mutant))


def test_every_check_of_methods_has_a_mutant_that_it_catches():
    # Those of first layers lie in test_kit_on_first_layers: this module must be light itself.
    caught = {name for _, name in [*MUTANTS, *KEEPING]} | {"first-layer-is-light"}
    assert caught == {check.name for check in checks_of("method")}
