"""Refusals from file to page: scored, counted in `answered`, said on the row, verified."""

import csv
import json

import numpy as np
import pytest

from geobench import distance_km
from geobench.board.tables import load

COUNT = 60
RUN = """\
benchmarks:
  - name: refused
    dataset: {{name: table, file: truth.csv}}
    splits: {splits}
    methods:
      - {{name: predictions, label: shy, file: shy.csv, missing: {missing}}}
      - {{name: predictions, label: bold, file: bold.csv}}
    metrics: [distance, accuracy, geoscore, risk-coverage]
"""
KIND = np.where(np.arange(COUNT) < 25, "early", "late")
SHY = np.arange(COUNT) % 5 == 2  # a blank row, or none at all


@pytest.fixture
def world(tmp_path):
    rng = np.random.default_rng(4)
    truth = np.stack([rng.uniform(-60, 60, COUNT), rng.uniform(-179, 179, COUNT)], 1).round(4)
    guess = (truth + rng.normal(0, 1, (COUNT, 2))).round(4)
    rows = [f"{i:03d},{a},{b},{KIND[i]}" for i, (a, b) in enumerate(truth.tolist())]
    (tmp_path / "truth.csv").write_text("\n".join(["id,lat,lon,kind", *rows]) + "\n")
    said = [f"{i:03d},{a},{b}" for i, (a, b) in enumerate(guess.tolist())]
    (tmp_path / "bold.csv").write_text("\n".join(["id,lat,lon", *said]) + "\n")
    blank = [f"{i:03d},NA,NA" for i in range(COUNT)]
    shy = [blank[i] if SHY[i] else said[i] for i in range(COUNT) if not (SHY[i] and i > COUNT / 2)]
    (tmp_path / "shy.csv").write_text("\n".join(["id,lat,lon", *shy]) + "\n")
    return truth, guess


def write(folder, *, missing="farthest", splits="[official]"):
    (folder / "b.yaml").write_text(RUN.format(missing=missing, splits=splits))


def rows_of(folder):
    with (folder / "leaderboards/refused/table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    plain = [row for row in rows if (row["slice"], row["average"]) == ("all", "photo")]
    return {(row["part"], row["label"], row["summary"]): row for row in plain}


def test_a_refusal_is_half_the_earth_away_and_the_page_says_it(geobench, tmp_path, world):
    truth, guess = world
    write(tmp_path)
    done = geobench("run", "b.yaml")
    assert done.code == 0, done.text
    rows = rows_of(tmp_path)
    error = np.where(SHY, np.pi * 6371.0088, distance_km(guess, truth))
    shy = rows["official/test", "shy", "distance.mean"]
    assert float(shy["value"]) == pytest.approx(error.mean(), rel=1e-5)
    assert float(shy["answered"]) == pytest.approx(1 - SHY.mean(), rel=1e-5)
    assert shy["photos"] == str(COUNT)
    assert rows["official/test", "bold", "distance.mean"]["answered"] == ""
    hit = (error <= 200).mean()
    assert float(rows["official/test", "shy", "accuracy@200km"]["value"]) == pytest.approx(hit)
    page = (tmp_path / "leaderboards/refused/README.md").read_text()
    assert "refusals: 12 of 60 photos are not answered, and scored as the point farthest" in page
    assert geobench("verify", "leaderboards/refused").code == 0
    frame = load(tmp_path / "leaderboards/refused")
    assert frame.answered.dtype == float


def test_the_page_says_what_metrics_of_draws_see_of_a_refusal(geobench, tmp_path, world):
    truth, guess = world
    write(tmp_path)
    text = (tmp_path / "b.yaml").read_text().replace("risk-coverage", "energy")
    (tmp_path / "b.yaml").write_text(text)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    rows = rows_of(tmp_path)
    plain = "refusals: 12 of 60 photos are not answered, and scored as the point farthest from the "
    plain += "truth"
    drawn = f"{plain} (in metrics of draws: as the uniform)"
    for summary in ("distance.mean", "accuracy@200km", "geoscore"):
        assert rows["official/test", "shy", summary]["note"].startswith(plain)
        assert "draws" not in rows["official/test", "shy", summary]["note"]
    energy = rows["official/test", "shy", "energy"]
    assert drawn in energy["note"]
    # E d(X, y) - E d(X, X') / 2 of the uniform is a quarter of half the Earth's circumference.
    error = np.where(SHY, np.pi * 6371.0088 / 4, distance_km(guess, truth))
    assert float(energy["value"]) == pytest.approx(error.mean(), rel=0.05)
    page = (tmp_path / "leaderboards/refused/README.md").read_text()
    whole, sliced = (line for line in page.splitlines() if line.startswith("| ") and plain in line)
    assert whole.count("refusals: ") == sliced.count("refusals: ") == 1
    assert drawn in whole
    assert drawn not in sliced  # a table of GeoScore alone
    assert geobench("verify", "leaderboards/refused").code == 0


@pytest.mark.parametrize("missing", ["farthest", "uniform"])
def test_a_page_without_metrics_of_draws_says_nothing_of_them(geobench, tmp_path, world, missing):
    write(tmp_path, missing=missing)
    text = (tmp_path / "b.yaml").read_text().replace(", risk-coverage", "")
    (tmp_path / "b.yaml").write_text(text)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    page = (tmp_path / "leaderboards/refused/README.md").read_text()
    assert "12 of 60 photos are not answered" in page
    assert "metrics of draws" not in page
    assert "metrics of draws" not in (tmp_path / "leaderboards/refused/table.csv").read_text()


def test_a_slice_has_the_share_of_its_own_photos(geobench, tmp_path, world):
    write(tmp_path)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    with (tmp_path / "leaderboards/refused/table.csv").open() as stream:
        rows = [r for r in csv.DictReader(stream) if r["label"] == "shy" and r["answered"]]
    found = {row["slice"]: row for row in rows if row["summary"] == "geoscore"}
    for kind in ("early", "late"):
        share = 1 - SHY[kind == KIND].mean()
        assert float(found[f"kind={kind}"]["answered"]) == pytest.approx(share, rel=1e-5)


def test_by_default_the_plan_says_that_it_will_fail_and_nothing_is_scored(
    geobench, tmp_path, world
):
    write(tmp_path, missing="fail")
    plan = geobench("run", "b.yaml", "--dry-run")
    assert plan.code == 0
    assert "shy will fail" in plan.out
    assert "6 missing" in plan.out
    assert "6 declined" in plan.out
    assert "`missing`" in plan.out
    assert not (tmp_path / "leaderboards").exists()
    done = geobench("run", "b.yaml", "--no-figures")
    assert done.code == 1
    rows = rows_of(tmp_path)
    assert rows["official/test", "shy", "geoscore"]["status"] == "failed"
    assert rows["official/test", "bold", "geoscore"]["status"] == "external"


def test_the_photos_that_all_answer_are_a_part_of_their_own(geobench, tmp_path, world):
    truth, guess = world
    subset = "[official, {name: official, label: easy, only: answered-by-all}]"
    write(tmp_path, missing="farthest", splits=subset)
    done = geobench("run", "b.yaml", "--no-figures")
    assert done.code == 0, done.text
    assert "not answered-by-all 12" in done.out
    rows = rows_of(tmp_path)
    part = "easy/test@answered-by-all"
    assert rows[part, "shy", "distance.mean"]["photos"] == str(COUNT - 12)
    assert rows["official/test", "shy", "distance.mean"]["photos"] == str(COUNT)
    expected = distance_km(guess, truth)[~SHY].mean()
    for label in ("shy", "bold"):
        assert float(rows[part, label, "distance.mean"]["value"]) == pytest.approx(expected, 1e-5)
        assert rows[part, label, "distance.mean"]["answered"] == ""
    # Where all answer, a file with refusals needs nothing in their place.
    write(tmp_path, missing="fail", splits="[{name: official, label: easy, only: answered-by-all}]")
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    assert rows_of(tmp_path)[part, "shy", "distance.mean"]["status"] == "external"
    assert geobench("verify", "leaderboards/refused").code == 0


def test_a_record_holds_who_was_declined_and_what_stands_in(geobench, tmp_path, world):
    write(tmp_path, missing="uniform")
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    records = (tmp_path / "leaderboards/refused/runs").glob("*/predictions-*/record.json")
    found = {}
    for path in records:
        data = json.loads(path.read_text())
        with np.load(path.parent / "answer.npz") as arrays:
            found[data.get("refused")] = (data, {name: arrays[name] for name in arrays.files})
    assert set(found) == {None, 12}
    assert "answered" not in found[None][1]
    np.testing.assert_array_equal(found[12][1]["answered"], ~SHY)
    assert found[12][0]["stand_in"] == "a point drawn uniformly"


def test_a_map_shows_the_answers_that_were_scored(geobench, tmp_path, world):
    write(tmp_path)
    assert geobench("run", "b.yaml", "--no-figures").code == 0
    done = geobench("map", "b.yaml", "--photos", str(COUNT))
    assert done.code == 0, done.text
    records = sorted((tmp_path / "leaderboards/refused/runs").glob("*/predictions-*"))
    assert len(records) == 2
    for record in records:
        with np.load(record / "answer.npz") as said, np.load(record / "map.npz") as shown:
            np.testing.assert_allclose(shown["answer"], said["answer"][shown["rows"]])
    assert geobench("verify", "leaderboards/refused").code == 0
