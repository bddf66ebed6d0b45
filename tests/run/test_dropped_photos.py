"""What was dropped is on the page and in benchmark.json, of every dataset of a board."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

YAML = """\
benchmarks:
  - name: moved
    dataset: {name: table, file: home/photos.csv, images: home/pictures}
    encoder: {name: im2gps, size: 16}
    splits:
      - name: transfer
        test: [{name: table, label: away, file: away/photos.csv, images: away/pictures}]
    methods: [uniform, {name: im2gps, k: 3}]
    metrics: [distance]
    samples: 2
"""


def gallery(folder, *, seed, count=40, cut=0, no_picture=0, no_place=0, foreign=0):
    """Photos of a table: pictures cut short or of another kind, missing ones, and no places."""
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True)
    with (folder / "photos.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "lat", "lon"])
        for number in range(count + no_picture + no_place):
            name = f"p {seed}-{number}"
            lat, lon = rng.uniform(-60, 60), rng.uniform(-180, 180)
            writer.writerow(
                [name, f"{lat:.4f}" if number < count + no_picture else "x", f"{lon:.4f}"]
            )
            if count <= number < count + no_picture:
                continue
            path = folder / "pictures" / f"{name}.jpg"
            Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(path)
            if number < cut:
                path.write_bytes(path.read_bytes()[: 400 + 10 * number])
            elif number < cut + foreign:
                path.write_text("no picture at all")


@pytest.fixture
def moved(geobench, tmp_path):
    gallery(tmp_path / "home", seed=1, cut=3, no_place=2)
    gallery(tmp_path / "away", seed=2, cut=2, foreign=4, no_picture=5)
    (tmp_path / "b.yaml").write_text(YAML)
    done = geobench("run", "b.yaml", "--no-figures")
    assert done.code == 0, done.text
    return tmp_path / "leaderboards/moved"


def test_each_dataset_says_what_was_dropped_and_why_without_naming_a_file(moved, geobench):
    manifest = json.loads((moved / "benchmark.json").read_text())
    home, away = manifest["dataset"], manifest["parts"]["transfer/away"]["dataset"]
    assert (home["promised"], home["photos"], sum(home["broken"].values())) == (42, 40, 2)
    assert (away["promised"], away["photos"], sum(away["broken"].values())) == (45, 40, 5)
    assert sum(home["unread"].values()) == 3
    assert sorted(away["unread"].values()) == [2, 4]
    page = (moved / "README.md").read_text()
    table = [line for line in page.splitlines() if "of `table`" in line]
    assert len(table) == 5
    assert sum(int(line.split("|")[1]) for line in table) == 2 + 3 + 5 + 2 + 4
    assert sum("45 of `table` (transfer/away)" in line for line in table) == 3
    assert any("picture cannot be read: " in line and "truncated" in line.lower() for line in table)
    reasons = [*home["broken"], *home["unread"], *away["broken"], *away["unread"]]
    for text in (*reasons, *table):
        for name in (".jpg", "p 1-", "p 2-", str(moved.parents[1]), "pictures/"):
            assert name not in text
    assert geobench("report", moved, "--check").code == 0
    assert geobench("verify", moved).code == 0


def test_a_board_without_dropped_photos_says_nothing_of_them(geobench, tmp_path):
    for name, seed in (("home", 1), ("away", 2)):
        gallery(tmp_path / name, seed=seed)
    (tmp_path / "b.yaml").write_text(YAML)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    board = tmp_path / "leaderboards/moved"
    assert "unread" not in (board / "benchmark.json").read_text()
    assert "no method here sees" not in (board / "README.md").read_text()


def test_pictures_that_another_benchmark_found_unreadable_are_counted_by_whom_they_concern(
    geobench, tmp_path
):
    """The store of features is shared: a trial of few photos counts those that it draws."""
    gallery(tmp_path / "home", seed=1, cut=20)
    gallery(tmp_path / "away", seed=2)
    (tmp_path / "b.yaml").write_text(YAML)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    assert geobench("run", "b.yaml", "--no-figures", "--limit", "6").code == 0
    boards = tmp_path / "leaderboards"
    whole, few = (
        json.loads((boards / name / "benchmark.json").read_text())["dataset"]["unread"]
        for name in ("moved", "moved.limit-6")
    )
    assert sum(whole.values()) == 20
    assert 0 < sum(few.values()) < 12


def test_an_audit_counts_unreadable_pictures_by_reason_and_not_by_file(geobench, tmp_path):
    gallery(tmp_path / "home", seed=1, cut=6, foreign=7)
    words = ("--config", "file=home/photos.csv", "--config", "images=home/pictures", "--json")
    done = geobench("data", "table", *words)
    assert done.code == 0, done.text
    (section,) = (s for s in json.loads(done.out)["sections"] if s["title"] == "Pictures")
    found = {line["name"]: line for line in section["lines"] if "cannot be read" in line["name"]}
    assert sorted(line["value"] for line in found.values()) == [6, 7]
    assert not any(".jpg" in name or str(tmp_path) in name for name in found)
    assert all(line["examples"] for line in found.values())
