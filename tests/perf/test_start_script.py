"""perf/start.py: each start is measured against the packages that geobench stands on."""

import logging
import re
import sys
from pathlib import Path


def test_it_prints_what_each_start_takes(monkeypatch, caplog):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "perf")
    import start

    monkeypatch.setattr(sys, "argv", ["start.py", "--turns", "1", "--as-is"])
    with caplog.at_level(logging.INFO):
        start.main()
    found = [re.fullmatch(r"(.+): \d\.\d{3} s, ratio (.+)", line) for line in caplog.messages]
    names = ["import numpy, pydantic, typer, rich", "import geobench"]
    assert [each[1] for each in found] == [*names, "geobench list", "geobench --help"]
    assert found[0][2] == "1.00"
