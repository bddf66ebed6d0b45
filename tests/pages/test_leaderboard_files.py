"""The files of a leaderboard: tables, costs, the page; written from the stored arrays alone."""

import csv
import json
import re
from dataclasses import fields, replace

import pytest

import geobench
import small_run
from dots_board import Elsewhere, Whole, basics, benchmark, method
from geobench import StoreError
from geobench.board import tables
from geobench.board.leaderboard import Leaderboard
from geobench.board.tables import ROW_COLUMNS, CurvePoint, Row, as_csv
from geobench.pages.report import rewrite
from geobench.pages.verification import verify
from geobench.readable import number
from recount import the


def test_costs_hold_timings_memory_and_facts(folder):
    with (folder / "costs.csv").open() as stream:
        costs = list(csv.DictReader(stream))
    own = [c for c in costs if (c["part"], c["label"], c["seed"]) == ("halves/old", "far", "7")]
    found = {c["quantity"]: (c["unit"], c["device"]) for c in own}
    assert found == {
        "fit_seconds": ("s", "cpu"),
        "restore_seconds": ("s", "cpu"),
        "predict_seconds": ("s", "cpu"),
        "score_seconds": ("s", "cpu"),
        "latency_median_seconds": ("s", "cpu"),
        "latency_p95_seconds": ("s", "cpu"),
        "latency_photos": ("photos", "cpu"),
        "throughput": ("photos/s", "cpu"),
        "peak_memory": ("MiB", "cpu"),
        "neighbours": ("photos", "cpu"),
    }
    assert next(c["value"] for c in own if c["quantity"] == "neighbours") == "40"
    table = (folder / "table.csv").read_text()
    assert "seconds" not in table


def cells(line):
    return re.split(r"(?<!\\)\|", line.strip().strip("|"))


def test_every_row_of_a_table_on_the_page_has_as_many_cells_as_its_head(folder):
    lines = (folder / "README.md").read_text().splitlines()
    tables = [[]]
    for line in lines:
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    tables = [table for table in tables if table]
    # One at a glance; of each part summaries and error by novelty; of one part slices.
    assert len(tables) == 8
    for table in tables:
        assert len({len(cells(line)) for line in table}) == 1
        assert set(table[1]) <= set("|-: ")


def test_the_page_shows_values_intervals_ranks_and_failures(folder, rows):
    page = (folder / "README.md").read_text()
    assert page.startswith("# dots\n")
    mean = the(rows, "halves/old", "released", "distance.mean")
    value, low, high = (number(float(mean[c]), "km") for c in ("value", "low", "high"))
    assert f"**{value}**<br>*{low} to {high}*<br>rank 5" in page  # 40 photos are few
    for text in ("not-answered", "failed", "`elsewhere`<br>external", "rank 2 to 3", "n/a", " - "):
        assert text in page, text
    said = r"- `broken` on halves/new: seed 0: method broken: RuntimeError: out of \| memory"
    assert said in page  # reads as |, in a table, too
    assert "Incomplete" not in page
    assert "nan" not in page.lower().replace("benchmark digest", "")


def test_the_page_credits_the_dataset(folder):
    page = (folder / "README.md").read_text()
    assert "## Credits\n\nDots by A. Person (2024).\n\nLicence: CC BY 4.0\n" in page


def test_the_tables_are_made_of_stored_arrays_alone(folder, catalogue, outcome):
    names = ("table.csv", "curves.csv", "costs.csv", "resolution.csv", "README.md")
    rewrite(folder, catalogue)
    before = {name: (folder / name).read_bytes() for name in names}
    assert verify(folder, catalogue) == []
    for name in names:
        (folder / name).unlink()
    rewrite(folder, catalogue)
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_load_reads_what_was_written(folder, rows):
    table = geobench.load(folder)
    assert list(table.columns) == list(ROW_COLUMNS)
    plain = table[(table["slice"] == "all") & (table["average"] == "photo")]
    assert list(plain["status"]) == [row["status"] for row in rows]


def test_the_rows_of_all_photos_are_those_of_the_whole_table(folder):
    whole = [row for row in tables.read(folder).rows if row.overall]
    assert len(whole) > 20
    assert repr(tables.read_overall(folder)) == repr(whole)  # nan is not nan


def test_a_table_without_rows_is_a_sentence(catalogue, workspace):
    asked = benchmark("nothing", Whole, [method(Elsewhere, "points")], [basics("nll")])

    class Everywhere(Elsewhere):
        def answers(self, part):
            return True

    asked = asked.model_copy(update={"methods": [method(Everywhere, "points")]})
    outcome = small_run.run(asked, workspace.root)
    assert not outcome.failures
    assert outcome.board is not None
    page = (outcome.board / "README.md").read_text()
    assert "None of the metrics can score what the methods predict." in page
    assert (outcome.board / "table.csv").read_text() == ",".join(ROW_COLUMNS) + "\n"


def test_a_folder_without_a_leaderboard_is_an_error(tmp_path, catalogue):
    with pytest.raises(StoreError, match=r"there is no benchmark\.json"):
        Leaderboard(tmp_path, catalogue)


def test_a_leaderboard_of_another_schema_is_an_error(folder, tmp_path, catalogue, manifest):
    (tmp_path / "benchmark.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(StoreError, match=r"is of layout 99, and 7 is the newest.*install that"):
        Leaderboard(tmp_path, catalogue)


def test_a_metric_of_another_version_is_an_error(tmp_path, catalogue, manifest):
    older = json.loads(json.dumps(manifest))
    older["benchmark"]["metrics"][0]["version"] = 99
    (tmp_path / "benchmark.json").write_text(json.dumps(older))
    with pytest.raises(StoreError, match=r"distance is of version 1 here, and .* version 99"):
        _ = Leaderboard(tmp_path, catalogue).metrics


def test_numbers_have_six_digits_and_what_is_none_is_empty():
    row = Row("b", "s/p", "all", "photo", "l", "m", "x", "km", "lower")
    row = replace(row, value=1234567.89, low=0.000123456789, high=20015.0868, photos=1234567)
    text = as_csv([row], Row)
    head, line = text.splitlines()
    assert head == ",".join(ROW_COLUMNS)
    found = dict(zip(ROW_COLUMNS, line.split(","), strict=True))
    assert found["value"] == "1.23457e+06"
    assert found["low"] == "0.000123457"
    assert found["high"] == "20015.1"
    assert found["photos"] == "1234567"
    for column in ("seed_sd", "effective_units", "rank_low", "rank_high", "note"):
        assert found[column] == ""


def test_text_with_commas_and_quotes_survives_the_table():
    note = 'said "no", twice\nand left'
    row = Row("b", "s/p", "all", "photo", "l", "m", "x", "km", "lower", note=note)
    (found,) = csv.DictReader(as_csv([row], Row).splitlines(keepends=True))
    assert found["note"] == note


def test_a_curve_table_has_the_columns_of_a_curve():
    assert [field.name for field in fields(CurvePoint)] == [
        "benchmark",
        "part",
        "slice",
        "label",
        "curve",
        "x",
        "value",
        "low",
        "high",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234.56, "km", "1,235"),
        (20015.09, "km", "20,015"),
        (12.3456, "km", "12.35"),
        (-2.53102, "nats per steradian", "-2.531"),
        (0.00123456, "km", "0.001235"),
        (0.0, "km", "0"),
        (0.12345, "share", "12.3 %"),
        (1.0, "share", "100.0 %"),
    ],
)
def test_a_number_for_readers_has_four_digits(value, unit, text):
    assert number(value, unit) == text
