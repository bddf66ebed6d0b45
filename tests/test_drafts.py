"""Drafts: whole or not at all, beside their place, and swept with care."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from geobench import drafts
from geobench.errors import LinkError, StoreError
from geobench.records.workspace import Workspace

OLD = time.time() - 8 * 24 * 3600
NAME = ".geobench-draft-" + "0" * 32


def left_behind(parent, name=NAME):
    """What a run that was killed a week ago left in a folder, under a name of ours."""
    with drafts.scratch(parent) as place:
        draft = place.parent
        (place / "half").write_text("half a")
        kept = draft.rename(parent / name)
    aged(kept)
    return kept


def aged(draft):
    """Give all that lies in a draft the time of last week."""
    for path in [*draft.rglob("*"), draft]:
        os.utime(path, (OLD, OLD), follow_symlinks=False)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def test_a_file_is_written_beside_its_place_and_leaves_nothing_else(tmp_path):
    for content in ("old", b"new"):
        drafts.write_file(tmp_path / "deep" / "a.txt", content)
    assert contents(tmp_path) == {"deep": "", "deep/a.txt": "new"}


def test_a_file_that_cannot_be_put_into_place_leaves_what_was_there(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        drafts.write_file(tmp_path / "a", "new")
    assert contents(tmp_path) == {"a": "", "a/b": ""}


def test_a_draft_lies_beside_its_place_with_a_marker(tmp_path):
    with drafts.folder(tmp_path / "place") as made:
        assert made.parent.parent == tmp_path
        assert drafts._NAME.fullmatch(made.parent.name)
        assert (made.parent / drafts._MARKER).is_file()
        assert list(made.iterdir()) == []
        assert not (tmp_path / "place").exists()
    assert contents(tmp_path) == {"place": ""}


def test_a_folder_replaces_another_whole(tmp_path):
    for name in ("first", "second"):
        with drafts.folder(tmp_path / "place") as made:
            drafts.write_file(made / name, name)
    assert contents(tmp_path) == {"place": "", "place/second": "second"}


def test_a_block_that_fails_leaves_the_folder_as_it_was(tmp_path):
    def make(content, *, fails):
        with drafts.folder(tmp_path / "place") as made:
            (made / "kept").write_text(content)
            if fails:
                raise ValueError("stop")

    make("kept", fails=False)
    with pytest.raises(ValueError, match="stop"):
        make("half", fails=True)
    assert contents(tmp_path) == {"place": "", "place/kept": "kept"}


def test_a_folder_that_cannot_be_put_into_place_brings_the_old_one_back(tmp_path, monkeypatch):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "kept").write_text("kept")
    rename = Path.rename

    def full(self, target):
        if self.name == "content":
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="no space"), drafts.folder(tmp_path / "place"):
        pass
    assert contents(tmp_path) == {"place": "", "place/kept": "kept"}


def test_scratch_is_gone_at_the_end_and_links_in_it_lead_nowhere(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").write_text("kept")
    with drafts.scratch(tmp_path / "hidden") as place:
        (place / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
        (place / "file").symlink_to(tmp_path / "mine" / "kept")
    assert contents(tmp_path) == {"hidden": "", "mine": "", "mine/kept": "kept"}


def test_what_is_removed_goes_whole_and_what_is_not_there_is_no_error(tmp_path):
    drafts.write_file(tmp_path / "folder" / "a", "")
    drafts.write_file(tmp_path / "file", "")
    for name in ("folder", "file", "nothing"):
        drafts.remove(tmp_path / name)
    assert contents(tmp_path) == {}


def test_a_draft_that_was_left_behind_is_swept_wherever_it_lies(tmp_path):
    found = [left_behind(tmp_path / name) for name in ("a", "a/b", "c")]
    drafts.sweep(tmp_path / "a", tmp_path / "c", tmp_path / "nowhere")
    assert not any(path.exists() for path in found)


def test_a_sweep_follows_no_link_within_a_draft(tmp_path):
    drafts.write_file(tmp_path / "mine" / "kept", "kept")
    draft = left_behind(tmp_path / "board")
    (draft / "content" / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    aged(draft)
    drafts.sweep(tmp_path / "board")
    assert contents(tmp_path) == {"board": "", "mine": "", "mine/kept": "kept"}


@pytest.mark.parametrize(
    "name",
    [".env.template", ".config.settings", ".table.csv.0123abcd", ".geobench-draft-mine"]
    + [NAME.upper(), NAME + "-old", NAME[1:]],
)
def test_a_folder_of_another_name_is_left_alone(name, tmp_path):
    before = contents(left_behind(tmp_path, name))
    drafts.sweep(tmp_path)
    assert contents(tmp_path / name) == before


def unmarked(draft):
    (draft / drafts._MARKER).unlink()


def marked_by_a_link(draft):
    marker = (draft / drafts._MARKER).rename(draft / "elsewhere")
    (draft / drafts._MARKER).symlink_to(marker)


def marked_by_a_folder(draft):
    unmarked(draft)
    (draft / drafts._MARKER).mkdir()


@pytest.mark.parametrize("change", [unmarked, marked_by_a_link, marked_by_a_folder])
def test_a_draft_without_its_marker_is_left_alone(change, tmp_path):
    draft = left_behind(tmp_path)
    change(draft)
    aged(draft)
    drafts.sweep(tmp_path)
    assert draft.exists()


def test_what_a_kill_leaves_of_a_draft_before_its_marker_is_swept(tmp_path):
    draft = tmp_path / NAME
    draft.mkdir()
    os.utime(draft, (0, 0))
    drafts.sweep(tmp_path)
    assert not draft.exists()


def test_the_marker_of_a_draft_goes_last(tmp_path, monkeypatch):
    kept = []

    def removed(path, **options):
        kept.append(sorted(each.name for each in tmp_path.rglob("*.txt")))
        shutil.rmtree(path, **options)

    monkeypatch.setattr(drafts, "shutil", SimpleNamespace(rmtree=removed))
    with drafts.scratch(tmp_path) as made:
        (made / "it").mkdir()
    assert kept == [["geobench-draft.txt"]] * 2  # what it holds, then itself with its marker


def test_a_young_draft_is_left_alone_unless_a_lock_says_that_nobody_writes(tmp_path):
    draft = left_behind(tmp_path)
    os.utime(draft)
    drafts.sweep(tmp_path)
    assert draft.exists()
    drafts.sweep(tmp_path, age=0.0)
    assert not draft.exists()


@pytest.mark.parametrize("name", ["content/a/b/file", "content/a/b", "content/a", "content/link"])
def test_a_draft_in_which_anything_is_young_is_left_alone(name, tmp_path):
    draft = left_behind(tmp_path)
    drafts.write_file(draft / "content" / "a" / "b" / "file", "a method that trains for long")
    (draft / "content" / "link").symlink_to(tmp_path / "nowhere")
    aged(draft)
    os.utime(draft / name, follow_symlinks=False)
    drafts.sweep(tmp_path)
    assert draft.exists()
    aged(draft)
    drafts.sweep(tmp_path)
    assert not draft.exists()


def test_a_draft_of_a_clock_that_was_ahead_is_swept_a_week_after_it_was_seen(tmp_path, monkeypatch):
    draft = left_behind(tmp_path)
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    os.link(mine, draft / "content" / "mine.txt")
    years = time.time() + 1e8
    for path in [*draft.rglob("*"), draft]:
        os.utime(path, (years, years))
    drafts.sweep(tmp_path)
    assert draft.exists()
    assert mine.stat().st_mtime == years  # a file of two names may be a reader's
    (draft / "content" / "mine.txt").unlink()
    os.utime(mine, (OLD, OLD))
    drafts.sweep(tmp_path)
    now = time.time()
    assert all(path.stat().st_mtime <= now for path in [*draft.rglob("*"), draft])
    monkeypatch.setattr(drafts.time, "time", lambda: now + 1.1 * drafts.WEEK)
    drafts.sweep(tmp_path)
    assert contents(tmp_path) == {"mine.txt": "mine"}


def test_a_lock_says_that_nobody_writes_whatever_the_clock_said(tmp_path):
    draft = left_behind(tmp_path)
    os.utime(draft, (time.time() + 1e8,) * 2)
    drafts.sweep(tmp_path, age=0.0)
    assert not draft.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
def test_a_draft_of_another_user_is_left_alone(tmp_path, monkeypatch):
    draft = left_behind(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: draft.lstat().st_uid + 1)
        drafts.sweep(tmp_path)
    assert draft.exists()
    drafts.sweep(tmp_path)
    assert not draft.exists()


def test_a_link_in_the_place_of_a_draft_or_on_the_way_is_not_followed(tmp_path):
    mine = left_behind(tmp_path / "mine")
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / NAME).symlink_to(mine, target_is_directory=True)
    (tmp_path / "board" / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    drafts.sweep(tmp_path / "board")
    assert mine.exists()
    assert (tmp_path / "board" / NAME).is_symlink()


def write(path):
    drafts.write_file(path, "")


def replace(path):
    with drafts.folder(path):
        pass


def borrow(path):
    with drafts.scratch(path / "deeper"):
        pass


DOINGS = [write, replace, borrow, drafts.remove, drafts.sweep]


@pytest.mark.parametrize("do", DOINGS)
def test_nothing_is_done_through_a_link_below_what_is_protected(do, tmp_path):
    drafts.write_file(tmp_path / "mine" / "kept" / "a", "kept")
    left_behind(tmp_path / "mine" / "kept")
    before = contents(tmp_path / "mine")
    workspace = Workspace(tmp_path / "workspace")
    link = workspace.hidden / "states"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "mine", target_is_directory=True)
    with pytest.raises(LinkError, match="is a link, and nothing is written") as caught:
        do(link / "kept")
    assert str(caught.value).startswith(f"{link}: ")
    assert "Put a real file or folder in its place" in str(caught.value)
    assert contents(tmp_path / "mine") == before


@pytest.mark.parametrize("do", [write, replace, drafts.remove, drafts.sweep])
@pytest.mark.parametrize("there", [True, False], ids=["leads somewhere", "leads nowhere"])
def test_a_link_in_the_place_itself_is_refused_anywhere(do, there, tmp_path):
    if there:
        left_behind(tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    before = contents(tmp_path)
    with pytest.raises(LinkError):
        do(tmp_path / "link")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("whole", [False, True], ids=["file", "folder"])
def test_a_link_that_comes_while_something_is_written_is_refused(whole, tmp_path, monkeypatch):
    drafts.write_file(tmp_path / "mine" / "kept" / "a", "mine")
    states = Workspace(tmp_path / "workspace").states
    states.mkdir(parents=True)

    def swap():
        states.rename(tmp_path / "elsewhere")
        states.symlink_to(tmp_path / "mine", target_is_directory=True)

    if not whole:
        put = Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda self, data: (put(self, data), swap()))

    def write_whole():
        with drafts.folder(states / "kept"):
            swap()

    with pytest.raises(LinkError):
        write_whole() if whole else write(states / "kept")
    assert contents(tmp_path / "mine") == {"kept": "", "kept/a": "mine"}


@pytest.mark.parametrize("name", ["table.csv", "runs/a/record.json"])
def test_what_is_written_or_removed_in_the_place_of_a_hard_link_leaves_the_other_name(
    name, tmp_path
):
    drafts.write_file(tmp_path / "mine", "mine")
    place = tmp_path / "board" / name
    place.parent.mkdir(parents=True)
    for do in (write, replace, drafts.remove):
        os.link(tmp_path / "mine", place)
        do(place)
        assert (tmp_path / "mine").read_text() == "mine"
        drafts.remove(place)


def filled(path):
    path.write_text("mine")


def hard_linked(path):
    filled(path.with_name("mine"))
    os.link(path.with_name("mine"), path)


@pytest.mark.parametrize("put", [filled, hard_linked, Path.mkdir, os.mkfifo])
def test_a_lock_is_taken_of_no_file_that_holds_something_and_of_no_folder(put, tmp_path):
    place = tmp_path / "a.lock"
    assert drafts.lock_file(place) == place
    place.touch()
    assert drafts.lock_file(place) == place
    place.unlink()
    put(place)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=r"a\.lock: lies where a lock belongs.* Move it elsewhere"):
        drafts.lock_file(place)
    assert contents(tmp_path) == before


def test_what_is_protected_may_be_a_link_itself_to_another_disk(tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is no other file system here")
    with drafts.scratch(other) as disk:
        workspace = Workspace(tmp_path)
        for folder in (workspace.hidden, workspace.boards):
            (disk / folder.name).mkdir()
            folder.symlink_to(disk / folder.name, target_is_directory=True)
            left_behind(folder / "a")
            drafts.sweep(folder)
            drafts.write_file(folder / "a" / "file", "whole")
            for _ in range(2):
                with drafts.folder(folder / "b") as made, drafts.scratch(folder) as place:
                    (place / "half").write_text("half a")
                    (place / "half").rename(made / "whole")
            drafts.write_file(folder / "c" / "d", "")
            drafts.remove(folder / "c")
            assert set(contents(disk / folder.name)) == {"a", "a/file", "b", "b/whole"}


@pytest.mark.parametrize("do", DOINGS)
def test_nothing_is_done_while_it_is_withheld(do, tmp_path):
    left_behind(tmp_path / "a")
    before = contents(tmp_path)
    with drafts.withheld(), pytest.raises(RuntimeError, match="nothing is written or removed"):
        do(tmp_path / "a")
    assert contents(tmp_path) == before
    drafts.write_file(tmp_path / "b", "")


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


@pytest.mark.parametrize("name", [".geobench", "leaderboards"])
@pytest.mark.parametrize("below", ["", "deep/in it"])
def test_a_link_that_git_tracks_is_refused(name, below, tmp_path):
    root = tmp_path / "clone" / below
    root.mkdir(parents=True)
    git(tmp_path / "clone", "init")
    (tmp_path / "mine").mkdir()
    (root / name).symlink_to(tmp_path / "mine", target_is_directory=True)
    Workspace(root)
    git(root, "add", name)
    with pytest.raises(LinkError, match="is a link that git tracks") as caught:
        Workspace(root)
    assert str(root / name) in str(caught.value)
    assert f"git rm --cached {name}" in str(caught.value)
    git(root, "rm", "--cached", name)
    Workspace(root)


def test_folders_that_git_tracks_are_none_of_that(tmp_path):
    git(tmp_path, "init")
    drafts.write_file(tmp_path / "leaderboards" / "a" / "table.csv", "")
    git(tmp_path, "add", "leaderboards")
    Workspace(tmp_path)
    (tmp_path / "leaderboards").rename(tmp_path / "moved")
    (tmp_path / "leaderboards").symlink_to(tmp_path / "moved", target_is_directory=True)
    Workspace(tmp_path)  # its user moved it, git knows of no link


def test_a_link_is_no_trouble_without_git(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / ".geobench").symlink_to(tmp_path / "mine", target_is_directory=True)
    Workspace(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    Workspace(tmp_path)


def test_drafts_are_removed_by_the_signature_of_who_made_them(tmp_path, monkeypatch):
    monkeypatch.setattr(drafts, "_signature", "")
    left = []
    (tmp_path / "kept").mkdir()
    for signature in ("a" * 16, "b" * 16, ""):
        drafts.sign(signature)
        with drafts.scratch(tmp_path) as place:
            left.append(place.parent.rename(tmp_path / "kept" / place.parent.name))
    drafts.remove_signed("a" * 16, tmp_path)
    assert [each.exists() for each in left] == [False, True, True]
    with pytest.raises(ValueError, match="16 digits"):
        drafts.remove_signed("", tmp_path)
    assert [each.exists() for each in left] == [False, True, True]
