"""What the system refuses to a run is said with its own remedy, and replaces no other error."""

import errno
import os

import pytest

from geobench import drafts
from geobench.errors import WRITING, StoreError, sentence
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
    error.add_note(WRITING)
    assert sentence(error) == (
        f"{tmp_path / 'a' / 'b'}: permission denied. Let this user read and write in {tmp_path}, "
        "or choose another --workspace."
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    assert "Let this user read and write it, or" in sentence(error)


def refused(number, path, *, writing=False):
    """The sentence about an error of the system."""
    error = OSError(number, os.strerror(number), str(path))
    if writing:
        error.add_note(WRITING)
    return sentence(error, workspace=False)


def test_an_input_that_cannot_be_read_is_not_told_of_as_an_output(tmp_path):
    (tmp_path / "in.csv").touch()
    found = tmp_path / "in.csv"
    told = f"{found}: permission denied. Let this user read it, or name another."
    assert refused(errno.EACCES, found) == told
    told = f"Check the path: of it there is {tmp_path}, and nothing beyond."
    assert refused(errno.ENOENT, tmp_path / "no" / "in.csv").endswith(told)
    assert refused(errno.ENOTDIR, found / "in.csv").endswith(
        told.replace(f"{tmp_path}", f"{found}")
    )
    told = f"{tmp_path}: is a folder, where a file belongs. Name the file."
    assert refused(errno.EISDIR, tmp_path) == told
    for number in (errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO):
        assert "--workspace" not in refused(number, found)
        assert "write" not in refused(number, found)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EROFS, "Name or copy it to a place on a disk that can be written."),
        (errno.ENOSPC, "Make room on this disk, or name or copy it to a place on another; "),
        (errno.EDQUOT, "Make room below your quota, or name or copy it to a place on another "),
        (errno.EFBIG, "Allow larger files: ulimit -f unlimited; or "),
        (errno.EIO, "The disk or the network that it lies on is out of order"),
        (errno.ESTALE, "The disk or the network that it lies on is out of order"),
        (errno.EMFILE, "Allow more open files: ulimit -n 4096."),
        (errno.ENAMETOOLONG, "Use shorter names"),
        (errno.ELOOP, "Its links lead in a circle"),
        (errno.ENOLCK, "name another place on another disk."),
        (errno.ENOMEM, "Close other programs"),
        (errno.EISDIR, "a folder, lies where a file belongs. Move it away, or name another place."),
        (errno.ENOENT, "Name another place."),
        (errno.EACCES, "Let this user read and write in /, or name another place."),
    ],
)
def test_every_refusal_has_a_remedy_that_fits_a_verb_without_a_workspace(number, remedy):
    said = refused(number, "/nowhere/at/all", writing=True)
    assert remedy in said
    assert "--workspace" not in said


def test_a_path_of_any_length_and_bytes_is_told_in_one_line():
    said = refused(errno.ENAMETOOLONG, b"/a\xff\n".decode("utf-8", "surrogateescape") + "x" * 5000)
    assert said.encode()
    assert "letters more)" in said
    assert len(said) < 500


def test_no_memory_is_a_sentence():
    said = sentence(MemoryError("Unable to allocate 8.00 GiB"))
    assert said.startswith("memory ran out (Unable to allocate 8.00 GiB). Close other programs")
    assert sentence(MemoryError()).startswith("memory ran out. Close")


@pytest.mark.parametrize(
    "words",
    [
        ("score", "truth.csv", "answers.csv"),
        ("run", "two.yaml"),
        ("check", "uniform"),
        ("report", "one"),
        ("map", "two.yaml"),
    ],
)
def test_a_command_in_a_folder_that_was_deleted_ends_in_a_sentence(words, here, ask):
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    answer = ask(*words)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert "nobody foresaw" not in answer.text
    assert "shows where" not in answer.text


def test_a_draft_on_a_full_disk_is_told_of_by_what_was_to_be_written(tmp_path):
    for error in (
        OSError(errno.ENOSPC, "No space left"),
        OSError("2560 requested and 992 written"),
    ):
        with pytest.raises(OSError, match="No space left") as caught:
            raised_within(drafts.folder(tmp_path / "place"), error)
        assert str(caught.value).endswith(f": {str(tmp_path / 'place')!r}")
        assert WRITING in caught.value.__notes__
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_is_read_while_something_is_written_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        raised_within(drafts.folder(tmp_path / "place"), FileNotFoundError(2, "No", "/in.csv"))
    assert caught.value.filename == "/in.csv"
    assert not hasattr(caught.value, "__notes__")


def raised_within(context, error):
    """Raise an error in a block."""
    with context:
        raise error


def test_no_file_takes_the_place_of_a_device_or_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match=r"pipe: is no file, .* Name a file\."):
        drafts.write_file(tmp_path / "pipe", "all")
    assert (tmp_path / "pipe").is_fifo()
