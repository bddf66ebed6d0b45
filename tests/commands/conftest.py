"""A finished workspace of the tiny benchmark, and a copy of its leaderboard, as fixtures."""

import shutil
import subprocess
import sys

import pytest

from tiny_benchmark import YAML


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """A finished workspace, made once by the real command; nobody writes to it."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "tiny.yaml").write_text(YAML)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "geobench.cli", "run", "tiny.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "stdout").write_text(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture
def board(workspace, tmp_path):
    """A copy of the finished leaderboard, to tamper with."""
    shutil.copytree(workspace / "leaderboards" / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"
