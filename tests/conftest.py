"""What all tests share: examples that are alike in every run, and the command as users run it."""

from pathlib import Path

import pytest
from hypothesis import settings

from command_line import Command

# The same examples on every machine and in every run.
settings.register_profile("geobench", derandomize=True, deadline=None)
settings.load_profile("geobench")


@pytest.fixture
def geobench(tmp_path: Path) -> Command:
    return Command(tmp_path)
