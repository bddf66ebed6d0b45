"""Texts of others on a page, in CSV and on a terminal: they stay texts, whatever they hold."""

import csv
import io
import re
from dataclasses import fields

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from geobench import load
from geobench.board import lines, tables
from geobench.board.tables import Cost, CurvePoint, Resolution, Row, as_csv, in_one_line_each
from geobench.markdown_text import code, disarmed, named, plain, prose, said
from geobench.pages.markdown_tables import gap_table, glance_table, slice_table, summary_table

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "<img src=https://evil.example/x.png>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "`</td><b>`<b>x",
    "a\\`<b>x</b>",
    "a|b\\|c",
    "x\n\n# Heading\n\n<!-- gone",
    "x\n```\ncode",
    "[x]: https://evil.example",
    "&lt;b&gt; &#60;b>",
    "<!--",
    "- item",
    "\x1b[31mred\x1b[0m \u202egnp.exe",
]
PIECES = st.sampled_from(
    [*"<>[]()!`*_|\\#&;~\n\r\t -=+@/:.", "a", "b1", "<b>", "<!--", "-->", "![", "](", "http://x.y"]
    + ["```", "~~", "&lt;", "&#60;", "www.x.y", "@you", "\x1b[31m", "1.", "$x$"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
LIVE = {"html_inline", "html_block", "link_open", "image", "heading_open", "fence", "code_block"}
LIVE |= {"blockquote_open", "bullet_list_open", "ordered_list_open", "hr", "em_open", "strong_open"}


def kinds(markdown):
    """The kinds of all tokens that a page has, and of html only what is not our own `<br>`."""
    found = []
    for token in READER.parse(markdown):
        for each in (token, *(token.children or ())):
            if not (each.type == "html_inline" and each.content == "<br>"):
                found.append(each.type)
    return found


@given(TEXTS | st.text(max_size=40))
def test_no_text_is_more_than_text_in_a_line_of_its_own(text):
    for shown in (plain, prose, said, code, named):
        found = READER.parse(f"above\n\nx {shown(text)}\n\nbelow\n")
        assert [token.type for token in found] == [
            "paragraph_open",
            "inline",
            "paragraph_close",
        ] * 3
        assert not LIVE & set(kinds(f"x {shown(text)}")), shown
        assert "\x1b" not in shown(text)
    assert not LIVE & set(kinds(said(text)))


@given(TEXTS)
def test_sentences_of_plugins_hold_no_element_and_no_link(text):
    found = kinds(f"x {disarmed(' '.join(text.split()))}")
    assert not {"html_inline", "html_block", "link_open", "image"} & set(found)


@pytest.mark.parametrize("text", ["https://x.y/z", "www.x.y", "@you", "anna@x.y", "mailto:a@x.y"])
def test_addresses_and_mentions_of_others_are_in_code(text):
    for shown in (plain, said, named):
        assert f"`{text}`" in shown(f"see {text} now"[4 if shown is named else 0 :])


def row(text, **more):
    about = {"slice": "all", "average": "photo", "summary": "geoscore", "unit": "points"}
    own = {"part": "s/p", "label": "uniform", "method": "m", "better": "higher"}
    given = {"benchmark": "b", **about, **own, "value": 1.0, "photos": 30, **more}
    return Row(**{name: text if value is TEXT else value for name, value in given.items()})


TEXT = object()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["part", "label", "summary", "unit", "slice", "average", "note"])
def test_no_table_of_a_page_holds_what_a_name_brings(field, text):
    text = f"gallery: {text}" if field == "note" else text
    one = row(text, **{field: TEXT, "low": 0.5, "high": 2.0})
    other = row(text, **{field: TEXT})
    shown = [summary_table([one, other], []), slice_table([one], one.summary)]
    if field not in ("slice", "average"):
        shown.append(glance_table([one], one.summary))
        shown.append(gap_table([one, row(text, **{field: TEXT, "summary": "geoscore.gap"})], {}))
    for table in shown:
        tokens = kinds(f"above\n\n{table}\n\nbelow")
        assert not (LIVE - {"strong_open"}) & set(tokens), table
        assert tokens.count("table_open") <= 1
        heads, cells = tokens.count("th_open"), tokens.count("td_open")
        assert not cells or cells % heads == 0
        assert "\x1b" not in table


def stored(texts):
    """Rows with these texts, and the four tables as they are written and read again."""
    rows = [row(text, slice=TEXT, label=TEXT, note=TEXT) for text in texts]
    costs = [Cost("b", "p", text, "m", 0, "cpu", text, text, -1.5) for text in texts]
    files = {"table.csv": as_csv(rows, Row), "costs.csv": as_csv(costs, Cost)}
    files |= {"curves.csv": as_csv([], CurvePoint), "resolution.csv": as_csv([], Resolution)}
    found = tables.parse({name: files[name] for name in tables.KINDS}, where="x")
    return rows, costs, found, files


STARTS = st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "'", "''=", " =", "\uff1d", ""])


@given(st.lists(st.builds("".join, st.tuples(STARTS, st.text(max_size=12))), max_size=5))
def test_a_cell_is_read_again_as_it_was_and_is_no_formula(texts):
    texts = [text.encode(errors="replace").decode() for text in texts]
    rows, costs, found, files = stored(texts)
    assert [(r.slice, r.label, r.note) for r in found.rows] == [(t, t, t) for t in texts]
    assert [(c.label, c.quantity, c.unit, c.value) for c in found.costs] == [
        (t, t, t, -1.5) for t in texts
    ]
    for name, count in (("table.csv", len(rows)), ("costs.csv", len(costs))):
        written = list(csv.reader(io.StringIO(files[name], newline="")))
        assert len(written) == count + 1
        for line in written[1:]:
            for cell in line:
                number = re.fullmatch(r"-?\d+(\.\d+)?", cell)
                assert number or not re.match(r"\s*[=+\-@\uff1d]|[\t\r\n]", cell), cell


def test_pandas_reads_the_texts_and_numbers_that_were_written(tmp_path):
    texts = ["=1+1", "'=1", "-x", "@SUM(A1)", "it's", "\tx"]
    rows, _, _, files = stored(texts)
    (tmp_path / "table.csv").write_text(files["table.csv"], encoding="utf-8", newline="")
    table = load(tmp_path)
    assert table.label.tolist() == texts
    assert table.value.tolist() == [row.value for row in rows]
    raw = pandas.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert raw.label.tolist() == ["'=1+1", "''=1", "'-x", "'@SUM(A1)", "it's", "'\tx"]


def test_what_a_command_writes_as_csv_is_no_formula_either():
    cells = {"=id": "=HYPERLINK(1)", "error_km": -1.5, "explanation": "a\r\nb\x1b[31m", "n": 3}
    text = lines.as_csv([lines.line(cells)])
    head, body = csv.reader(io.StringIO(text, newline=""))
    assert head == ["'=id", "error_km", "explanation", "n"]
    assert body == ["'=HYPERLINK(1)", "-1.5", r"a\r\nb\x1b[31m", "3"]


def test_in_the_tables_of_a_board_no_text_ends_a_line_or_moves_a_cursor():
    odd = "a\nb\x1b[31m\u202e\u200f"
    cost = Cost("b", "p", odd, "m", 0, "cpu", odd, odd, 1.0)
    found = tables.Tables([row(odd, slice=TEXT, note=TEXT), row("plain")], [], [cost], [])
    clean = in_one_line_each(found)
    assert clean.rows[0].slice == clean.rows[0].note == clean.costs[0].unit
    assert clean.rows[0].slice == r"a\nb\x1b[31m\u202e\u200f"
    assert clean.rows[1] == found.rows[1]
    for kind, rows in ((Row, clean.rows), (Cost, clean.costs)):
        for each in rows:
            texts = [getattr(each, f.name) for f in fields(kind)]
            assert all(t.isprintable() for t in texts if isinstance(t, str))
