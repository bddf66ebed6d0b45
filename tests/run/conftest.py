"""Workspaces of the benchmark whose runs are struck: without a result, and finished."""

import shutil

import pytest

from command_line import Command
from struck_runs import YAML, problems


@pytest.fixture
def small_shards(monkeypatch):
    """A shard has 128 photos."""
    monkeypatch.setenv("SHARD", "128")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A finished workspace in which nothing went wrong, made once."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "benchmarks.yaml").write_text(YAML)
    command = Command(folder)
    done = command("run", "benchmarks.yaml", SHARD="128")
    assert done.code == 0, done.text
    assert problems(folder) == []
    return command


@pytest.fixture
def fresh(tmp_path):
    """A workspace without any result."""
    (tmp_path / "benchmarks.yaml").write_text(YAML)
    return Command(tmp_path)


@pytest.fixture
def finished(undisturbed, tmp_path):
    """A copy of the undisturbed workspace."""
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    return Command(tmp_path)
