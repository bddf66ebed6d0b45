"""Parquet files: what each kind of column becomes, and files that are no good."""

import datetime
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from geobench import ConfigError, DataError
from geobench_basics.columns import read_columns
from geobench_basics.datasets.table import TableDataset
from geobench_basics.datasets.table_config import TableConfig
from geobench_basics.methods.answers import read_answers

PLACES = {"id": ["a", "b"], "lat": [1.0, 2.0], "lon": [3.0, 4.0]}
UUIDS = [uuid.UUID(int=5), uuid.UUID("12345678-9abc-def0-1234-56789abcdef0")]
COUNTING = pa.proxy_memory_pool(pa.default_memory_pool())  # it has to outlive what it allocates
WKB = [b"\x01\x01\x00\x00\x00" + bytes([200 + n]) * 16 for n in range(2)]


def written(folder, **columns):
    file = folder / "photos.parquet"
    pyarrow.parquet.write_table(pa.table(PLACES | columns), file)
    return file


def table(folder, *, config=None, **columns):
    return TableDataset(TableConfig(file=written(folder, **columns), **(config or {}))).table


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array(WKB), "binary"),
        (pa.array(WKB, pa.large_binary()), "binary"),
        (pa.array(WKB, pa.binary_view()), "binary"),
        (pa.array([b"\xff" * 16, None], pa.binary(16)), "binary"),
        (pa.array(WKB).dictionary_encode(), "dictionary"),
        (pa.array([{"a": 1}, None]), "struct"),
        (pa.array([[1], None]), "list"),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), "fixed_size_list"),
        (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())), "map"),
        (
            pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((2, 2, 2))),
            "extension",
        ),
    ],
)
def test_columns_that_hold_neither_text_nor_numbers_are_left_out_and_named(
    tmp_path, column, kind, caplog
):
    found = table(tmp_path, odd=column, country=["NA", "DE"])
    assert list(found.attributes) == ["country"]
    assert f"neither text nor numbers: odd ({kind})" in caplog.text
    read_answers(tmp_path / "photos.parquet")
    for key, config in [("attributes", ["odd"]), ("sliced", ["odd"]), ("group_column", "odd")]:
        with pytest.raises(ConfigError, match=f"{key} says 'odd', a column of {kind}"):
            table(tmp_path, odd=column, config={key: config})


@pytest.mark.parametrize("encode", [lambda a: a, lambda a: a.dictionary_encode()])
def test_text_that_is_no_utf_8_is_left_out_and_named(tmp_path, encode, caplog):
    latin = pa.array(["Zürich".encode("latin-1"), b"x"]).view(pa.string())
    assert table(tmp_path, town=encode(latin)).attributes == {}
    assert "town (text that is no UTF-8)" in caplog.text
    with pytest.raises(ConfigError, match=r"column id, .*: it holds text that is no UTF-8"):
        table(tmp_path, id=encode(latin))
    with pytest.raises(ConfigError, match=r"column id, .*: it holds text that is no UTF-8"):
        read_answers(tmp_path / "photos.parquet")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([u.bytes for u in UUIDS], pa.uuid()), [str(u) for u in UUIDS]),
        (pa.array([UUIDS[0].bytes, None], pa.uuid()), [str(UUIDS[0]), ""]),
        (pa.array(["{}", None], pa.json_()), ["{}", ""]),
        (pa.array(["a", None], pa.string_view()), ["a", ""]),
        (pa.array(["a", None], pa.large_string()), ["a", ""]),
        (pa.array([b"as Spark writes it", None]), ["as Spark writes it", ""]),
        (pa.array([datetime.date(2020, 1, 2), None]), ["2020-01-02", ""]),
        (pa.array([datetime.time(1, 2), None], pa.time32("s")), ["01:02:00.000", ""]),
        (pa.array([True, None]), ["true", ""]),
        (pa.nulls(2), ["", ""]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([2**63, 1], pa.uint64()), [str(2**63), "1"]),
    ],
)
def test_columns_that_have_a_text_are_attributes(tmp_path, column, values):
    assert table(tmp_path, odd=column).attributes["odd"].tolist() == values


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5, None], pa.float16()),
        pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)),
        pa.array([Decimal("1.5"), None], pa.decimal256(60, 2)),
        pa.array(["1.5", None]).dictionary_encode(),
        pa.array(["1.5", "NA"], pa.large_string()),
    ],
)
def test_columns_of_numbers_are_numbers_as_coordinates_too(tmp_path, column):
    np.testing.assert_array_equal(table(tmp_path, odd=column).attributes["odd"], [1.5, np.nan])
    found = table(tmp_path, lat=column)
    assert found.points.tolist() == [[1.5, 3]]
    assert found.broken == {"coordinates that are no numbers": 1}


def test_the_first_row_that_cannot_be_read_is_shown_by_its_number(tmp_path, caplog):
    table(tmp_path, lat=["1", "here"])
    assert "(first: row 2, id 'b', at here, 4.0)" in caplog.text


@pytest.mark.parametrize(
    "column", [pa.array([1, 2], pa.date32()), pa.nulls(2), pa.array(["x", ""])]
)
def test_coordinates_of_which_none_is_a_number_are_an_error(tmp_path, column):
    with pytest.raises(DataError, match="2 coordinates that are no numbers"):
        table(tmp_path, lat=column)


def test_a_role_whose_column_holds_neither_text_nor_numbers_says_so(tmp_path):
    with pytest.raises(
        ConfigError, match=r"column lat, the latitude, cannot be used: it holds binary.*lat_column"
    ):
        table(tmp_path, lat=WKB)
    with pytest.raises(
        ConfigError, match=r"column id, the photos' ids, cannot be used: it holds list.*id_column"
    ):
        table(tmp_path, id=[[1], [2]])


def test_pictures_in_a_column_are_not_read_to_see_that_they_are_no_text(tmp_path):
    picture = b"\xff\xd8" + bytes(1 << 18)
    file = tmp_path / "photos.parquet"
    count = 200
    content = {
        "id": [f"p{n}" for n in range(count)],
        "lat": [1.0] * count,
        "lon": [2.0] * count,
        "picture_bytes": [picture] * count,
    }
    options = {"use_dictionary": False, "compression": "none", "write_batch_size": 8}
    pyarrow.parquet.write_table(pa.table(content), file, **options)
    usual = pa.default_memory_pool()
    pa.set_memory_pool(COUNTING)
    try:
        found = read_columns(file)
    finally:
        pa.set_memory_pool(usual)
    assert found.left_out == {"picture_bytes": "binary"}
    assert (COUNTING.max_memory() or 0) < file.stat().st_size / 4


def test_pandas_index_columns_are_no_attributes_and_ids_only_where_they_are_names(tmp_path):
    assert table(tmp_path, __index_level_0__=[5, 6], **{"Unnamed: 0": [0, 1]}).attributes == {}
    file = tmp_path / "named.parquet"
    content = {"lat": [1.0], "lon": [2.0], "__index_level_0__": ["x"]}
    pyarrow.parquet.write_table(pa.table(content), file)
    assert TableDataset(TableConfig(file=file)).table.ids.tolist() == ["x"]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda content: b"", "does not begin with PAR1"),
        (lambda content: b"id,lat,lon\na,1,2\n", "does not begin with PAR1.*name it .csv"),
        (lambda content: b"PAR1", "cannot be read"),
        (lambda content: content[:-20], "cannot be read"),
        (lambda content: content[:100] + content[120:], "cannot be read"),
        (lambda content: b"PARE" + content[4:-4] + b"PARE", "is encrypted"),
        (lambda content: content[:-4] + b"PARE", "cannot be read: .*encrypted"),
    ],
)
def test_a_file_that_is_damaged_or_no_parquet_is_one_sentence(tmp_path, damage, problem):
    file = written(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    for read in (read_columns, read_answers):
        with pytest.raises(DataError, match=problem) as caught:
            read(file)
        assert "\n" not in str(caught.value)


def test_a_file_without_rows_or_columns_is_one_sentence(tmp_path):
    none = {name: pa.array([], pa.string()) for name in PLACES}
    with pytest.raises(DataError, match="none of 0 rows"):
        table(tmp_path, **none, odd=pa.array([], pa.binary()))
    assert read_answers(tmp_path / "photos.parquet").ids.tolist() == []
    pyarrow.parquet.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(DataError, match="has no columns"):
        read_columns(tmp_path / "none.parquet")


def test_names_that_repeat_are_an_error_that_names_them(tmp_path):
    content = pa.table([pa.array(["a"]), pa.array(["b"])], names=["x", "x"])
    pyarrow.parquet.write_table(content, tmp_path / "twice.parquet")
    with pytest.raises(DataError, match="columns repeat: x"):
        read_columns(tmp_path / "twice.parquet")


def test_parquet_is_known_by_its_content_whatever_its_name(tmp_path):
    file = written(tmp_path).rename(tmp_path / "photos.csv")
    assert TableDataset(TableConfig(file=file)).table.ids.tolist() == ["a", "b"]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(38, 0)])
@pytest.mark.parametrize("encode", [lambda a: a, lambda a: a.dictionary_encode()])
def test_whole_numbers_beyond_those_of_floats_stay_exact_where_some_are_missing(
    tmp_path, kind, encode
):
    column = encode(pa.array([2**53 + 1, None], kind))
    assert table(tmp_path, osm=column).attributes["osm"].tolist() == [str(2**53 + 1), ""]
    places = {"id": ["a", "b", "c"], "lat": [1.0, 2.0, 3.0], "lon": [4.0, 5.0, 6.0]}
    lat = encode(pa.array([2**53 + 1, None, 7], kind))
    found = table(tmp_path, **(places | {"lat": lat}))
    assert found.points.tolist() == [[7, 6]]
    assert found.broken == {"coordinates that are no numbers": 1, "coordinates off the globe": 1}
    read_answers(tmp_path / "photos.parquet")


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_an_infinite_number_is_a_missing_one_and_counted(tmp_path, kind, caplog):
    column = pa.array([np.float16(np.inf), np.float16(1.5)], kind)
    np.testing.assert_array_equal(table(tmp_path, v=column).attributes["v"], [np.nan, 1.5])
    assert "1 infinite numbers of v are missing ones" in caplog.text


@pytest.mark.parametrize(("kind", "bits"), [("float16", 11), ("float32", 24), ("float64", 53)])
def test_ids_held_as_floats_are_refused_where_whole_numbers_are_not_exact(tmp_path, kind, bits):
    below = pa.array(np.array([2**bits - 1, 5], kind))
    assert table(tmp_path, id=below).ids.tolist() == [str(2**bits - 1), "5"]
    for beyond in (2**bits, -(2**bits)):
        ids = pa.array(np.array([beyond, 5], kind))
        with pytest.raises(DataError, match=rf"column id: .*beyond 2\^{bits}, whose last digits"):
            table(tmp_path, id=ids)
        with pytest.raises(DataError, match=rf"beyond 2\^{bits}"):
            read_answers(tmp_path / "photos.parquet")
    with pytest.raises(DataError, match=r"column id: .*infinite numbers \(1 of 2\)"):
        table(tmp_path, id=pa.array(np.array([np.inf, 5], kind)))


def test_a_column_whose_name_is_no_utf_8_is_one_sentence(tmp_path):
    file = written(tmp_path, breite=[1, 2])
    damaged = file.read_bytes().replace(b"breite", b"br\xacite")
    file.write_bytes(damaged)
    with pytest.raises(DataError, match="cannot be read"):
        read_columns(file)
