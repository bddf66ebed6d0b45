"""The page of answers made elsewhere: nothing is explained or drawn that is not there."""

import json
import re
from dataclasses import replace

import pytest

import outside_board
import small_run
from geobench.board import tables
from geobench.catalogue import installed
from geobench.figures.cost import timed_parts
from geobench.names import CEILING
from geobench.pages import report
from geobench.pages.markdown_tables import copies, measured

CEILINGS = re.compile(
    r"ceiling|oracle|nearest training place|training place nearest", re.IGNORECASE
)


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    return outside_board.made(tmp_path_factory.mktemp("outside"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The same with two methods that take their time and spread their answers."""
    folder = tmp_path_factory.mktemp("mixed")
    return outside_board.made(folder, name="mixed", more=["uniform", "{name: uniform, label: u}"])


def page(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


def captions(folder):
    manifest = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
    return {each["file"].rpartition("/")[2]: each["caption"] for each in manifest["figures"]}


def test_a_page_without_a_ceiling_explains_none(outside):
    assert CEILING not in tables.read(outside).labels
    assert not CEILINGS.search(page(outside)), CEILINGS.search(page(outside))
    assert not any(CEILINGS.search(caption) for caption in captions(outside).values())


def test_a_page_with_a_ceiling_explains_it_and_its_line(tmp_path):
    text = (
        "benchmarks: [{name: toy, dataset: {name: toy-planet, photos: 200}, splits: [random], "
        "methods: [uniform, prior], metrics: [distance, accuracy, geoscore]}]"
    )
    folder = small_run.board(tmp_path, text, figures=True)
    assert f"`{CEILING}` answers with the training place nearest" in page(folder)
    assert "Dashed is the training place nearest" in captions(folder)["accuracy.png"]
    assert "the dashed line shows" in captions(folder)["novelty.png"]


def test_a_picture_whose_lines_have_no_ceiling_explains_none_though_the_board_has_one(tmp_path):
    # Of a density there is no ceiling: the curve of nll has none, the rows of accuracy have one.
    text = (
        "benchmarks: [{name: toy, dataset: {name: toy-planet, photos: 200}, "
        "splits: [unseen-cells], "
        "methods: [uniform, prior], metrics: [nll, accuracy]}]"
    )
    said = captions(small_run.board(tmp_path, text, figures=True))
    assert "Dashed" in said["accuracy.png"]
    assert "Dashed" not in said["seen-unseen.png"]
    assert "dashed" not in said["novelty.png"]


def test_what_a_kept_picture_is_is_said_as_it_is_said_now(outside):
    path = outside / "benchmark.json"
    before, manifest = path.read_bytes(), json.loads(path.read_text(encoding="utf-8"))
    manifest["figures"][0]["caption"] = "Dashed is the ceiling."
    path.write_text(json.dumps(manifest), encoding="utf-8")
    picture = outside / manifest["figures"][0]["file"]
    drawn = picture.stat().st_mtime_ns
    assert report.rewrite(outside, installed()) == []
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(before)
    assert picture.stat().st_mtime_ns == drawn


def test_costs_are_drawn_where_two_methods_have_some_and_nowhere_else(outside, mixed, tmp_path):
    assert not (outside / "figures" / "cost.png").exists()
    assert (mixed / "figures" / "cost.png").exists()
    one = outside_board.made(tmp_path, name="one", more=["uniform"])
    assert not (one / "figures" / "cost.png").exists()
    assert "Cost against quality" not in page(one)
    costs = (one / "costs.csv").read_text()
    assert ",uniform," in costs  # nothing is lost


def test_a_part_with_one_dot_is_no_panel_of_costs(mixed):
    read = tables.read(mixed)
    rows = [*read.rows, *(replace(row, part="x/y") for row in read.rows)]
    costs = [*read.costs, *(replace(c, part="x/y") for c in read.costs if c.label != "u")]
    assert timed_parts(replace(read, rows=rows, costs=costs)) == [outside_board.PART]


def test_energy_is_left_out_of_the_page_where_it_only_repeats_the_mean_distance(outside):
    values = {
        (row.label, row.summary): row.value for row in tables.read(outside).rows if row.overall
    }
    for label in ("near", "far"):
        assert values[label, "energy"] == pytest.approx(values[label, "distance.mean"], rel=1e-5)
    assert not re.search(r"^\| energy", page(outside), re.MULTILINE)
    said = "In table.csv alone: `energy`, which is `distance.mean` where each answer is one place."
    assert page(outside).count(said) == 1


def test_energy_stays_where_one_method_spreads_its_answers(mixed):
    assert re.search(r"^\| energy", page(mixed), re.MULTILINE)
    assert "In table.csv alone" not in page(mixed)


def test_energy_stays_where_there_is_no_mean_distance_beside_it(tmp_path):
    folder = outside_board.made(tmp_path, metrics="energy, geoscore")
    assert re.search(r"^\| energy", page(folder), re.MULTILINE)


def test_energy_that_comes_first_gives_its_place_to_the_distance_that_it_repeats(tmp_path):
    folder = outside_board.made(tmp_path, metrics="energy, distance")
    assert not re.search(r"^\| energy", page(folder), re.MULTILINE)
    assert "distance.mean by slice" in page(folder)


def rows_of(*values, part="p/q", photos=5):
    """Rows of two labels and two summaries, such as ("energy", 1.0, 2.0)."""
    return [
        tables.Row("b", part, "all", "photo", label, "m", name, "km", "lower", value, photos=photos)
        for name, *numbers in values
        for label, value in zip("ab", numbers, strict=True)
    ]


NAN = float("nan")


@pytest.mark.parametrize(
    ("energy", "distance", "alike"),
    [
        ((812.345, 1.5), (812.345, 1.5), True),
        ((812.346, 1.5), (812.345, 1.5), True),  # the last of six digits
        ((812.4, 1.5), (812.345, 1.5), False),
        ((0.0, 1.5), (0.0, 1.5), True),
        ((NAN, 1.5), (NAN, 1.5), True),
        ((NAN, 1.5), (2.0, 1.5), False),
        ((NAN, NAN), (NAN, NAN), False),
    ],
)
def test_rows_are_copies_where_all_numbers_of_a_board_agree(energy, distance, alike):
    found = rows_of(("distance.mean", *distance), ("energy", *energy))
    assert copies(found) == ({"energy": "distance.mean"} if alike else {})
    # One part of other answers is enough for all to be shown; so is another sample of the photos.
    other = rows_of(("distance.mean", 1.0, 2.0), ("energy", 0.5, 2.0), part="p/r")
    assert copies([*found, *other]) == {}
    few = rows_of(("energy", *energy), photos=3)
    assert copies([*rows_of(("distance.mean", *distance)), *few]) == {}


def test_a_gap_is_about_the_summary_that_it_is_a_gap_of():
    (row, _) = rows_of(("energy.gap", 1.0, 2.0))
    assert measured(row) == "energy"
    assert measured(replace(row, summary="energy.part-difference")) == "energy"
    assert measured(replace(row, summary="distance.mean")) == "distance.mean"
