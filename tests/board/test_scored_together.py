"""Labels whose numbers are made at once: which they are, and that none depends on another."""

import numpy as np
import pytest

from geobench.board import scored as module
from geobench.board.scored import Scored, ScoredTogether, together
from geobench.data import Truth
from geobench.metrics import NOT_APPLICABLE, NOT_SAMPLED, SCORED
from geobench.scoring.macro_means import macro_mean, macro_means
from geobench.scoring.slices import View
from geobench.scoring.summaries import summarise, summarise_all
from geobench.statistics.units import Units
from geobench.summaries import Mean, Quantile, Share

MASK = np.array([SCORED, NOT_APPLICABLE, SCORED, SCORED, NOT_SAMPLED, SCORED], np.uint8)
OTHER = np.where(np.arange(6) == 1, np.uint8(SCORED), MASK)
MEAN = Mean(name="away", unit="km", better="lower", column="away")


def columns(seeds, mask=MASK, *, start=0.0):
    photos = int((mask == SCORED).sum())
    values = start + np.arange(float(seeds * photos)).reshape(seeds, photos)
    return Scored({"away": values, "hit": (values > 2).astype(float)}, mask, tuple(range(seeds)))


def test_labels_of_equal_photos_go_together_whatever_their_seeds():
    found = together({"a": columns(3), "b": columns(2, OTHER), "c": columns(1, start=90)})
    assert [each.labels for each in found] == [("a", "c"), ("b",)]
    assert found[0].counts == [3, 1]
    assert found[0].columns["away"].tolist()[-1] == [90, 91, 92, 93]
    assert found[0].rows.tolist() == [0, 2, 3, 5]


def test_of_many_photos_few_labels_go_together(monkeypatch):
    monkeypatch.setattr(module, "_MOST_NUMBERS", 12)
    found = together(
        {name: columns(seeds) for name, seeds in zip("abcd", (2, 1, 9, 1), strict=True)}
    )
    assert [each.labels for each in found] == [("a", "b"), ("c",), ("d",)]


def test_labels_apart_have_what_they_brought():
    scored = {"a": columns(3), "b": columns(1, start=50), "c": columns(2, start=70)}
    for alone in ScoredTogether.of(scored).apart():
        (label,) = alone.labels
        assert alone.seeds == (scored[label].seeds,)
        for name, column in scored[label].columns.items():
            np.testing.assert_array_equal(alone.columns[name], column)


def test_a_view_keeps_its_photos_and_the_columns_that_are_looked_at():
    inside = np.array([True, True, False, True, True, False])
    found = ScoredTogether.of({"a": columns(2)}).inside(View("x=1", "photo", inside), MEAN)
    assert found.columns.keys() == {"away"}
    assert found.columns["away"].tolist() == [[0, 2], [4, 6]]
    assert found.rows.tolist() == [0, 3]
    assert (found.mask == NOT_APPLICABLE).tolist() == [False, True] + [False] * 4
    nobody = View("x=2", "photo", np.zeros(6, bool))
    assert ScoredTogether.of({"a": columns(2)}).inside(nobody, MEAN).rows.size == 0


@pytest.mark.parametrize(
    "summary",
    [
        MEAN,
        Share(name="hit", better="higher", column="hit"),
        Quantile(name="median", unit="km", better="lower", column="away", q=0.5),
    ],
)
def test_a_number_of_several_labels_is_that_of_each(summary):
    scored = {"a": columns(3), "b": columns(1, start=50), "c": columns(3, start=-3)}
    all_of = ScoredTogether.of(scored)
    truth, units = Truth(np.zeros((4, 2)), {}, np.full(4, np.nan)), Units.of([0, 0, 1, 2])
    found = summarise_all(summary, all_of.columns, counts=all_of.counts, truth=truth, units=units)
    for own, many in zip(scored.values(), found, strict=True):
        (one,) = summarise(summary, own.columns, truth=truth, units=units)
        assert repr(many.estimate) == repr(one.estimate)
        np.testing.assert_array_equal(many.replicates.deviations, one.replicates.deviations)


@pytest.mark.parametrize("share", [False, True])
def test_a_macro_mean_of_several_labels_is_that_of_each(share):
    rng = np.random.default_rng(5)
    counts = (1, 3, 3, 1)
    table = rng.random((8, 60))
    table = (table > 0.4).astype(float) if share else table
    units, classes = rng.integers(12, size=90), rng.integers(5, size=90)
    chosen = np.sort(rng.choice(90, 60, replace=False))
    found = macro_means(table, units, classes, counts=counts, scored=chosen, share=share)
    for many, own in zip(found, np.split(table, np.cumsum(counts)[:-1]), strict=True):
        one = macro_mean(own, units, classes, scored=chosen, share=share)
        assert repr(many.estimate) == repr(one.estimate)
        np.testing.assert_array_equal(many.replicates.deviations, one.replicates.deviations)
