"""Texts of users in the tables of a page: they begin no cell, no line and no element."""

import re

import pytest

from geobench.board.tables import Row
from geobench.pages.markdown_tables import slice_table, summary_table

ODD = [
    "urban|dense",
    "a\\|b",
    "two\nlines",
    "<b>bold",
    "<!-- gone",
    "`code",
    "*star*",
    "||",
    "a < 3",
]


def row(slice_name="all", **more):
    about = {"average": "photo", "label": "uniform", "method": "uniform", "summary": "geoscore"}
    unit = {"unit": "points", "better": "higher", "value": 1000.0, "photos": 30}
    return Row("b", "s/p", slice_name, **(about | unit | more))


def cells(line):
    return re.split(r"(?<!\\)(?:\\\\)*\|", line.strip().removeprefix("|").removesuffix("|"))


@pytest.mark.parametrize("name", ODD)
def test_a_slice_has_a_line_of_two_cells_whatever_its_name_is(name):
    head, _, *lines = slice_table([row(f"land={name}")], "geoscore").splitlines()
    assert len(lines) == 1
    assert len(cells(head)) == len(cells(lines[0])) == 2
    assert not re.search(r"<(?!br>)[a-zA-Z!/]", lines[0])
    assert "land=" in lines[0]


def test_a_note_with_a_bar_stays_in_its_cell():
    table = summary_table([row(note="gallery: a|b\nc")], [])
    assert {len(cells(line)) for line in table.splitlines()} == {2}


def test_plain_names_stand_as_they_are():
    shown = slice_table([row("continent=North America"), row("scene=a < 3")], "geoscore")
    assert "| continent=North America (30 photos)" in shown
    assert "| scene=a < 3 (30 photos)" in shown
