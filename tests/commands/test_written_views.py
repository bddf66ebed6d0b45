"""What `geobench worst` and `geobench compare` write for other programs: CSV and JSON."""

import csv
import json
import math
import re
from pathlib import Path

import pytest
from geopy.distance import great_circle

import outside_board
from geobench import load
from geobench.board.leaderboard import Leaderboard
from geobench.board.lines import as_csv, line, of_text
from geobench.catalogue import installed
from geobench.commands import parts
from geobench.geo import EARTH_RADIUS_KM
from pages import Page, tables

BOARD = Path("leaderboards/outside")
PHOTOS, PART = outside_board.PHOTOS, outside_board.PART


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    root = tmp_path_factory.mktemp("trip")
    outside_board.made(root)
    return root


@pytest.fixture(autouse=True)
def here(trip, monkeypatch):
    monkeypatch.chdir(trip)


def read(path):
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [{name: of_text(cell) for name, cell in row.items()} for row in rows]


def places(path):
    return {row["id"]: (float(row["lat"]), float(row["lon"])) for row in read(path)}


def away(trip, label):
    """Id -> km from truth to answer, by geopy, from the files that were given."""
    truth, answers = places(trip / "truth.csv"), places(trip / f"{label}.csv")
    return {
        photo: great_circle(truth[photo], answers[photo], radius=EARTH_RADIUS_KM).km
        for photo in truth
    }


def texts(lines):
    """Lines of JSON as a CSV file has them: all digits, nothing for null."""
    spelt = {str: str, type(None): lambda _: ""}
    return [
        {name: spelt.get(type(cell), repr)(cell) for name, cell in line.items()} for line in lines
    ]


def told(constant):
    raise AssertionError(f"JSON has no {constant}")


def json_of(done):
    """What stands on standard output, which must be JSON alone, of finite numbers."""
    assert done.code == 0, done.text
    return json.loads(done.out, parse_constant=told)


def test_worst_writes_a_line_per_photo_with_ids_as_strings_and_all_digits(ask, trip, tmp_path):
    file = tmp_path / "new" / "worst.csv"
    done = ask("worst", "outside", "-m", "far", "-n", PHOTOS, "--csv", file, "--output", tmp_path)
    assert done.code == 0, done.text
    assert f"worst.csv ({PHOTOS} lines)" in done.out
    rows, wanted = read(file), away(trip, "far")
    assert [row["id"] for row in rows] == sorted(wanted, key=wanted.get, reverse=True)
    assert set(outside_board.AWKWARD) < {row["id"] for row in rows}
    truth, answers = places(trip / "truth.csv"), places(trip / "far.csv")
    for number, row in enumerate(rows, 1):
        assert (row["benchmark"], row["part"], row["label"]) == ("outside", PART, "far")
        assert (row["number"], row["seed"]) == (str(number), "0")
        assert float(row["error_km"]) == pytest.approx(wanted[row["id"]], rel=1e-9)
        assert (float(row["truth_lat"]), float(row["truth_lon"])) == truth[row["id"]]
        assert (float(row["answer_lat"]), float(row["answer_lon"])) == answers[row["id"]]
        assert row["truth_near"]
        assert row["answer_near"]
    assert list(tmp_path.glob("worst-*.png"))


def test_worst_prints_json_alone_and_it_says_what_the_csv_says(ask, tmp_path):
    file = tmp_path / "worst.csv"
    done = ask("worst", "outside", "-m", "near", "-n", "7", "--json", "--csv", file)
    found = json_of(done)
    assert found["benchmark"] == "outside"
    assert found["digest"] == Leaderboard(BOARD, installed()).manifest.digest
    assert texts(found["worst"]) == read(file)
    assert len(found["worst"]) == 7
    assert "worst.csv (7 lines)" in done.err
    assert all(isinstance(row["id"], str) for row in found["worst"])


@pytest.mark.parametrize(
    "verb", [["worst", "outside", "-m", "far"], ["compare", "outside", "far", "near"]]
)
def test_with_json_pictures_are_drawn_only_where_a_folder_is_named(ask, trip, tmp_path, verb):
    before = set(trip.glob("*"))
    json_of(ask(*verb, "--json"))
    assert set(trip.glob("*")) == before
    done = ask(*verb, "--json", "--output", tmp_path / "pictures")
    json_of(done)
    (picture,) = (tmp_path / "pictures").glob("*.png")
    assert picture.name in done.err


def test_what_is_not_on_the_sheet_is_counted(ask, tmp_path, monkeypatch):
    words = ["worst", "outside", "-m", "far", "-n", "9", "--output", tmp_path]
    assert "on the sheet" not in ask(*words).out
    monkeypatch.setattr("geobench.figures.MOST_ON_SHEET", 4)
    assert "on the sheet are the first 4 of 9\n" in ask(*words).out


def test_compare_writes_the_numbers_of_the_tables_in_their_units(ask, tmp_path):
    file = tmp_path / "compare.csv"
    done = ask("compare", "outside", "near", "far", "--csv", file, "--output", tmp_path)
    assert done.code == 0, done.text
    table = load(BOARD)
    table = table[(table["slice"] == "all") & (table.average == "photo")]
    table = table.set_index(["label", "summary"])
    rows = read(file)
    assert {row["summary"] for row in rows} == {summary for _, summary in table.index}
    for row in rows:
        for side, label in (("a", "near"), ("b", "far")):
            assert row[side] == label
            number = table.loc[label, row["summary"]]
            assert float(row[f"{side}_value"]) == pytest.approx(number.value, rel=1e-5)
            assert (row["unit"], row["better"]) == (number.unit, number.better)
        difference = float(row["a_value"]) - float(row["b_value"])
        assert float(row["difference"]) == pytest.approx(difference, abs=1e-9)
        assert int(row["photos"]) == PHOTOS
        if float(row["p_value"]) < 0.05:
            better = difference > 0 if row["better"] == "higher" else difference < 0
            assert row["leads"] == ("near" if better else "far")
        else:
            assert row["leads"] == ""


def test_compare_prints_json_alone_and_counts_who_is_nearer(ask, trip, tmp_path):
    file = tmp_path / "compare.csv"
    found = json_of(ask("compare", "outside", "near", "far", "--json", "--csv", file))
    assert (found["a"], found["b"]) == ("near", "far")
    assert texts(found["differences"]) == read(file)
    near, far = away(trip, "near"), away(trip, "far")
    gains = [far[photo] - near[photo] for photo in near]
    (counted,) = found["nearer"]
    assert counted == {
        "part": PART,
        "photos": PHOTOS,
        "a": sum(gain >= 1 for gain in gains),
        "b": sum(gain <= -1 for gain in gains),
        "neither": sum(abs(gain) < 1 for gain in gains),
    }


def test_compare_writes_who_is_nearer_on_each_photo(ask, trip, tmp_path):
    file = tmp_path / "photos.csv"
    done = ask("compare", "outside", "near", "far", "--photos", file, "--output", tmp_path)
    assert done.code == 0, done.text
    near, far, truth = away(trip, "near"), away(trip, "far"), places(trip / "truth.csv")
    rows = read(file)
    assert [row["id"] for row in rows] == list(truth)
    for row in rows:
        kms = [float(row["a_error_km"]), float(row["b_error_km"])]
        assert kms == pytest.approx([near[row["id"]], far[row["id"]]], rel=1e-9)
        assert (float(row["lat"]), float(row["lon"])) == truth[row["id"]]
        wins = "" if abs(kms[0] - kms[1]) < 1 else "near" if kms[0] < kms[1] else "far"
        assert row["nearer"] == wins


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A board with a method that has a density and one that has no answers."""
    silent = "{name: predictions, label: silent, file: near.csv, parts: []}"
    root, metrics = tmp_path_factory.mktemp("mixed"), "distance, nll, accuracy"
    return outside_board.made(root, name="mixed", more=["uniform", silent], metrics=metrics)


def test_what_has_no_number_is_empty_in_csv_and_null_in_json(mixed, tmp_path, ask):
    file = tmp_path / "c.csv"
    found = json_of(ask("compare", mixed, "uniform", "near", "--json", "--csv", file))
    rows = read(file)
    assert texts(found["differences"]) == rows
    (likelihood,) = [row for row in found["differences"] if row["summary"] == "nll"]
    assert likelihood["a_value"] == pytest.approx(math.log(4 * math.pi))
    tested = ("b_value", "difference", "low", "high", "p_value", "leads", "photos")
    assert [likelihood[name] for name in tested] == [None] * len(tested)
    assert likelihood["note"] == "near has no such number"
    (same,) = [row for row in rows if row["summary"] == "nll"]
    assert [same[name] for name in tested] == [""] * len(tested)


def test_parts_without_answers_are_told_beside_the_json(mixed, ask):
    for words in (["worst", mixed, "-m", "silent"], ["compare", mixed, "silent", "near"]):
        done = ask(*words, "--json")
        assert (done.code, done.out) == (1, "")
        assert "silent has no answers on official/test: its record is not-answered" in done.err


def test_what_publishes_scores_only_is_written_without_places(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outside_board.made(tmp_path, name="hidden", publishes="scores")
    worst = json_of(ask("worst", "hidden", "-m", "far", "-n", "3", "--json"))["worst"]
    assert set(worst[0]) == {"benchmark", "part", "label", "seed", "number", "id", "error_km"}
    done = ask("compare", "hidden", "near", "far", "--photos", tmp_path / "p.csv")
    assert "no map: the dataset lets only scores be published" in done.out
    columns = {"benchmark", "part", "a", "b", "id", "a_error_km", "b_error_km", "nearer"}
    rows = read(tmp_path / "p.csv")
    assert set(rows[0]) == columns
    assert not {row["id"] for row in rows} & set(places(tmp_path / "truth.csv"))


def test_the_columns_are_those_of_the_docs_in_their_order(ask, tmp_path):
    (columns,) = [
        found for found in tables(Page.read("docs/results.md").text) if "worst --csv" in found
    ]
    files = [tmp_path / f"{number}.csv" for number in range(3)]
    ask("worst", "outside", "-m", "far", "--json", "--csv", files[0])
    ask("compare", "outside", "near", "far", "--json", "--csv", files[1], "--photos", files[2])
    for name, file in zip(("worst --csv", "compare --csv", "compare --photos"), files, strict=True):
        assert re.findall(r"`(\w+)`", columns[name]["columns"]) == list(read(file)[0])


def test_a_file_that_cannot_be_written_and_one_file_for_two_tables_are_sentences(ask, tmp_path):
    (tmp_path / "file").write_text("")
    done = ask("worst", "outside", "-m", "far", "--json", "--csv", tmp_path / "file" / "w.csv")
    assert (done.code, done.out) == (2, "")
    assert "w.csv: cannot be written: " in done.err
    both = ["--csv", tmp_path / "c.csv", "--photos", tmp_path / "c.csv"]
    done = ask("compare", "outside", "far", "near", *both)
    assert done.code == 2
    assert "--csv and --photos name one file" in done.err
    assert not (tmp_path / "c.csv").exists()


def test_lines_hold_no_number_that_is_none_and_miss_no_column():
    first = line({"id": "1", "km": math.nan, "share": math.inf, "seed": 3})
    second = line({"id": "2", "near": "a,b", "km": 0.1 + 0.2})
    assert first == {"id": "1", "km": None, "share": None, "seed": 3}
    rows = list(csv.DictReader(as_csv([first, second]).splitlines()))
    assert rows[0] == {"id": "1", "km": "", "share": "", "seed": "3", "near": ""}
    assert (rows[1]["km"], rows[1]["near"], rows[1]["share"]) == ("0.30000000000000004", "a,b", "")


def test_of_no_photos_there_is_no_picture_and_it_is_said(capsys, tmp_path):
    board = Leaderboard(BOARD, installed())
    for what in ("map", "contact sheet"):
        picture = parts.PartPicture(what, "worst", ["far"], 0, draw=lambda: pytest.fail("drawn"))
        parts.write_picture(board, PART, picture, output=tmp_path)
        assert capsys.readouterr().out == f"no {what}: {PART} has no photos\n\n"
    assert not list(tmp_path.glob("*"))


def test_ids_that_are_no_text_are_spelt_out(tmp_path):
    parts.write_lines(tmp_path / "t.csv", [line({"id": "b\udcff.jpg"})])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "id\nb\\udcff.jpg\n"
