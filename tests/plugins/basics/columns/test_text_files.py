"""Text files as they come from spreadsheets, R, pandas, old Macs and cut downloads: read as they
are meant, or refused by a sentence that names the line."""

import bz2
import csv
import gzip
import io
import os
import time
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from geobench import ConfigError, DataError, Strings
from geobench_basics.columns import TRUE_PLACE, contents, read_columns
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.methods.answers import read_answers

PLAIN = "id,lat,lon,zip\n007,1,2,01067\n12e4,3,4,00120\n"


def written(folder, content, name="photos.csv"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def table(folder, content, name="photos.csv", **config):
    return TableDataset(TableConfig(file=written(folder, content, name), **config)).table


def packed_by_zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


@pytest.mark.parametrize(
    "before",
    [
        *["\n", "\n\n", "  \n\n", "\ufeff", "\ufeff\n", "# made by hand\n", "#\n# a, b\n\n"],
        *["My photos\n", "Photos, and where, they, were\n", "Photos,,,\n", "# a\nMy photos\n"],
        *["\r\n", "\r", "sep=,\n", '"sep=,"\n', "\n# columns: id, lat, lon, zip\n"],
    ],
)
def test_ids_stay_as_written_whatever_stands_above_the_header(tmp_path, before):
    found = table(tmp_path, before + PLAIN)
    assert found.ids.tolist() == ["007", "12e4"]
    assert found.points.tolist() == [[1, 2], [3, 4]]
    assert found.attributes["zip"].tolist() == ["01067", "00120"]
    assert read_answers(tmp_path / "photos.csv").ids.tolist() == ["007", "12e4"]


def test_lines_above_the_header_are_counted_in_the_log(tmp_path, caplog):
    table(tmp_path, "# by me\nMy photos\n\n" + PLAIN)
    assert "2 lines are no rows: above the header (first: '# by me')" in caplog.text
    caplog.clear()
    table(tmp_path, "sep=,\n\n" + PLAIN)
    assert caplog.text == ""


def test_a_header_in_a_comment_is_the_header_where_there_is_no_other(tmp_path):
    assert table(tmp_path, "# id, lat, lon\na,1,2\nb,3,4\n").ids.tolist() == ["a", "b"]


def test_a_header_of_unusual_names_is_the_first_line_that_has_as_many_values(tmp_path):
    text = "Photos\nname,breite,laenge\na,1,2\nb,3,4\n"
    config = {"id_column": "name", "lat_column": "breite", "lon_column": "laenge"}
    assert table(tmp_path, text, **config).points.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n", "\n\n", "\r\n\n"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_every_line_end_and_delimiter_reads_the_same(tmp_path, end, delimiter):
    found = table(tmp_path, PLAIN.replace("\n", end).replace(",", delimiter))
    assert found.ids.tolist() == ["007", "12e4"]
    assert found.attributes["zip"].tolist() == ["01067", "00120"]


def test_lines_that_end_in_different_ways_are_all_rows(tmp_path):
    found = table(tmp_path, "id,lat,lon\r\na,1,2\nb,3,4\rc,5,6\r\n")
    assert found.ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_unicode_encoding_is_read(tmp_path, encoding):
    found = table(tmp_path, (PLAIN + "Zürich,5,6,ø\n").encode(encoding))
    assert found.ids.tolist() == ["007", "12e4", "Zürich"]


def test_text_that_is_no_utf_8_is_refused_with_its_line_and_the_command_that_helps(tmp_path):
    latin = (PLAIN + "x,1,2,y\nZürich,5,6,7\n").encode("latin-1")
    with pytest.raises(DataError, match=r"line 5: byte 0xfc is no UTF-8.*iconv"):
        table(tmp_path, latin)
    with pytest.raises(DataError, match=r"line 1: byte 0xf6 is no UTF-8"):
        table(tmp_path, "id,lat,lon,größe\na,1,2,3\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"line 4: byte 0xfc is no UTF-8"):
        table(tmp_path, (PLAIN + "Zürich,too,few\n").encode("latin-1"))
    with pytest.raises(DataError, match="begins as UTF-16, and is damaged"):
        table(tmp_path, PLAIN.encode("utf-16")[:-1])


@pytest.mark.parametrize(
    ("ending", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", packed_by_zstd)],
)
def test_packed_files_are_read_and_cut_ones_refused(tmp_path, ending, pack):
    assert table(tmp_path, pack(PLAIN.encode()), "a.csv" + ending).ids.tolist() == ["007", "12e4"]
    # By the content: a browser may have taken the ending off.
    assert table(tmp_path, pack(PLAIN.encode()), "a.csv").ids.tolist() == ["007", "12e4"]
    long = PLAIN + "".join(f"p{n},{n % 80},{n % 170},{n * 7919 % 104729}\n" for n in range(5000))
    with pytest.raises(DataError, match=r"a\.csv.*cannot be read: .*is whole"):
        table(tmp_path, pack(long.encode())[:-40], "a.csv" + ending)
    with pytest.raises(DataError, match=f"Take {ending} off its name"):
        table(tmp_path, PLAIN, "a.csv" + ending)


def test_packed_files_laid_end_to_end_are_one(tmp_path):
    both = gzip.compress(PLAIN.encode()) + gzip.compress(b"z,5,6,7\n")
    assert table(tmp_path, both, "a.csv.gz").ids.tolist() == ["007", "12e4", "z"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04" + bytes(60), "an Excel sheet"),
        (b"\xfd7zXZ\0", "packed by xz"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'{"id": 1}', "JSON"),
        (b'\n[{"id": 1}]', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (gzip.compress(b"PAR1" + bytes(60), mtime=0), "packed once more"),
        (b"", "Give a header"),
        (b"\n \n", "Give a header"),
        (b"\xef\xbb\xbf", "Give a header"),
    ],
)
def test_a_file_that_is_something_else_is_told_what_it_is(tmp_path, content, what):
    for read in (read_columns, read_answers):
        with pytest.raises(DataError, match=what):
            read(written(tmp_path, content))


def test_stray_quotes_between_tabs_are_characters(tmp_path):
    text = (
        'id\tlat\tlon\ttitle\n1\t48\t2\t"Best view\n2\t3\t4\tplain\n3\t5\t6\tend"\n4\t7\t8\t5" x\n'
    )
    found = table(tmp_path, text, "photos.tsv")
    assert found.ids.tolist() == ["1", "2", "3", "4"]
    assert found.attributes["title"].tolist() == ['"Best view', "plain", 'end"', '5" x']


def test_values_that_r_or_pandas_enclosed_between_tabs_lose_their_quotes(tmp_path):
    text = '"id"\t"lat"\t"lon"\t"title"\n"a"\t1\t2\t"say ""hi"""\n"b"\t3\t4\t""\n'
    found = table(tmp_path, text, "photos.tsv")
    assert found.ids.tolist() == ["a", "b"]
    assert found.attributes["title"].tolist() == ['say "hi"', ""]
    whole = 'id\ttitle\tlat\tlon\na\t"two\nlines"\t1\t2\nb\t"a\ttab"\t3\t4\n'
    found = table(tmp_path, whole, "photos.tsv")
    assert found.attributes["title"].tolist() == ["two\nlines", "a\ttab"]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ('1,48,2,"Best view\n2,3,4,plain\n3,5,6,end"\n4,7,8,last\n', 2, "looks like a row"),
        ('1,48,2,a\n2,3,4,"plain\n3,5,6,end\n4,7,8,last\n', 3, "that nothing closes"),
        ('1,48,2,a\n2,3,4,"12" print"\n3,5,6,c\n', 3, "is not doubled"),
        ('1,48,2,"Best\n2,3,4,"plain; or not"\n3,5,6,c\n', 3, "is not doubled"),
        ('1,"Best,48,2\n2,plain,3,4\n3,end",5,6\n4,x,7,8\n', 2, "looks like a row"),
        ('\n1,48,2,a\n\n2,3,4,"b\n', 5, "that nothing closes"),
    ],
)
def test_a_stray_quote_between_commas_is_refused_with_its_line(
    tmp_path, rows, line, problem, delimiter
):
    text = ("id,lat,lon,title\n" + rows).replace(",", delimiter)
    for read in (read_columns, read_answers):
        with pytest.raises(DataError, match=rf"photos\.csv, line {line}: .*{problem}"):
            read(written(tmp_path, text))


def test_a_quote_within_a_value_without_quotes_is_a_character(tmp_path):
    text = 'id,lat,lon,title\n1,48,2,12" print\n2,3,4,an "x"\n3,5,6,"a ""b"", c"\n'
    titles = table(tmp_path, text).attributes["title"].tolist()
    assert titles == ['12" print', 'an "x"', 'a "b", c']


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_in_quoted_values_are_parts_of_them(tmp_path, end):
    lines = ["id,title,lat,lon", f'a,"one{end}two, three{end}{end}# four",1,2', "b,x,3,4"]
    found = table(tmp_path, end.join(lines) + end)
    assert found.ids.tolist() == ["a", "b"]
    assert found.attributes["title"].tolist() == [f"one{end}two, three{end}{end}# four", "x"]


def test_a_header_may_have_line_ends_in_its_names(tmp_path):
    found = table(tmp_path, '"id","lat","lon","what\nis seen"\na,1,2,b\n')
    assert list(found.attributes) == ["what\nis seen"]


def test_a_long_text_in_a_row_that_might_be_the_header_is_read(tmp_path):
    text = f"name,breite,laenge,text\na,1,2,{'x' * 200_000}\nb,3,4,y\n"
    config = {"id_column": "name", "lat_column": "breite", "lon_column": "laenge"}
    assert table(tmp_path, text, **config).ids.tolist() == ["a", "b"]


def test_a_file_of_ten_thousand_columns_takes_seconds(tmp_path):
    names = ",".join(f"feature_{n}" for n in range(10_000))
    values = ",".join("0" for _ in range(10_000))
    started = time.process_time()
    found = read_columns(written(tmp_path, f"id,lat,lon,{names}\na,1,2,{values}\n"))
    assert found.place(TRUE_PLACE, lat=None, lon=None) == ("lat", "lon")
    assert len(found.columns) == 10_003
    assert time.process_time() - started < 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="Write its content to a file"):
        read_columns(tmp_path / "pipe.csv")


texts = st.text(st.sampled_from('a",;\t\n\r #é-1'), max_size=6).map(str.strip)


lines = st.lists(st.sampled_from(["a", "1 b", "", "é 2", '"']), min_size=4, max_size=4)
explanations = st.lists(lines.map(",".join), max_size=3).map(lambda found: "\n".join(["?", *found]))


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(explanations, min_size=1, max_size=8), first=st.booleans())
def test_explanations_of_several_lines_are_read_as_they_were(tmp_path_factory, rows, first):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["why", "id", "lat", "lon"] if first else ["id", "lat", "lon", "why"])
    for number, why in enumerate(rows):
        row = [f"p{number}", 1.5, 2.5]
        writer.writerow([why, *row] if first else [*row, why])
    found = table(tmp_path_factory.getbasetemp(), stream.getvalue(), "made.csv")
    assert found.ids.tolist() == [f"p{number}" for number in range(len(rows))]


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(texts, texts), min_size=1, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    delimiter=st.sampled_from([",", ";"]),
)
def test_what_another_program_writes_is_read_as_it_was(tmp_path_factory, rows, quoting, delimiter):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=quoting, delimiter=delimiter)
    writer.writerow(["id", "lat", "lon", "first", "last"])
    writer.writerows([f"p{n}", 1.5, 2.5, *row] for n, row in enumerate(rows))
    file = written(tmp_path_factory.getbasetemp(), stream.getvalue(), "made.csv")
    found = read_columns(file)
    assert found.rows == len(rows)
    for number, name in enumerate(("first", "last")):
        assert found.strings(name).to_pylist() == [row[number] for row in rows]


CLUES = [
    "Clues:\nroad signs, red soil, palm trees, left traffic",
    "a, b, c\nd, e, f, g\nh, i, j, k",
    "1, 2, 3, 4\nsigns, of, 3, kinds",
    "\n, , , ",
    "a\nb, c, 1990, d",
    "seen: 12, 13, none\n3, signs, 4, poles",
]


@pytest.mark.parametrize("clues", CLUES)
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("column", [0, 1, 3])
def test_lines_of_a_quoted_value_that_only_have_as_many_commas_as_rows_are_no_rows(
    tmp_path, clues, column, delimiter
):
    clues = clues.replace(",", delimiter)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    for row in (["id", "lat", "lon"], ["a", 1, 2], ["b", "", 4], ["c", "", ""]):
        row.insert(column, "why" if row[0] == "id" else clues)
        writer.writerow(row)
    file = written(tmp_path, stream.getvalue())
    assert read_columns(file).strings("why").to_pylist() == [clues.strip()] * 3
    assert read_answers(file).ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "rows",
    [
        'a,NA,NA,"Best\nb,1,2,x\nc,3,4,end"\n',
        'a,,,"Best\nb,1,2,x\nc,3,4,end"\n',
        'a,1,2,"Best\nb,NA,NA,x\nc,3,4,end"\n',
        'a,1,2,"Best\nb,3,4,end"\n',
        'a,1,2,"Best\nb,3,4,"\nc,5,6,x\n',
    ],
)
def test_rows_that_a_quote_has_swallowed_are_seen_where_some_have_no_place(tmp_path, rows):
    for read in (read_columns, read_answers):
        with pytest.raises(DataError, match=r"line 2: .*looks like a row"):
            read(written(tmp_path, "id,lat,lon,title\n" + rows))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_are_read_where_commas_stand_between_no_values(tmp_path, delimiter):
    text = "id;lat;lon;height;note\na;48,85;-2,5;12,5;1,2,3\nb;-1,25;3;7;x\n"
    found = table(tmp_path, text.replace(";", delimiter))
    assert found.points.tolist() == [[48.85, -2.5], [-1.25, 3]]
    assert found.attributes["height"].tolist() == [12.5, 7]
    assert found.attributes["note"].tolist() == ["1,2,3", "x"]
    assert read_answers(tmp_path / "photos.csv").points.tolist() == [[48.85, -2.5], [-1.25, 3]]


@pytest.mark.parametrize(
    ("rows", "points"),
    [
        ('a,"48,1","2,5"\nb,"-0,25","7"\n', [[48.1, 2.5], [-0.25, 7]]),
        ('a,"48,125","2,351"\n', [[48.125, 2.351]]),
        ('a,"48,125",2\nb,"1,5",3.5\n', [[48.125, 2], [1.5, 3.5]]),
        ('"a","48,1","2,5"\n"b",48," 3,5 "\n', [[48.1, 2.5], [48, 3.5]]),
    ],
)
def test_quoted_decimal_commas_are_read_where_commas_stand_between_values(tmp_path, rows, points):
    assert table(tmp_path, "id,lat,lon\n" + rows).points.tolist() == points
    assert read_answers(tmp_path / "photos.csv").points.tolist() == points
    content = list(csv.reader(io.StringIO(rows)))
    columns = dict(zip(("id", "lat", "lon"), zip(*content, strict=True), strict=True))
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "text.parquet")
    read = TableDataset(TableConfig(file=tmp_path / "text.parquet"))
    assert read.table.points.tolist() == points


def test_numbers_beside_quoted_decimal_commas_have_them_too(tmp_path):
    text = 'id,lat,lon,height,n\na,"48,1","2,5","12,5",1\nb,"3,4","5,6",7,2\n'
    found = table(tmp_path, text).attributes
    assert found["height"].tolist() == [12.5, 7]
    assert found["n"].tolist() == [1, 2]


def test_a_comma_that_may_divide_thousands_is_no_decimal_one_beside_points(tmp_path):
    found = read_columns(written(tmp_path, 'id,lat,lon,cost\na,1.5,2.5,"1,250"\nb,3,4,2\n'))
    np.testing.assert_array_equal(found.numbers("cost"), [np.nan, 2])


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_commas_are_no_decimal_ones_where_coordinates_have_points(tmp_path, delimiter):
    text = "id;lat;lon;names;real\na;1.5;2.5;1,2;0.5\nb;3.5;4;3,4;7\n".replace(";", delimiter)
    found = table(tmp_path, text).attributes
    assert found["names"].tolist() == ["1,2", "3,4"]
    assert found["real"].tolist() == [0.5, 7]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_column_with_points_stays_text_where_coordinates_have_commas(tmp_path, delimiter):
    text = "id;lat;lon;t;u\na;1,5;2,5;1.000;1.5\nb;3,5;4,5;2.500;2,5\n".replace(";", delimiter)
    found = table(tmp_path, text).attributes
    assert found["t"].tolist() == ["1.000", "2.500"]
    assert found["u"].tolist() == ["1.5", "2,5"]


def test_beside_whole_coordinates_and_semicolons_a_column_says_itself_what_its_mark_is(tmp_path):
    text = "id;lat;lon;comma;point;both\na;1;2;1,5;1.5;1.5\nb;3;4;2;2;2,5\n"
    found = table(tmp_path, text).attributes
    assert found["comma"].tolist() == found["point"].tolist() == [1.5, 2]
    assert found["both"].tolist() == ["1.5", "2,5"]


@pytest.mark.parametrize("word", ["inf", "-inf", "Inf", "+INF", "Infinity", "-infinity"])
def test_an_infinite_number_is_a_missing_one_and_counted(tmp_path, word, caplog):
    text = f"id,lat,lon,real,whole,words\na,1,2,{word},{word},{word}\nb,3,4,1.5,7,x\n"
    found = table(tmp_path, text).attributes
    np.testing.assert_array_equal(found["real"], [np.nan, 1.5])
    np.testing.assert_array_equal(found["whole"], [np.nan, 7])
    assert found["words"].tolist() == [word, "x"]
    assert "1 infinite numbers of real are missing ones" in caplog.text
    assert "of words" not in caplog.text


def test_ids_with_commas_are_no_numbers(tmp_path):
    assert table(tmp_path, "id;lat;lon\n1,5;2;3\n2,50;4;5\n").ids.tolist() == ["1,5", "2,50"]


def test_index_columns_of_pandas_and_r_are_no_attributes(tmp_path):
    plain = TableDataset(TableConfig(file=written(tmp_path, "id,lat,lon\na,1,2\nb,3,4\n", "p.csv")))
    for number, text in enumerate(
        [
            ",id,lat,lon\n0,a,1,2\n1,b,3,4\n",
            '"","id","lat","lon"\n"1","a",1,2\n"2","b",3,4\n',
            "Unnamed: 0,id,lat,lon\n0,a,1,2\n1,b,3,4\n",
            "Unnamed: 0.1,Unnamed: 0,id,lat,lon\n5,0,a,1,2\n3,1,b,3,4\n",
            ",Unnamed: 0,id,lat,lon\n5,0,a,1,2\n3,1,b,3,4\n",
            '"id","lat","lon"\n"1","a",1,2\n"2","b",3,4\n',  # R: one name less than values
            "id,lat,lon\na,1,2,\nb,3,4,\n",  # a delimiter at the end
            "id\tlat\tlon\n1\ta\t1\t2\n2\tb\t3\t4\n",
            "id lat lon\n1 a 1 2\n2 b 3 4\n",
            "X.1,X,id,lat,lon\n1,1,a,1,2\n2,2,b,3,4\n",  # R has read and written it again
            "...1,id,lat,lon\n1,a,1,2\n2,b,3,4\n",
            "index,id,lat,lon\n0,a,1,2\n1,b,3,4\n",  # pandas: reset_index()
            "index,id,lat,lon\n1,a,1,2\n2,b,3,4\n",
            "level_0,index,id,lat,lon\n0,0,a,1,2\n1,1,b,3,4\n",
            ",index,id,lat,lon\n5,0,a,1,2\n3,1,b,3,4\n",
        ]
    ):
        file = written(tmp_path, text, f"{number}.csv")
        dataset = TableDataset(TableConfig(file=file))
        assert dataset.table.attributes == {}
        assert dataset.digest == plain.digest


def test_an_index_that_the_user_named_or_that_numbers_nothing_stays(tmp_path):
    for text in (
        "number,id,lat,lon\n0,a,1,2\n1,b,3,4\n",
        "index,id,lat,lon\n5,a,1,2\n6,b,3,4\n",
        "index,id,lat,lon\n0,a,1,2\n2,b,3,4\n",
        "index,id,lat,lon\nx,a,1,2\ny,b,3,4\n",
        "id,index,lat,lon\na,0,1,2\nb,1,3,4\n",
        "X,id,lat,lon\n0,a,1,2\n1,b,3,4\n",
    ):
        assert len(table(tmp_path, text).attributes) == 1
    text = "index,id,lat,lon\n0,a,1,2\n1,b,3,4\n"
    assert list(table(tmp_path, text, attributes=["index"]).attributes) == ["index"]
    assert list(table(tmp_path, "X,id,lat,lon\n5,a,1,2\n2,b,3,4\n").attributes) == ["X"]
    text = "Unnamed: 0,id,lat,lon\n0,a,1,2\n1,b,3,4\n"
    assert list(table(tmp_path, text, attributes=["unnamed: 0"]).attributes) == ["Unnamed: 0"]
    text = "Unnamed: 3,id,lat,lon\nx,a,1,2\nx,b,3,4\n"  # a spreadsheet's column without a name
    assert list(table(tmp_path, text).attributes) == ["Unnamed: 3"]


def test_row_names_are_the_ids_where_there_are_no_others(tmp_path):
    text = '"lat","lon"\n"p1",1,2\n"p2",3,4\n'
    assert table(tmp_path, text).ids.tolist() == ["p1", "p2"]
    assert read_answers(tmp_path / "photos.csv").ids.tolist() == ["p1", "p2"]
    with pytest.raises(ConfigError, match=r"id_column; the columns are: lat, lon"):
        table(tmp_path, ",lat,lon\n0,1,2\n1,3,4\n")


MISSING = ["NA", "N/A", "n/a", "null", "NULL", "None", "nan", "NaN", "<NA>", "-", " NA ", ""]


@pytest.mark.parametrize("missing", MISSING)
def test_what_stands_for_nothing_among_numbers_is_a_missing_number(tmp_path, missing):
    text = f"id,lat,lon,whole,real\na,1,2,3,0.5\nb,3,4,{missing},{missing}\nc,{missing},4,5,6\n"
    found = table(tmp_path, text)
    np.testing.assert_array_equal(found.attributes["whole"], [3, np.nan])
    np.testing.assert_array_equal(found.attributes["real"], [0.5, np.nan])
    assert found.broken == {"coordinates that are no numbers": 1}


def test_words_for_nothing_alone_or_among_words_stay_words(tmp_path):
    found = table(tmp_path, "id,lat,lon,country,code\na,1,2,NA,NA\nb,3,4,DE,NA\n").attributes
    assert found["country"].tolist() == ["NA", "DE"]
    assert found["code"].tolist() == ["NA", "NA"]


@pytest.mark.parametrize("footer", ["# 200 rows\n", "   \n", "\n# a\n# b,c\n"])
def test_comments_and_empty_lines_are_no_rows(tmp_path, footer):
    found = table(tmp_path, PLAIN + footer + "z,5,6,7\n" + footer)
    assert found.ids.tolist() == ["007", "12e4", "z"]
    assert (found.promised, found.broken) == (3, {})


@pytest.mark.parametrize("footer", ["Total,2\n", "(2 rows)\n", "Total: 2", "z,5,"])
def test_lines_below_all_rows_with_fewer_values_are_left_out_and_counted(tmp_path, footer, caplog):
    found = table(tmp_path, "\n" + PLAIN + footer)
    assert found.ids.tolist() == ["007", "12e4"]
    assert (found.promised, found.broken) == (3, {"fewer values than the header": 1})
    assert f"(first: line 5: '{footer.strip()}')" in caplog.text
    caplog.clear()
    assert read_answers(tmp_path / "photos.csv").ids.tolist() == ["007", "12e4"]
    assert f"(first: line 5: '{footer.strip()}')" in caplog.text


@pytest.mark.parametrize(
    ("rows", "line", "values"),
    [("a,1\nb,3,4,5\n", 4, 2), ("a,1,2,3,4\nb,3,4,5\n", 4, 5), ("\na,1,2,3\nb,3,4,5,6\n", 6, 5)],
)
def test_a_line_with_another_number_of_values_is_refused_with_its_line(
    tmp_path, rows, line, values
):
    for read in (read_columns, read_answers):
        with pytest.raises(
            DataError, match=rf"line {line}: there are {values} values where the header has 4"
        ):
            read(written(tmp_path, PLAIN + rows))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id,lat,lon\na,1,2\nb,x,2\nc,y,3\n", 3),
        ("# c\n\nid,lat,lon\r\na,1,2\r\n\r\nb,x,2\r\n", 6),
        ('id,t,lat,lon\na,"1\n2\n3",1,2\nb,x,y,2\n', 5),
        ("id,lat,lon\n# c\n   \na,1,2\n# d\nb,,2\n", 6),
        ("id\tlat\tlon\na\t1\t2\n\nb\tx\t2\n", 4),
    ],
)
def test_the_first_value_that_cannot_be_read_is_shown_with_its_line(tmp_path, text, line, caplog):
    found = table(tmp_path, text)
    assert found.broken["coordinates that are no numbers"] >= 1
    assert f"(first: line {line}, id 'b', at " in caplog.text


def test_one_very_long_text_takes_the_memory_of_its_characters(tmp_path):
    rows = "".join(f"p{n},1,2,short\n" for n in range(20_000))
    file = written(tmp_path, f"id,lat,lon,text\nlong,1,2,{'x' * 3_000_000}\n{rows}")
    found = TableDataset(TableConfig(file=file)).table
    assert len(found) == 20_001
    assert isinstance(found.attributes["text"], Strings)
    assert len(found.attributes["text"][0]) == 3_000_000


def test_an_id_too_long_to_name_a_photo_is_left_out_of_a_table_and_refused_in_answers(tmp_path):
    rows = "".join(f"p{n},1,2\n" for n in range(20_000))
    text = f"id,lat,lon\na,1,2\n{'x' * 100_000},1,2\n{rows}"
    found = table(tmp_path, text)
    assert found.broken == {"id of over 1,024 characters": 1}
    assert found.ids.nbytes < 1_000_000
    with pytest.raises(DataError, match=r"1 values of the column id .*the first is in line 3"):
        read_answers(tmp_path / "photos.csv")


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("named", ["NFC", "NFD"])
def test_pictures_are_found_whichever_way_accents_are_stored(tmp_path, stored, named):
    images = tmp_path / "images"
    images.mkdir()
    picture = unicodedata.normalize(stored, "Zürich.png")
    PillowImage.new("RGB", (3, 1)).save(images / picture)
    photo = unicodedata.normalize(named, "Zürich")
    found = table(tmp_path, f"id,lat,lon\n{photo},1,2\nplain,3,4\n", images=images)
    assert found.ids.tolist() == [photo]
    assert found.broken == {"picture missing": 1}


def test_a_column_is_named_whichever_way_accents_are_typed(tmp_path):
    text = unicodedata.normalize("NFD", "id,Länge,lat,lon\na,5,1,2\n")
    named = unicodedata.normalize("NFC", "Länge")
    assert [a.tolist() for a in table(tmp_path, text, attributes=[named]).attributes.values()] == [
        [5]
    ]


def test_declared_whole_numbers_are_categories(tmp_path):
    rows = "".join(f"p{n},1,2,{n % 5 if n else 'NA'},{n % 4}.0,{n},{n % 3}\n" for n in range(60))
    text = f"id,lat,lon,S16_Label,scene,people,season\n{rows}"
    plain = table(tmp_path, text).attributes
    assert {str(plain[name].dtype.kind) for name in plain} <= {"i", "f"}
    sliced = ["s16_label", "scene", "people", "season"]
    found = table(tmp_path, text, sliced=sliced).attributes
    assert found["S16_Label"].tolist()[:3] == ["", "1", "2"]
    assert found["scene"].tolist()[:3] == ["0", "1", "2"]
    assert found["people"].tolist()[:3] == [0, 1, 2]  # nearly all differ: a quantity
    assert found["season"].tolist()[:3] == [0, 1, 2]  # three values are slices as they are


@pytest.mark.parametrize("count", [21, 100, 20_000])
@pytest.mark.parametrize("comment", ["# line: a, b", "# line: a, b, c, d", "#"])
def test_any_number_of_comments_may_stand_above_the_header(tmp_path, count, comment, caplog):
    found = table(tmp_path, f"{comment}\n" * count + PLAIN)
    assert found.ids.tolist() == ["007", "12e4"]
    assert f"{count} lines are no rows: above the header" in caplog.text
    config = {"id_column": "name", "lat_column": "breite", "lon_column": "laenge"}
    text = f"{comment}\n" * count + "name,breite,laenge,zip\na,1,2,3\nb,3,4,5\n"
    assert table(tmp_path, text, **config).points.tolist() == [[1, 2], [3, 4]]


def test_a_header_goes_before_a_comment_that_reads_like_one(tmp_path):
    text = "# name, lat, lon\nname,breite,laenge\na,1,2\nb,3,4\n"
    config = {"id_column": "name", "lat_column": "breite", "lon_column": "laenge"}
    assert table(tmp_path, text, **config).ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("header", ["id,lat,lon,d", "id,breite,laenge,d"])
def test_rows_of_a_megabyte_each_take_seconds(tmp_path, header):
    rows = "".join(f"p{n},{n},2,{'ab c' * 250_000}\n" for n in range(70))
    names = header.split(",")
    config = {"lat_column": names[1], "lon_column": names[2], "attributes": []}
    started = time.process_time()
    assert len(table(tmp_path, f"{header}\n{rows}", **config)) == 70
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    ("rows", "ids", "promised", "broken"),
    [
        ("#1,1,2\n#2,3,4\n3,4,5,6\n", ["3"], 3, {"fewer values than the header": 2}),
        (
            "3,4,5,6\n4,4,5,6\n#1,1,2,3,4\n#2,1,2\n",
            ["3", "4"],
            4,
            {"another number of values than the header": 2},
        ),
        ("#1,1,2,x\n#2,3,4,y\n", ["#1", "#2"], 2, {}),
        ("#1,NA,NA,x\n3,4,5,6\n", ["3"], 2, {"coordinates that are no numbers": 1}),
        ("# comment, with, three, commas\n3,4,5,6\n# a,b\n", ["3"], 1, {}),
        ("# note,,,\n3,4,5,6\n#,,,\n", ["3"], 1, {}),
        ('"# quoted",x,y,z\n3,4,5,6\n', ["3"], 2, {"coordinates that are no numbers": 1}),
        ('# "a b",c,d\n3,4,5,"6\n7"\n', ["3"], 1, {}),
    ],
)
def test_lines_that_begin_with_a_hash_are_rows_where_they_hold_coordinates(
    tmp_path, rows, ids, promised, broken
):
    found = table(tmp_path, "id,lat,lon,v\n" + rows)
    assert found.ids.tolist() == ids
    assert (found.promised, found.broken) == (promised, broken)


def test_comments_with_as_many_commas_as_rows_are_counted_and_lines_stay_right(tmp_path, caplog):
    found = table(tmp_path, "id,lat,lon\na,1,2\n# a, b, c\n# d\nb,x,3\n")
    assert (found.ids.tolist(), found.promised) == (["a"], 2)
    assert "2 lines are no rows: comments (first: line 3: '# a, b, c')" in caplog.text
    assert "(first: line 5, id 'b', at x, 3)" in caplog.text


def test_a_hash_before_rows_of_unusual_names_is_told_by_their_numbers(tmp_path):
    text = "name,breite,laenge\n#a,1,2\n#b, c, 1\nc,3,4\n"
    config = {"id_column": "name", "lat_column": "breite", "lon_column": "laenge"}
    assert table(tmp_path, text, **config).ids.tolist() == ["#a", "c"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_table_that_swells_without_end_is_not_unpacked(tmp_path, monkeypatch, pack):
    path, content = tmp_path / "a.csv", b"id,lat,lon\n" + b"a,1,2\n" * (1 << 18)
    path.write_bytes(pack(content))
    monkeypatch.setattr(contents, "_ALWAYS", 1 << 20)  # of 128 MB
    with pytest.raises(DataError, match=r"is packed by \w+ to less than 1/200 of its text.*Unp"):
        read_columns(path)
