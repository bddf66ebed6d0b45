"""Texts of users in the tables of a page: they begin no cell, no line and no element."""

import html
import re
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt

from geobench.board.tables import Row
from geobench.pages import dropped_photos
from geobench.pages.markdown_tables import prose, slice_table, summary_table
from geobench.records.manifest import StoredDataset

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


IN_PROSE = [
    *ODD,
    "A | B",
    "[a link](https://example.org/x)",
    "![a picture](x.png)",
    "<script>alert(1)</script>",
    "<a href='x'>here</a>",
    "# Heading",
    "> quoted",
    "- item",
    "1. item",
    "---",
    "~~gone~~",
    "_leaning_ and __bold__",
    "&copy; us, AT&T",
    "[ref]: https://example.org",
    "```python",
    "trailing\\",
    "snake_case_name, 2024 (CC BY 4.0), a - b",
]


@pytest.mark.parametrize("text", IN_PROSE)
def test_a_title_or_licence_reads_as_its_owner_wrote_it(text):
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for before in ("", "Licence: "):
        shown = reader.render(f"above\n\n{before}{prose(text)}\n\nbelow\n").strip().split("\n")
        assert shown[0::2] == ["<p>above</p>", "<p>below</p>"]
        words = " ".join(text.split())
        assert html.unescape(shown[1]) == f"<p>{before}{words}</p>"
        assert not re.search(r"<(?!/?p>)", shown[1])


def test_addresses_and_plain_sentences_stand_as_they_are():
    for text in ("Imagery: NASA, https://example.org/a-b/1484?x=1&y=2#top.", "CC BY 4.0 (2005)"):
        assert prose(text) == text


@pytest.mark.parametrize("title", IN_PROSE)
def test_the_table_of_dropped_photos_has_three_cells_whatever_a_title_is(title):
    about = StoredDataset(
        name="own",
        digest="0" * 64,
        photos=2,
        promised=5,
        broken={f"why {title}": 3},
        licence="",
        citation="",
        publishes="coordinates",
        on_earth=True,
        title=title,
    )
    manifest = SimpleNamespace(dataset=about, parts={})
    reader = MarkdownIt("commonmark").enable("table")
    shown = html.unescape(reader.render("\n".join(dropped_photos.dropped(manifest))))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown)
    words = " ".join(title.split())
    assert cells == ["3", f"5 of {words}", cells[2]]
    assert shown.count("<tr>") == 2
