"""What all tests share: examples that are alike in every run, and the command as users run it.

Tests, fixtures, helpers and doubles carry no annotations, which nothing would check: a name or a
docstring says what a thing is. Only fields do, of configurations and dataclasses: these are read.
"""

import os
import sys
import tempfile

import pytest
from hypothesis import settings

from command_line import Command, Done
from geobench import cli

# The same examples on every machine and in every run.
settings.register_profile("geobench", derandomize=True, deadline=None)
settings.load_profile("geobench")

# What is known of installed plugins is kept for these tests alone, not in the user's own folder.
_CACHE = tempfile.TemporaryDirectory(prefix="geobench-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name


@pytest.fixture
def geobench(tmp_path):
    return Command(tmp_path)


@pytest.fixture
def ask(monkeypatch, capsys):
    """`geobench` with these words, in this process, ending as its script ends."""

    def asked(*words):
        monkeypatch.setattr(sys, "argv", ["geobench", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        assert isinstance(code, int)
        return Done(code, *capsys.readouterr())

    return asked
