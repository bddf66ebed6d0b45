"""`geobench report`: fresh and stale tables, and the table as `geobench.load` gives it."""

import csv

import numpy as np
import pytest

import geobench
from command_line import Done
from tiny_benchmark import COLUMNS, rewritten


def test_fresh_tables_pass_the_check(board, ask):
    assert ask("report", "--check", board) == Done(
        0, f"{board}: tables and pictures are fresh\n", ""
    )


@pytest.mark.parametrize(
    "name", ["table.csv", "curves.csv", "costs.csv", "resolution.csv", "README.md"]
)
def test_a_table_that_is_gone_or_older_fails_the_check_and_report_mends_it(name, board, ask):
    good = (board / name).read_bytes()
    rewritten(board / name, lambda text: "\n".join(text.splitlines()[:-1]))
    stale = ask("report", "--check", board)
    assert (stale.code, stale.err) == (1, "1 problem(s)\n")
    assert str(board / name) in stale.out
    (board / name).unlink()
    gone = ask("report", "--check", board)
    assert (gone.code, gone.out) == (1, f"{board / name} is missing\n")
    mended = ask("report", board)
    assert (mended.code, mended.err) == (0, "")
    files = "table.csv, curves.csv, costs.csv, resolution.csv, README.md and 5 pictures"
    assert mended.out == f"wrote {files} in {board}\n"
    assert (board / name).read_bytes() == good


def test_the_check_allows_one_unit_of_the_sixth_digit_and_no_more(board, ask):
    path = board / "table.csv"
    lines = path.read_text().splitlines()
    where = next(i for i, line in enumerate(lines) if ",distance.mean," in line)
    cells = lines[where].split(",")
    value = cells[COLUMNS.index("value")]
    assert len(value.replace(".", "")) == 6
    for units, code in ((1, 0), (2, 1)):
        shifted = f"{float(value) + units * 10.0 ** -len(value.split('.')[1]):.6g}"
        cells[COLUMNS.index("value")] = shifted
        path.write_text("\n".join([*lines[:where], ",".join(cells), *lines[where + 1 :]]) + "\n")
        assert ask("report", "--check", board).code == code


def test_load_gives_the_table_with_its_own_columns(board):
    table = geobench.load(board)
    assert list(table.columns) == COLUMNS
    with (board / "table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(table) == len(rows)
    for column in ("value", "low", "high", "effective_units", "rank_low"):
        expected = [float(row[column]) if row[column] else np.nan for row in rows]
        np.testing.assert_array_equal(table[column].to_numpy(float), expected)
    for column in ("part", "label", "summary", "unit", "status", "note"):
        assert list(table[column]) == [row[column] for row in rows]
    assert table["photos"].dtype.kind == "i"


def test_load_keeps_labels_that_look_like_nothing_or_like_a_number(board):
    table = geobench.load(str(board))
    assert not table["label"].isna().any()
    table = table[table["summary"] != "nll.gain-over-prior"]  # of which the prior has no row
    for label in ("NA", "12"):
        assert len(table[table["label"] == label]) == len(table[table["label"] == "prior"])
