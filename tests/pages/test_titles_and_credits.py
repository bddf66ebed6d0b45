"""A page calls photos what their owner calls them, and credits whom the owner names."""

import json

import pytest

from geobench_basics.datasets.folder import FolderConfig, FolderDataset
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from own_photos import save

BOARD = """
benchmarks:
  - name: own
    dataset: {name: folder, root: photos, group: photo SAID}
    splits: [random]
    methods: [prior]
    metrics: [distance]
"""
SAID = """, title: "Holidays of
      ours", licence: CC BY 4.0, citation: 'By us, 2024.', publishes: PUBLISHES"""


def page(geobench, folder, said):
    (folder / "b.yaml").write_text(BOARD.replace("SAID", said))
    done = geobench("run", "b.yaml")
    assert done.code == 0, done.text
    board = folder / "leaderboards" / "own"
    about = json.loads((board / "benchmark.json").read_text())["dataset"]
    return (board / "README.md").read_text(), about


def test_a_page_names_and_credits_photos_as_their_owner_does(geobench, tmp_path):
    for n in range(16):
        save(tmp_path / "photos" / f"{n:02d}.jpg", lat=(40.0 + n, 0.0, 0.0))
    bare, about = page(geobench, tmp_path, "")
    assert "Dataset `folder` (16 photos)" in bare
    assert "Dataset folder." in bare
    assert "title" not in about
    text, told = page(geobench, tmp_path, SAID.replace("PUBLISHES", "coordinates"))
    assert "Dataset Holidays of ours (16 photos)" in text
    assert "By us, 2024." in text
    assert "Licence: CC BY 4.0" in text
    assert "`folder`" not in text.split("\n\n")[1]
    assert told["digest"] == about["digest"]  # it changes no number
    _, secret = page(geobench, tmp_path, SAID.replace("PUBLISHES", "scores"))
    assert secret["publishes"] == "scores"
    assert secret["digest"] != about["digest"]  # what was recorded openly is not shown again


@pytest.mark.parametrize("kind", ["folder", "table"])
def test_what_an_owner_says_is_in_no_digest(tmp_path, kind):
    save(tmp_path / "photos" / "a.jpg")
    (tmp_path / "t.csv").write_text("id,lat,lon\na,1,2\n")

    def made(**said):
        if kind == "folder":
            return FolderDataset(FolderConfig(root=tmp_path / "photos", **said))
        return TableDataset(TableConfig(file=tmp_path / "t.csv", **said))

    told = made(title="Mine", licence="CC0", citation="Me")
    assert (told.title, told.licence, told.citation) == ("Mine", "CC0", "Me")
    assert (made().title, made().licence, made().citation) == ("", "", "")
    assert told.digest == made().digest
