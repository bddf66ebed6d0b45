"""Checkouts with line ends of other systems, and workspaces that lie on several disks."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tiny_benchmark import YAML

TEXT = (".json", ".csv", ".md")


def converted(board):
    """Give every text of a leaderboard the line ends of Windows, as git does with autocrlf."""
    paths = [path for path in board.rglob("*") if path.suffix in TEXT]
    assert len(paths) > 10
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def test_a_checkout_with_other_line_ends_is_sound(board, ask):
    converted(board)
    for words in (["verify"], ["report", "--check"], ["worst", "-m", "prior", "--output", board]):
        answer = ask(words[0], board, *words[1:])
        assert answer.code == 0, answer.text


def test_a_changed_digit_is_found_beside_other_line_ends(board, ask):
    converted(board)
    path = next(board.glob("runs/*/*/record.json"))
    path.write_bytes(path.read_bytes().replace(b"uniform", b"unikorn").replace(b"prior", b"prier"))
    assert ask("verify", board).code == 1


def test_a_run_leaves_a_checkout_with_other_line_ends_as_it_is(
    workspace, ask, tmp_path, monkeypatch
):
    shutil.copytree(workspace, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    converted(Path("leaderboards/tiny"))
    answer = ask("run", "tiny.yaml")
    assert (answer.code, answer.err) == (0, "")
    assert "5 recorded" in answer.out
    assert ask("verify", "tiny").code == 0


@pytest.fixture
def other_disk():
    """A folder on another file system than the one of temporary files."""
    here = os.stat(tempfile.gettempdir()).st_dev
    for place in ("/dev/shm", "/run/shm", str(Path.home()), "/var/tmp"):
        if os.path.isdir(place) and os.access(place, os.W_OK) and os.stat(place).st_dev != here:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    pytest.skip("this machine has one file system")


@pytest.mark.parametrize(
    "linked", [(".geobench",), ("leaderboards",), (".geobench", "leaderboards")]
)
@pytest.mark.parametrize("temporary", [False, True], ids=["", "TMPDIR elsewhere"])
def test_a_workspace_lies_on_several_file_systems(
    linked, temporary, other_disk, ask, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(YAML)
    if temporary:
        monkeypatch.setenv("TMPDIR", str(other_disk))
        monkeypatch.setattr(tempfile, "tempdir", None)
    for name in linked:
        (other_disk / name).mkdir()
        Path(name).symlink_to(other_disk / name)
    for words in (["run", "tiny.yaml"], ["run", "tiny.yaml", "--force"], ["verify", "tiny"]):
        answer = ask(*words, *(["--no-figures"] if "run" in words else []))
        assert (answer.code, answer.err) == (0, "")
    assert not list(other_disk.rglob(".geobench-draft-*"))
