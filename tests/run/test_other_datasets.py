"""Parts that are other datasets, broken pictures, and what a leaderboard may publish."""

import csv
import json

import numpy as np
from PIL import Image

TRANSFER = """\
benchmarks:
  - name: moved
    dataset: {name: toy-planet, photos: 200}
    encoder: given
    splits:
      - name: transfer
        test: [{name: toy-planet, label: far, seed: 5, photos: PHOTOS, noise: NOISE}]
    methods: [prior, counted]
    metrics: [geoscore, energy]
    samples: 4
"""
PHOTOS = """\
benchmarks:
  - name: pictures
    dataset: {name: table, file: photos.csv, images: photos, publishes: PUBLISHES}
    encoder: {name: im2gps, size: 16}
    splits: [random]
    methods: [{name: prior, bandwidths_km: [100]}, {name: predictions, file: answers.csv}]
    metrics: [distance]
    on_broken: BROKEN
"""


def rows_of(folder, name):
    with (folder / "leaderboards" / name / "table.csv").open() as stream:
        return list(csv.DictReader(stream))


def manifest(folder, name):
    return json.loads((folder / "leaderboards" / name / "benchmark.json").read_text())


def test_one_training_answers_another_dataset_whose_own_changes_run_again(geobench, tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(TRANSFER.replace("PHOTOS", "60").replace("NOISE", "0.5"))
    done = geobench("run", path)
    assert done.code == 0, done.text
    assert {row["part"] for row in rows_of(tmp_path, "moved")} == {"transfer/far"}
    first = [row["value"] for row in rows_of(tmp_path, "moved")]
    starts = geobench.fits()
    # Other features of the same places: neither ids, coordinates nor units of the part change.
    path.write_text(TRANSFER.replace("PHOTOS", "60").replace("NOISE", "0.9"))
    done = geobench("run", path)
    assert "2 to run" in done.out
    assert [line for line in geobench.fits() if "start" in line] == [
        line for line in starts if "start" in line
    ]
    assert len(rows_of(tmp_path, "moved")) == len(first)
    assert geobench("verify", "leaderboards/moved").code == 0
    readme = (tmp_path / "leaderboards/moved/README.md").read_text()
    assert "whose group is in train" not in readme


def pictures(folder, broken):
    """90 small pictures, some cut short, a table of them, and answers to all."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir()
    lines, answers = ["id,lat,lon,country"], ["id,lat,lon"]
    for number in range(90):
        path = folder / "photos" / f"p{number}.jpg"
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(path)
        if number < broken:
            path.write_bytes(path.read_bytes()[:150])
        lines.append(f"p{number},{rng.uniform(-60, 60):.4f},{rng.uniform(-180, 180):.4f},NA")
        answers.append(f"p{number},0,0")
    (folder / "photos.csv").write_text("\n".join(lines))
    (folder / "answers.csv").write_text("\n".join(answers))


def test_broken_pictures_are_left_out_for_all_and_counted_wherever_one_looks(geobench, tmp_path):
    pictures(tmp_path, broken=30)
    text = PHOTOS.replace("PUBLISHES", "coordinates").replace("BROKEN", "exclude")
    text = text.replace("[{name: prior, bandwidths_km: [100]},", "[{name: im2gps, k: 3}, prior,")
    (tmp_path / "b.yaml").write_text(text)
    (tmp_path / "answers.csv").write_text(
        "\n".join(["part,id,lat,lon"])
        + "\n"
        + "".join(
            f"test,{line}\n" for line in (tmp_path / "answers.csv").read_text().split("\n")[1:]
        )
    )
    done = geobench("run", "b.yaml")
    assert "30 of 90 pictures of table cannot be read" in done.text.replace("\n", " ")
    again = geobench("run", "b.yaml")
    assert "left out for broken pictures 30" in again.out
    facts = manifest(tmp_path, "pictures")["parts"]["random/test"]["facts"]
    lost = {name: value for name, (value, _) in facts.items() if "broken picture" in name}
    assert sum(lost.values()) == 30
    assert facts["test photos"][0] == 15 - lost["left out of test: broken picture"]
    assert "broken picture" in (tmp_path / "leaderboards/pictures/README.md").read_text()
    photos = {row["photos"] for row in rows_of(tmp_path, "pictures") if row["status"] == "ok"}
    assert photos == {str(int(facts["test photos"][0]))}
    (tmp_path / "b.yaml").write_text(text.replace("exclude", "fail"))
    failed = geobench("run", "b.yaml")
    assert failed.code == 1
    assert "`on_broken: exclude`" in failed.out


def test_scores_only_means_hashed_ids_no_map_and_records_out_of_version_control(geobench, tmp_path):
    pictures(tmp_path, broken=0)
    board = tmp_path / "leaderboards/pictures"
    answers = (tmp_path / "answers.csv").read_text()
    for publishes in ("coordinates", "scores"):
        text = PHOTOS.replace("PUBLISHES", publishes).replace("BROKEN", "exclude")
        (tmp_path / "b.yaml").write_text(text)
        assert geobench("run", "b.yaml", "--only", "prior").code == 0
        assert geobench("verify", board).code == 0
    part = manifest(tmp_path, "pictures")["parts"]["random/test"]
    with np.load(board / "runs" / part["folder"] / "part.npz") as stored:
        assert not set(stored["id"]) & {line.split(",")[0] for line in answers.split("\n")}
    assert manifest(tmp_path, "pictures")["maps"] == {}
    assert (board / ".gitignore").read_text() == "runs/\n"


def test_a_trial_with_few_photos_takes_a_whole_file_of_answers(geobench, tmp_path):
    rng = np.random.default_rng(1)
    lines = [f"{n},{a:.3f},{b:.3f}" for n, (a, b) in enumerate(rng.uniform(-80, 80, (50, 2)))]
    for name in ("truth.csv", "answers.csv"):
        (tmp_path / name).write_text("\n".join(["id,lat,lon", *lines]))
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: few, dataset: {name: table, file: truth.csv}, splits: [official], "
        "methods: [{name: predictions, file: answers.csv}], metrics: [distance]}]"
    )
    done = geobench("run", "b.yaml", "--limit", "7")
    assert done.code == 0, done.text
    assert {row["photos"] for row in rows_of(tmp_path, "few.limit-7")} == {"7"}


def test_a_part_that_names_no_folder_is_refused(geobench, tmp_path):
    (tmp_path / "truth.csv").write_text("id,lat,lon,part\na,1,2,x/../../y\nb,1,2,z\n")
    (tmp_path / "b.yaml").write_text(
        "benchmarks: [{name: odd, dataset: {name: table, file: truth.csv}, splits: [official], "
        "methods: [uniform], metrics: [distance]}]"
    )
    done = geobench("run", "b.yaml")
    assert done.code == 1
    assert "is no name of a test part" in done.out
    assert not (tmp_path / "leaderboards").exists()
