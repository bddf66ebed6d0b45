"""perf/growth.py: each step of a run at each size, and the exponents between sizes."""

import math
from pathlib import Path

import pytest


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import growth

    return growth


def test_an_exponent_is_that_of_a_power_and_of_nothing_where_all_is_fast(growth):
    assert growth.exponent(0.2, 0.2 * 10**1.5, 10) == pytest.approx(1.5)
    assert growth.exponent(0.2, 0.4, 2) == pytest.approx(1)
    assert math.isnan(growth.exponent(growth.LEAST / 2, 5.0, 10))


def test_every_step_is_measured_at_both_sizes(growth):
    found = {photos: growth.measured(photos) for photos in (10_000, 12_000)}
    steps = [cost.step for cost in found[10_000]]
    assert steps == [cost.step for cost in found[12_000]]
    assert {"open", "digest", "by-group: part files", "encode: bookkeeping"} <= set(steps)
    assert len(steps) == len(set(steps)) == 3 * len(growth.SPLITS) + 2 * len(growth.SPLITS) + 5
    assert all(cost.cpu >= 0 and cost.clock > 0 for cost in found[12_000])
    lines = growth.as_table(found).splitlines()
    assert len(lines) == len(steps) + 3
    assert lines[0] == "| step | 10,000 | 12,000 | exponents |"
