"""A finished board of the toy planet with its pictures, drawn once."""

import shutil

import pytest

import small_run
from drawn_pictures import YAML


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    return small_run.board(tmp_path_factory.mktemp("pictures"), YAML, figures=True)


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the finished board, to tamper with."""
    return shutil.copytree(finished, tmp_path / "board")
