"""Answers made elsewhere: a CSV, a YAML of ten lines, and numbers that agree with geopy's."""

import csv

import numpy as np
from geopy.distance import great_circle

TABLE = """\
benchmarks:
  - name: outside
    dataset: {name: table, file: places.csv}
    splits: [official]
    methods:
      - {name: predictions, label: mine, file: answers.csv}
    metrics: [distance, accuracy, geoscore, energy]
"""
SEEN = """\
benchmarks:
  - name: outside
    dataset: toy-planet
    splits: [unseen-cells]
    methods:
      - {name: predictions, label: mine, file: answers.csv, parts: [unseen-cells/seen]}
    metrics: [distance, geoscore]
"""


def table(folder):
    with (folder / "leaderboards/outside/table.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == "mine"]
    plain = [row for row in rows if (row["slice"], row["average"]) == ("all", "photo")]
    return {(row["part"], row["summary"]): row for row in plain}


def answers_of(folder, part):
    """Truth and stored answers of a part."""
    (path,) = (folder / "leaderboards/outside/runs").glob(f"{part}-*/predictions-*/answer.npz")
    with np.load(path) as stored, np.load(path.parents[1] / "part.npz") as known:
        return known["truth"], stored["answer"]


def independent(a, b):
    """Distances in km by geopy, one pair at a time."""
    measure = great_circle(radius=6371.0088)
    return np.array([measure.measure(tuple(x), tuple(y)) for x, y in zip(a, b, strict=True)])


def test_a_csv_of_answers_to_fifty_thousand_places_is_scored(geobench, tmp_path):
    rng = np.random.default_rng(3)
    count = 50_000
    truth = np.stack(
        [np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 180, count)], 1
    )
    guess = truth + rng.normal(0, 5, (count, 2))
    guess[:, 0] = np.clip(guess[:, 0], -90, 90)
    with (tmp_path / "places.csv").open("w") as stream:
        stream.write("image_id,Latitude,LONGITUDE,country\n")
        stream.writelines(f"{i:06d},{a!r},{b!r},NA\n" for i, (a, b) in enumerate(truth.tolist()))
    order = rng.permutation(count)
    with (tmp_path / "answers.csv").open("w") as stream:
        stream.write("id,lat,lon\n")
        rows = zip(order.tolist(), guess[order].tolist(), strict=True)
        stream.writelines(f"{i:06d},{a!r},{b!r}\n" for i, (a, b) in rows)
    (tmp_path / "b.yaml").write_text(TABLE)
    done = geobench("run", "b.yaml")
    assert done.code == 0, done.text
    rows = table(tmp_path)
    expected = independent(truth, guess)
    mean = rows["official/test", "distance.mean"]
    assert mean["status"] == "external"
    assert mean["rank_low"] == "1"
    assert mean["photos"] == str(count)
    assert float(mean["value"]) == float(f"{expected.mean():.6g}")
    median = float(rows["official/test", "distance.median"]["value"])
    assert median == float(f"{np.median(expected):.6g}")
    score = 5000 * np.exp(-expected / 1492.7)
    assert float(rows["official/test", "geoscore"]["value"]) == float(f"{score.mean():.6g}")
    stored_truth, stored = answers_of(tmp_path, "official-test")
    np.testing.assert_allclose(independent(stored_truth, stored), expected, rtol=1e-6)
    # The energy score of an atom is its error.
    energy = float(rows["official/test", "energy"]["value"])
    np.testing.assert_allclose(energy, expected.mean(), rtol=1e-5)
    assert geobench("verify", "leaderboards/outside").code == 0


def test_answers_for_one_part_leave_the_other_not_answered(geobench, tmp_path):
    (tmp_path / "answers.csv").write_text("id,lat,lon\nx,0,0\n")
    (tmp_path / "b.yaml").write_text(SEEN)
    done = geobench("run", "b.yaml")
    assert done.code == 1
    assert "missing" in done.out
    with np.load(next((tmp_path / "leaderboards/outside/runs").glob("*-seen-*/part.npz"))) as part:
        ids, truth = part["id"], part["truth"]
    lines = [f"{name},{lat / 2},{lon}" for name, (lat, lon) in zip(ids, truth, strict=True)]
    (tmp_path / "answers.csv").write_text("\n".join(["id,lat,lon", *lines]) + "\n")
    done = geobench("run", "b.yaml")
    assert done.code == 0, done.text
    rows = table(tmp_path)
    assert rows["unseen-cells/unseen", "geoscore"]["status"] == "not-answered"
    assert rows["unseen-cells/seen", "geoscore"]["status"] == "external"
    expected = independent(truth, truth * [0.5, 1]).mean()
    assert float(rows["unseen-cells/seen", "distance.mean"]["value"]) == float(f"{expected:.6g}")


def test_an_edited_answers_file_runs_again_and_the_old_record_stays(geobench, tmp_path):
    (tmp_path / "b.yaml").write_text(TABLE)
    (tmp_path / "places.csv").write_text("id,lat,lon\na,1,2\nb,3,4\nc,-5,6\n")
    (tmp_path / "answers.csv").write_text("id,lat,lon\na,1,2\nb,3,4\nc,-5,7\n")
    assert geobench("run", "b.yaml").code == 0
    before = table(tmp_path)["official/test", "distance.mean"]["value"]
    records = set((tmp_path / "leaderboards/outside/runs/").glob("*/predictions-*"))
    (tmp_path / "answers.csv").write_text("id,lat,lon\na,1,2\nb,3,4\nc,-5,8\n")
    assert geobench("run", "b.yaml").code == 0
    assert table(tmp_path)["official/test", "distance.mean"]["value"] != before
    after = set((tmp_path / "leaderboards/outside/runs/").glob("*/predictions-*"))
    assert len(after - records) == 1
    assert records < after


def test_a_repeated_or_unknown_id_is_counted_and_named_before_anything_is_predicted(
    geobench, tmp_path
):
    (tmp_path / "b.yaml").write_text(TABLE)
    (tmp_path / "places.csv").write_text("id,lat,lon\na,1,2\nb,3,4\n")
    (tmp_path / "answers.csv").write_text("id,lat,lon\na,1,2\nb,3,4\nb,3,5\nz,1,1\n")
    done = geobench("run", "b.yaml")
    assert done.code == 1
    failure = next(line for line in done.out.splitlines() if line.startswith("FAILED"))
    assert "'b'" in failure or " b" in failure
    assert not list((tmp_path / "leaderboards").rglob("answer.npz"))
