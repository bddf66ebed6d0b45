"""Which pictures below a folder are photos, and what is said of the others."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from geobench import DataError
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from own_photos import folder, save


@pytest.mark.parametrize(
    ("aside", "reason"),
    [
        (".thumbnails", "in a thumbnail folder"),
        ("Thumbs", "in a thumbnail folder"),
        ("DCIM/.thumbnails", "in a thumbnail folder"),
        ("@eaDir/a.jpg", "in a thumbnail folder"),
        (".Trash-1000/files", "in a trash folder"),
        (".Trashes/501", "in a trash folder"),
        ("$RECYCLE.BIN/S-1-5", "in a trash folder"),
        ("#recycle", "in a trash folder"),
        ("lost+found", "in a trash folder"),
        (".picasaoriginals", "in a hidden folder"),
        ("__MACOSX/photos", "in a hidden folder"),
        (".AppleDouble", "in a hidden folder"),
    ],
)
def test_hidden_trash_and_thumbnail_folders_are_passed_over_and_counted(
    tmp_path, caplog, aside, reason
):
    save(tmp_path / "a.jpg")
    for name in ("b.jpg", "c.jpg"):
        save(tmp_path / aside / name)
    table = folder(tmp_path).table
    assert table.ids.tolist() == ["a.jpg"]
    assert table.broken == {reason: 2}
    assert table.promised == 3
    assert caplog.text.count(aside.partition("/")[0]) == 1


def test_hidden_files_are_passed_over_and_counted(tmp_path):
    for name in ("a.jpg", "._a.jpg", ".b.png"):
        save(tmp_path / name)
    assert folder(tmp_path).table.broken == {"a hidden file": 2}


def test_a_root_may_be_hidden_itself_and_then_holds_photos(tmp_path):
    save(tmp_path / ".photos" / "a.jpg")
    assert folder(tmp_path / ".photos").table.ids.tolist() == ["a.jpg"]
    with pytest.raises(DataError, match=r"1 in a hidden folder.*Name the folder") as caught:
        folder(tmp_path).table  # noqa: B018
    assert "root: FOLDER" in str(caught.value)


def test_links_are_followed_once_wherever_they_lead(tmp_path):
    root, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    save(root / "a.jpg")
    save(root / "walk" / "b.jpg")
    save(elsewhere / "c.jpg")
    (root / "loop").symlink_to(root)
    (root / "walk" / "up").symlink_to("..")
    (root / "aa-again.jpg").symlink_to("a.jpg")
    (root / "again").symlink_to("walk")
    (root / "out").symlink_to(elsewhere)
    (root / "out-again").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (root / "single.jpg").symlink_to(elsewhere / "c.jpg")
    os.link(root / "a.jpg", root / "walk" / "same-file.jpg")
    table = folder(root).table
    assert table.ids.tolist() == ["a.jpg", "out/c.jpg", "walk/b.jpg"]
    assert table.broken == {}
    assert len(list(folder(root).images(np.arange(3)))) == 3


def test_a_link_that_leads_nowhere_is_counted(tmp_path):
    save(tmp_path / "a.jpg")
    (tmp_path / "2019").symlink_to(tmp_path / "unmounted")
    (tmp_path / "b.jpg").symlink_to("b.jpg")
    table = folder(tmp_path).table
    assert table.broken == {"a link that leads nowhere": 1, "not a readable picture": 1}


def test_what_is_no_file_is_counted_and_never_opened(tmp_path):
    save(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait for ever
    (tmp_path / "linked.jpg").symlink_to("pipe.jpg")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "folder.jpg").mkdir()
    save(tmp_path / "folder.jpg" / "inner.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(tmp_path)  # the path of a socket may not be long
        listening.bind("socket.jpg")
        os.chdir(here)
        table = folder(tmp_path).table
    assert table.ids.tolist() == ["a.jpg", "folder.jpg/inner.jpg"]
    assert table.broken == {
        "a folder with the name of a picture": 1,
        "no file, but a pipe, a socket or a device": 4,
    }


def test_a_photo_that_may_not_be_read_is_counted_named_and_stops_nothing(
    tmp_path, monkeypatch, caplog
):
    save(tmp_path / "a.jpg")
    save(tmp_path / "b.jpg")
    opened = PillowImage.open

    def locked(path, *args, **kwargs):
        if path.name == "b.jpg":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    dataset = folder(tmp_path)
    assert len(dataset.table) == 2
    monkeypatch.setattr(PillowImage, "open", locked)
    with pytest.raises(DataError, match=r"b.jpg: cannot be read \(Permission denied\).*readable"):
        list(dataset.images(np.array([1])))  # it could be read before: no picture is damaged
    assert folder(tmp_path).table.broken == {"cannot be read": 1}
    assert "cannot be read (first: b.jpg)" in caplog.text


def test_a_folder_that_may_not_be_read_is_counted_named_and_stops_nothing(
    tmp_path, monkeypatch, caplog
):
    save(tmp_path / "a.jpg")
    save(tmp_path / "locked" / "b.jpg")
    scan = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", locked)
    assert folder(tmp_path).table.broken == {"a folder that cannot be read": 1}
    assert "locked" in caplog.text


def close(monkeypatch, *names):
    """Make folders unreadable, for root, too."""
    scan = os.scandir

    def closed(path):
        if str(path).endswith(names):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)


def test_pictures_of_a_table_may_lie_in_a_folder_that_cannot_be_read(tmp_path, monkeypatch, caplog):
    images, file = tmp_path / "images", tmp_path / "photos.csv"
    save(images / "a.jpg")
    save(images / "locked" / "b.jpg")
    file.write_text("id,lat,lon\na,1,2\nb,3,4\n")
    config = TableConfig(file=file, images=images)
    assert TableDataset(config).table.broken == {}
    close(monkeypatch, "locked")
    table = TableDataset(config).table
    assert table.broken == {"picture missing, maybe in a folder that cannot be read": 1}
    assert table.ids.tolist() == ["a"]
    assert "table: 1 folders of images cannot be read: locked" in caplog.text
    close(monkeypatch, "images")
    with pytest.raises(DataError, match=r"no picture files\. Let this user read it: 1 folders"):
        _ = TableDataset(config).table


def test_a_hidden_folder_that_cannot_be_read_is_said_and_counts_as_no_photo(
    tmp_path, monkeypatch, caplog
):
    save(tmp_path / "a.jpg")
    save(tmp_path / ".old" / "b.jpg")
    close(monkeypatch, ".old")
    assert folder(tmp_path).table.broken == {}
    assert "a hidden folder that cannot be read: .old" in caplog.text


def test_a_root_that_cannot_be_read_is_said_to_be_so(tmp_path, monkeypatch):
    save(tmp_path / "a.jpg")
    close(monkeypatch, tmp_path.name)
    with pytest.raises(DataError, match=r"a folder that cannot be read.*Let this user read the fo"):
        _ = folder(tmp_path).table


def test_hidden_pictures_that_vanish_while_they_are_counted_stop_nothing(tmp_path, monkeypatch):
    save(tmp_path / "a.jpg")
    save(tmp_path / ".old" / "b.jpg")
    save(tmp_path / ".old" / "c.jpg")
    look = Path.lstat

    def gone(path):
        if path.name == "b.jpg":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return look(path)

    monkeypatch.setattr(Path, "lstat", gone)
    assert folder(tmp_path).table.broken == {"in a hidden folder": 1}


def test_names_with_line_ends_are_photos_and_one_line_of_the_log(tmp_path, caplog):
    save(tmp_path / "a\nb.jpg")
    (tmp_path / "c\nd.jpg").write_text("no picture")
    table = folder(tmp_path).table
    assert table.ids.tolist() == ["a\nb.jpg"]
    assert table.broken == {"not a readable picture": 1}


def test_names_that_are_no_text_are_photos_with_ids_that_can_be_written(tmp_path):
    save(tmp_path / "a.jpg")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")
    try:
        os.rename(tmp_path / "a.jpg", odd)
    except OSError:
        pytest.skip("this file system takes no such names")
    save(tmp_path / "b.jpg")
    dataset = folder(tmp_path)
    assert dataset.table.ids.tolist() == ["b.jpg", "caf\\udce9.jpg"]
    assert len("".join(dataset.table.ids.tolist()).encode()) > 0
    assert all(isinstance(each, np.ndarray) for each in dataset.images(np.arange(2)))
    assert dataset.digest
    save(tmp_path / "caf\\udce9.jpg")  # a file whose name spells the bytes of the other's
    assert folder(tmp_path).table.broken == {"a name that another photo has": 1}


def test_every_photo_that_is_left_out_is_named_once(tmp_path, caplog):
    save(tmp_path / "a.jpg")
    names = [f"no-place-{n:02d}.jpg" for n in range(30)]
    for name in names:
        save(tmp_path / name, lat=None)
    (tmp_path / "raw.NEF").write_bytes(b"II*\0")
    table = folder(tmp_path).table
    assert table.broken["a raw file, which is not read: export it as JPEG"] == 1
    assert [caplog.text.count(name) for name in [*names, "raw.NEF"]] == [1] * 31


def test_a_table_finds_pictures_in_linked_and_hidden_folders_but_no_thumbnails(tmp_path):
    root = tmp_path / "photos"
    for name in ("walk/a.jpg", ".thumbs/a.jpg", ".kept/b.jpg"):
        save(root / name)
    save(tmp_path / "elsewhere" / "c.jpg")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    file = tmp_path / "t.csv"
    file.write_text("id,lat,lon\na,1,2\nb,3,4\nc,5,6\n")
    dataset = TableDataset(TableConfig(file=file, images=root))
    assert dataset.table.broken == {}
    assert len(list(dataset.images(np.arange(3)))) == 3


def test_a_table_counts_pictures_that_may_not_be_read(tmp_path, monkeypatch):
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / "photos" / name)
    file = tmp_path / "t.csv"
    file.write_text("id,lat,lon\na,1,2\nb,3,4\n")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("b.jpg"))
    dataset = TableDataset(TableConfig(file=file, images=tmp_path / "photos"))
    assert dataset.table.broken == {"picture that cannot be read": 1}
