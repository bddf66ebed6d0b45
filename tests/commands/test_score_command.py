"""`geobench score`: a truth and files of answers become a page, and a YAML file that remakes it."""

import csv
import gzip
import math
import shlex
import shutil
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml
from typer.main import get_command

from geobench import cli, config, geo
from geobench.catalogue import installed
from geobench.config import composing, yaml_lines
from geobench.names import CEILING, LABEL
from geobench.toy_planet import ToyPlanet
from pages import Page, tables

NUMBER = 60
_RNG = np.random.default_rng(5)
TRUTH = geo.from_vectors(_RNG.normal(size=(NUMBER, 3))).round(5)
# From some metres to some thousand km from the truth.
ANSWERS = geo.from_vectors(
    geo.unit_vectors(TRUTH)
    + 10 ** _RNG.uniform(-6, 0.3, (NUMBER, 1)) * _RNG.normal(size=(NUMBER, 3))
).round(5)


def written(path, header, ids, points, *more):
    """A CSV of ids, points and further columns."""
    columns = [ids, *points.T, *more]
    lines = [header, *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"{place:04d}_ab@N00.jpg" for place in range(NUMBER)]
    written(tmp_path / "truth.csv", "IMG_ID,LAT,LON", names, TRUTH)
    written(tmp_path / "mine.csv", "id,lat,lon", names, ANSWERS)
    return tmp_path


@pytest.fixture
def scored(ask):
    """The command without pictures, as it ends where all goes well."""

    def run(*words):
        done = ask("score", *words, "--no-figures")
        assert done.code == 0, done.text
        return done

    return run


def values(folder, label="mine", part="official/test"):
    """Summary -> value of one row of a leaderboard."""
    with (folder / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["summary"]: float(row["value"])
        for row in rows
        if (row["label"], row["part"], row["slice"], row["average"])
        == (label, part, "all", "photo")
    }


def by_the_book(truth, answers, radius):
    """The share within a radius, by the haversine formula as papers write it."""
    hits = 0
    for (lat, lon), (other_lat, other_lon) in zip(
        np.deg2rad(truth), np.deg2rad(answers), strict=True
    ):
        a = math.sin((lat - other_lat) / 2) ** 2
        a += math.cos(lat) * math.cos(other_lat) * math.sin((lon - other_lon) / 2) ** 2
        hits += 2 * 6371 * math.asin(math.sqrt(a)) <= radius
    return hits / len(truth)


def are_published(folder, label="mine", keep=slice(None), **more):
    found = values(folder, label, **more)
    for radius in (1, 25, 200, 750, 2500):
        expected = by_the_book(TRUTH[keep], ANSWERS[keep], radius)
        assert found[f"accuracy@{radius}km"] == pytest.approx(
            expected, abs=5e-7
        )  # as table.csv is written
    return found


def test_a_truth_and_answers_become_a_page_with_the_published_accuracies(here, scored):
    done = scored("truth.csv", "mine.csv")
    board = here / "leaderboards/score-truth"
    found = are_published(board)
    assert {"geoscore", "distance.median", "country-accuracy", "region-accuracy"} <= set(found)
    assert "energy" not in found
    assert (board / "README.md").exists()
    assert "to read: leaderboards/score-truth/README.md" in done.out


def test_the_yaml_file_remakes_the_board_and_lies_beside_it_with_relative_paths(here, scored, ask):
    done = scored("truth.csv", "mine.csv")
    text = (here / "score-truth.yaml").read_text()
    (entry,) = yaml.safe_load(text)["benchmarks"]
    assert entry["dataset"] == {"name": "table", "file": "truth.csv"}
    assert entry["methods"] == [{"name": "predictions", "label": "mine", "file": "mine.csv"}]
    (line,) = [each for each in done.out.splitlines() if each.startswith("to change what is")]
    words = shlex.split(line.partition("run: ")[2])[1:]
    assert words == ["run", "score-truth.yaml"]
    again = ask(*words, "--no-figures")
    assert again.code == 0
    assert "nothing has changed" in again.out
    assert "nothing has changed" in scored("truth.csv", "mine.csv").out


def test_a_workspace_elsewhere_gets_the_yaml_file_and_the_line_names_it(here, scored, ask):
    done = scored("truth.csv", "mine.csv", "--workspace", "far away/place")
    (entry,) = yaml.safe_load((here / "far away/place/score-truth.yaml").read_text())["benchmarks"]
    assert entry["dataset"]["file"] == "../../truth.csv"
    (line,) = [each for each in done.out.splitlines() if each.startswith("to change what is")]
    again = ask(*shlex.split(line.partition("run: ")[2])[1:], "--no-figures")
    assert again.code == 0, again.text
    assert "nothing has changed" in again.out
    assert sorted(path.name for path in here.iterdir()) == ["far away", "mine.csv", "truth.csv"]


def test_paths_hold_where_the_workspace_is_a_link(here, scored):
    (here / "a/deep/place").mkdir(parents=True)
    (here / "link").symlink_to(here / "a/deep/place")
    scored("truth.csv", "mine.csv", "--workspace", "link")
    are_published(here / "a/deep/place/leaderboards/score-truth")


LAYOUTS = {
    "places365 and p_lat": ("IMG_ID,LAT,LON", "img_id,p_lat,p_long"),
    "geoclip": ("IMG_FILE,LAT,LON", "IMG_FILE,lat_pred,lon_pred"),
    "osv-5m": ("id,latitude,longitude", "id,latitude,longitude"),
    "gaea": ("FILE,LAT,LON", "image_path,predicted_latitude,predicted_longitude"),
    "upper case": ("photo_id,True_LAT,True_LON", "photo_id,Pred_LAT,Pred_LON"),
    "words behind": ("image,latitude_gt,longitude_gt", "image,latitude_pred,longitude_pred"),
    "lng": ("id,lat,lng", "filename,pred_lat,pred_lng"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_columns_are_found_as_they_are_published(here, scored, layout):
    truth, answers = LAYOUTS[layout]
    names = [f"aa/bb/{place:05d}.jpg" for place in range(NUMBER)]
    written(here / "t.csv", truth, names, TRUTH)
    written(here / "mine.csv", answers, names[::-1], ANSWERS[::-1])
    scored("t.csv", "mine.csv")
    are_published(here / "leaderboards/score-t")


@pytest.mark.parametrize(
    "form", [lambda n: n, lambda n: n[:-4], lambda n: n[6:], lambda n: n[6:-4], lambda n: "./" + n]
)
def test_ids_meet_with_and_without_folder_and_ending_in_either_file(here, scored, form):
    names = [f"aa/bb/{place:05d}.jpg" for place in range(NUMBER)]
    for of_truth, of_answers in ((lambda n: n, form), (form, lambda n: n)):
        written(here / "t.csv", "id,lat,lon", map(of_truth, names), TRUTH)
        written(here / "mine.csv", "id,lat,lon", map(of_answers, names), ANSWERS)
        scored("t.csv", "mine.csv")
        are_published(here / "leaderboards/score-t")


@pytest.mark.parametrize("ending", [".tsv", ".csv.gz", ".parquet", ".txt"])
def test_files_are_of_any_kind_that_is_read(here, scored, ending):
    for name in ("truth", "mine"):
        source, made = here / f"{name}.csv", here / f"{name}2{ending}"
        if ending == ".parquet":
            pyarrow.parquet.write_table(pyarrow.csv.read_csv(source), made)
        elif ending == ".csv.gz":
            made.write_bytes(gzip.compress(source.read_bytes()))
        else:
            separator = "\t" if ending == ".tsv" else ","
            made.write_text(source.read_text().replace(",", separator))
    scored(f"truth2{ending}", f"mine2{ending}")
    are_published(here / "leaderboards/score-truth2", "mine2")


def test_a_file_that_holds_truth_and_answers_is_given_twice(here, scored):
    lines = [
        f"{place},{a},{b},{c},{d}"
        for place, ((a, b), (c, d)) in enumerate(zip(TRUTH, ANSWERS, strict=True))
    ]
    header = "id,true_lat,true_lon,pred_lat,pred_lon"
    (here / "both.csv").write_text("\n".join([header, *lines, ""]))
    done = scored("both.csv", "both.csv")
    are_published(here / "leaderboards/score-both", "both")
    assert "Is both.csv the truth?" not in done.text


def test_columns_that_names_do_not_tell_are_named_by_key_value(here, scored):
    names = [str(place) for place in range(NUMBER)]
    written(here / "t.csv", "7,where_y,where_x", names, TRUTH)
    written(here / "mine.csv", "key,up,right", names, ANSWERS)
    of_truth = ("id_column=7", "lat_column=where_y", "lon_column=where_x")
    of_answers = ("id_column=key", "lat_column=up", "lon_column=right", "confidence_scale=100")
    words = [*(f"--truth={word}" for word in of_truth), *(f"--answers={w}" for w in of_answers)]
    scored("t.csv", "mine.csv", *words)
    are_published(here / "leaderboards/score-t")


def test_an_error_about_columns_followed_literally_leads_to_success(here, ask):
    names = [str(place) for place in range(NUMBER)]
    written(here / "t.csv", "key,lat,latitude,lon", names, TRUTH[:, [0, 0]], TRUTH[:, 1])
    written(
        here / "mine.csv", "id,pred_lat,lat_pred,pred_lon", names, ANSWERS[:, [0, 0]], ANSWERS[:, 1]
    )
    words = ["score", "t.csv", "mine.csv", "--no-figures"]
    for _ in range(5):
        done = ask(*words)
        if done.code == 0:
            break
        assert done.code == 1
        (told,) = [line for line in done.out.splitlines() if line.startswith("FAILED")]
        typed = shlex.split(told.partition("On this command line: ")[2])
        assert typed[0] in ("--truth", "--answers"), told
        words += [word.replace("NAME", "key") for word in typed]
    are_published(here / "leaderboards/score-t")
    assert len(words) > 4 + 2 * 2


def test_several_files_of_one_name_are_told_apart(here, scored):
    for folder in ("gpt", "gemini"):
        (here / folder).mkdir()
        shutil.copy(here / "mine.csv", here / folder / "answers.csv")
    scored("truth.csv", "gpt/answers.csv", "gemini/answers.csv", "mine.csv")
    for label in ("gpt-answers", "gemini-answers", "mine"):
        are_published(here / "leaderboards/score-truth", label)


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["a.csv", "b.csv.gz", "c.tar.parquet"], ["a", "b", "c.tar"]),
        (["x/a.csv", "x/a.tsv"], ["a.csv", "a.tsv"]),
        (["größe.csv", "[1] a|b.csv"], ["gro-e", "1- a-b"]),
        (["oracle-training-place.csv", "東京.csv", "_-_.csv"], None),
        (["a-1.csv", "a.csv", "a.tsv"], None),
        (["A b.csv", "p/q/r.csv", "p/s/r.csv", "t/q/r.csv"], None),
    ],
)
def test_labels_are_valid_and_no_two_are_equal(tmp_path, monkeypatch, paths, labels):
    monkeypatch.chdir(tmp_path)
    found = composing.labels_of([Path(path) for path in paths])
    assert all(LABEL.fullmatch(label) and label != CEILING for label in found)
    assert len(set(found)) == len(found)
    assert labels is None or found == labels


ODD_NAMES = [
    *("true", "12", "1e4", "0x1f", "~", "null", "no", "a: b", "a #b", "[x]", "{y}", "'q'", '"q"'),
    *(
        "a\\b",
        "é",
        "e\u0301",
        "東京",
        "😀",
        "a,b",
        "&a",
        "*a",
        "!t",
        "%",
        "@x",
        "`",
        "- a",
        "a\nb",
        "\x7f",
    ),
    *(" a", "a ", "\u2028", "2020-01-01", "=", "?", "|", ">"),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_any_name_is_the_same_name_in_yaml(tmp_path, name):
    path = composing.relative(tmp_path / f"{name}.csv", tmp_path)
    entry = {"name": "predictions", "label": "l", "file": path, name: [name, 1.5, None, True]}
    made = composing.Comparison("n", {"file": name}, "official", [entry], [name])
    (tmp_path / "n.yaml").write_bytes(made.text().encode())
    (read,) = yaml_lines.read(tmp_path / "n.yaml")["benchmarks"]
    assert read["methods"] == [entry]
    assert (read["dataset"], read["metrics"]) == ({"file": name}, [name])
    assert composing.untouched(made.text())
    assert (tmp_path / path).expanduser().resolve() == tmp_path / f"{name}.csv"


def test_files_of_odd_names_are_scored(here, scored):
    files = [here / f"{name}.csv" for name in ODD_NAMES if name not in ("a\\b", "12")]
    for file in files:
        shutil.copy(here / "mine.csv", file)
    shutil.copy(here / "truth.csv", here / "~ t.csv")
    scored(
        "~ t.csv", *(f"./{file.name}" for file in files), "--name", "odd", "--metric", "accuracy"
    )
    (benchmark,) = config.read(here / "odd.yaml", installed())
    assert [method.plugin.config.file for method in benchmark.methods] == files
    are_published(here / "leaderboards/odd", benchmark.methods[-1].label)


def test_draws_are_scored_as_draws_and_single_rows_are_not(here, scored):
    rng = np.random.default_rng(1)
    lines = ["id,sample,lat,lon"]
    for place, (lat, lon) in enumerate(ANSWERS):
        for sample in range(4):
            moved = np.clip(lat + rng.normal(), -90, 90), lon + rng.normal()
            lines.append(f"{place:04d}_ab@N00,{sample},{moved[0]},{moved[1]}")
    (here / "draws.csv").write_text("\n".join(lines))
    scored("truth.csv", "mine.csv", "draws.csv")
    found = values(here / "leaderboards/score-truth", "draws")
    assert {"energy", "risk-coverage.area"} <= set(found)


def test_a_stated_confidence_is_scored_where_a_file_has_one(here, scored):
    names = [f"{place:04d}_ab@N00.jpg" for place in range(NUMBER)]
    written(here / "sure.csv", "id,lat,lon,confidence", names, ANSWERS, _RNG.random(NUMBER))
    scored("truth.csv", "mine.csv", "sure.csv")
    (benchmark,) = yaml.safe_load((here / "score-truth.yaml").read_text())["benchmarks"]
    assert benchmark["metrics"][-1] == "stated-confidence"
    with (here / "leaderboards/score-truth/table.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["slice"] == "all"]
    stated = {row["label"] for row in rows if row["summary"].startswith("stated-confidence")}
    assert stated == {"sure"}


def test_a_truth_that_lists_photos_several_times_is_chosen_from_as_the_error_says(here, ask):
    names = np.repeat([f"{place:04d}.jpg" for place in range(NUMBER)], 2)
    levels = np.tile(["coarse", "fine"], NUMBER)
    truth, answers = np.repeat(TRUTH, 2, axis=0), np.repeat(ANSWERS, 2, axis=0)
    places = np.concatenate([truth, answers], axis=1)
    written(
        here / "levels.csv", "img_id,gt_lat,gt_lng,pred_lat,pred_lng,level", names, places, levels
    )
    words = ["score", "levels.csv", "levels.csv", "--no-figures"]
    for option in ("--truth", "--answers"):
        done = ask(*words)
        assert done.code == 1
        assert f"{NUMBER} " in done.out
        typed = done.out.partition("On this command line: ")[2].splitlines()[0]
        words += shlex.split(typed)
        assert words[-2] == option
        assert words[-1].startswith("where=")
    done = ask(*words)
    assert done.code == 0, done.text


def test_metrics_that_are_asked_for_replace_the_others(here, scored, ask):
    scored("truth.csv", "mine.csv", "--metric", "accuracy", "--metric", "town-accuracy")
    found = values(here / "leaderboards/score-truth")
    assert "town-accuracy" in found
    assert "geoscore" not in found
    done = ask("score", "truth.csv", "mine.csv", "--metric", "acuracy")
    assert done.code == 2
    assert "Did you mean accuracy" in done.err


def test_the_truth_may_be_a_dataset_that_is_installed(here, scored):
    table = ToyPlanet().table
    tested = np.isin(np.asarray(table.part), ("clear", "ambiguous"))
    written(here / "mine.csv", "id,lat,lon", table.ids[tested], table.points[tested])
    scored("toy-planet", "mine.csv")
    assert values(here / "leaderboards/score-toy-planet", part="official/clear")["geoscore"] == 5000


def test_answers_to_some_parts_alone_are_said_by_a_key_that_the_error_names(here, ask):
    table = ToyPlanet().table
    tested = np.asarray(table.part) == "clear"
    written(here / "mine.csv", "id,lat,lon", table.ids[tested], table.points[tested])
    words = ["score", "toy-planet", "mine.csv", "--no-figures"]
    done = ask(*words)
    assert done.code == 1
    (told,) = [line for line in done.out.splitlines() if line.startswith("FAILED")]
    typed = shlex.split(told.partition("On this command line: ")[2])
    assert typed == ["--missing", "farthest", "--answers", 'parts=["NAME"]']
    assert ask(*words, "--answers", 'parts=["clear"]').code == 0
    found = values(here / "leaderboards/score-toy-planet", part="official/clear")
    assert found["geoscore"] == 5000


@pytest.mark.parametrize(
    ("missing", "low", "high"), [("farthest", 20000, 20016), ("uniform", 1, 20014)]
)
def test_what_stands_in_for_a_missing_answer_is_said_by_a_flag_that_the_error_names(
    here, ask, missing, low, high
):
    lines = (here / "mine.csv").read_text().splitlines()
    (here / "mine.csv").write_text("\n".join(lines[:-1]))
    done = ask("score", "truth.csv", "mine.csv", "--no-figures")
    assert done.code == 1
    assert "1 missing" in done.out
    assert "--missing farthest" in done.out
    assert (here / "score-truth.yaml").exists()
    assert ask("score", "truth.csv", "mine.csv", "--no-figures", "--missing", missing).code == 0
    whole = values(here / "leaderboards/score-truth")
    errors = geo.distance_km(TRUTH[:-1], ANSWERS[:-1]).sum()
    assert low < whole["distance.mean"] * NUMBER - errors < high


def test_a_prior_needs_training_photos_and_is_taken_from_them(here, ask):
    done = ask("score", "truth.csv", "mine.csv", "--no-figures", "--missing", "prior")
    assert done.code == 1
    assert "--missing farthest or --missing uniform" in done.out
    names = [f"{place:04d}_ab@N00.jpg" for place in range(NUMBER)]
    parts = ["train" if place < 40 else "test" for place in range(NUMBER)]
    written(here / "truth.csv", "IMG_ID,LAT,LON,split", names, TRUTH, parts)
    written(here / "mine.csv", "id,lat,lon", names[42:], ANSWERS[42:])
    done = ask("score", "truth.csv", "mine.csv", "--no-figures", "--missing", "prior")
    assert done.code == 0, done.text


def test_of_a_truth_with_parts_the_test_parts_are_scored(here, scored, ask):
    names = [f"{place:04d}_ab@N00.jpg" for place in range(NUMBER)]
    parts = ["train" if place < 20 else "test" for place in range(NUMBER)]
    written(here / "truth.csv", "IMG_ID,LAT,LON,split", names, TRUTH, parts)
    written(here / "mine.csv", "id,lat,lon", names[20:], ANSWERS[20:])
    scored("truth.csv", "mine.csv")
    are_published(here / "leaderboards/score-truth", keep=slice(20, None))
    written(here / "truth.csv", "IMG_ID,LAT,LON,split", names, TRUTH, ["train"] * NUMBER)
    done = ask("score", "truth.csv", "mine.csv", "--no-figures")
    assert done.code == 1
    assert "none is a test part" in done.out


def test_no_file_of_somebody_else_is_written_over(here, scored, ask):
    mine = here / "score-truth.yaml"
    mine.write_text("benchmarks: []\n")
    done = ask("score", "truth.csv", "mine.csv")
    assert done.code == 2
    assert "--name NAME" in done.err
    assert mine.read_text() == "benchmarks: []\n"
    scored("truth.csv", "mine.csv", "--name", "other")
    are_published(here / "leaderboards/other")
    # Nor one that was written here, and edited since.
    edited = (here / "other.yaml").read_text().replace("[official]", "[{name: official}]")
    (here / "other.yaml").write_text(edited)
    done = ask("score", "truth.csv", "mine.csv", "--name", "other")
    assert done.code == 2
    assert (here / "other.yaml").read_text() == edited
    (here / "other.yaml").unlink()
    done = ask("score", "truth.csv", "mine.csv", "--name", "other")
    assert done.code == 2
    assert "there is such a leaderboard" in done.err
    scored("truth.csv", "mine.csv", "--name", "third")
    shutil.copy(here / "mine.csv", here / "more.csv")
    scored("truth.csv", "mine.csv", "more.csv", "--name", "third")
    are_published(here / "leaderboards/third", "more")


def test_what_is_no_file_and_no_dataset_is_said_with_what_is(here, ask):
    done = ask("score", "truht.csv", "mine.csv")
    assert done.code == 2
    assert "truht.csv is neither a file nor a dataset" in done.err
    assert "Did you mean truth.csv" in done.err
    assert "Did you mean blue-marble" in ask("score", "blue-marbel", "mine.csv").err
    done = ask("score", "truth.csv", "mime.csv")
    assert done.code == 2
    assert "mime.csv: there is no such file" in done.err
    assert "Did you mean mine.csv" in done.err
    assert "is a folder" in ask("score", "truth.csv", ".").err
    assert "given twice" in ask("score", "truth.csv", "mine.csv", "./mine.csv").err
    assert not list(here.glob("*.yaml"))


def test_a_file_that_is_no_text_at_all_is_a_sentence_on_either_side(here, ask):
    (here / "odd.csv").write_bytes(bytes(range(128, 256)) * 30)
    (here / "empty.csv").write_bytes(b"")
    for odd in ("odd.csv", "empty.csv"):
        for words in (("truth.csv", odd), (odd, "mine.csv"), (odd, odd)):
            done = ask("score", *words, "--no-figures")
            assert done.code == 1
            assert "FAILED" in done.out
            assert "Traceback" not in done.text


def test_keys_that_there_are_not_are_said_with_their_flag(here, ask):
    for flag in ("--truth", "--answers"):
        done = ask("score", "truth.csv", "mine.csv", flag, "lat_colum=lat")
        assert done.code == 2
        assert flag in done.err
        assert "lat_column" in done.err
    assert (
        "Leave --truth file=x.csv out"
        in ask("score", "truth.csv", "mine.csv", "--truth=file=x.csv").err
    )
    for name in ("No Name", "../x", "a/b", ""):
        done = ask("score", "truth.csv", "mine.csv", "--name", name)
        assert done.code == 2
        assert f"--name {name!r} is no name" in done.err
    assert ask("score", "truth.csv", "mine.csv", "--metric", "acuracy").code == 2
    assert sorted(path.name for path in here.iterdir()) == ["mine.csv", "truth.csv"]
    assert not (here.parent / "x.yaml").exists()


def test_of_several_answers_to_a_photo_one_is_chosen_as_the_error_says(here, ask):
    lines = ["img_id,p_key,pred_class,pred_lat,pred_lng"]
    for place, (lat, lon) in enumerate(ANSWERS):
        lines += [f"{place:04d}_ab@N00,{key},5,0,{place}" for key in ("coarse", "fine")]
        lines.append(f"{place:04d}_ab@N00,hierarchy,5,{lat},{lon}")
    (here / "mine.csv").write_text("\n".join(lines))
    words = ["score", "truth.csv", "mine.csv", "--no-figures"]
    done = ask(*words)
    assert done.code == 1
    (told,) = [line for line in done.out.splitlines() if line.startswith("FAILED")]
    assert "Rows of a photo differ in p_key (coarse, fine, hierarchy)" in told
    typed = shlex.split(told.partition("On this command line: ")[2])
    assert typed == ["--answers", 'where={"p_key":"hierarchy"}']
    done = ask(*words, *typed)
    assert done.code == 0, done.text
    assert "energy" not in are_published(here / "leaderboards/score-truth")
    done = ask(*words, "--answers", 'where={"p_key":"hierachy"}')
    assert done.code == 1
    assert "Did you mean hierarchy" in done.out
    done = ask(*words, "--answers", 'where={"key":"hierarchy"}')
    assert done.code == 1
    assert "where says 'key', and there is no such column" in done.out


def test_files_without_a_common_id_show_three_of_each(here, ask):
    written(here / "mine.csv", "id,lat,lon", [f"x{n}" for n in range(NUMBER)], ANSWERS)
    done = ask("score", "truth.csv", "mine.csv", "--no-figures")
    assert done.code == 1
    for name in ("x0", "x1", "x2", "0000_ab@N00.jpg", "0001_ab@N00.jpg", "0002_ab@N00.jpg"):
        assert name in done.out
    assert "id_column" in done.out


def test_truth_and_answers_in_the_wrong_order_are_told_of(here, ask):
    names = [f"{place:04d}_ab@N00.jpg" for place in range(NUMBER)]
    written(here / "mine.csv", "id,pred_lat,pred_lon", names, ANSWERS)
    done = ask("score", "mine.csv", "truth.csv", "--no-figures")
    assert done.code == 1
    (told,) = [line for line in done.out.splitlines() if line.startswith("Is mine.csv the truth?")]
    again = ask(*shlex.split(told.partition("If not: ")[2])[1:], "--no-figures")
    assert again.code == 0
    are_published(here / "leaderboards/score-truth")
    written(here / "mine.csv", "id,lat,lon,confidence", names, ANSWERS, ["0.5"] * NUMBER)
    done = ask("score", "mine.csv", "truth.csv", "--no-figures")
    assert "Is mine.csv the truth? It has a column confidence" in done.out
    assert "the truth?" not in ask("score", "truth.csv", "mine.csv", "--no-figures").out


def test_pictures_are_drawn_unless_they_are_not_wanted(here, ask):
    assert ask("score", "truth.csv", "mine.csv").code == 0
    assert list((here / "leaderboards/score-truth/figures").glob("*.png"))


def test_every_flag_is_documented():
    (documented,) = tables(Page.read("docs/benchmarks.md").section("Answers made elsewhere"))
    shown = {flag for names in documented for flag in names.replace("`", "").split(", ")}
    (made,) = [each for each in get_command(cli.app).commands.values() if each.name == "score"]
    options = {name for each in made.params for name in (*each.opts, *each.secondary_opts)}
    assert shown == {name for name in options if name.startswith("--")}


def test_exchanged_columns_are_told_of_though_some_answers_are_then_off_the_globe(here, ask):
    names = [f"{place:04d}_ab@N00" for place in range(NUMBER)]
    written(here / "mine.csv", "id,lat,lon", names, ANSWERS[:, ::-1])
    done = ask("score", "truth.csv", "mine.csv", "--no-figures")
    assert done.code == 1
    assert "off the globe" in done.out
    assert "latitude and longitude look exchanged" in done.out


@pytest.mark.parametrize("extra", [3, 900])
def test_answers_to_more_photos_than_the_truth_has_are_scored_and_told_of(
    here, scored, caplog, extra
):
    text = (here / "mine.csv").read_text()
    more = [f"other{place}.jpg,1,2\n" for place in range(extra)]
    (here / "mine.csv").write_text(text + "".join(more))
    scored("truth.csv", "mine.csv")
    assert f"{extra} unknown (first: other0.jpg; other1.jpg; other2.jpg)" in caplog.text
    are_published(here / "leaderboards/score-truth")


def test_answers_to_all_photos_are_scored_on_the_part_that_is_tested(here, scored, caplog):
    lines = (here / "truth.csv").read_text().splitlines()
    more = [f"train{place}.jpg,{place},{place},train" for place in range(40)]
    rows = [f"{line},test" for line in lines[1:]]
    (here / "truth.csv").write_text("\n".join([f"{lines[0]},part", *rows, *more]))
    answers = [f"photos/train{place},1,2" for place in range(40)]
    (here / "mine.csv").write_text((here / "mine.csv").read_text() + "\n".join(answers))
    scored("truth.csv", "mine.csv")
    assert "unknown" not in caplog.text
    are_published(here / "leaderboards/score-truth")
