"""The simulation of how much a hedged likelihood flatters agrees with theory."""

from pathlib import Path

import pytest


@pytest.fixture
def hedged(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import hedged

    return hedged


def test_a_fit_to_few_photos_flatters_by_half_a_design_effect_over_them(hedged):
    for units, photos, shared in ((50, 1, 0.0), (50, 10, 0.6)):
        found, error = hedged.flattery(units, photos, shared, 400)
        wanted = hedged.design_effect(photos, shared) / (2 * units * photos)
        assert found == pytest.approx(wanted, abs=4 * error + 0.15 * wanted)
    assert hedged.design_effect(1, 0.0) == 1
    assert hedged.design_effect(10, 0.6) > 2


def test_the_share_that_suits_all_photos_is_the_share_that_a_density_does_not_know(hedged):
    # Three in ten truths are six nats below the uniform, which is hardly ever worth believing.
    assert hedged.best_share() == pytest.approx(0.3, abs=0.02)
