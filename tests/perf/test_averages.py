"""perf/averages.py tells how many photos a class needs, and what becomes of an average of fewer."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "leaderboards/blue-marble-density-shift"


@pytest.fixture
def averages(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "perf")
    import averages

    return averages


def drawn(seed, *, within, sizes):
    """Scores whose classes spread by 1 around 0, and their photos by so much around these."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=len(sizes))[classes] + rng.normal(0, within, len(classes)), classes


@pytest.mark.parametrize("within", [1.0, 3.0])
def test_the_photos_for_half_are_the_variance_within_over_that_between(averages, within):
    sizes = np.random.default_rng(0).integers(2, 30, 3000)
    scores, classes = drawn(1, within=within, sizes=sizes)
    assert averages.photos_for_half(scores, classes) == pytest.approx(within**2, rel=0.1)


def test_where_classes_differ_by_chance_no_number_is_enough(averages):
    flat = np.tile([-1.0, 1.0], 50)
    assert np.isnan(averages.photos_for_half(flat, np.arange(100) // 10))
    assert np.isnan(averages.photos_for_half(flat, np.zeros(100, int)))
    assert np.isnan(averages.photos_for_half(flat, np.arange(100)))


def test_classes_chosen_once_keep_the_average_that_classes_chosen_anew_lose(averages):
    # Classes of many photos have the higher scores, and are what is left of a sample.
    sizes = np.geomspace(2, 60, 40).astype(int)
    noise, classes = drawn(2, within=1.0, sizes=sizes)
    scores = noise + sizes[classes]
    found = {each.fewest: each for each in averages.averages(scores, classes, draws=25)}
    for fewest in (2, 5, 10):
        each, kept = found[fewest], sizes >= fewest
        of_class = [scores[classes == name].mean() for name in np.flatnonzero(kept)]
        assert each.value == pytest.approx(np.mean(of_class))
        assert (each.classes, each.photos) == (kept.sum(), sizes[kept].sum())
        assert each.heaviest == pytest.approx(1 / (kept.sum() * sizes[kept].min()))
        for anew, once in zip(each.anew, each.once, strict=True):
            assert abs(once.mean - each.value) < 5 * once.deviation / np.sqrt(25)
            assert anew.mean - each.value > 10 * abs(once.mean - each.value)


@pytest.mark.parametrize(
    "words", [["--part", "density-shift/dens"], ["--label", "grit"], ["--summary", "geoscor"]]
)
def test_a_part_label_or_summary_that_there_is_not_is_an_error_in_a_sentence(
    averages, words, monkeypatch, caplog
):
    place = ["averages.py", str(BOARD), "--part", "density-shift/dense", *words]
    monkeypatch.setattr(sys, "argv", place)
    assert averages.main() == 2
    assert "did you mean" in caplog.text.lower()
