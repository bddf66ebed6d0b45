"""perf/answers_file.py: rows of equal weight score as draws do, weighted ones as places."""

import logging
import re
import sys
from pathlib import Path

import pytest


def test_it_prints_what_the_rows_cost(monkeypatch, caplog):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import answers_file

    monkeypatch.setattr(sys, "argv", ["answers_file.py", "--photos", "300"])
    with caplog.at_level(logging.INFO):
        answers_file.main()
    found = {
        what: (float(energy), float(error))
        for what, energy, error in re.findall(
            r"(\S.*): energy (\d+) km \(standard error (\d+)\)", "\n".join(caplog.messages)
        )
    }
    # The uniform's energy is half of the mean distance of two points of the sphere.
    for what in ("drawn afresh", "16 rows of equal weight", "64 rows of equal weight"):
        energy, error = found[what]
        assert energy == pytest.approx(5003.8, abs=4 * error)
    # K weighted rows meet themselves in one of K pairs: 10,007.5 km / 2K more.
    for rows in (16, 64, 256):
        energy, error = found[f"{rows} weighted rows"]
        assert energy == pytest.approx(5003.8 + 10_007.5 / (2 * rows), abs=4 * error)
