"""What the system refuses to a run is said with its own remedy, and replaces no other error."""

import errno
import os

import pytest

from geobench.errors import sentence
from geobench.run import runner

TWO = """\
benchmarks:
  - name: one
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform]
    metrics: [distance]
  - name: two
    dataset: {name: toy-planet, photos: 60}
    splits: [random]
    methods: [uniform]
    metrics: [distance]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a file of two benchmarks, which is where we are."""
    (tmp_path / "two.yaml").write_text(TWO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("name", [".geobench", "leaderboards"])
def test_what_lies_in_a_folders_place_is_named_and_no_records_are_spoken_of(name, kind, here, ask):
    if kind == "file":
        (here / name).touch()
    else:
        (here / name).symlink_to(here / "gone" / "far")
    answer = ask("run", "two.yaml")
    assert answer.code == 1
    what = "a file" if kind == "file" else "a link that leads nowhere"
    said = [line for line in answer.out.splitlines() if line.startswith("FAILED")]
    assert said == [
        f"FAILED benchmark {each}: {here / name}, {what}, lies where a folder belongs. "
        "Put a folder in its place, or choose another --workspace."
        for each in ("one", "two")
    ]
    assert "kept" not in answer.out
    (here / name).unlink()
    (here / name).mkdir()  # as it says
    assert ask("run", "two.yaml").code == 0


def test_a_file_in_the_place_of_one_leaderboard_does_not_stop_the_other(here, ask):
    (here / "leaderboards").mkdir()
    (here / "leaderboards" / "one").touch()
    answer = ask("run", "two.yaml")
    assert answer.code == 1
    assert f"{here / 'leaderboards' / 'one'}, a file, lies where a folder belongs" in answer.out
    assert (here / "leaderboards" / "two" / "README.md").exists()


@pytest.mark.parametrize("place", ["write", "refuse"])
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "Let this user read and write in "),
        (errno.EROFS, "Choose a --workspace on a disk that can be written."),
        (errno.ENOSPC, "Make room on this disk"),
    ],
)
def test_what_the_system_refuses_in_a_run_keeps_its_remedy(
    place, number, remedy, here, ask, monkeypatch
):
    def refused(planned, *more, **options):
        raise OSError(number, os.strerror(number), str(planned.board / "benchmark.json"))

    monkeypatch.setattr(runner.manifest, place, refused)
    answer = ask("run", "two.yaml")
    said = [line for line in answer.out.splitlines() if line.startswith("FAILED")]
    assert len(said) == 2
    assert all(remedy in line and os.strerror(number).lower() in line for line in said)
    assert "nothing can be made" not in answer.out
    assert "nobody foresaw" not in answer.out


@pytest.mark.parametrize(
    ("first", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.ENOSPC, "No space left on device", "/far"), 1, "FAILED benchmark one: /far"),
        (ZeroDivisionError("of nothing"), 1, "FAILED benchmark one: ZeroDivisionError: of nothing"),
    ],
)
def test_tables_that_fail_do_not_replace_what_stopped_the_run(
    first, code, said, here, ask, monkeypatch
):
    def stopped(*more):
        raise first

    def broken(*more, **options):
        raise ValueError("of the tables")

    monkeypatch.setattr(runner._Session, "run", stopped)
    monkeypatch.setattr(runner.manifest, "write", broken)
    answer = ask("run", "two.yaml")
    assert answer.code == code
    assert said in answer.text
    assert "no tables of what is finished: ValueError: of the tables" in answer.text


def test_a_file_that_cannot_be_written_because_of_its_folder_names_the_folder(tmp_path):
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a" / "b"))
    assert sentence(error) == (
        f"{tmp_path / 'a' / 'b'}: permission denied. Let this user read and write in {tmp_path}, "
        "or choose another --workspace."
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    assert "Let this user read and write it, or" in sentence(error)
